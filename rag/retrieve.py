"""Retrieval: vector, keyword and interaction legs, each in both languages, fused and merged on the pair number.

The fused score is a weighted sum of what the legs measure on their own scales: cosines, and BM25 divided by
the most the question's words could score. Unlike ranks, or scores standardised within a leg, this keeps how
sure a leg is: a keyword leg that finds only a question's common words adds next to nothing. The vector and
keyword legs look at the whole corpus; the interaction leg compares the question word by word with the best of
what they found. The weights, in fusion.json, are a listwise logistic fit (`python -m evals calibrate`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from numpy.typing import NDArray

from index.blocks import other as other_language
from index.build import Index
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.vocabulary import asks_about_notes
from rag.answer import Retrieved
from rag.language import language_of_question

# A corpus this small is scored whole, so a refusal rests on having looked at every paragraph.
EXHAUSTIVE = 400
CANDIDATES = 100
SENTENCES_PER_CANDIDATE = 4
# How many of what the other legs found the interaction leg looks at.
COMPARED = 32
# How much of the probability that a paragraph answers is the next one's where it asks something itself (an
# interviewer's turn, a question that the text puts to itself).
HANDED_ON = 0.7
# By so much less a translator's or an editor's note on a word is found, unless notes are asked about: it says the words
# that it explains, and seldom what the text says of the thing.
_NOTE = 5.0
# How much the question's wording in the other language counts beside its own, where it is told (evals/NOTES.md).
TRANSLATION = 0.5
LEGS = ("passage", "sentence", "keyword", "interaction")
# Legs over the text in the question's own language, then over the text in the other one.
COLUMNS = tuple((side, leg) for side in ("own", "other") for leg in LEGS)
FUSION_FILE = Path(__file__).with_name("fusion.json")

Scores = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Fusion:
    """The fitted sum. `weights`: one a column of a `Table`. `middle`, `width`: how a sum becomes a score in (0, 1)."""

    weights: NDArray[np.float64]
    middle: float
    width: float

    def scores(self, table: Table) -> NDArray[np.float64]:
        """The sums of a table's rows, (n,), nearest paragraph highest."""
        return table.values @ self.weights

    def squash(self, total: float) -> float:
        """To (0, 1), monotone: about 0.1 for an unrelated paragraph, 0.9 for the one that answers."""
        return sigmoid((total - self.middle) / self.width)


@dataclass(frozen=True, slots=True)
class Table:
    """What the legs say of each candidate: `values` (n, 8), a row for each of `numbers`, a column for each of COLUMNS.

    Every paragraph that any leg found is a candidate; neither leg gates the other.
    """

    numbers: tuple[int, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The fused ranking, best first, with what else is known of each paragraph by number.

    `cosine`: of its nearest sentence. `share`: the probability that it is the one that answers, if one does.
    `exclude`: the paragraphs that are treated as if they were not in the article.
    """

    retrieved: tuple[Retrieved, ...]
    cosine: Scores
    share: Scores
    exclude: frozenset[int] = frozenset()

    def led_by(self, first: Sequence[Paragraph], held: Scores) -> Ranking:
        """This ranking with `first`, in its order, before all others, whether they were found or not.

        `held`: the probability of each of `first`; the others share what is left of 1 as before. The scores stay with
        the ranks.
        """
        rest = [entry.paragraph for entry in self.retrieved if entry.paragraph.number not in held]
        scores = [entry.score for entry in self.retrieved]
        highest = scores[0] if scores else 1.0
        scores = [highest] * (len(first) + len(rest) - len(scores)) + scores
        placed = tuple(Retrieved(p, score) for p, score in zip([*first, *rest], scores, strict=True))
        return replace(self, retrieved=placed, share=shared_anew(self.share, held))


def shared_anew(share: Scores, held: Scores) -> dict[int, float]:
    """`share` where the paragraphs of `held` have these probabilities, and the others what is left of 1 as before."""
    outside = {number: own for number, own in share.items() if number not in held}
    left = (1 - sum(held.values())) / (sum(outside.values()) or 1.0)
    return {**held, **{number: left * own for number, own in outside.items()}}


class HybridRetriever(BaseRetriever):
    """Ranks paragraph pairs for a question; a llama-index retriever over one `Index`."""

    _index: Index = PrivateAttr()

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._index = index

    def rank(self, question: str, exclude: frozenset[int] = frozenset(), translation: str | None = None) -> Ranking:
        """Every candidate paragraph, best first, without those of `exclude` (as if they were not indexed).

        `translation`: the question in the other language, looked for too. What one wording misses the other may find.
        """
        table, fusion, by_number = self.table(question, exclude), load_fusion(), self._index.by_number
        totals = _by_number(table, fusion.scores(table))
        if translation:
            translated = self.table(translation, exclude)
            totals = _mean_of_both(totals, _by_number(translated, fusion.scores(translated)))
        if not asks_about_notes(question):
            totals = {n: total - _NOTE * (n in self._index.outline.notes) for n, total in totals.items()}
        answers = self._index.outline.answers
        totals = _handed_on(totals, {asks: reply for asks, reply in answers.items() if reply not in exclude})
        order = sorted(totals, key=lambda number: (-totals[number], number))
        retrieved = tuple(Retrieved(by_number[number], fusion.squash(totals[number])) for number in order)
        sentence = [column for column, (_, leg) in enumerate(COLUMNS) if leg == "sentence"]
        nearest = table.values[:, sentence].max(axis=1, initial=0.0)
        return Ranking(retrieved, _by_number(table, nearest), softmax(totals), exclude)

    def table(self, question: str, exclude: frozenset[int] = frozenset()) -> Table:
        """What each leg says of each candidate, before it is weighed."""
        language = language_of_question(question)
        legs = {own: self._legs(question, own, exclude) for own in LANGUAGES}
        first = tabulate(legs, language)
        totals = load_fusion().scores(first)
        near = [first.numbers[i] for i in np.argsort(-totals, kind="stable")[:COMPARED]]
        for own in LANGUAGES:
            legs[own]["interaction"] = self._interaction_leg(question, own, near)
        return tabulate(legs, language)

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

    def _interaction_leg(self, question: str, language: Language, near: Iterable[int]) -> Scores:
        """MaxSim of the question's tokens with those of each paragraph of `near` that has text in `language`."""
        tokens = self._index.tokens
        asked = tokens.centred(self._index.embedder.question_tokens(question), language)
        return tokens.maxsims(asked, near, language)


def _mean_of_both(own: Scores, translated: Scores) -> dict[int, float]:
    """The weighted mean of two wordings' sums; what one of them did not find is as good as the least it found."""
    least = min(own.values(), default=0.0), min(translated.values(), default=0.0)
    return {
        number: (own.get(number, least[0]) + TRANSLATION * translated.get(number, least[1])) / (1 + TRANSLATION)
        for number in {**own, **translated}
    }


def _handed_on(totals: Scores, answers: Mapping[int, int]) -> dict[int, float]:
    """The sums after each paragraph that asks has passed HANDED_ON of its probability to the one that replies.

    `answers`: {paragraph that asks: paragraph that replies}.
    """
    handed = {n: total + math.log(1 - HANDED_ON) if n in answers else total for n, total in totals.items()}
    for asks, reply in answers.items():
        if asks in totals:
            given = totals[asks] + math.log(HANDED_ON)
            handed[reply] = float(np.logaddexp(handed[reply], given)) if reply in handed else given
    return handed


def sigmoid(log_odds: float) -> float:
    """The probability that `log_odds` say; beyond 30 nothing more is told."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def softmax(totals: Scores) -> dict[int, float]:
    """{paragraph: its probability, if one of them answers}, from sums that are log odds up to a common constant."""
    highest = max(totals.values(), default=0.0)
    raised = {number: math.exp(total - highest) for number, total in totals.items()}
    whole = sum(raised.values())
    return {number: value / whole for number, value in raised.items()}


def _by_number(table: Table, values: NDArray[np.float64]) -> Scores:
    return {number: float(value) for number, value in zip(table.numbers, values, strict=True)}


def _best_per_paragraph(found: Iterable[tuple[int, float]], exclude: frozenset[int]) -> dict[int, float]:
    best: dict[int, float] = {}
    for number, score in found:
        if number not in exclude:
            best[number] = max(score, best.get(number, score))
    return best


def tabulate(legs: Mapping[Language, Mapping[str, Scores]], language: Language) -> Table:
    """The legs of both languages, {language: {leg: {paragraph: score}}}, as a table for a question in `language`."""
    numbers = sorted(set().union(*(leg.keys() for own in legs for leg in legs[own].values())))
    values = np.zeros((len(numbers), len(COLUMNS)))
    for column, (side, leg) in enumerate(COLUMNS):
        own = language if side == "own" else other_language(language)
        scores, counterpart = legs[own].get(leg, {}), legs[other_language(own)].get(leg, {})
        # Words that a leg did not find are not there; a vector that it did not return is only farther away.
        filled = scores if leg == "keyword" else _filled(scores, counterpart, numbers)
        values[:, column] = [filled.get(number, 0.0) for number in numbers]
    return Table(tuple(numbers), values)


def _filled(leg: Scores, other: Scores, candidates: Iterable[int]) -> dict[int, float]:
    """A vector leg's score for every candidate.

    What only the other language's leg returned stands as far above or below this leg's mean as it does above
    or below its own, because a question's cosines to the two languages lie at different heights. What neither
    returned is at most as good as the least that was returned.
    """
    shift = _mean(leg) - _mean(other)
    least = min(leg.values(), default=shift + min(other.values(), default=0.0))
    return {n: leg[n] if n in leg else other[n] + shift if n in other else least for n in candidates}


@cache
def load_fusion() -> Fusion:
    """What `python -m evals calibrate` fitted."""
    record = json.loads(FUSION_FILE.read_text(encoding="utf-8"))
    weights = [record["weights"][side][leg] for side, leg in COLUMNS]
    return Fusion(np.asarray(weights, np.float64), record["middle"], record["width"])


def _mean(scores: Scores) -> float:
    return sum(scores.values()) / len(scores) if scores else 0.0
