"""`python -m rag`: ask a question; for people by default, JSON for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from index.environment import prepare
from index.errors import UserError, run_command
from index.settings import GeneratorName, Settings, load_settings

if TYPE_CHECKING:
    from rag.engine import Engine


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m rag",
        description="Ask the article a question in Chinese or English.",
        epilog="python -m rag doctor: show the settings in force, what is missing, and how to get it.",
    )
    top.add_argument("question", nargs="?", metavar="QUESTION")
    top.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    top.add_argument(
        "--batch", metavar="FILE", help='one {"id", "question", "history"?} a line (- for stdin); one object a line out'
    )
    top.add_argument("--retrieve", action="store_true", help="stop after retrieval: print the ranking")
    top.add_argument(
        "--prepare", action="store_true", help="read every paragraph ahead (minutes, once): later answers begin sooner"
    )
    top.add_argument("--index", type=Path, metavar="DIR", help="another index")
    top.add_argument("--generator", choices=get_args(GeneratorName), help="another generator")
    return top


def main(argv: list[str]) -> int:
    """Run the command line; returns the exit status."""
    prepare()
    if argv == ["doctor"]:
        return _doctor()
    args = parser().parse_args(argv)
    given = [n for n, is_given in _orders(args).items() if is_given]
    if len(given) != 1:
        said = " and ".join(given) if given else "none"
        raise UserError(
            f"one of QUESTION, --batch FILE and --prepare is needed, {said} was given. See: python -m rag --help"
        )
    settings = load_settings(generator=args.generator)
    lines = _batch_lines(args.batch) if args.batch is not None else iter(())
    if args.question is not None:
        from rag.engine import checked_question

        checked_question(args.question)  # a bad question is refused before seconds of loading
    engine = _open(settings, args)
    if args.prepare:
        _prepare(engine)
        return 0
    if args.batch is not None:
        for line in lines:
            print(_json(_batch_answer(engine, line, args.retrieve)), flush=True)
        return 0
    if args.json or args.retrieve:
        print(_json(_answer(engine, {"question": args.question}, args.retrieve)))
        return 0
    from rag.terminal import print_answer

    print_answer(engine, args.question)
    return 0


def _orders(args: argparse.Namespace) -> dict[str, bool]:
    return {"QUESTION": args.question is not None, "--batch": args.batch is not None, "--prepare": args.prepare}


def _json(record: dict[str, Any]) -> str:
    """`record` in one line, in escapes where stdout cannot write its characters (half of one, another code)."""
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(record)
    return line


def _prepare(engine: Engine) -> None:
    from index.progress import bar
    from rag.generators import GeneratorFailed

    if engine.generator.prepare is None:
        raise UserError(f"the generator {engine.generator.name} reads nothing ahead. Only local does.")
    try:
        with bar("Reading ahead") as on_progress:
            for done, total in engine.prepare():
                on_progress(done, total)
    except GeneratorFailed as error:
        raise UserError(f"nothing more is read ahead: {error}. What was read so far is kept; run it again.") from error


def _open(settings: Settings, args: argparse.Namespace) -> Engine:
    from rag.engine import Engine

    # Retrieval needs no generator: `--retrieve` works without its weights.
    return Engine.open(settings, args.index, "quote" if args.retrieve else settings.generator)


def _answer(engine: Engine, request: dict[str, Any], retrieve_only: bool) -> dict[str, Any]:
    from rag.condense import parse_history

    history = parse_history(request.get("history") or ())
    if retrieve_only:
        found = engine.find(request["question"], history)
        return {
            "id": request.get("id"),
            "question": found.question,
            "language": found.language,
            "retrieved": [r.to_json() for r in found.ranking.retrieved[:20]],
            "timings_ms": {"retrieve": round(found.milliseconds)},
        }
    return engine.ask(request["question"], history, request.get("id")).to_json()


def _batch_lines(name: str) -> Iterator[str]:
    if name == "-":
        if isinstance(sys.stdin, TextIOWrapper):  # bytes that are no character make one bad line, and end no batch
            sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")
        return (line for line in sys.stdin if line.strip())
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"the batch file {path} cannot be read ({error.strerror}). "
            "Give a file with one JSON object a line, or - for stdin."
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"the batch file {path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    return (line for line in text.split("\n") if line.strip())


def _batch_answer(engine: Engine, line: str, retrieve_only: bool) -> dict[str, Any]:
    """The answer to one line, or an object with `error`: one bad line never stops the others."""
    try:
        request = json.loads(line)
    except json.JSONDecodeError as error:
        return {"id": None, "error": f"the line is not JSON: {error.msg} at character {error.pos + 1}"}
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        return {"id": None, "error": f"the line is not JSON that can be read: {error}"}
    if not isinstance(request, dict) or not isinstance(request.get("question"), str):
        identity = request.get("id") if isinstance(request, dict) else None
        return {"id": identity, "error": 'the line is not an object with a string "question"'}
    try:
        return _answer(engine, request, retrieve_only)
    except UserError as error:
        readable = request["question"][:200].encode("utf-8", "replace").decode("utf-8")
        return {"id": request.get("id"), "question": readable, "error": str(error)}


def _doctor() -> int:
    from rag.doctor import report

    lines = list(report(load_settings()))
    for well, line in lines:
        print(f"{' ' if well else '!'} {line}")
    return 0 if all(well for well, _ in lines) else 1


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
