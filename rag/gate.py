"""The answerability gate: can this question be answered from what was found? It decides before anything is written.

Two logistic regressions, for two moments: `question`, from the question and what retrieval found, which is all there is
without a model; and `opening`, with the first token of the model's reply as well. The latter decides, so that nothing
the model writes is shown and then taken back. Coefficients and thresholds are in gate.json, fitted on development
questions by `python -m evals calibrate gate`; what too few of these have is weighed by counts. No question or article
is named here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from index.paragraphs import LANGUAGES, Language, Paragraph, context_of
from rag.answer import Evidence
from rag.asked import asks_who_or_what, is_of_another_year, lacks_what_is_asked
from rag.check import unstated
from rag.language import language_of_question
from rag.numbers import counts
from rag.parts import asks_for_several
from rag.retrieve import Ranking, sigmoid

GATE_FILE = Path(__file__).with_name("gate.json")
Moment = Literal["question", "opening"]
IDLE = 4.0


@dataclass(frozen=True, slots=True)
class Signals:
    """The gate's features, all scaled to about unit size.

    share: retrieval's probability for the first paragraph.
    fused: its fused retrieval score.
    cosine: of the sentence nearest to the question.
    unknown: how many of the question's names and numbers occur nowhere in the evidence.
    apart: how many do not occur in what the generator read (before it has read anything: in the paragraph of the best
        sentence); the mark of a near miss, such as the right topic in another year.
    lacking: 1 where it asks for a time, an age, a share or such, and what was read has nothing of the kind, else 0.
    elsewhen: 1 where it names a year, and what was read none that it names, else 0.
    asks_nothing: how far the probability that it asks nothing an article could state is above one half (rag/asking.py);
        0 to IDLE, because few messages have it, and it says as much of these as anything.
    definition: 1 where it asks who or what something is, and nothing further, else 0. More of these are answered than
        of all that is asked, in half a sentence of a paragraph that a model takes to be about something else.
    opening: the generator's log odds that the evidence states the answer.
    """

    share: float
    fused: float
    cosine: float
    unknown: float
    apart: float
    lacking: float = 0.0
    elsewhen: float = 0.0
    asks_nothing: float = 0.0
    definition: float = 0.0
    opening: float = 0.0


# The signals that are known at each moment; the others weigh nothing then.
KNOWN: dict[Moment, tuple[str, ...]] = {
    "question": ("share", "fused", "cosine", "unknown", "apart", "lacking", "elsewhen", "asks_nothing"),
    "opening": tuple(f.name for f in fields(Signals)),
}


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether to answer: `probability` that the evidence states the answer, and the threshold it must reach.

    asks_nothing: whether the message more likely asks nothing that an article could state.
    """

    probability: float
    threshold: float
    asks_nothing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the question is answered, or, at an earlier moment, whether it may yet be."""
        return self.probability >= self.threshold


def signals(
    question: str,
    ranking: Ranking,
    evidence: Sequence[Evidence],
    opening: float | None = None,
    told: Sequence[Evidence] = (),
    asks_nothing: float = 0.0,
) -> Signals:
    """The gate's signals for a question. `evidence` is all that was found, `told` what the generator then read.

    `opening`: the log odds of its reply's opening; None before there is one. `asks_nothing`: the probability of that.
    """
    first = ranking.retrieved[0] if ranking.retrieved else None
    paragraphs = list(dict.fromkeys(e.paragraph for e in evidence))
    best = list(dict.fromkeys(e.paragraph for e in told)) or _paragraph_of_the_best(evidence)
    read = _texts(best)
    is_single = not asks_for_several(question, language_of_question(question))
    return Signals(
        share=(ranking.share[first.paragraph.number] if first else 0.0) * 2 - 1,
        fused=((first.score if first else 0.0) - 0.5) * 4,
        cosine=(max(ranking.cosine.values(), default=0.8) - 0.85) * 20,
        unknown=float(_missing(question, _texts(paragraphs))),
        apart=float(_missing(question, read)),
        # Of several parts that are asked, another paragraph may tell the one that is dated, or counted.
        lacking=float(is_single and lacks_what_is_asked(question, read)),
        elsewhen=float(is_single and is_of_another_year(question, read)),
        asks_nothing=IDLE * max(0.0, 2 * asks_nothing - 1),
        definition=float(asks_who_or_what(question)),
        opening=0.0 if opening is None else max(-6.0, min(6.0, opening)) / 2,
    )


def decide(found: Signals, language: Language, moment: Moment) -> Gate:
    """The gate at `moment`; each language has its own fit, because a model says yes more readily in one."""
    model = _model()[language][moment]
    total = sum(w * x for w, x in zip(model["weights"], (1.0, *astuple(found)), strict=True))
    return Gate(sigmoid(total), float(model["threshold"]), found.asks_nothing > 0)


def _paragraph_of_the_best(evidence: Sequence[Evidence]) -> list[Paragraph]:
    return [max(evidence, key=lambda e: e.score).paragraph] if evidence else []


def _texts(paragraphs: Sequence[Paragraph]) -> str:
    contexts = (context_of(p, language) for p in paragraphs for language in LANGUAGES)
    return "\n".join([*(t for p in paragraphs for t in (p.zh, p.en) if t), *contexts])


def _missing(question: str, texts: str) -> int:
    """How many of the question's quantities and names do not stand in `texts`, at most 3."""
    numbers, named = unstated(question, texts)
    numbers -= counts(question)  # who asks for three things of a list has not said what another text says
    return min(3, len(numbers) + len(named))


@cache
def _model() -> dict[str, Any]:
    model: dict[str, Any] = json.loads(GATE_FILE.read_text(encoding="utf-8"))
    expected = ["bias", *(f.name for f in fields(Signals))]
    if model["features"] != expected:
        raise ValueError(f"gate.json was fitted on {model['features']}, the gate computes {expected}")
    return model
