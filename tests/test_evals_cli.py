"""`python -m evals` with an engine that reads its answers from a script."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rag.engine
from evals import bench, commands, run, thresholds, xquad
from evals.__main__ import main
from evals.compare import compare
from evals.gold import Question
from evals.metrics import judge
from evals.pages import gold_of_page, short_gold_of_page
from evals.run import RunFolder
from evals.thresholds import Bar, read_bars
from index.errors import UserError, run_command
from index.paragraphs import LANGUAGES, Paragraph
from index.settings import Settings, load_settings
from tests.test_evals_gold import PARAGRAPHS, line, written
from tests.test_evals_metrics import PARAGRAPHS as SHIP
from tests.test_evals_metrics import answer, fact, question

ROOT = Path(__file__).parent.parent


class ScriptedEngine:
    """Answers like the engine: `reply` makes the JSON object from the question, or raises."""

    def __init__(self, reply: Callable[[str], dict[str, Any]], generator: str = "quote") -> None:
        self.reply = reply
        self.asked: list[tuple[str, frozenset[int]]] = []
        self.index = SimpleNamespace(paragraphs=tuple(PARAGRAPHS), embedder=SimpleNamespace(fingerprint="a1b2"))
        message = SimpleNamespace(content="It was Li Lei. Trust me.")
        llm = SimpleNamespace(chat=lambda messages: SimpleNamespace(message=message))
        self.generator = SimpleNamespace(name=generator, model=generator, writes=generator != "quote", llm=llm)

    def warm(self) -> None:
        pass

    def ask(self, question: str, id: str | None = None, exclude: frozenset[int] = frozenset()) -> Any:
        self.asked.append((question, exclude))
        reply = self.reply(question)
        return SimpleNamespace(to_json=lambda: reply | {"id": id}, refused=reply["refused"], shown=())

    def retrieve(self, question: str, exclude: frozenset[int] = frozenset()) -> list[Any]:
        numbers = [entry["paragraph"] for entry in self.reply(question)["retrieved"]]
        return [SimpleNamespace(paragraph=PARAGRAPHS[n - 1]) for n in numbers if n not in exclude]


def right(question: str) -> dict[str, Any]:
    """Who steers is answered rightly, in its language; anything else is refused."""
    zh = any("\u4e00" <= ch <= "\u9fff" for ch in question)
    refused = question not in ("谁掌舵?", "Who steers?")
    text = (PARAGRAPHS[0].zh if zh else PARAGRAPHS[0].en) or ""
    end = text.index("。" if zh else ".") + 1
    cited = {
        "paragraph": 1,
        "language": "zh" if zh else "en",
        "text": text,
        "start": 0,
        "end": end,
        "quote": text[:end],
    }
    return {
        "question": question,
        "language": "zh" if zh else "en",
        "refused": refused,
        "statements": [] if refused else [{"text": text[:end], "citations": [0], "verdict": "supported"}],
        "citations": [] if refused else [cited],
        "retrieved": [{"paragraph": n, "score": 1 / n, "zh": None, "en": None} for n in (1, 2, 3)],
        "gate": 0.1 if refused else 0.9,
        "timings_ms": {"retrieve": 5, "first_token": 6, "total": 7},
    }


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    silent = line(
        id="u1", kind="unanswerable", answerable=False, unanswerable_kind="out_of_article", facts=[],
        question={"zh": "几点开船?", "en": "When does it sail?"},
    )  # fmt: skip
    return written(tmp_path, line(), silent, line(id="q9", split="test", question={"zh": "他几岁?", "en": "How old is he?"}, facts=[line()["facts"][0] | {
        "id": "q9.f1", "aliases": {"zh": ["三十"], "en": ["thirty"]}, "evidence": [["他三十岁"]]}],
        reference={"zh": "三十。", "en": "Thirty."}))  # fmt: skip


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """An engine that is right, and runs kept in the test's own folder."""
    scripted = ScriptedEngine(right)
    monkeypatch.setattr(rag.engine.Engine, "open", lambda *args, **kwargs: scripted)
    monkeypatch.setattr(run, "RUNS", Path.cwd() / "runs")
    return scripted


def test_a_run_asks_each_question_in_both_languages_and_writes_the_three_reports(
    engine: ScriptedEngine, gold: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]) == 0
    assert [question for question, _ in engine.asked] == ["谁掌舵?", "Who steers?", "几点开船?", "When does it sail?"]
    folder = run.RUNS / "here"
    assert {"run.json", "answers.jsonl", "report.html", "report.md", "report.json"} <= {
        path.name for path in folder.iterdir()
    }
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert found["system"]["cited_fact_recall"]["value"] == 1
    assert found["system"]["refusal_recall"]["value"] == 1
    assert "1.00" in capsys.readouterr().out


def test_without_a_command_the_dev_questions_are_asked_with_the_default_generator(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (commands, bench):
        monkeypatch.setattr(module, "DEFAULT_GOLD", gold)
    assert main([]) == 0
    assert len(engine.asked) == 4
    assert [path.name.startswith("dev-local-") for path in run.RUNS.iterdir()] == [True]


def test_the_name_of_a_run_says_which_gold_it_was_asked_from(engine: ScriptedEngine, gold: Path) -> None:
    assert main(["run", "--gold", str(gold), "--generator", "quote"]) == 0
    assert [path.name.startswith(f"{gold.stem}-dev-quote-") for path in run.RUNS.iterdir()] == [True]


def test_the_two_gold_files_of_a_page_are_two_runs() -> None:
    names = {
        bench.Order(commands.make_bed("plain"), "test", LANGUAGES, "quote", gold).name
        for gold in (gold_of_page("cable"), short_gold_of_page("cable"))
    }
    code = run.code_digest()[:8]
    assert names == {f"cable-test-quote-{code}", f"short-cable-test-quote-{code}"}


def test_a_run_of_another_shipped_gold_is_scored_against_that_one(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PLAIN_GOLD", gold)
    assert main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]) == 0
    assert main(["score", "here"]) == 0
    assert main(["compare", "here", "here"]) == 0


def test_a_run_of_gold_that_is_not_at_hand_is_not_scored_against_another_unless_it_is_named(
    engine: ScriptedEngine, gold: Path
) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote"]
    main([*command, "--out", "before"])
    with pytest.raises(UserError, match=r"gold file of digest \w+, which no shipped one has now"):
        main(["score", "before"])
    gold.write_text(gold.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    main([*command, "--out", "after"])
    with pytest.raises(UserError, match=r"of different golds .*--gold FILE"):
        main(["compare", "before", "after"])
    assert main(["compare", "before", "after", "--gold", str(gold)]) == 0
    assert main(["score", "before", "--gold", str(gold)]) == 0
    old, new = (RunFolder(run.RUNS / name) for name in ("before", "after"))
    wanted = f"gold {old.info.gold} (scored against {new.info.gold})"
    assert wanted in (old.path / "report.md").read_text(encoding="utf-8")
    assert wanted.removeprefix("gold ") in (old.path / "report.html").read_text(encoding="utf-8")
    assert main(["score", "after", "--gold", str(gold)]) == 0
    assert "scored against" not in (new.path / "report.md").read_text(encoding="utf-8")


def test_a_rerun_asks_only_what_is_missing_and_a_torn_line_counts_as_missing(
    engine: ScriptedEngine, gold: Path
) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    main(command)
    path = run.RUNS / "here" / "answers.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:-40], encoding="utf-8")  # killed while it wrote the last answer
    engine.asked.clear()
    main(command)
    assert [question for question, _ in engine.asked] == ["When does it sail?"]
    assert path.read_text(encoding="utf-8") == whole
    main(command)
    assert len(engine.asked) == 1


def test_a_line_torn_within_a_character_counts_as_missing(engine: ScriptedEngine, gold: Path) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    main([*command, "--language", "zh"])
    path = run.RUNS / "here" / "answers.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex("几点".encode()) + 1])
    engine.asked.clear()
    main([*command, "--language", "zh"])
    assert [question for question, _ in engine.asked] == ["几点开船?"]
    assert path.read_bytes() == whole


def test_a_run_killed_before_its_paragraphs_were_written_goes_on(engine: ScriptedEngine, gold: Path) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    main(command)
    path = run.RUNS / "here" / "paragraphs.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.unlink()
    assert main(command) == 0
    assert path.read_text(encoding="utf-8") == whole
    assert not list(path.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("answers.jsonl", '{"question": "q1", "language": "en"', '{"question": "q1", ', "line 2 of .*answers.jsonl"),
        (
            "answers.jsonl",
            '{"question": "q1", "language": "en"',
            '{"q": "q1", "language": "en"',
            "answers.jsonl cannot",
        ),
        ("paragraphs.jsonl", '"paragraph": 3', '"paragraph": "', "line 3 of .*paragraphs.jsonl"),
        ("run.json", '"command"', '"by"', "run.json cannot be read .TypeError: .*unexpected keyword argument 'by'"),
        ("run.json", '"bed": "plain",', "", "run.json cannot be read .TypeError: .*missing 1 required"),
        ("run.json", "}", "", "run.json cannot be read"),
    ],
)
def test_a_broken_file_of_a_run_is_named(
    engine: ScriptedEngine, gold: Path, file: str, old: str, new: str, said: str
) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    path = run.RUNS / "here" / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        main(["score", "here", "--gold", str(gold)])


def test_gold_in_another_encoding_and_a_report_that_cannot_be_written_are_a_users_mistakes(
    engine: ScriptedEngine, gold: Path
) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    with pytest.raises(UserError, match=r"nowhere/x\.md cannot be written"):
        main(["score", "here", "--gold", str(gold), "--markdown", "nowhere/x.md"])
    gold.write_text(gold.read_text(encoding="utf-8"), encoding="utf-16")
    with pytest.raises(UserError, match=r"jsonl cannot be read .UnicodeDecodeError"):
        main(["validate", "--gold", str(gold)])


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(engine: ScriptedEngine, gold: Path) -> None:
    def stop(question: str) -> dict[str, Any]:
        if len(engine.asked) == 3:
            raise KeyboardInterrupt
        return right(question)

    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    engine.reply = stop
    assert run_command(lambda: main(command)) == 130
    engine.reply = right
    assert main(command) == 0
    assert len(engine.asked) == 5  # 3 of which the third was lost, then 2
    assert len(RunFolder(run.RUNS / "here").answers()) == 4


def test_a_question_that_trips_the_engine_is_kept_as_an_error_and_asked_again(
    engine: ScriptedEngine, gold: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def trip(question: str) -> dict[str, Any]:
        if question == "Who steers?":
            raise ValueError("tripped")
        return right(question)

    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    engine.reply = trip
    assert main(command) == 1
    assert "no question makes the engine fail" in capsys.readouterr().out
    engine.reply = right
    engine.asked.clear()
    assert main(command) == 0
    assert [question for question, _ in engine.asked] == ["Who steers?"]


def test_scoring_a_run_needs_no_engine_and_gives_the_same_figures(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    report = run.RUNS / "here" / "report.json"
    before = report.read_text(encoding="utf-8")
    report.unlink()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("scoring opened an engine")

    monkeypatch.setattr(rag.engine.Engine, "open", refuse)
    assert main(["score", "here", "--gold", str(gold)]) == 0
    assert report.read_text(encoding="utf-8") == before


def test_the_markdown_report_is_written_where_it_is_wanted(engine: ScriptedEngine, gold: Path, tmp_path: Path) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    assert main(["score", "here", "--gold", str(gold), "--markdown", str(tmp_path / "kept.md")]) == 0
    kept = (tmp_path / "kept.md").read_text(encoding="utf-8")
    assert kept == (run.RUNS / "here" / "report.md").read_text(encoding="utf-8")
    assert "\n    python -m evals" in kept


def test_a_missed_bar_is_named_and_ends_with_status_1(
    engine: ScriptedEngine,
    gold: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bars = tmp_path / "bars.toml"
    bars.write_text('[[bar]]\nname = "impossible"\nfigure = "zh.recall@1"\nat_least = 1.5\n')
    monkeypatch.setattr(commands, "read_bars", lambda: read_bars(bars))
    assert main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]) == 1
    assert "impossible: zh.recall@1 is 1, at least 1.5 is asked for" in capsys.readouterr().out


def test_a_system_worth_less_than_silence_ends_with_status_1(
    engine: ScriptedEngine, gold: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.reply = lambda question: right("Who steers?") | {"statements": [{"text": "Nobody.", "citations": [0]}]}
    assert main(["run", "--gold", str(gold), "--generator", "quote", "--language", "en", "--out", "here"]) == 1
    assert "The control “always refuse” beats the system" in capsys.readouterr().out


def test_answers_of_two_kinds_are_never_one_run(engine: ScriptedEngine, gold: Path) -> None:
    command = ["run", "--gold", str(gold), "--out", "here", "--generator", "quote"]
    main(command)
    with pytest.raises(UserError, match=r"has languages = \('zh', 'en'\), now it is \('en',\)"):
        main([*command, "--language", "en"])
    engine.asked.clear()
    assert main([*command, "--language", "en", "--fresh"]) == 0
    assert len(engine.asked) == 2


@pytest.mark.parametrize(("setting", "value"), [("EVIDENCE_TOKENS", "90"), ("ANSWER_TOKENS", "32")])
def test_answers_of_two_settings_are_never_one_run(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str
) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    main(command)
    monkeypatch.setenv(f"DUIZHAO_{setting}", value)
    with pytest.raises(UserError, match=rf"{setting.lower()} = \d+, now it is {value}"):
        main(command)


def test_answers_over_two_embedders_are_never_one_run(engine: ScriptedEngine, gold: Path) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]
    main(command)
    engine.index.embedder = SimpleNamespace(fingerprint="c3d4")
    with pytest.raises(UserError, match="embedder = a1b2, now it is c3d4"):
        main(command)


def test_a_run_of_before_its_settings_were_recorded_is_still_scored(engine: ScriptedEngine, gold: Path) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    path = run.RUNS / "here" / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for name in ("embedder", "evidence_tokens", "answer_tokens"):
        del record[name]
    path.write_text(json.dumps(record), encoding="utf-8")
    assert main(["score", "here", "--gold", str(gold)]) == 0


def test_the_codes_digest_is_of_its_data_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_ROOT", tmp_path)
    digests = set()
    for name in ("index/a.py", "index/weights.toml", "rag/a.py", "rag/gate.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
        digests.add(run.code_digest())
    assert len(digests) == 4


@pytest.mark.parametrize("fresh", [[], ["--fresh"]])
def test_a_folder_that_holds_no_run_is_neither_deleted_nor_filled(
    engine: ScriptedEngine, gold: Path, tmp_path: Path, fresh: list[str]
) -> None:
    thesis = tmp_path / "papers" / "thesis.md"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(UserError, match="papers holds no run, but something else"):
        main(["run", "--gold", str(gold), "--generator", "quote", "--out", str(thesis.parent), *fresh])
    assert [path.name for path in thesis.parent.iterdir()] == ["thesis.md"]


def test_a_bare_name_is_a_run_whatever_the_working_directory_holds(
    engine: ScriptedEngine, gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run.run_path("docs", "") == run.RUNS / "docs"
    assert run.run_path("./docs", "") == Path("docs")


def test_starting_over_leaves_the_runs_that_lie_within_a_run(engine: ScriptedEngine, gold: Path) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out"]
    main([*command, str(run.RUNS / "outer")])
    main([*command, str(run.RUNS / "outer" / "inner")])
    assert main([*command, str(run.RUNS / "outer"), "--fresh"]) == 0
    assert RunFolder(run.RUNS / "outer" / "inner").exists


def test_changed_code_does_not_go_on_with_old_answers(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    monkeypatch.setattr("evals.bench.code_digest", lambda: "other")
    with pytest.raises(UserError, match=r"code = \w+, now it is other"):
        main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])


def test_a_limit_spreads_over_the_file(engine: ScriptedEngine) -> None:
    questions = [Question(f"q{n}", "dev", "explain", {"zh": "", "en": ""}) for n in range(10)]
    assert [question.id for question in run.sample(questions, 3)] == ["q0", "q3", "q6"]
    assert len(run.sample(questions, 99)) == 10


def test_comparing_two_runs_names_the_question_that_got_worse(
    engine: ScriptedEngine, gold: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out"]
    main([*command, "before"])
    engine.reply = lambda question: right("refuse this") if question == "Who steers?" else right(question)
    main([*command, "after"])
    capsys.readouterr()
    assert main(["compare", "before", "after", "--gold", str(gold)]) == 0
    out = capsys.readouterr().out
    assert "worse  q1.en  answered 1.00 → refused 0.00  Who steers?" in out
    assert "q1.zh" not in out


def test_a_question_that_is_as_wrong_as_before_but_cites_more_facts_has_moved() -> None:
    asked = question(fact(), fact("f2", ["1.2 million"], [{3}]))
    half = judge(asked, "en", answer(("Li Lei.", [0]), sources=[2]), SHIP)
    none = judge(asked, "en", answer(("Nobody.", [0]), sources=[2]), SHIP)
    found = compare([none], [half])
    assert [(change.key, change.verdict) for change in found.changes] == [(("q", "en"), "moved")]
    assert found.difference["cited_fact_recall"].value == pytest.approx(0.5)
    assert compare([half], [half]).changes == ()


def test_a_value_is_compared_with_the_same_languages_and_no_other() -> None:
    asked = question(fact(forbidden=("Han Meimei",)))
    half, whole = answer(("Li Lei, or Han Meimei.", [0]), sources=[2]), answer(("Li Lei.", [0]), sources=[2])
    silent = answer(("Nobody.", [0]), sources=[2])  # states nothing, so its precision is unknown
    before = [judge(asked, "zh", half, SHIP), judge(asked, "en", silent, SHIP)]
    after = [judge(asked, "zh", silent, SHIP), judge(asked, "en", whole, SHIP)]
    found = compare(before, after)
    for side in (found.before, found.after, found.difference):
        assert side["fact_precision"].value is None
    again = compare([judge(asked, "zh", half, SHIP), judge(asked, "en", whole, SHIP)], after)
    assert (again.before["fact_precision"].value, again.difference["fact_precision"].value) == (1, 0)


def test_runs_of_different_articles_are_not_compared(engine: ScriptedEngine, gold: Path) -> None:
    command = ["run", "--gold", str(gold), "--generator", "quote", "--out"]
    main([*command, "before"])
    engine.index.paragraphs = (*PARAGRAPHS, Paragraph(4, "body", "新的一段。", "A new paragraph."))
    main([*command, "after"])
    with pytest.raises(UserError, match="different articles"):
        main(["compare", "before", "after", "--gold", str(gold)])


def test_the_closed_book_control_has_no_citations_and_stands_in_the_report(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = ScriptedEngine(right, generator="local")
    monkeypatch.setattr(rag.engine.Engine, "open", lambda *args, **kwargs: scripted)
    main(["run", "--gold", str(gold), "--generator", "local", "--closed-book", "--out", "here"])
    found = json.loads((run.RUNS / "here" / "report.json").read_text(encoding="utf-8"))["controls"]["closed book"]
    assert found["fact_recall"]["value"] == 1  # the model happens to know
    assert found["cited_fact_recall"]["value"] == 0
    assert found["refusal_recall"]["value"] == 0


def test_a_generator_without_a_model_has_no_closed_book(engine: ScriptedEngine, gold: Path) -> None:
    with pytest.raises(UserError, match="no model to ask without evidence"):
        main(["run", "--gold", str(gold), "--generator", "quote", "--closed-book", "--out", "here"])


def test_served_the_local_model_is_asked_as_openai_while_its_server_runs(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[str] = []
    seen: list[Any] = []

    @contextmanager
    def server(settings: Settings, slots: int = 1) -> Iterator[str]:
        running.append(settings.generator_model)
        yield "http://127.0.0.1:1/v1"
        running.clear()

    def opened(settings: Settings, *args: Any) -> ScriptedEngine:
        seen.append((settings.openai_base_url, settings.openai_model, args[-1], list(running)))
        return ScriptedEngine(right, generator="openai")

    monkeypatch.setattr("evals.endpoint.llama_server", server)
    monkeypatch.setattr(rag.engine.Engine, "open", opened)
    assert main(["run", "--gold", str(gold), "--served", "--out", "here"]) == 0
    model = load_settings().generator_model
    assert seen == [("http://127.0.0.1:1/v1", model, "openai", [model])]
    assert json.loads((run.RUNS / "here" / "run.json").read_text(encoding="utf-8"))["generator"] == "openai"


def test_served_is_asked_as_openai_and_nothing_else(gold: Path) -> None:
    with pytest.raises(UserError, match="--served asks as openai, --generator is quote"):
        main(["run", "--gold", str(gold), "--served", "--generator", "quote", "--out", "here"])


def test_the_withheld_bed_asks_without_the_evidence_and_wants_a_refusal(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = commands.make_bed
    monkeypatch.setattr(commands, "make_bed", lambda name, noise=None: plain("withheld"))
    assert main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"]) == 0
    assert engine.asked == [("谁掌舵?", frozenset({1})), ("Who steers?", frozenset({1}))]
    found = json.loads((run.RUNS / "here" / "report.json").read_text(encoding="utf-8"))
    assert found["run"]["bed"] == "withheld"
    assert found["system"]["refusal_recall.withheld_gold"]["value"] == 0  # it answered all the same


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "nowhere"], "holds no run"),
        (["compare", "nowhere", "nowhere"], "holds no run"),
        (["run", "--language", "fr"], "--language is 'fr'"),
        (["run", "--limit", "0"], "--limit is 0"),
        (["run", "--gold", "nowhere.jsonl"], "nowhere.jsonl is not there"),
        (["validate", "--gold", "nowhere.jsonl"], "nowhere.jsonl is not there"),
        (["xquad"], "XQuAD's folder is not named"),
        (["xquad", "--path", "nowhere"], "xquad.dev.zh.json is not there"),
        (["load", "--generator", "quote", "--out", "."], ". is a folder, and a file is needed"),
        (["speed", "--json", "/dev/null/speed.json"], "/dev/null/speed.json cannot be written"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    arguments: list[str], said: str, engine: ScriptedEngine, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv(xquad.ENVIRONMENT, raising=False)
    assert run_command(lambda: main(arguments)) == 2
    errors = [text for text in capsys.readouterr().err.splitlines() if text.strip()]
    assert len(errors) == 1
    assert said in errors[0]


def test_validating_prints_every_problem_and_ends_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = written(tmp_path, line(kind="riddle"), line(fact={"evidence": [["stands nowhere"]]}))
    assert run_command(lambda: main(["validate", "--gold", str(bad)])) == 2
    err = capsys.readouterr().err
    assert "kind is 'riddle'" in err
    assert "'stands nowhere' stands in no paragraph" in err


def test_the_shipped_gold_validates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 0
    assert "answerable pairs" in capsys.readouterr().out


def test_the_shipped_bars_name_figures_that_reports_have(engine: ScriptedEngine, gold: Path) -> None:
    main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])
    folder = RunFolder(run.RUNS / "here")
    values = thresholds.flat(commands.scored(folder, gold))
    assert {bar.figure for bar in read_bars()} <= set(values)


@pytest.mark.parametrize(
    "text",
    [
        '[[bar]]\nname = "x"\nfigure = "mrr"\n',
        '[[bar]]\nname = "x"\nfigure = "mrr"\nat_least = 1\nat_most = 2\n',
        '[[bar]]\nname = "x"\nfigure = "mrr"\nat_leest = 1\n',
        "[[bar]\n",
    ],
)
def test_a_bar_that_asks_for_nothing_or_is_misspelt_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bars.toml"
    path.write_text(text)
    with pytest.raises(UserError):
        read_bars(path)


def test_a_figure_that_just_reaches_its_bar_clears_it() -> None:
    assert Bar("x", "mrr", at_least=0.5).missed_by(0.5) is None
    assert Bar("x", "mrr", at_most=0).missed_by(0) is None
    assert Bar("x", "mrr", at_least=0.5).missed_by(0.49) is not None
    assert Bar("x", "mrr", at_most=0).missed_by(1) is not None


def test_a_bar_for_one_generator_is_not_held_against_another() -> None:
    bar = Bar("x", "mrr", at_least=1, generator="local", split="dev")
    info = SimpleNamespace(bed="plain", split="dev", generator="local")
    assert bar.applies(info)
    assert not bar.applies(SimpleNamespace(bed="plain", split="dev", generator="quote"))
    assert not bar.applies(SimpleNamespace(bed="withheld", split="dev", generator="local"))


@pytest.mark.parametrize(
    ("limit", "languages", "held"), [(None, ("zh", "en"), True), (40, ("zh", "en"), False), (None, ("en",), False)]
)
def test_a_bar_for_the_whole_split_is_not_held_against_a_part_of_it(
    limit: int | None, languages: tuple[str, ...], held: bool
) -> None:
    info = SimpleNamespace(bed="plain", split="dev", generator="local", limit=limit, languages=languages)
    assert Bar("x", "mrr", at_least=1, whole=True).applies(info) is held
    assert Bar("x", "mrr", at_least=1).applies(info)


def test_a_bar_that_names_an_unknown_figure_is_refused(
    engine: ScriptedEngine, gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "read_bars", lambda: [Bar("x", "recal@1", at_least=0.5)])
    with pytest.raises(UserError, match="'recal@1', which no report has"):
        main(["run", "--gold", str(gold), "--generator", "quote", "--out", "here"])


def test_help_is_there_before_anything_heavy_is_loaded() -> None:
    code = (
        "import sys; from evals.__main__ import parser; parser().format_help();"
        "print([m for m in ('torch', 'chromadb', 'matplotlib', 'scipy', 'sklearn', 'llama_index') if m in sys.modules])"
    )
    started = time.perf_counter()
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"
    assert time.perf_counter() - started < 20
