"""XQuAD: retrieval in every pair of question and corpus language, and refusals with the gold paragraph withheld."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from evals import stats
from evals.bench import build_index
from evals.datasets import XQuAD, as_jsonl
from evals.gold import Question
from evals.metrics import recall_at, reciprocal_rank
from evals.run import sample
from evals.stats import Figure
from evals.tables import shown, wide_console
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language
from index.progress import bar
from index.settings import GeneratorName, Settings

if TYPE_CHECKING:
    from rag.engine import Engine

ENVIRONMENT = "XQUAD"
CORPORA: dict[str, tuple[Language, ...]] = {"zh and en": LANGUAGES, "zh": ("zh",), "en": ("en",)}


def print_report(
    settings: Settings,
    path: Path | None,
    limit: int | None,
    refusals: int,
    generator: GeneratorName,
    *,
    both_only: bool = False,
) -> int:
    """Build the indexes where they are not there yet, measure, print; returns the exit status.

    `both_only` measures the corpus as a reader has it, in both languages, and leaves the one-language corpora out.
    """
    dataset = XQuAD(_folder(path))
    questions = sample(dataset.questions(), limit)
    table = Table(
        title=f"XQuAD, {len(questions)} questions, {len(dataset.paragraphs())} paragraphs", title_justify="left"
    )
    for head in ("asked in", "corpus", "recall@1", "recall@5", "MRR"):
        table.add_column(head, justify="left" if head in ("asked in", "corpus") else "right")
    for corpus, languages in list(CORPORA.items())[: 1 if both_only else None]:
        engine = _engine(settings, dataset, languages, "quote")
        for asked in LANGUAGES:
            cell = retrieval_cell(engine, questions, asked, f"Asking in {asked}, corpus {corpus}")
            table.add_row(asked, corpus, *(shown(figure) for figure in cell))
    wide_console().print(table)
    if refusals:
        _print_refusals(_engine(settings, dataset, LANGUAGES, generator), sample(questions, refusals), generator)
    return 0


def retrieval_cell(
    engine: Engine, questions: Sequence[Question], asked: Language, title: str
) -> tuple[Figure, Figure, Figure]:
    """(recall@1, recall@5, MRR); questions on one paragraph are one draw."""
    first: dict[int, list[float]] = {}
    five: dict[int, list[float]] = {}
    ranks: dict[int, list[float]] = {}
    with bar(title) as on_progress:
        for done, question in enumerate(questions, start=1):
            numbers = [entry.paragraph.number for entry in engine.retrieve(question.asked[asked])]
            (gold,) = question.gold
            first.setdefault(gold, []).append(recall_at(numbers, question.facts, 1) or 0.0)
            five.setdefault(gold, []).append(recall_at(numbers, question.facts, 5) or 0.0)
            ranks.setdefault(gold, []).append(reciprocal_rank(numbers, question.gold))
            on_progress(done, len(questions))
    return (
        stats.figure(list(first.values())),
        stats.figure(list(five.values())),
        stats.mean(list(ranks.values())),
    )


def withheld(engine: Engine, questions: Sequence[Question]) -> tuple[Figure, Figure]:
    """(share refused with the gold paragraph taken away, share refused with the full index)."""
    without: list[list[float]] = []
    full: list[list[float]] = []
    with bar("Asking with and without the gold paragraph") as on_progress:
        for done, question in enumerate(questions, start=1):
            asked = [question.asked[language] for language in LANGUAGES]
            without.append([float(engine.ask(text, exclude=question.gold).refused) for text in asked])
            full.append([float(engine.ask(text).refused) for text in asked])
            on_progress(done, len(questions))
    return stats.figure(without), stats.figure(full)


def _print_refusals(engine: Engine, questions: Sequence[Question], generator: str) -> None:
    without, full = withheld(engine, questions)
    print(f"refused by {generator}, gold paragraph withheld: {shown(without)} (should be 1), n = {without.n}")
    print(f"refused by {generator}, full index:              {shown(full)} (should be 0), n = {full.n}")


def _engine(settings: Settings, dataset: XQuAD, languages: Sequence[Language], generator: GeneratorName) -> Engine:
    from rag.engine import Engine

    name = f"xquad-{'-'.join(languages)}"
    with bar(f"Embedding {name}") as on_progress:
        folder = build_index(settings, name, as_jsonl(dataset.paragraphs(), languages), on_progress)
    return Engine.open(settings, folder, generator)


def _folder(path: Path | None) -> Path:
    named = path or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if named is None:
        raise UserError(f"XQuAD's folder is not named. Give it with --path DIR or in the environment as {ENVIRONMENT}.")
    return named
