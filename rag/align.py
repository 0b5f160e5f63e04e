"""Attach each statement to the sentences that state what it states. The model never numbers its own citations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.keywords import fold
from index.paragraphs import Language
from rag.answer import Evidence
from rag.check import words_of
from rag.numbers import Value, quantities
from rag.words import Rarity, content_tokens, names

# Below this alignment score a statement stays uncited. A first setting, not yet fitted.
FLOOR = 0.35
# A further sentence is cited when it adds at least this share of the statement's own words, or a number.
GAIN = 0.2
MOST = 3

Vectors = Mapping[tuple[int, Language, int], NDArray[np.float32]]


class Aligner:
    """Aligns statements to the sentences of the paragraphs that were shown."""

    def __init__(self, embedder: Embedder, rarity: Rarity) -> None:
        self._embedder = embedder
        self._rarity = rarity

    def align(
        self, statement: str, candidates: Sequence[Evidence], vectors: Vectors, question: str
    ) -> tuple[Evidence, ...]:
        """The sentences among `candidates` that state what `statement` states, best first; empty when none does.

        The first is the nearest by words, numbers, names and meaning together. A statement that names headings rests
        on every paragraph under one of them; more follow while they bring words or numbers of the statement that
        those before them do not. A citation is never guessed: below FLOOR a statement that names no heading stays
        uncited and the caller decides.
        """
        if not candidates:
            return ()
        own = content_tokens(statement) - content_tokens(question) or content_tokens(statement)
        scores = self._scores(statement, own, candidates, vectors)
        best = max(range(len(candidates)), key=lambda i: scores[i])
        named = _under_a_named_heading(statement, candidates)
        if scores[best] < FLOOR:
            return tuple(named)
        chosen = list(dict.fromkeys([candidates[best], *named]))
        return self._with_what_it_lacks(statement, own, candidates, scores, chosen)

    def _scores(
        self, statement: str, own: frozenset[str], candidates: Sequence[Evidence], vectors: Vectors
    ) -> list[float]:
        query = self._embedder.passages([statement])[0]
        all_words = content_tokens(statement)
        numbers, named = quantities(statement), names(statement)
        return [
            0.4 * self._rarity.covered(own, words_of(e))
            + 0.2 * self._rarity.covered(all_words, words_of(e))
            + 0.2 * _share(numbers, _numbers(e))
            + 0.1 * _share(named, names(e.text))
            + 0.5 * _nearness(vectors.get(e.key), query)
            + 0.05 * e.score
            for e in candidates
        ]

    def _with_what_it_lacks(
        self,
        statement: str,
        own: frozenset[str],
        candidates: Sequence[Evidence],
        scores: list[float],
        chosen: list[Evidence],
    ) -> tuple[Evidence, ...]:
        """`chosen` with those that bring what it lacks, MOST at the most beside a list of headings."""
        words = set().union(*map(words_of, chosen))
        lacking = set(quantities(statement)).difference(*map(_numbers, chosen))
        order = sorted(range(len(candidates)), key=lambda i: -scores[i])
        for candidate in (candidates[i] for i in order if candidates[i] not in chosen):
            if len(chosen) >= MOST:
                break
            new_words = words_of(candidate) - words
            gain = self._rarity.covered(own, words | new_words) - self._rarity.covered(own, words)
            new_numbers = lacking & _numbers(candidate)
            if new_numbers or gain >= GAIN:
                chosen.append(candidate)
                words |= new_words
                lacking -= new_numbers
        return tuple(chosen)


def _under_a_named_heading(statement: str, candidates: Sequence[Evidence]) -> list[Evidence]:
    """The sentences that answer for a heading of two words or more which stands in the statement as it is.

    A list of stages is a list of headings, and each of its items has a paragraph of its own.
    """
    said = fold(statement)
    return [e for e in candidates if len(content_tokens(e.heading)) > 1 and fold(e.heading) in said]


def _numbers(evidence: Evidence) -> frozenset[Value]:
    return quantities(evidence.text) | quantities(evidence.heading)


def _share(wanted: frozenset[object], found: frozenset[object]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.5


def _nearness(vector: NDArray[np.float32] | None, query: NDArray[np.float32]) -> float:
    # Passages of the default embedder that say different things have cosines near 0.8, the same thing above 0.9.
    return max(0.0, (float(vector @ query) - 0.8) / 0.2) if vector is not None else 0.0
