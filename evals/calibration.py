"""`python -m evals calibrate`: which questions the retriever's weights and the gate are fitted on, and what it prints.

The article's dev questions, and, where its folder is named, XQuAD's: of those each is asked twice for the gate, once
with the paragraph that answers it taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals import calibrate, fusion
from evals.datasets import XQuAD
from evals.gold import Question, load_gold
from evals.run import sample
from evals.xquad import BOTH, engine_over
from index.errors import UserError
from index.progress import bar
from index.settings import GeneratorName, Settings
from rag.engine import Engine
from rag.retrieve import HybridRetriever

# XQuAD takes five paragraphs of each article; questions on one article are held out together.
PARAGRAPHS_OF_ONE_ARTICLE = 5
REPLIES = "replies.jsonl"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many answerable questions of each gold file, and of XQuAD, the gate is fitted on; None for all."""

    gold: int | None = None
    xquad: int | None = None


def calibrate_fusion(settings: Settings, index: Path | None, gold: Path, xquad: Path | None) -> None:
    """Fit and write rag/fusion.json; prints recall on questions that the weights had not seen."""
    engine = Engine.open(settings, index, "quote")
    own = [question for question in _dev(gold, engine) if question.answerable]
    beds = {"article": _tables(engine, [(question, i) for i, question in enumerate(own)], "the article")}
    if xquad:
        questions = XQuAD(xquad).questions()
        grouped = [(q, (min(q.gold) - 1) // PARAGRAPHS_OF_ONE_ARTICLE) for q in questions]
        beds["xquad"] = _tables(engine_over(settings, XQuAD(xquad), BOTH, "quote"), grouped, "XQuAD")
    fitted = fusion.fit(beds)
    fusion.write_fusion(fitted.fusion)
    for (bed, language), (first, five) in sorted(fitted.recall.items()):
        print(f"retrieval, {bed}, {language}: recall@1 {first:.3f}, recall@5 {five:.3f} (cross-validated)")


def calibrate_gate(
    settings: Settings,
    index: Path | None,
    gold: Sequence[Path],
    xquad: Path | None,
    generator: GeneratorName | None,
    limits: Limits,
) -> None:
    """Fit and write rag/gate.json; a reply takes seconds, hence `limits`.

    The same facts asked obliquely and plainly (two files of `gold`) are held out together.

    Raises UserError for a generator that writes nothing.
    """
    engine = Engine.open(settings, index, generator)
    if not engine.generator.writes:
        raise UserError(f"the generator {engine.generator.name} writes nothing. Calibrate with one that has a model.")
    examples: list[calibrate.Example] = []
    for path in gold:
        dev = _dev(path, engine)
        asked = [*(q for q in dev if not q.answerable), *sample([q for q in dev if q.answerable], limits.gold)]
        examples += _replies(engine, [(question, frozenset()) for question in asked], settings, path.stem)
    if xquad:
        engine = engine_over(settings, XQuAD(xquad), BOTH, engine.generator.name)
        questions = sample(XQuAD(xquad).questions(), limits.xquad)
        withheld = [(question, frozenset(question.gold)) for question in questions]
        whole: list[tuple[Question, frozenset[int]]] = [(question, frozenset()) for question in questions]
        examples += _replies(engine, whole + withheld, settings, "XQuAD")
    fits = calibrate.fit(examples)
    calibrate.write_gate(fits)
    for language, moments in fits.items():
        for moment, side in moments.items():
            print(
                f"gate at the {moment}, {language}: area under the curve {side.auc:.3f}, refuses "
                f"{side.refusal_recall:.0%} of what it should and {side.over_refusal:.0%} of what it should not "
                f"(cross-validated, {sum(e.language == language for e in examples)} questions)"
            )


def _dev(gold: Path, engine: Engine) -> list[Question]:
    return [question for question in load_gold(gold, engine.index.paragraphs) if question.split == "dev"]


def _tables(engine: Engine, questions: Sequence[tuple[Question, int]], where: str) -> list[fusion.Example]:
    with bar(f"Asking {where}") as on_progress:
        return fusion.collect(HybridRetriever(engine.index), questions, on_progress)


def _replies(
    engine: Engine, questions: Sequence[tuple[Question, frozenset[int]]], settings: Settings, where: str
) -> list[calibrate.Example]:
    cache = settings.home / "evals" / REPLIES
    cache.parent.mkdir(parents=True, exist_ok=True)
    with bar(f"Asking {where}") as on_progress:
        return calibrate.collect(engine, questions, cache, on_progress)
