"""Fit how the retriever weighs its legs: part of `python -m evals calibrate`; writes rag/fusion.json.

A listwise logistic regression: of all candidates of a question, the paragraphs that hold its evidence should have
the highest sum. Two beds count alike: the article's dev questions, and a corpus that nobody here wrote. The figures
it prints are cross-validated: no question was scored with weights that had seen its document's other questions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals import listwise
from evals.gold import Question
from evals.listwise import Candidates
from index.paragraphs import LANGUAGES, Language
from rag.retrieve import COLUMNS, FUSION_FILE, LEGS, Fusion, HybridRetriever, Table

# Strength of the ridge on the weights, which are of the order of ten.
RIDGE = 1e-5
FOLDS = 8
Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One question in one language: its table, which rows hold its evidence, and the group it is held out with."""

    language: Language
    table: Table
    gold: NDArray[np.bool_]
    group: int


@dataclass(frozen=True, slots=True)
class Fit:
    """The weights, and recall at 1 and 5 on questions they were not fitted on: {(bed, language): (at 1, at 5)}."""

    fusion: Fusion
    recall: dict[tuple[str, Language], tuple[float, float]]


def collect(
    retriever: HybridRetriever,
    questions: Sequence[tuple[Question, int]],
    on_done: Callable[[int, int], None],
) -> list[Example]:
    """The tables of all answerable (question, group) in both languages; needs no generator."""
    examples = []
    for done, (question, group) in enumerate(questions, start=1):
        for language in LANGUAGES:
            table = retriever.table(question.asked[language])
            gold = np.asarray([number in question.gold for number in table.numbers])
            if gold.any():
                examples.append(Example(language, table, gold, group))
        on_done(done, len(questions))
    return examples


def fit(beds: Mapping[str, Sequence[Example]]) -> Fit:
    """Weights from all examples, and how weights fitted without a fold do on it."""
    weights = _fitted(list(beds.values()))
    recall: dict[tuple[str, Language], list[tuple[float, float]]] = {}
    for fold in range(FOLDS):
        without = _fitted([[e for e in examples if e.group % FOLDS != fold] for examples in beds.values()])
        for bed, examples in beds.items():
            for e in examples:
                if e.group % FOLDS == fold:
                    recall.setdefault((bed, e.language), []).append(_recall(e, without))
    means = {key: tuple(float(x) for x in np.mean(values, axis=0)) for key, values in recall.items()}
    return Fit(_scaled(weights, list(beds.values())), means)  # type: ignore[arg-type]


def write_fusion(fusion: Fusion, path: Path = FUSION_FILE) -> None:
    """Write the weights where the retriever reads them."""
    weights = {(side, leg): round(float(w), 2) for (side, leg), w in zip(COLUMNS, fusion.weights, strict=True)}
    record = {
        "weights": {side: {leg: weights[side, leg] for leg in LEGS} for side in ("own", "other")},
        "middle": round(fusion.middle, 2),
        "width": round(fusion.width, 2),
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _fitted(beds: Sequence[Sequence[Example]]) -> Weights:
    questions = [Candidates(e.table.values, e.gold, 1 / len(examples)) for examples in beds for e in examples]
    return listwise.fit(questions, np.full(len(COLUMNS), 5.0), RIDGE)


def _scaled(weights: Weights, beds: Sequence[Sequence[Example]]) -> Fusion:
    """`middle` and `width` so that the median best wrong paragraph scores 0.25 and the median right one 0.75."""
    right, wrong = [], []
    for e in [e for examples in beds for e in examples]:
        scores = e.table.values @ weights
        right.append(scores[e.gold].max())
        if not e.gold.all():
            wrong.append(scores[~e.gold].max())
    high, low = float(np.median(right)), float(np.median(wrong))
    return Fusion(weights, (high + low) / 2, max(0.1, (high - low) / 2 / np.log(3)))


def _recall(example: Example, weights: Weights) -> tuple[float, float]:
    order = np.argsort(-(example.table.values @ weights), kind="stable")
    return float(example.gold[order[0]]), float(example.gold[order[:5]].any())
