"""`python -m rag`: the JSON contract, the batch, and every mistake a person can make at the prompt."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rag.__main__ as cli
from index.build import Index
from index.errors import UserError, run_command
from rag.engine import Engine
from rag.generators import GeneratorFailed
from rag.terminal import print_answer
from tests.rag_support import scripted_engine

pytestmark = pytest.mark.usefixtures("listening_gate")


@pytest.fixture
def engine(article_index: Index, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine, _ = scripted_engine(article_index, "Marina Favaro and Jack Clark co-authored this piece.")
    monkeypatch.setattr(cli, "_open", lambda settings, args: engine)
    return engine


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_is_one_object_and_nothing_else_on_stdout(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["Who are the authors?", "--json"]) == 0
    (record,) = lines(capsys)
    assert record["question"] == "Who are the authors?"
    assert len(record["retrieved"]) >= 10


def test_retrieve_stops_after_retrieval(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["谁写的?", "--retrieve"]) == 0
    (record,) = lines(capsys)
    assert "answer" not in record
    assert len(record["retrieved"]) >= 10


def test_a_bad_batch_line_gets_an_error_and_the_rest_go_on(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = tmp_path / "batch.jsonl"
    requests = [
        {"id": "a", "question": "谁写的?"}, {"id": "b", "question": ""}, {"id": "c", "question": "字" * 20_000},
        {"id": "d", "question": "\ud83d who?"}, {"id": "d2", "question": "And he?", "history": [{"question": "\ud83d who?"}]},
    ]  # fmt: skip
    tail = '\n{"id": 4}\n{"id": "e", "question": "Who?", "history": 5}\n{"id": "f", "question": "Who wrote it?"}\n'
    batch.write_text(
        "\n".join(map(json.dumps, requests)) + "\nnot json\n" + "[" * 200_000 + "\n" + "9" * 5_000 + tail,
        encoding="utf-8",
    )
    assert cli.main(["--batch", str(batch), "--json"]) == 0
    records = lines(capsys)
    assert [r["id"] for r in records] == ["a", "b", "c", "d", "d2", None, None, None, 4, "e", "f"]
    assert ["error" in r for r in records] == [False, *[True] * 9, False]


def test_a_batch_is_read_from_standard_input(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"id": 1, "question": "谁写的?"}\n'))
    assert cli.main(["--batch", "-"]) == 0
    assert lines(capsys)[0]["id"] == 1


def test_bytes_on_standard_input_that_are_no_character_cost_their_line_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = b'\xef\xbb\xbf{"id": 1, "question": "Who wrote it?"}\n\xff\n{"id": 2, "question": "Who \xff?"}\n{"id": 3, "question": "Who?"}\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent), encoding="utf-8"))
    assert cli.main(["--batch", "-"]) == 0
    assert [(r["id"], "error" in r) for r in lines(capsys)] == [(1, False), (None, True), (2, True), (3, False)]


@pytest.mark.parametrize(("code", "identity"), [("utf-8", "\ud83d"), ("latin-1", "甲"), ("latin-1", "😀")])
def test_what_standard_output_cannot_write_is_escaped(
    engine: Engine, code: str, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = json.dumps({"id": identity, "question": "谁写的?"})
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{asked}\n"))
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=code))
    assert cli.main(["--batch", "-"]) == 0
    assert json.loads(written.getvalue())["id"] == identity


@pytest.mark.parametrize(
    "argv", [[], ["q", "--batch", "f"], [""], ["--batch", "no-such-file"], ["--batch", "."], ["字" * 20_000]]
)
def test_a_mistake_is_one_line_and_exit_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: cli.main(argv)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1


def test_a_missing_index_names_the_command_that_builds_it(home: Path) -> None:
    with pytest.raises(UserError, match="python -m index"):
        cli.main(["谁写的?", "--generator", "quote"])


def test_doctor_says_what_is_missing_and_how_to_get_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "python -m index weights" in printed
    assert str(home) in printed


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DUIZHAO_GENERATOR_MODEL", "no-such.gguf", "'no-such.gguf': neither a GGUF file nor one of"),
        ("DUIZHAO_GENERATOR_MODEL", "multilingual-e5-small", "Name a generator or a GGUF file"),
        ("DUIZHAO_GENERATOR", "anthropic", "Set DUIZHAO_ANTHROPIC_API_KEY"),
    ],
)
def test_doctor_says_why_the_generator_cannot_write(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert cli.main(["doctor"]) == 1
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("! generator ") and told in line]


def test_the_printed_answer_shows_the_quote_in_both_languages(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = print_answer(engine, "Who are the authors of the piece?")
    printed = capsys.readouterr().out
    number = answer.citations[0].paragraph.number
    assert f"¶{number}" in printed
    assert "共同撰写" in printed
    assert "co-authored" in printed


def test_quotes_in_place_of_a_model_that_did_not_answer_say_why(
    article_index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, _ = scripted_engine(article_index, "x", fails=True)
    for question, words in (("Who are the authors?", "Without the model"), ("谁写的?", "未用模型")):
        print_answer(engine, question)
        assert f"{words}: ConnectionError: the model is down" in capsys.readouterr().out


def test_reading_ahead_with_a_model_that_fails_is_one_line(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(_: object) -> bool:
        raise GeneratorFailed("llama.cpp ended with status 1")

    own = engine.with_generator(replace(engine.generator, prepare=prepare))
    monkeypatch.setattr(cli, "_open", lambda settings, args: own)
    assert run_command(lambda: cli.main(["--prepare"])) == 2
    assert "nothing more is read ahead: llama.cpp ended with status 1." in capsys.readouterr().err


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys, rag.__main__ as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([x for x in ('torch','chromadb','llama_index.core','gradio','xllamacpp') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
