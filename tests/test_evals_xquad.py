"""XQuAD as a bed: kept answers, every pair of languages, and figures that an answer of the wrong kind cannot earn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import rag.engine
from evals import calibration, commands, run, stats, xquad, xquad_report
from evals.__main__ import main
from evals.datasets import SpanQuestion, XQuAD
from evals.gold import Question
from index.errors import UserError
from tests.test_evals_cli import ScriptedEngine, right
from tests.test_evals_gold import PARAGRAPHS, line, squad, written
from tests.test_evals_metrics import answer

SPAN = SpanQuestion("x2.a", 2, {"zh": "谁是船长?", "en": "Who is captain?"}, {"zh": ("李雷",), "en": ("Li Lei",)})
REFUSED = answer(refused=True)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """An engine that answers who steers, over indexes that need no embedder; runs are kept in the test's own folder."""
    scripted = ScriptedEngine(right)
    monkeypatch.setattr(rag.engine.Engine, "open", lambda *args, **kwargs: scripted)
    monkeypatch.setattr(xquad, "build_index", lambda settings, name, source, on_progress: Path(name))
    monkeypatch.setattr(run, "RUNS", Path.cwd() / "runs")
    return scripted


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`xquad` over two paragraphs with a question each, of an article that nothing is fitted on."""
    monkeypatch.setattr(SpanQuestion, "article", 2)
    steers = PARAGRAPHS[0]  # which the engine quotes
    squad(tmp_path, "zh", [steers.zh or "", "船重。"], ["谁掌舵?", "船多重?"])
    squad(tmp_path, "en", [steers.en or "", "It is heavy."], ["Who steers?", "How heavy?"])
    return ["xquad", "--path", str(tmp_path), "--out", "here"]


def values(plain: dict[str, Any], without: dict[str, Any] = REFUSED, language: Any = "en") -> dict[str, float]:
    return xquad_report.judged(SPAN, language, plain, without)


def report() -> Any:
    return json.loads((run.RUNS / "here" / "report.json").read_text(encoding="utf-8"))


def test_every_pair_of_languages_is_retrieved_and_reported(engine: ScriptedEngine, command: list[str]) -> None:
    assert main([*command, "--answers", "0"]) == 0
    cells = {(cell["asked"], cell["corpus"]): cell for cell in report()["retrieval"]}
    assert set(cells) == {(asked, corpus) for asked in ("zh", "en") for corpus in ("zh-en", "zh", "en")}
    assert cells["zh", "en"]["recall@1"]["value"] == 0.5  # paragraph 1 comes first for anything
    assert cells["zh", "en"]["mrr"]["value"] == pytest.approx((1 + 1 / 2) / 2)
    assert cells["zh", "en"]["recall@1"]["low"] < 0.5 < cells["zh", "en"]["recall@1"]["high"]
    assert engine.asked == []


def test_answers_are_asked_with_the_full_index_and_with_the_gold_paragraph_taken_away(
    engine: ScriptedEngine, command: list[str]
) -> None:
    assert main(command) == 0
    assert [exclude for _, exclude in engine.asked[:4]] == [frozenset()] * 4
    assert [exclude for _, exclude in engine.asked[4:]] == [frozenset({1})] * 2 + [frozenset({2})] * 2
    found = report()["answers"]["all"]
    assert found["refused"]["value"] == 0.5
    assert found["refused_withheld"]["value"] == 0.5
    assert found["cites_gold"]["value"] == 0.5
    assert found["states_answer"]["n"] == 4
    text = (run.RUNS / "here" / "report.md").read_text(encoding="utf-8")
    assert "| asked in zh, corpus in en |" in text
    assert "| Both, in one statement |" in text
    assert "python -m evals" in text


def test_every_third_article_is_for_the_test_and_never_calibrated_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.datasets.PARAGRAPHS_OF_ONE_ARTICLE", 1)
    texts, asked = [f"第{n}段。" for n in range(7)], [f"第{n}个?" for n in range(7)]
    squad(tmp_path, "zh", texts, asked)
    squad(tmp_path, "en", texts, asked)
    dataset = XQuAD(tmp_path)
    assert [question.split for question in dataset.questions()] == ["dev", "dev", "test"] * 2 + ["dev"]
    fitted = calibration._of_xquad(tmp_path, None)
    assert [min(one.question.gold) for one in fitted] == [1, 2, 4, 5, 7] * 2
    assert [one.exclude for one in fitted[5:]] == [one.question.gold for one in fitted[5:]]
    assert [one.group for one in fitted[:3]] == ["XQuAD 0", "XQuAD 1", "XQuAD 3"]


def test_a_rerun_asks_nothing_again_and_a_larger_one_only_what_is_new(
    engine: ScriptedEngine, command: list[str]
) -> None:
    main([*command, "--answers", "1"])
    assert len(engine.asked) == 4
    main([*command, "--answers", "1"])
    assert len(engine.asked) == 4
    main([*command, "--answers", "2"])
    assert len(engine.asked) == 8
    assert report()["answers"]["all"]["refused"]["n"] == 4
    main([*command, "--answers", "1"])
    assert len(engine.asked) == 8
    assert report()["answers"]["all"]["refused"]["n"] == 2, "of the sample that was wanted last, and no other"
    assert report()["gates"]["answers"] == 4
    main([*command, "--answers", "2", "--fresh"])
    assert len(engine.asked) == 16


def test_a_run_of_before_its_samples_were_told_apart_is_scored_whole(
    engine: ScriptedEngine, command: list[str]
) -> None:
    main(command)
    path = run.RUNS / "here" / "questions.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(', "answered": true', ""), encoding="utf-8")
    assert main(["score", "here"]) == 0
    assert report()["answers"]["all"]["refused"]["n"] == 4
    assert report()["run"]["split"] == "all"


def test_a_run_on_xquad_is_scored_again_without_an_engine_and_its_report_written_where_it_is_wanted(
    engine: ScriptedEngine, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(command)
    before = (run.RUNS / "here" / "report.md").read_text(encoding="utf-8")
    (run.RUNS / "here" / "report.md").unlink()
    monkeypatch.setattr(rag.engine.Engine, "open", lambda *args, **kwargs: pytest.fail("scoring opened an engine"))
    assert main(["score", "here", "--markdown", str(tmp_path / "kept.md")]) == 0
    assert (tmp_path / "kept.md").read_text(encoding="utf-8") == before


def test_a_run_on_other_questions_is_not_gone_on_with(engine: ScriptedEngine, command: list[str]) -> None:
    main(command)
    with pytest.raises(UserError, match="has limit = None, now it is 1"):
        main([*command, "--limit", "1"])


def test_a_gate_that_is_broken_ends_with_status_1(engine: ScriptedEngine, command: list[str]) -> None:
    engine.reply = lambda question: right(question) | {"statements": [{"text": "Thick fog.", "citations": [9]}]}
    assert main(command) == 1
    assert report()["gates"]["phantom_citations"]


def test_a_file_that_lacks_what_is_asked_of_it_is_named(
    engine: ScriptedEngine, command: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "xquad.dev.en.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"context"', '"text"'), encoding="utf-8")
    with pytest.raises(UserError, match=r"xquad.dev.en.json is not in SQuAD's format \(KeyError: 'context'"):
        main(command)


def test_a_folder_that_holds_no_run_is_not_deleted(engine: ScriptedEngine, command: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run, but something else"):
        main([*command[:-1], str(tmp_path), "--fresh"])
    assert XQuAD(tmp_path).paragraphs()


def test_a_run_on_xquad_is_not_compared_as_if_it_had_gold(engine: ScriptedEngine, command: list[str]) -> None:
    main(command)
    with pytest.raises(UserError, match="is a run on XQuAD"):
        main(["compare", "here", "here"])


@pytest.mark.parametrize(("option", "least"), [("--limit", "0"), ("--answers", "-1")])
def test_asking_less_than_nothing_is_refused(option: str, least: str, command: list[str]) -> None:
    with pytest.raises(UserError, match=f"{option} is {least}"):
        main([*command, option, least])


def test_an_answer_counts_where_it_states_the_string_and_cites_the_paragraph_in_one_place() -> None:
    good = values(answer(("The captain is Li Lei.", [0]), sources=[2]))
    assert (good["states_answer"], good["cites_gold"], good["states_and_cites"]) == (1, 1, 1)
    apart = values(answer(("It is Li Lei.", [0]), ("Yes.", [1]), sources=[5, 2]))
    assert (apart["states_answer"], apart["cites_gold"], apart["states_and_cites"]) == (1, 1, 0)
    elsewhere = values(answer(("It is Li Lei.", [0]), sources=[5]))
    assert (elsewhere["states_answer"], elsewhere["cites_gold"], elsewhere["states_and_cites"]) == (1, 0, 0)


def test_an_answer_string_counts_in_the_language_of_the_answer_alone() -> None:
    chinese = answer(("船长是李雷。", [0]), sources=[2], language="zh")
    assert values(chinese, language="zh")["states_answer"] == 1
    assert values(chinese | {"language": "en"}, language="en")["states_answer"] == 0


def test_a_refusal_states_and_cites_nothing_whatever_it_holds() -> None:
    refused = values(answer(("Li Lei.", [0]), sources=[2], refused=True))
    assert (refused["refused"], refused["states_answer"], refused["cites_gold"]) == (1, 0, 0)
    knows = values(REFUSED, without=answer(("It is Li Lei.", [0]), sources=[5]))
    assert (knows["refused_withheld"], knows["states_answer_withheld"]) == (0, 1)


def test_an_answer_string_of_punctuation_alone_is_stated_by_nothing() -> None:
    odd = SpanQuestion("x2.b", 2, SPAN.asked, {"zh": ("「」",), "en": ('"',)})
    assert xquad_report.judged(odd, "en", answer(('He said "so".', [0]), sources=[2]), REFUSED)["states_answer"] == 0


def test_recall_counts_questions_on_one_paragraph_as_one_draw() -> None:
    def asked(name: str, number: int) -> tuple[SpanQuestion, Sequence[int]]:
        return SpanQuestion(name, number, SPAN.asked, SPAN.answers), (1, 2, 3)

    cell = xquad_report.retrieval_cell([asked("a", 1), asked("b", 1), asked("c", 2)])
    assert cell["recall@1"].value == pytest.approx(2 / 3)
    assert cell["recall@5"].value == 1
    assert cell["mrr"].value == pytest.approx((1 + 1 + 1 / 2) / 3)
    # a and b always agree: the rate is worth two draws, not three
    assert cell["recall@1"].low == pytest.approx(stats.wilson(2 / 3, 2)[0], abs=0.05)


def test_questions_of_a_run_are_read_back_as_they_were_asked(engine: ScriptedEngine, command: list[str]) -> None:
    main([*command, "--answers", "0"])
    kept = xquad.asked_questions(run.RunFolder(run.RUNS / "here"))
    assert [(span.paragraph, span.asked["zh"], span.answers["en"]) for span in kept.values()] == [
        (1, "谁掌舵?", ("Th",)),
        (2, "船多重?", ("It",)),
    ]


def test_our_questions_about_an_article_of_xquad_are_held_out_with_xquads_own() -> None:
    ids = {"a7.12": "XQuAD 7", "q017": "q017", "q017p": "q017", "p004": "p004"}
    assert {name: calibration._group_of(Question(name, "dev", "explain", {})) for name in ids} == ids


def test_a_run_can_ask_our_questions_of_xquads_paragraphs(
    engine: ScriptedEngine, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "ASKED_OF_XQUAD", written(tmp_path, line(id="a0.1", fact={"id": "a0.1.f1"})))
    assert main(["run", "--xquad", str(tmp_path), "--generator", "quote", "--out", "asked"]) == 0
    assert [question for question, _ in engine.asked] == ["谁掌舵?", "Who steers?"]
    with pytest.raises(UserError, match=r"--xquad is .* and --index elsewhere"):
        main(["run", "--xquad", str(tmp_path), "--index", "elsewhere"])
