"""The answerability gate: can this question be answered from what was found? It stands outside the answer.

A logistic regression over signals that are cheap once retrieval is done, and the generator's own yes or no
where there is one. Coefficients and thresholds are in gate.json, fitted on development questions; what
today's were fitted on is in evals/NOTES.md. Nothing here knows any question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from index.paragraphs import LANGUAGES, Language, Paragraph, context_of
from rag.answer import Evidence
from rag.check import unstated
from rag.retrieve import Ranking

GATE_FILE = Path(__file__).with_name("gate.json")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the generator said of answerability, as log odds; None for what was not asked or not told."""

    judge: float | None = None
    opening: float | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """What the gate looks at; all near unit scale.

    judge: the generator's log p(yes) - log p(no), 0 where it has none. opening: its log odds of opening with an
    answer and not with "not stated". cosine: of the nearest sentence.
    fused: the first paragraph's fused score. unknown: how many of the question's names and numbers stand
    nowhere in the evidence. apart: how many do not stand in the paragraph of the best sentence, the mark of
    a near miss (the right topic, another year).
    """

    judge: float
    opening: float
    cosine: float
    fused: float
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


def signals(question: str, ranking: Ranking, evidence: Sequence[Evidence], asked: Asked) -> Signals:
    """The gate's signals for a question; `evidence` is what the generator would be shown."""
    first = ranking.retrieved[0].score if ranking.retrieved else 0.0
    paragraphs = list(dict.fromkeys(e.paragraph for e in evidence))
    best = [max(evidence, key=lambda e: e.score).paragraph] if evidence else []
    shown = _texts(paragraphs)
    return Signals(
        judge=_clipped(asked.judge),
        opening=_clipped(asked.opening),
        cosine=(max(ranking.cosine.values(), default=0.8) - 0.85) * 20,
        fused=(first - 0.5) * 4,
        unknown=float(_missing(question, shown)),
        apart=float(_missing(question, _texts(best))),
    )


def decide(found: Signals, language: Language, *, has_judge: bool) -> Gate:
    """The gate for these signals; each language has its own fit, because a model says yes more readily in one."""
    model = _model()[language]["with_judge" if has_judge else "without_judge"]
    total = sum(w * x for w, x in zip(model["weights"], (1.0, *astuple(found)), strict=True))
    return Gate(1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), float(model["threshold"]))


def _clipped(logit: float | None) -> float:
    return 0.0 if logit is None else max(-6.0, min(6.0, logit)) / 3


def _texts(paragraphs: Sequence[Paragraph]) -> str:
    contexts = (context_of(p, language) for p in paragraphs for language in LANGUAGES)
    return "\n".join([*(t for p in paragraphs for t in (p.zh, p.en) if t), *contexts])


def _missing(question: str, texts: str) -> int:
    """How many of the question's quantities and names do not stand in `texts`, at most 3."""
    numbers, named = unstated(question, texts)
    return min(3, len(numbers) + len(named))


@cache
def _model() -> dict[str, Any]:
    model: dict[str, Any] = json.loads(GATE_FILE.read_text(encoding="utf-8"))
    expected = ["bias", *(f.name for f in fields(Signals))]
    if model["features"] != expected:
        raise ValueError(f"gate.json was fitted on {model['features']}, the gate computes {expected}")
    return model
