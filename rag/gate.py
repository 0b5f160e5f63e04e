"""The answerability gate: can this question be answered from what was found? It stands outside the answer.

A logistic regression over signals that are cheap once retrieval is done, and the generator's own yes or no
where there is one. Coefficients and thresholds are in gate.json, fitted on development questions by
`python -m evals calibrate` (see evals/README.md); nothing here knows any question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from index.keywords import fold
from index.paragraphs import LANGUAGES, Language, Paragraph, context_of
from rag.answer import Evidence
from rag.numbers import quantities
from rag.retrieve import Ranking
from rag.words import Rarity, content_tokens, names

_FILE = Path(__file__).with_name("gate.json")


@dataclass(frozen=True, slots=True)
class Signals:
    """What the gate looks at; all near unit scale.

    judge: the generator's log p(yes) - log p(no), 0 where it has none. cosine: of the nearest sentence.
    fused: the first paragraph's fused score. margin: how far it stands before the fifth. words: the share of
    the question's words (by rarity) found in the evidence. unknown: how many of its names and numbers stand
    nowhere in the evidence. apart: how many do not stand in the paragraph of the best sentence, the mark of
    a near miss (the right topic, another year).
    """

    judge: float
    cosine: float
    fused: float
    margin: float
    words: float
    unknown: float
    apart: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether to answer: `probability` that the evidence states the answer, and the threshold it must reach."""

    probability: float
    threshold: float

    @property
    def is_open(self) -> bool:
        """Whether the question is answered."""
        return self.probability >= self.threshold


def signals(
    question: str, ranking: Ranking, evidence: Sequence[Evidence], rarity: Rarity, judge: float | None
) -> Signals:
    """The gate's signals for a question; `evidence` is what the generator would be shown."""
    scores = [r.score for r in ranking.retrieved[:5]] or [0.0]
    paragraphs = list(dict.fromkeys(e.paragraph for e in evidence))
    best = [max(evidence, key=lambda e: e.score).paragraph] if evidence else []
    shown = _texts(paragraphs)
    wanted = content_tokens(question)
    return Signals(
        judge=0.0 if judge is None else max(-6.0, min(6.0, judge)) / 3,
        cosine=(max(ranking.cosine.values(), default=0.8) - 0.85) * 20,
        fused=(scores[0] - 0.5) * 4,
        margin=(scores[0] - scores[-1]) * 10,
        words=rarity.covered(wanted, content_tokens(shown)) if wanted else 0.0,
        unknown=float(min(3, len(_missing(question, shown)))),
        apart=float(min(3, len(_missing(question, _texts(best))))),
    )


def decide(found: Signals, language: Language, *, has_judge: bool) -> Gate:
    """The gate for these signals; each language has its own fit, because a model says yes more readily in one."""
    model = _model()[language]["with_judge" if has_judge else "without_judge"]
    total = sum(w * x for w, x in zip(model["weights"], (1.0, *astuple(found)), strict=True))
    return Gate(1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), float(model["threshold"]))


def _texts(paragraphs: Sequence[Paragraph]) -> str:
    contexts = (context_of(p, language) for p in paragraphs for language in LANGUAGES)
    return "\n".join([*(t for p in paragraphs for t in (p.zh, p.en) if t), *contexts])


def _missing(question: str, texts: str) -> set[object]:
    folded = fold(texts)
    return {n for n in names(question) if n not in folded} | set(quantities(question) - quantities(texts))


@cache
def _model() -> dict[str, Any]:
    model: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    expected = ["bias", *(f.name for f in fields(Signals))]
    if model["features"] != expected:
        raise ValueError(f"gate.json was fitted on {model['features']}, the gate computes {expected}")
    return model
