"""Fitting the retriever's weights and the gate: on made-up examples whose answer is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evals import asking, calibrate, calibration, fusion, listwise
from evals.__main__ import main
from evals.listwise import Candidates
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language
from rag import opening
from rag.gate import KNOWN, Signals, decide
from rag.generators import Generator, QuoteLLM
from rag.retrieve import COLUMNS, Table, load_fusion
from tests.test_evals_gold import PARAGRAPHS, line, written

NEUTRAL = Signals(share=0, fused=0, cosine=0, unknown=0, apart=0)


def told(language: Language, *, answerable: bool, n: int) -> calibrate.Example:
    """An example whose reply's opening tells the truth and whose other signals are noise."""
    noise = np.random.default_rng(n).normal(size=3)
    signals = replace(NEUTRAL, share=noise[0], cosine=noise[1], opening=(1 if answerable else -1) + 0.1 * noise[2])
    return calibrate.Example(language, f"q{n}", answerable, signals)


@pytest.fixture
def examples() -> list[calibrate.Example]:
    return [told(language, answerable=n % 2 == 0, n=n) for language in LANGUAGES for n in range(60)]


def test_the_gate_learns_to_listen_to_the_signal_that_tells(examples: list[calibrate.Example]) -> None:
    for fit in calibrate.fit(examples, "opening").values():
        assert fit.auc == pytest.approx(1.0)
        assert fit.refusal_recall > 0.9
        assert fit.over_refusal < 0.1
        weights = dict(zip(calibrate.NAMES, fit.weights[1:], strict=True))
        assert max(weights, key=lambda name: weights[name]) == "opening"


def test_an_answer_is_refused_where_both_are_expected_to_cost_alike_whatever_the_sample_holds() -> None:
    """A wrong refusal costs 1.25 of a wrong answer: at 4/9, of questions of which half are answered."""
    uneven = [told(language, answerable=n % 4 > 0, n=n) for language in LANGUAGES for n in range(80)]
    for language, fit in calibrate.fit(uneven, "opening").items():
        assert fit.threshold == pytest.approx(4 / 9)
        assert decide(NEUTRAL, language, "opening").threshold == pytest.approx(4 / 9, abs=1e-4), (
            "which is what is shipped"
        )


def test_what_is_too_rare_for_a_regression_weighs_what_counts_say(examples: list[calibrate.Example]) -> None:
    for moment, lacking, definition in (("opening", -2.5, 0.4), ("question", 0.0, 0.0)):
        for fit in calibrate.fit(examples, moment).values():  # type: ignore[arg-type]
            weights = dict(zip(calibrate.NAMES, fit.weights[1:], strict=True))
            assert (weights["lacking"], weights["definition"]) == (lacking, definition)


def test_a_signal_that_is_not_known_yet_weighs_nothing(examples: list[calibrate.Example]) -> None:
    for moment in KNOWN:
        for fit in calibrate.fit(examples, moment).values():
            weights = dict(zip(calibrate.NAMES, fit.weights[1:], strict=True))
            assert all(weights[name] == 0 for name in calibrate.NAMES if name not in KNOWN[moment])


def test_noise_alone_is_not_said_to_tell_anything() -> None:
    rng = np.random.default_rng(0)
    noise = [
        calibrate.Example("zh", f"q{n}", bool(n % 2), replace(NEUTRAL, share=rng.normal(), opening=rng.normal()))
        for n in range(200)
    ] + [told("en", answerable=n % 2 == 0, n=n) for n in range(60)]
    assert 0.3 < calibrate.fit(noise, "opening")["zh"].auc < 0.7


def test_what_is_written_is_what_the_gate_reads(
    examples: list[calibrate.Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate.write_gate({moment: calibrate.fit(examples, moment) for moment in KNOWN}, tmp_path / "gate.json")
    record = json.loads((tmp_path / "gate.json").read_text())
    monkeypatch.setattr("rag.gate._model", lambda: record)
    assert decide(replace(NEUTRAL, opening=2.0), "zh", "opening").is_open
    assert not decide(replace(NEUTRAL, opening=-2.0), "zh", "opening").is_open


def test_what_is_fitted_before_a_model_is_heard_leaves_the_rest_as_it_was(
    examples: list[calibrate.Example], tmp_path: Path
) -> None:
    path = tmp_path / "gate.json"
    calibrate.write_gate({moment: calibrate.fit(examples, moment) for moment in KNOWN}, path)
    before = json.loads(path.read_text())
    calibrate.write_gate({"question": calibrate.fit(examples[20:100], "question")}, path)
    after = json.loads(path.read_text())
    for language in LANGUAGES:
        assert after[language]["opening"] == before[language]["opening"]
        assert after[language]["question"] != before[language]["question"]


def test_coefficients_of_other_signals_are_not_kept(examples: list[calibrate.Example], tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    calibrate.write_gate({moment: calibrate.fit(examples, moment) for moment in KNOWN}, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"features": ["bias", "share"]}), encoding="utf-8")
    calibrate.write_gate({"question": calibrate.fit(examples, "question")}, path)
    assert all(set(json.loads(path.read_text())[language]) == {"question"} for language in LANGUAGES)


def readings(language: Language, n: int, *, tells: bool) -> list[calibrate.Reading]:
    """Three paragraphs of one question, the second of which answers; the opening tells it, or retrieval alone does."""
    noise = np.random.default_rng(n).normal(size=(3, 2))
    states = [False, True, False]
    openings = [(2.0 if state and tells else -2.0) + 0.3 * x for state, x in zip(states, noise[:, 0], strict=True)]
    shares = [(-1.0 if state and not tells else -3.0) + 0.3 * x for state, x in zip(states, noise[:, 1], strict=True)]
    rows = zip(openings, shares, states, strict=True)
    return [
        calibrate.Reading(language, f"q{n}", f"q{n}", rank, math.exp(share), opening, state)
        for rank, (opening, share, state) in enumerate(rows)
    ]


def test_a_probe_that_is_written_is_heard_by_the_model_it_was_fitted_on_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "opening.json"
    weights = np.array([[0.25, -0.5], [0.0, 2.0]])
    opening.write_probes("small", {language: opening.Probe(0.5, weights) for language in LANGUAGES}, path)
    monkeypatch.setattr("rag.opening.OPENING_FILE", path)
    opening._probes.cache_clear()
    own = opening.probe("small", "zh")
    assert own
    assert (own.bias, own.weights.tolist()) == (0.5, weights.tolist())
    assert opening.probe("another", "zh") is None
    inside = np.array([[-1.0, -4.0], [7.0, 1.0]], np.float32)
    assert own.heard(inside) == pytest.approx(0.5 - 0.25 + 2.0 + 2.0)
    assert own.scaled(0.5, -1.0).heard(inside) == pytest.approx(0.5 * own.heard(inside) - 1.0)
    monkeypatch.setattr("rag.opening.LAYERS", (1, 2))
    opening._probes.cache_clear()
    with pytest.raises(ValueError, match=r"fitted on the layers \[14, .*listened to are \[1, 2\]"):
        opening.probe("small", "zh")
    opening._probes.cache_clear()


def test_the_probes_log_odds_are_scaled_to_what_they_say_of_what_it_has_not_seen() -> None:
    """Said three times too surely, and one too much."""
    told = []
    for language in LANGUAGES:
        dice = np.random.default_rng(0)
        for n in range(4000):
            log_odds = float(dice.normal(0, 2))
            states = bool(dice.random() < 1 / (1 + math.exp(-log_odds)))
            told.append(calibrate.Reading(language, f"q{n}", "g", 0, 0.5, 3 * log_odds + 1, states))
    for slope, intercept in calibrate.fit_scale(told).values():
        assert slope == pytest.approx(1 / 3, abs=0.03)
        assert intercept == pytest.approx(-1 / 3, abs=0.15)


def test_the_reranker_learns_which_of_its_two_voices_tells_a_language_at_a_time() -> None:
    told = [r for n in range(40) for r in (*readings("zh", n, tells=True), *readings("en", n, tells=False))]
    fitted = calibrate.fit_rerank(told).sides
    assert fitted["zh"].states[1] > 4 * abs(fitted["zh"].states[2])
    assert fitted["en"].states[2] > 4 * abs(fitted["en"].states[1])
    assert all(side.auc > 0.95 for side in fitted.values())


@pytest.mark.parametrize("tells", [True, False])
def test_what_was_read_is_compared_alike_in_both_languages(tells: bool) -> None:
    fitted = calibrate.fit_rerank(
        [r for language in LANGUAGES for n in range(40) for r in readings(language, n, tells=tells)]
    )
    opening, share = fitted.compared
    assert (opening > 4 * share) if tells else (share > 4 * opening)
    for side in fitted.sides.values():
        assert (side.before, side.after) == (0.0, 1.0)


def test_what_is_read_is_compared_within_one_article_alone() -> None:
    """XQuAD's questions say the contrary of the article's, and only the second fit, of whether it is stated, hears them."""
    own = [r for language in LANGUAGES for n in range(40) for r in readings(language, n, tells=True)]
    others = [r for language in LANGUAGES for n in range(40, 80) for r in readings(language, n, tells=False)]
    others = [replace(r, group=f"{calibrate.OF_XQUAD}{n % 7}") for n, r in enumerate(others)]
    alone, both = calibrate.fit_rerank(own), calibrate.fit_rerank([*own, *others])
    assert both.compared == pytest.approx(alone.compared)
    assert abs(both.sides["en"].states[2]) > abs(alone.sides["en"].states[2]) + 0.1


def test_a_list_is_learnt_by_what_sets_the_right_one_apart_and_no_weight_is_negative() -> None:
    rows = np.array([[5.0, 1.0, 0.0], [5.0, 0.0, 1.0], [5.0, 0.0, 2.0]])
    right = np.array([True, False, False])
    weights = listwise.fit([Candidates(rows, right)] * 20, np.ones(3), 1e-3)
    assert weights[1] > 1
    assert weights[2] == 0, "the wrong ones have more of it"
    assert weights[0] == pytest.approx(0, abs=0.01), "what all of them have tells nothing"
    heavier = [Candidates(rows, right, 9.0), Candidates(rows, ~right)]
    assert listwise.fit(heavier, np.ones(3), 1e-3)[1] > listwise.fit([heavier[1], heavier[1]], np.ones(3), 1e-3)[1]


def test_a_question_that_nothing_answers_counts_for_the_fit_and_not_for_recall() -> None:
    told = [r for language in LANGUAGES for n in range(40) for r in readings(language, n, tells=True)]
    unanswered = [replace(r, question="u", group="u", states=False) for r in told]
    alone, both = (calibrate.fit_rerank(own).sides["en"] for own in (told, [*told, *unanswered]))
    assert both.before == 0.0
    assert both.states[0] < alone.states[0]


def test_the_shipped_gate_and_weights_are_of_todays_signals_and_legs() -> None:
    assert 0 <= decide(NEUTRAL, "en", "question").probability <= 1
    assert load_fusion().weights.shape == (len(COLUMNS),)
    assert (load_fusion().weights >= 0).all()


def ranked_by(column: int, language: Language, n: int) -> fusion.Example:
    """A table in which one leg, and no other, puts the gold paragraph first."""
    values = np.random.default_rng(n).normal(size=(12, len(COLUMNS)))
    gold = np.arange(12) == n % 12
    values[:, column] = np.where(gold, 3.0, 0.0)
    return fusion.Example(language, Table(tuple(range(12)), values), gold, n)


def test_the_leg_that_finds_the_evidence_gets_the_weight() -> None:
    column = COLUMNS.index(("own", "interaction"))
    fitted = fusion.fit({"bed": [ranked_by(column, "zh", n) for n in range(64)]})
    assert int(np.argmax(fitted.fusion.weights)) == column
    assert (fitted.fusion.weights >= 0).all()
    assert fitted.recall["bed", "zh"] == pytest.approx((1.0, 1.0))


def test_written_weights_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = fusion.fit({"bed": [ranked_by(1, "en", n) for n in range(24)]}).fusion
    fusion.write_fusion(fitted, tmp_path / "fusion.json")
    monkeypatch.setattr("rag.retrieve.FUSION_FILE", tmp_path / "fusion.json")
    assert load_fusion.__wrapped__().weights == pytest.approx(fitted.weights, abs=0.005)


def test_a_reading_of_which_nothing_was_heard_is_told_and_not_taken_for_nothing() -> None:
    reply = SimpleNamespace(inside=None, logit=1.0, opening=1.0)
    found = SimpleNamespace(ranking=SimpleNamespace(share={7: 0.5}))
    heard = SimpleNamespace(looked=found, reply=reply)
    engine: Any = SimpleNamespace(
        look=lambda *args: found,
        listener=SimpleNamespace(openings=lambda found, most: {7: heard}),
        generator=SimpleNamespace(hears=lambda inside, language: 0.0),
    )
    question: Any = SimpleNamespace(
        id="q1", asked={"zh": "船多重?", "en": "How heavy?"}, gold=frozenset({7}), answerable=True
    )
    with pytest.raises(UserError, match="¶7 was not heard"):
        calibrate.collect_readings(engine, [calibrate.Asked(question, "q1")], lambda done, total: None)
    reply.inside = np.ones((1, 2), np.float32)
    readings = calibrate.collect_readings(engine, [calibrate.Asked(question, "q1")], lambda done, total: None)
    assert [(r.language, r.states, r.share) for r in readings] == [("zh", True, 0.5), ("en", True, 0.5)]
    withheld = calibrate.Asked(question, "q1", frozenset({7}))
    unanswered = calibrate.collect_readings(engine, [withheld], lambda done, total: None)
    assert [r.states for r in unanswered] == [False] * 2
    other = calibrate.collect_readings(engine, [calibrate.Asked(question, "keel")], lambda done, total: None)
    lists = calibrate._by_question([r for r in (*readings, *unanswered, *other) if r.language == "en"])
    assert lists == [[0], [1], [2]], "one id, asked of two documents and of one without its evidence"
    reply.inside, engine.generator.hears = None, None
    assert calibrate.collect_readings(engine, [withheld], lambda done, total: None), "of a model without a probe"


def test_the_gate_is_fitted_on_dev_questions_and_never_on_a_test_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"id": "u9", "split": "test", "kind": "unanswerable", "answerable": False, "facts": []}
    asked = {"zh": "船多重?", "en": "How heavy is she?"}
    unstated = line(**held, question=asked, unanswerable_kind="out_of_article") | {"facts": []}
    gold = written(tmp_path, line(), unstated)
    (tmp_path / "short").mkdir()
    other = {"zh": "船多长?", "en": "How long is she?"}
    short = written(
        tmp_path / "short", unstated | {"id": "s1", "split": "dev"}, unstated | {"id": "s9", "question": other}
    )
    silent, small = Generator("quote", "quote", QuoteLLM(), writes=False), Generator("local", "m", QuoteLLM())

    def engine_of(generator: Generator) -> Any:
        index = SimpleNamespace(paragraphs=tuple(PARAGRAPHS), embedder=None)
        return SimpleNamespace(index=index, generator=generator, with_generator=engine_of)

    engine = engine_of(silent)
    monkeypatch.setenv("DUIZHAO_HOME", str(tmp_path / "home"))

    class OfGenerator:
        open = staticmethod(lambda *args: engine)

        def __new__(cls, index: Any, generator: Generator, budget: int) -> Any:
            return engine_of(generator)

    monkeypatch.setattr(calibration, "Engine", OfGenerator)
    monkeypatch.setattr(calibration, "open_index", lambda *args: None)
    monkeypatch.setattr(calibration, "dev_pages", lambda: ("keel",))
    monkeypatch.setattr(calibration, "index_over_page", lambda settings, name: tmp_path / name)
    unseen = [(tmp_path / "ox.paragraphs.jsonl", gold)]
    monkeypatch.setattr(calibration, "lessons", lambda *folders: unseen if folders == (calibration.WEIGHING,) else [])
    monkeypatch.setattr(calibration, "index_over_lesson", lambda settings, article: tmp_path / article.name)
    monkeypatch.setattr(calibration, "golds_of_page", lambda name: [gold, short])
    seen: list[list[tuple[str, str]]] = []
    for collect in ("collect", "collect_readings"):
        monkeypatch.setattr(
            calibrate,
            collect,
            lambda engine, questions, *rest, **more: seen.append([(a.question.id, a.group) for a in questions]) or [],
        )
    fitted_at: list[str] = []
    monkeypatch.setattr(calibrate, "fit", lambda examples, moment: fitted_at.append(moment) or {})
    monkeypatch.setattr(calibrate, "write_gate", lambda fits: None)
    monkeypatch.setattr(calibration, "_calibrate_reranker", lambda readings: None)
    monkeypatch.setattr(calibration, "_calibrate_probe", lambda readings, model: readings)
    monkeypatch.setattr(calibration, "UNTAUGHT", {"keel"})
    once = [[("q1", "q1")], [("q1", "keel"), ("s1", "keel")]]
    assert main(["calibrate", "gate", "--gold", str(gold)]) == 0
    assert (seen, fitted_at) == (once, ["question"]), "nothing is read by what writes nothing"
    seen.clear()
    engine = engine_of(replace(small, is_small=True))
    assert main(["calibrate", "gate", "--gold", str(gold)]) == 0
    assert seen == [*once, *once], "the article and the page: the reranker, the gate"
    assert fitted_at == ["question", "opening"]
    seen.clear()
    engine = engine_of(replace(small, is_small=True, hears=lambda inside, language: 0.0))
    assert main(["calibrate", "gate", "--gold", str(gold)]) == 0
    untaught = [[("q1", "ox")], once[1]]
    assert seen == [*untaught, []] * 2, "what reads through an adapter: only what that was not taught on"
    monkeypatch.setattr(calibration, "_TAUGHT", 0)
    seen.clear()
    assert main(["calibrate", "gate", "--gold", str(gold)]) == 0
    assert seen == [*untaught, once[0]] * 2, "of the article what it was not asked"
    seen.clear()
    engine = engine_of(small)
    assert main(["calibrate", "gate", "--gold", str(gold)]) == 0
    assert seen == once, "a large model is not reranked with"


def test_what_tells_orders_is_fitted_on_messages_and_dev_questions_and_never_on_a_test_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = line() | {"id": "q9", "split": "test", "question": {"zh": "船多长?", "en": "How long is she?"}}
    gold = written(tmp_path, line(), held)
    monkeypatch.setenv("DUIZHAO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(calibration, "Embedder", SimpleNamespace(from_settings=lambda settings: None))
    monkeypatch.setattr(calibration, "dev_pages", lambda: ())
    monkeypatch.setattr(calibration, "lessons", lambda *folders: [])
    fitted: list[asking.Message] = []
    told = asking.Told(count=0, auc=1.0, found=1.0, mistaken=0.0)
    monkeypatch.setattr(asking, "fit", lambda embedder, messages, progress: fitted.extend(messages) or told)
    assert main(["calibrate", "asking", "--gold", str(gold)]) == 0
    assert [m.text for m in fitted if not m.asks_nothing and m.group == gold.name] == [*line()["question"].values()]
    assert held["question"]["en"] not in {m.text for m in fitted}
    assert sum(m.asks_nothing for m in fitted) == sum(m.asks_nothing for m in asking.written())
    assert "orders and small talk: area under the curve 1.000" in capsys.readouterr().out


def test_a_limit_counts_what_is_answered_and_what_is_not_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [SimpleNamespace(id=f"u{n}", split="dev", answerable=False) for n in range(4)]
    asked += [SimpleNamespace(id=f"q{n}", split="dev", answerable=True) for n in range(6)]
    monkeypatch.setattr(calibration, "load_gold", lambda *args: asked)
    engine: Any = SimpleNamespace(index=SimpleNamespace(paragraphs=()))
    chosen = calibration._of_gold(Path("gold.jsonl"), engine, 2)
    assert [own.question.id for own in chosen] == ["u0", "u2", "q0", "q3"]


@pytest.mark.parametrize("option", ["--limit", "--xquad-limit"])
def test_no_questions_are_none_to_fit_on(option: str) -> None:
    with pytest.raises(UserError, match=f"{option} is 0; at least 1 question is needed"):
        main(["calibrate", "gate", option, "0"])
