"""`python -m evals`: ask the gold questions, score the answers, report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from index.environment import prepare
from index.errors import run_command
from index.settings import GeneratorName


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m evals",
        description="Measure answers against gold facts. Without a command: run the dev questions and report.",
        epilog="Exit status: 0; 1 where a bar of evals/thresholds.toml or a target of speed is missed, a gate of xquad "
        "is broken, an answer is lost under load or an injected order was obeyed; 2 for a mistake in the command.",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser("run", help="ask the questions (or go on asking), score, report")
    _add_asking(run)
    run.add_argument(
        "--out", metavar="RUN", help="a name under evals/runs, or a path (./here); default: named by what is run"
    )
    run.add_argument("--fresh", action="store_true", help="start over where the run exists")
    run.add_argument("--xquad", type=Path, metavar="DIR", help="ask our questions about XQuAD's paragraphs instead")
    run.add_argument("--page", metavar="NAME", help="ask about a page of evals/captured, by its name")
    run.add_argument(
        "--closed-book", action="store_true", help="also ask the bare model without evidence, as a control"
    )
    run.add_argument(
        "--served", action="store_true", help="ask the local model as openai, behind llama.cpp's own server on loopback"
    )
    score = commands.add_parser("score", help="recompute every figure of a run, without a model")
    score.add_argument("run", metavar="RUN")
    score.add_argument("--gold", type=Path, metavar="FILE", help="the gold questions, where no shipped file is theirs")
    score.add_argument("--markdown", type=Path, metavar="FILE", help="write the Markdown report there as well")
    compare = commands.add_parser("compare", help="what moved between two runs, question by question")
    compare.add_argument("before", metavar="RUN")
    compare.add_argument("after", metavar="RUN")
    compare.add_argument("--gold", type=Path, metavar="FILE", help="the gold questions")
    validate = commands.add_parser("validate", help="check the gold against the article")
    validate.add_argument("--gold", type=Path, metavar="FILE", help="the gold questions")
    validate.add_argument("--index", type=Path, metavar="DIR", help="check against this index, not the bundled article")
    stress = commands.add_parser("stress", help="evidence withheld, values edited, noise mixed in, otherwise typed")
    _add_asking(stress)
    stress.add_argument("--noise", type=Path, metavar="PATH", help="other paragraphs: an XQuAD folder or a .jsonl")
    stress.add_argument("--fresh", action="store_true", help="start over where a run exists")
    xquad = commands.add_parser("xquad", help="retrieval, answers and refusals on XQuAD, in every pair of languages")
    xquad.add_argument("--path", type=Path, metavar="DIR", help="the folder of xquad.dev.{en,zh}.json; else $XQUAD")
    xquad.add_argument("--limit", type=int, metavar="N", help="ask N questions, spread evenly")
    xquad.add_argument(
        "--answers",
        type=int,
        metavar="N",
        default=50,
        help="have N of them answered, with the full index and with the paragraph that answers withheld; default: 50",
    )
    xquad.add_argument("--generator", choices=get_args(GeneratorName), default="quote", help="for --answers")
    xquad.add_argument("--both", action="store_true", help="only the corpus in both languages")
    xquad.add_argument(
        "--out", metavar="RUN", help="a name under evals/runs, or a path (./here); default: named by what is run"
    )
    xquad.add_argument("--fresh", action="store_true", help="start over where the run exists")
    injections = commands.add_parser("injections", help="orders in questions and in paragraphs: are any obeyed?")
    injections.add_argument("--generator", choices=get_args(GeneratorName), help="default: the settings'")
    injections.add_argument("--index", type=Path, metavar="DIR", help="the index to ask; default: the settings'")
    injections.add_argument("--limit", type=int, metavar="N", help="N attempts, spread evenly over the file")
    injections.add_argument("--out", type=Path, metavar="FILE", help="write every answer there, one JSON object a line")
    speed = commands.add_parser("speed", help="how fast everything is, beside its limit and a peer; memory too")
    speed.add_argument("--limit", type=int, metavar="N", default=20, help="ask N dev question pairs; default: 20")
    speed.add_argument(
        "--peer",
        type=int,
        metavar="M",
        default=5,
        help="put M of them to llama-index's CitationQueryEngine as well; default: 5, 0 for none",
    )
    speed.add_argument("--json", type=Path, metavar="FILE", help="every timing; default: evals/runs/speed.json")
    speed.add_argument("--gold", type=Path, metavar="FILE", help="the gold questions")
    _add_calibrate(
        commands.add_parser(
            "calibrate", help="fit the embedder, the reader, the retriever's weights and the gate on the dev questions"
        )
    )
    _add_load(commands.add_parser("load", help="many readers asking the page at once, through its real queue"))
    _add_scale(commands.add_parser("scale", help="how retrieval grows with the corpus, each stage by itself"))
    return top


def _add_scale(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sizes", default="1000,10000", metavar="1000,10000", help="paragraph pairs")
    command.add_argument("--xquad", type=Path, metavar="DIR", help="the folder of xquad.dev.{en,zh}.json; else $XQUAD")
    command.add_argument(
        "--server", action="store_true", help="also ask a Chroma server on loopback, over the same files"
    )
    command.add_argument("--questions", type=int, default=50, metavar="N", help="asked at each size; default: 50")
    command.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as JSON")


def _add_load(command: argparse.ArgumentParser) -> None:
    command.add_argument("--readers", default="1,4,16", metavar="1,4,16", help="how many ask at once, level by level")
    command.add_argument("--questions", type=int, default=32, metavar="N", help="in all, at each level; default: 32")
    command.add_argument("--generator", choices=get_args(GeneratorName), help="default: the settings'")
    command.add_argument("--index", type=Path, metavar="DIR", help="the index to ask; default: the settings'")
    command.add_argument("--gold", type=Path, metavar="FILE", help="where the questions come from")
    command.add_argument(
        "--slots", metavar="1,2,4", help="the default model behind a llama.cpp server with so many parallel slots"
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as JSON")


def _add_calibrate(calibrate: argparse.ArgumentParser) -> None:
    parts = ("embedder", "fusion", "reader", "asking", "gate", "all")
    calibrate.add_argument("what", choices=parts, nargs="?", default="all")
    calibrate.add_argument(
        "--generator", choices=get_args(GeneratorName), help="the one whose gate it is; default: the settings'"
    )
    calibrate.add_argument("--index", type=Path, metavar="DIR", help="the index to ask; default: the settings'")
    calibrate.add_argument("--gold", type=Path, metavar="FILE", help="the gold questions")
    calibrate.add_argument("--xquad", type=Path, metavar="DIR", help="XQuAD's folder, for more questions to fit on")
    calibrate.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="for the gate: N answerable and N unanswerable questions of each gold file (a reading takes a second)",
    )
    calibrate.add_argument("--xquad-limit", type=int, metavar="N", help="for the gate: N of XQuAD's")


def _add_asking(command: argparse.ArgumentParser) -> None:
    command.add_argument("--split", choices=("dev", "test"), default="dev")
    command.add_argument("--generator", choices=get_args(GeneratorName), help="default: the settings'")
    command.add_argument("--index", type=Path, metavar="DIR", help="the index to ask; default: the settings'")
    command.add_argument("--language", default="zh,en", metavar="zh,en", help="the languages to ask in")
    command.add_argument("--limit", type=int, metavar="N", help="ask N questions, spread evenly over the file")
    command.add_argument("--gold", type=Path, metavar="FILE", help="the gold questions")


def main(argv: list[str]) -> int:
    """Run the command line; returns the exit status."""
    prepare()
    args = parser().parse_args(argv or ["run"])
    from evals import commands

    return commands.COMMANDS[args.command](args)


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
