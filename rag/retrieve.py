"""Retrieval: a vector leg and a keyword leg, each in both languages, fused and merged on the pair number.

The fused score is a weighted sum of what the legs measure on their own scales: cosines, and BM25 divided by
the most the question's words could score. Unlike ranks, or scores standardised within a leg, this keeps how
sure a leg is: a keyword leg that finds only a question's common words adds next to nothing. The weights are
a listwise logistic fit on development questions (evals/NOTES.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from index.blocks import other as other_language
from index.build import Index
from index.paragraphs import LANGUAGES, Language
from rag.answer import Retrieved
from rag.language import language_of_question

# A corpus this small is scored whole, so a refusal rests on having looked at every paragraph.
EXHAUSTIVE = 400
CANDIDATES = 100
SENTENCES_PER_CANDIDATE = 4

Scores = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a leg's score counts in the sum, for legs in the question's language and in the other one."""

    passage: float
    sentence: float
    keyword: float


OWN = Weights(passage=27.0, sentence=38.0, keyword=10.0)
OTHER = Weights(passage=14.0, sentence=18.0, keyword=0.5)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The fused ranking, best first, and what the gate needs of the legs: {paragraph: cosine of its best sentence}."""

    retrieved: tuple[Retrieved, ...]
    cosine: Scores


class HybridRetriever(BaseRetriever):
    """Ranks paragraph pairs for a question; a llama-index retriever over one `Index`."""

    _index: Index = PrivateAttr()

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._index = index

    def rank(self, question: str, exclude: frozenset[int] = frozenset()) -> Ranking:
        """Every candidate paragraph, best first, without those of `exclude` (as if they were not indexed)."""
        language = language_of_question(question)
        legs = {own: self._legs(question, own, exclude) for own in LANGUAGES}
        fused = fuse(legs, language)
        order = sorted(fused, key=lambda number: (-fused[number], number))
        by_number = self._index.by_number
        retrieved = tuple(Retrieved(by_number[number], _squash(fused[number])) for number in order)
        best = {n: max(legs[own]["sentence"].get(n, 0.0) for own in LANGUAGES) for n in order}
        return Ranking(retrieved, best)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        ranking = self.rank(query_bundle.query_str)
        language = language_of_question(query_bundle.query_str)
        return [
            NodeWithScore(
                node=TextNode(
                    id_=f"p{r.paragraph.number}",
                    text=r.paragraph.text(language) or r.paragraph.zh or r.paragraph.en or "",
                    metadata={"paragraph": r.paragraph.number},
                ),
                score=r.score,
            )
            for r in ranking.retrieved
        ]

    def _legs(self, question: str, language: Language, exclude: frozenset[int]) -> dict[str, Scores]:
        total = len(self._index.paragraphs)
        k = total if total <= EXHAUSTIVE else CANDIDATES + len(exclude)
        vector = self._index.embedder.question(question)
        store = self._index.vectors
        passages = store.nearest(vector, level="passage", language=language, k=k)
        sentences = store.nearest(vector, level="sentence", language=language, k=k * SENTENCES_PER_CANDIDATE)
        return {
            "passage": _best_per_paragraph(passages, exclude),
            "sentence": _best_per_paragraph(sentences, exclude),
            "keyword": self._keyword_leg(question, language, k, exclude),
        }

    def _keyword_leg(self, question: str, language: Language, k: int, exclude: frozenset[int]) -> Scores:
        """BM25 as a share of what the question's words are worth, so that a match of common words stays small."""
        keywords = self._index.keywords
        worth = keywords.worth(question, language)
        found = keywords.scores(question, language, k)
        return {number: score / worth for number, score in found.items() if number not in exclude}


def _best_per_paragraph(found: Iterable[tuple[int, float]], exclude: frozenset[int]) -> dict[int, float]:
    best: dict[int, float] = {}
    for number, score in found:
        if number not in exclude:
            best[number] = max(score, best.get(number, score))
    return best


def fuse(legs: Mapping[Language, Mapping[str, Scores]], language: Language) -> dict[int, float]:
    """One score a pair from the legs of both languages: {language: {leg: {paragraph: score}}}.

    Every paragraph that any leg found is a candidate; neither leg gates the other.
    """
    candidates = set().union(*(leg.keys() for own in legs for leg in legs[own].values()))
    total = dict.fromkeys(candidates, 0.0)
    for own in LANGUAGES:
        other = other_language(own)
        weights = OWN if own == language else OTHER
        for leg in ("passage", "sentence"):
            filled = _filled(legs[own][leg], legs[other][leg], candidates)
            for number in candidates:
                total[number] += getattr(weights, leg) * filled[number]
        for number in candidates:
            total[number] += weights.keyword * legs[own]["keyword"].get(number, 0.0)
    return total


def _filled(leg: Scores, other: Scores, candidates: Iterable[int]) -> dict[int, float]:
    """A vector leg's score for every candidate.

    What only the other language's leg returned stands as far above or below this leg's mean as it does above
    or below its own, because a question's cosines to the two languages lie at different heights. What neither
    returned is at most as good as the least that was returned.
    """
    shift = _mean(leg) - _mean(other)
    least = min(leg.values(), default=shift + min(other.values(), default=0.0))
    return {n: leg[n] if n in leg else other[n] + shift if n in other else least for n in candidates}


def _mean(scores: Scores) -> float:
    return sum(scores.values()) / len(scores) if scores else 0.0


def _squash(score: float) -> float:
    """To (0, 1), monotone: about 0.1 for an unrelated paragraph, 0.9 for one that says the question's words."""
    middle, width = 86.0, 2.5
    return float(1.0 / (1.0 + math.exp(-(score - middle) / width)))
