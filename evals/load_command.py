"""What `python -m evals load` does: starts the servers, lets the readers ask, prints and keeps the figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from evals.endpoint import KEY, llama_server
from evals.files import record_path
from evals.gold import DEFAULT_GOLD, Question, load_gold
from evals.load import Asked, LoadFigures, RankingOf, Reply, ask_at_once, compared, deal, figures, page_server, to_json
from evals.tables import wide_console
from index.build import open_index
from index.errors import UserError
from index.paragraphs import Paragraph
from index.settings import GeneratorName, Settings, load_settings

if TYPE_CHECKING:
    from rag.engine import Engine

Level = tuple[int | None, int, float, list[Reply]]  # slots, readers, seconds, replies


def measure(args: argparse.Namespace, command: str) -> int:
    """Every level of readers, for every number of slots; status 1 where anything was lost or mixed up."""
    settings = load_settings(index=args.index)
    readers = _numbers(args.readers, "--readers")
    out = record_path(args.out) if args.out else None
    slots: list[int | None] = [*_numbers(args.slots, "--slots")] if args.slots else [None]
    generator: GeneratorName = args.generator or settings.generator
    dealt = deal(pool(args.gold or DEFAULT_GOLD, open_index(settings).paragraphs), readers, args.questions)
    levels: list[Level] = []
    for number in slots:
        with _page(settings, generator, number) as url:
            _warm(url, number or 1)
            for count, questions in zip(readers, dealt, strict=True):
                replies, seconds = ask_at_once(url, questions, count)
                levels.append((number, count, seconds, replies))
    # Behind slots it is a server's, which reads a selection and has no say in the ranking.
    ranking_of = asked_alone(_open(settings, "quote" if args.slots else generator))
    checked = [(number, count, seconds, compared(replies, ranking_of)) for number, count, seconds, replies in levels]
    told = [(number, figures(replies, count, seconds)) for number, count, seconds, replies in checked]
    _print(told, [reply for *_, replies in checked for reply in replies])
    if out:
        record = to_json([level for _, level in told], command=command, generator=generator, slots=slots)
        out.write_text(json.dumps(record, indent=2), encoding="utf-8")
    return int(any(level.lost or level.busy or level.mixed for _, level in told))


def _numbers(text: str, name: str) -> list[int]:
    if not all(part.isdigit() and int(part) for part in text.split(",")):
        raise UserError(f"{name} is {text!r}; numbers with commas between them are needed, like 1,4,16.")
    return [int(part) for part in text.split(",")]


def pool(gold: Path, article: Sequence[Paragraph]) -> list[Asked]:
    """Every development question about `article`, in both languages."""
    questions = [question for question in load_gold(gold, article) if question.split == "dev"]
    return [asked for question in questions for asked in _both(question)]


def _both(question: Question) -> tuple[Asked, ...]:
    return (question.asked["zh"], "zh"), (question.asked["en"], "en")


@contextmanager
def _page(settings: Settings, generator: GeneratorName, slots: int | None) -> Iterator[str]:
    if slots is None:
        with page_server(generator, settings.index) as url:
            yield url
        return
    with (
        llama_server(settings, slots) as endpoint,
        page_server("openai", settings.index, openai_base_url=endpoint, openai_api_key=KEY) as url,
    ):
        yield url


def _warm(url: str, slots: int) -> None:
    """The instructions of both languages, evaluated in every slot before anything is timed."""
    warming: tuple[Asked, ...] = ("竹子有多高?", "zh"), ("How tall does bamboo grow?", "en")
    for asked in warming:
        ask_at_once(url, [asked] * slots, slots)


def asked_alone(engine: Engine) -> RankingOf:
    """The ranking of a question asked of an engine that nobody else asks.

    A small model looks for some questions in both languages' words, so it has to be asked itself.
    """

    def ranking_of(question: str) -> list[int]:
        looked = engine.look(question)
        if engine.generator.is_small:
            heard = engine.listener.listen(looked)
            heard.reply.close()
            looked = heard.looked
        return [entry.paragraph.number for entry in looked.ranking.retrieved]

    return ranking_of


def _open(settings: Settings, generator: GeneratorName) -> Engine:
    from rag.engine import Engine

    return Engine.open(settings, settings.index, generator)


def _print(told: Sequence[tuple[int | None, LoadFigures]], replies: Sequence[Reply]) -> None:
    heads = ("slots", "readers", "answers/min", "whole, median s", "p95", "quotes, median s", "p95")
    table = Table(title="Readers at once", title_justify="left")
    for head in (*heads, "Jain", "spread", "answered", "by quotes", "busy", "lost", "mixed up"):
        table.add_column(head, justify="right")
    for slots, level in told:
        times = (level.median, level.p95, level.quotes_median, level.quotes_p95, level.jain, level.spread)
        counts = (f"{level.answered} of {level.asked}", level.fallback, level.busy, level.lost, level.mixed)
        cells = (slots or "-", level.readers, level.throughput, *times, *counts)
        table.add_row(*("-" if cell is None else str(cell) for cell in cells))
    wide_console().print(table)
    for reply in replies:
        if reply.mixed:
            print(f"  ! reader {reply.reader}, {reply.question!r}: {reply.mixed}")
