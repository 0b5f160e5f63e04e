"""The stress beds, end to end: the real engine and the quote generator over an embedder that needs no weights."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rag.engine
from evals import bench, commands, run
from evals.__main__ import main
from evals.beds import BEDS, read_edits, titled, traditional, unspaced
from evals.bench import Order, has_questions
from evals.datasets import OwnArticle
from evals.run import RunFolder
from index.build import Index
from index.embedder import Embedder
from index.errors import UserError
from index.keywords import simplified
from index.paragraphs import LANGUAGES
from index.settings import Settings
from tests.fakes import HashingEmbedder
from tests.test_evals_cli import ScriptedEngine, right
from tests.test_evals_gold import PARAGRAPHS, line, squad, written

NOISE = {"zh": ["海豚会唱歌。", "火山在海底。"], "en": ["Dolphins can sing.", "The volcano lies under the sea."]}


@dataclass(frozen=True)
class Stressed:
    """What one `stress` left behind."""

    folders: dict[str, RunFolder]
    out: str
    status_when_a_stale_quote_passes: int

    def report(self, bed: str) -> Any:
        return json.loads((self.folders[bed].path / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def stressed(_article_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Stressed:
    """Every bed, asked of a few questions of the article."""
    noise, runs = tmp_path_factory.mktemp("noise"), tmp_path_factory.mktemp("runs")
    for language, texts in NOISE.items():
        squad(noise, language, texts, ["?", "??"])
    command = ["stress", "--generator", "quote", "--limit", "4", "--index", str(_article_folder), "--noise", str(noise)]
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUIZHAO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(Embedder, "from_settings", lambda settings: HashingEmbedder())
        patch.setattr(rag.engine.Engine, "warm", lambda engine: None)  # there are no weights to load
        patch.setattr(run, "RUNS", runs)
        with contextlib.redirect_stdout(out):
            main(command)
        patch.setattr(commands, "read_bars", list)
        patch.setattr(commands, "_stale_quotes", lambda plain: (2, 1))
        patch.setattr(commands, "BEDS", ("plain", "counterfactual"))
        status = main(command)
    folders = [RunFolder(path) for path in runs.iterdir()]
    return Stressed({folder.info.bed: folder for folder in folders}, out.getvalue(), status)


def test_every_bed_is_asked_and_reported_and_no_gate_breaks(stressed: Stressed) -> None:
    assert set(stressed.folders) == set(BEDS)
    for bed, folder in stressed.folders.items():
        assert f"│ {bed} " in stressed.out
        assert (folder.path / "report.html").is_file()
        gates = stressed.report(bed)["gates"]
        assert gates["answers"] == 8
        assert [name for name in ("phantom_citations", "not_verbatim", "errors") if gates[name]] == [], bed


def test_what_may_be_cited_is_not_even_retrieved_where_it_is_withheld(stressed: Stressed) -> None:
    folder = stressed.folders["withheld"]
    questions = commands.questions_of(folder, commands.DEFAULT_GOLD)
    for (name, _), answer in folder.answers().items():
        assert questions[name].supporting
        assert not {entry["paragraph"] for entry in answer["retrieved"]} & questions[name].supporting
    assert stressed.report("withheld")["system"]["refusal_recall"]["n"] == 8


def test_noise_stands_behind_the_article_and_leaves_its_numbers_and_its_gold_alone(stressed: Stressed) -> None:
    folder, own = stressed.folders["noise"], OwnArticle().paragraphs()
    assert folder.article == tuple(own)
    behind = [(p.number, p.zh) for p in folder.paragraphs.values() if p.number > len(own)]
    assert behind == [(len(own) + i, text) for i, text in enumerate(NOISE["zh"], start=1)]


def test_without_spaces_between_the_scripts_everything_else_stays(stressed: Stressed) -> None:
    folder, own = stressed.folders["unspaced"], OwnArticle().paragraphs()
    for before, after in zip(own, folder.paragraphs.values(), strict=True):
        assert (after.zh or "").replace(" ", "") == (before.zh or "").replace(" ", "")
        assert after.en == before.en
    assert unspaced("由 Claude Opus 4.8 翻译,约 80% 的代码。") == "由Claude Opus 4.8翻译,约80%的代码。"
    asked = [answer["question"] for (_, language), answer in folder.answers().items() if language == "zh"]
    assert all(unspaced(question) == question for question in asked)


def test_traditional_characters_are_asked_of_the_article_as_it_is(stressed: Stressed) -> None:
    folder = stressed.folders["traditional"]
    assert folder.article == tuple(folder.paragraphs.values())
    assert traditional("开发团队为什么?") == "開發團隊爲什麼?"
    asked = [answer["question"] for (_, language), answer in folder.answers().items() if language == "zh"]
    assert asked == [traditional(question) for question in asked]
    assert any(simplified(question) != question for question in asked)


def test_capitals_are_typed_in_english_alone(stressed: Stressed) -> None:
    assert titled("What's the full-load weight of METR's tram?") == "What's The Full-Load Weight Of METR's Tram?"
    for bed, typed in (("titled", titled), ("capitals", str.upper)):
        plain = stressed.folders["plain"].answers()
        for key, answer in stressed.folders[bed].answers().items():
            as_written = plain[key]["question"]
            assert answer["question"] == (typed(as_written) if key[1] == "en" else as_written)


def test_the_engine_is_shown_the_edited_article_and_not_the_one_before(stressed: Stressed) -> None:
    folder = stressed.folders["counterfactual"]
    shown = {entry["en"] for answer in folder.answers().values() for entry in answer["retrieved"] if entry["en"]}
    assert shown <= {paragraph.en for paragraph in folder.paragraphs.values()}
    edits = [edit for edit in read_edits() if edit.question in folder.info.questions]
    assert len(edits) == 4
    assert all(any(edit.new["en"] in (p.en or "") for p in folder.paragraphs.values()) for edit in edits)
    assert not any(edit.old["en"] in text for edit in read_edits() for text in shown)


def test_a_stale_quote_that_still_passes_as_verbatim_ends_with_status_1(stressed: Stressed) -> None:
    assert "stale quotes of edited values: " in stressed.out
    assert stressed.status_when_a_stale_quote_passes == 1


def test_noise_from_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is not there"):
        commands.make_bed("noise", tmp_path / "nowhere").paragraphs([])  # type: ignore[misc]


def test_another_article_is_stressed_without_the_edits_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rag.engine.Engine, "open", lambda *args, **kwargs: ScriptedEngine(right))
    monkeypatch.setattr(rag.engine.Engine, "warm", lambda engine: None)
    for module in (bench, commands):
        monkeypatch.setattr(module, "open_index", lambda *args: SimpleNamespace(paragraphs=PARAGRAPHS))
    monkeypatch.setattr(bench, "build_index", lambda settings, name, source, on_progress: Path(name))
    monkeypatch.setattr(run, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(commands, "read_bars", list)
    command = ["stress", "--gold", str(written(tmp_path, line())), "--generator", "quote"]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "counterfactual is left out" in said.err
    assert "stale quotes" not in said.out
    with pytest.raises(UserError, match="has 0 questions of the split test"):
        main([*command, "--split", "test"])


def test_a_bed_that_asks_none_of_the_gold_is_left_out(
    article_index: Index, settings: Settings, hashing_everywhere: HashingEmbedder
) -> None:
    def order(gold: Path) -> Order:
        return Order(commands.make_bed("counterfactual"), "dev", LANGUAGES, "quote", gold, index=article_index.folder)

    assert has_questions(order(commands.DEFAULT_GOLD), settings)
    assert not has_questions(order(commands.PLAIN_GOLD), settings), "the edits are of the other file's questions"
