"""Pointwise reranking: the generator reads one found paragraph at a time, and its first word says whether it answers.

A small model that is shown six paragraphs at once is led astray by the five that are near; shown one, it tells well
whether that one states the answer (evals/NOTES.md). The probability joins what it says with what retrieval said. The
first paragraph that is sure enough is answered from, so a plain question costs one reading, which its answer needs
anyway; where two say nothing of what was asked, there is no third. Coefficients are in rerank.json, fitted on
development questions by `python -m evals calibrate gate`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from index.paragraphs import LANGUAGES, Language
from rag.answer import Retrieved
from rag.opening import bounded
from rag.retrieve import Ranking

RERANK_FILE = Path(__file__).with_name("rerank.json")
# How many paragraphs are read at most; the probability of one at which no further one is; and below which all must
# stay that were read so far, two or three, for no further one to be (evals/NOTES.md).
PROBED = 4
SURE = 0.6
HOPELESS = 0.02
# Where a question asks for several things: how many paragraphs are read, the least log odds of one that states a part
# of it beside those that are cited (retrieval's share, which looks for one answer, is not asked), and how many there
# are of these at most.
SEVERAL = 4
STATES_TOO = 1.0
FURTHER = 2
FEATURES = ("bias", "opening", "share")
_LEAST_SHARE = 1e-6


def features(opening: float, share: float) -> tuple[float, float, float]:
    """A paragraph's row of FEATURES: the generator's log odds that it states the answer, and retrieval's share."""
    return 1.0, bounded(opening), math.log(max(share, _LEAST_SHARE))


def stating(opening: float, share: float, language: Language) -> float:
    """The probability that a paragraph states the answer."""
    weights = _weights()[language]
    total = sum(weight * value for weight, value in zip(weights, features(opening, share), strict=True))
    return 1 / (1 + math.exp(-total))


def is_hopeless(stated: Mapping[int, float]) -> bool:
    """Whether, of the paragraphs read so far ({paragraph: probability}), so little is expected that reading ends."""
    return len(stated) > 1 and max(stated.values()) < HOPELESS


def stating_too(openings: Mapping[int, float], cited: Collection[int]) -> list[int]:
    """Of the paragraphs read ({paragraph: log odds that it states the answer}), those worth quoting beside `cited`."""
    further = [n for n, log_odds in openings.items() if log_odds >= STATES_TOO and n not in cited]
    return sorted(further, key=lambda n: -openings[n])[:FURTHER]


def reranked(ranking: Ranking, stated: Mapping[int, float]) -> Ranking:
    """`ranking` with the paragraphs that were read first, the likeliest first of all.

    `stated`: {paragraph: probability that it states the answer}, of the first of the ranking. The scores stay with
    the places; a paragraph's share becomes its part of the probability that the paragraphs read hold together.
    """
    read = [entry for entry in ranking.retrieved if entry.paragraph.number in stated]
    rest = [entry for entry in ranking.retrieved if entry.paragraph.number not in stated]
    ordered = sorted(read, key=lambda entry: -stated[entry.paragraph.number])
    placed = (Retrieved(own.paragraph, at.score) for own, at in zip(ordered, read, strict=True))
    return replace(ranking, retrieved=(*placed, *rest), share=_shares(ranking, stated))


def _shares(ranking: Ranking, stated: Mapping[int, float]) -> dict[int, float]:
    mass = sum(ranking.share[number] for number in stated)
    total = sum(stated.values()) or 1.0
    return {**ranking.share, **{number: mass * p / total for number, p in stated.items()}}


def write_rerank(weights: Mapping[Language, Sequence[float]], path: Path = RERANK_FILE) -> None:
    """Write the coefficients where the reranker reads them."""
    record: dict[str, Sequence[object]] = {"features": FEATURES}
    record.update({language: [round(w, 4) for w in own] for language, own in weights.items()})
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    _weights.cache_clear()


@cache
def _weights() -> dict[Language, tuple[float, ...]]:
    record = json.loads(RERANK_FILE.read_text(encoding="utf-8"))
    if tuple(record["features"]) != FEATURES:
        raise ValueError(f"rerank.json was fitted on {record['features']}, the reranker computes {FEATURES}")
    return {language: tuple(record[language]) for language in LANGUAGES}
