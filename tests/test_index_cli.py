"""`python -m index`: one clear line for a user's mistake, and quick help."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from index import weights
from index.__main__ import main
from index.errors import UserError, run_command
from index.weights import Model, WeightFile
from tests.fakes import HashingEmbedder

Run = Callable[..., tuple[int, str, str]]
HEAVY = "torch transformers sentence_transformers chromadb llama_index gradio numpy sklearn xllamacpp openai anthropic".split()


@pytest.fixture
def run(hashing_everywhere: HashingEmbedder, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process, with the hashing embedder: (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run_command(lambda: main(list(arguments)))
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "facts.jsonl"
    source.write_text(
        '{"zh": "茶。", "en": "Tea.", "section_zh": "章", "kind": "footnote"}\n{"en": "Ships."}\n', encoding="utf-8"
    )
    return source


def test_building_reports_on_stderr_and_leaves_stdout_alone(run: Run, source: Path, tmp_path: Path) -> None:
    status, out, err = run(str(source), "--into", str(tmp_path / "i"))
    assert (status, out) == (0, "")
    assert "facts: 2 paragraphs (1 body, 1 footnote)" in err
    assert "passages embedded, 0 taken over" in err
    status, out, err = run(str(source), "--into", str(tmp_path / "i"))
    assert (status, out) == (0, "")
    assert "was up to date" in err


def test_without_arguments_the_bundled_article_goes_into_the_default_index(run: Run, home: Path) -> None:
    assert run()[0] == 0
    assert (home / "index" / "article" / "CURRENT").is_file()
    status, out, _ = run("--dump")
    assert (status, len(out.splitlines())) == (0, 67)


def test_a_dump_has_exactly_the_documented_fields(run: Run, source: Path, tmp_path: Path) -> None:
    run(str(source), "--into", str(tmp_path / "i"))
    status, out, err = run("--dump", "--into", str(tmp_path / "i"))
    assert (status, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"paragraph": 1, "kind": "footnote", "section": {"zh": "章", "en": ""}, "zh": "茶。", "en": "Tea."},
        {"paragraph": 2, "kind": "body", "section": {"zh": "", "en": ""}, "zh": None, "en": "Ships."},
    ]
    assert "茶" in out  # not escaped


def test_a_paragraph_without_its_translation_is_noted(run: Run, tmp_path: Path) -> None:
    railway = Path(__file__).parent / "articles" / "railway.txt"
    assert re.search(
        r"^note: ¶\d has no English: .+…$", run(str(railway), "--into", str(tmp_path / "i"))[2], re.MULTILINE
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is nothing, not a file"),
        (b"", "is empty (0 bytes)"),
        (b"\x00\x01\x02", "is a binary file"),
        (
            "只有中文，没有别的语言，这样的文章无法对照，也就没有什么可以配对的。\n".encode() * 3,
            "holds no Chinese paragraph beside its English one",
        ),
    ],
)
def test_a_bad_source_is_one_line_and_exit_status_2(
    run: Run, tmp_path: Path, content: bytes | None, message: str
) -> None:
    source = tmp_path / "source.txt"
    if content is not None:
        source.write_bytes(content)
    status, out, err = run(str(source), "--into", str(tmp_path / "i"))
    assert (status, out) == (2, "")
    assert err.strip().startswith("duizhao: ")
    assert message in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["facts.jsonl"], "Add: --into DIR"),
        (["--dump"], "there is no index in"),
        (["--dump", "--into", "nowhere"], "Build it with: python -m index SOURCE --into nowhere"),
        (["facts.jsonl", "--dump"], "--dump prints an index and builds none"),
        (["weights", "gpt-7"], "no model is named 'gpt-7'. Choose from: multilingual-e5-small, "),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_status_2(run: Run, arguments: list[str], message: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_misspelt_setting_stops_every_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHAO_HOMEE", "/tmp")
    for arguments in ([], ["--dump"], ["weights", "--list"]):
        status, _, err = run(*arguments)
        assert status == 2
        assert "the nearest one is DUIZHAO_HOME" in err


def test_weights_lists_what_is_here_and_what_is_not(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toys = {
        name: Model(name, "generator", "A toy", "MIT", (WeightFile("model.bin", 5, "0" * 64),))
        for name in ("here", "gone")
    }
    monkeypatch.setattr(weights, "catalogue", lambda: toys)
    (home / "models" / "here").mkdir(parents=True)
    (home / "models" / "here" / "model.bin").write_bytes(b"12345")
    status, out, _ = run("weights", "--list")
    assert status == 0
    assert [(line.split()[0], "not here" in line) for line in out.splitlines()] == [("here", False), ("gone", True)]
    status, out, _ = run("weights", "here")  # nothing is missing, so nothing is fetched
    assert (status, len(out.splitlines())) == (0, 1)
    status, _, err = run("weights", "gone")
    assert status == 2
    assert "model.bin could not be fetched" in err


# --- errors -----------------------------------------------------------------------------------------------------


def test_a_users_mistake_is_printed_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def mistake() -> int:
        raise UserError("wrong. Do this.")

    assert run_command(mistake) == 2
    assert capsys.readouterr() == ("", "duizhao: wrong. Do this.\n")


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


def test_interrupting_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert run_command(interrupt) == 130
    assert capsys.readouterr().err == "duizhao: interrupted\n"


def test_success_is_zero() -> None:
    assert run_command(lambda: None) == run_command(lambda: 0) == 0


# --- as a process -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["weights", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from index.__main__ import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        f"    print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m index")
    assert "HEAVY []" in done.stdout


def test_weights_can_be_listed_without_importing_anything_heavy() -> None:
    script = f"import sys\nfrom index.__main__ import main\nmain(['weights', '--list'])\nprint('HEAVY', [n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "HEAVY []" in done.stdout, done.stderr


def test_the_process_exits_with_2_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHAO_THREAD", "2")
    done = subprocess.run([sys.executable, "-m", "index"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "duizhao: DUIZHAO_THREAD is not a setting; the nearest one is DUIZHAO_THREADS. Unset it, or correct its name.\n"
    )


def test_a_reader_that_closes_the_pipe_early_ends_the_dump_quietly(run: Run, tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_text(
        "".join(json.dumps({"en": f"Fact {n} " + "of tea " * 300}) + "\n" for n in range(60)), encoding="utf-8"
    )
    run(str(many), "--into", str(tmp_path / "i"))
    command = [sys.executable, "-m", "index", "--dump", "--into", str(tmp_path / "i")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert json.loads(child.stdout.readline())["paragraph"] == 1
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(30) == 0
