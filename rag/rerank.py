"""Pointwise reranking: the generator reads one retrieved paragraph at a time, and its first token scores it.

A small model that is shown six paragraphs at once is distracted by the five near misses; shown one, it tells well
whether that one states the answer (evals/NOTES.md). Two logistic fits combine its log odds and retrieval's probability:

- `states`: does this paragraph, taken alone, state the answer? Reading stops at the first that reaches SURE, so a plain
  question costs one reading, which its answer needs anyway; and as soon as all of two or more are below HOPELESS.
- `compared`: if none is sure, which of those read is the likeliest? Among paragraphs of one question, the generator's
  log odds weigh more against retrieval's probability than they do alone. Both languages have the same, for few
  questions tell.

Coefficients are in rerank.json, fitted on development questions by `python -m evals calibrate gate`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from index.paragraphs import Language
from rag.answer import Retrieved
from rag.retrieve import Ranking, shared_anew, sigmoid, softmax

RERANK_FILE = Path(__file__).with_name("rerank.json")
# How many paragraphs are read at most; the probability of one at which no further one is; and below which all must
# stay that were read so far, two or three, for no further one to be (evals/NOTES.md).
PROBED = 4
SURE = 0.5
HOPELESS = 0.1
# A paragraph with this share of retrieval's probability is read all the same.
WORTH_READING = 0.05
# Where a question asks for several things: how many paragraphs are read, the least log odds of one that states a part
# of it beside those that are cited (retrieval's share, which looks for one answer, is not asked), and how many there
# are of these at most.
SEVERAL = 4
STATES_TOO = 1.0
FURTHER = 2
FEATURES = ("bias", "opening", "share")
_LEAST_SHARE = 1e-6
_LARGEST = 8.0  # log odds beyond which nothing more is told


def features(opening: float, share: float) -> tuple[float, float, float]:
    """A paragraph's row of FEATURES: the generator's log odds that it states the answer, and retrieval's share."""
    return 1.0, max(-_LARGEST, min(_LARGEST, opening)), math.log(max(share, _LEAST_SHARE))


def stating(opening: float, share: float, language: Language) -> float:
    """The probability that a paragraph states the answer."""
    return sigmoid(_total(_coefficients().states[language], features(opening, share)))


def preferred(openings: Mapping[int, float], shares: Mapping[int, float], sure: int | None = None) -> dict[int, float]:
    """{paragraph: probability that it is the one that states the answer, given that one of those read does}.

    `openings`: the generator's log odds for each paragraph read. `shares`: retrieval's probabilities, of these and
    others. `sure`: a paragraph that reached SURE by itself; it gets at least that, whatever the others have.
    """
    weights = _coefficients().compared
    held = softmax({n: _total(weights, features(opening, shares[n])[1:]) for n, opening in openings.items()})
    if sure is None or held[sure] >= SURE:
        return held
    return shared_anew(held, {sure: SURE})


def _total(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def is_hopeless(stated: Mapping[int, float], next_share: float) -> bool:
    """Whether to stop reading: none of two or more paragraphs reaches HOPELESS, and the next one is as unlikely.

    `stated`: {paragraph: probability that it states the answer}, of those read. `next_share`: retrieval's share of the
    one that would be read next.
    """
    return len(stated) > 1 and max(stated.values()) < HOPELESS and next_share < WORTH_READING


def stating_too(openings: Mapping[int, float], cited: Collection[int]) -> list[int]:
    """Of the paragraphs read ({paragraph: log odds that it states the answer}), those worth quoting beside `cited`."""
    further = [n for n, log_odds in openings.items() if log_odds >= STATES_TOO and n not in cited]
    return sorted(further, key=lambda n: -openings[n])[:FURTHER]


def reranked(ranking: Ranking, held: Mapping[int, float]) -> Ranking:
    """`ranking` with the paragraphs that were read first, the likeliest first of all.

    `held`: {paragraph: probability that it is the one}, of the first of the ranking. The scores stay with the
    places; a paragraph's share becomes its part of the probability that the paragraphs read hold together.
    """
    read = [entry for entry in ranking.retrieved if entry.paragraph.number in held]
    rest = [entry for entry in ranking.retrieved if entry.paragraph.number not in held]
    ordered = sorted(read, key=lambda entry: -held[entry.paragraph.number])
    placed = (Retrieved(own.paragraph, at.score) for own, at in zip(ordered, read, strict=True))
    mass = sum(ranking.share[number] for number in held)
    share = {**ranking.share, **{number: mass * p for number, p in held.items()}}
    return replace(ranking, retrieved=(*placed, *rest), share=share)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """`states`, by language, of FEATURES, for one paragraph alone; `compared`, of all but the bias, beside others."""

    states: Mapping[Language, Sequence[float]]
    compared: Sequence[float]


def write_rerank(coefficients: Coefficients, path: Path = RERANK_FILE) -> None:
    """Write the coefficients where the reranker reads them."""
    states = {language: [round(w, 4) for w in weights] for language, weights in coefficients.states.items()}
    compared = [round(w, 4) for w in coefficients.compared]
    record = {"features": FEATURES, "states": states, "compared": compared}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    _coefficients.cache_clear()


@cache
def _coefficients() -> Coefficients:
    record = json.loads(RERANK_FILE.read_text(encoding="utf-8"))
    if tuple(record["features"]) != FEATURES:
        raise ValueError(f"rerank.json was fitted on {record['features']}, the reranker computes {FEATURES}")
    return Coefficients(record["states"], record["compared"])
