"""Attach each statement to the sentences that state what it states. The model never numbers its own citations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.paragraphs import SECTION_SEPARATOR, Language
from rag.answer import Evidence
from rag.numbers import quantities
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

        The first is the nearest by words, numbers, names and meaning together; more follow while they bring
        words or numbers of the statement that those before them do not. A citation is never guessed: below
        FLOOR the statement stays uncited and the caller decides.
        """
        if not candidates:
            return ()
        own = content_tokens(statement) - content_tokens(question) or content_tokens(statement)
        scores = self._scores(statement, own, candidates, vectors)
        best = max(range(len(candidates)), key=lambda i: scores[i])
        if scores[best] < FLOOR:
            return ()
        return self._with_what_it_lacks(statement, own, candidates, scores, best)

    def _scores(
        self, statement: str, own: frozenset[str], candidates: Sequence[Evidence], vectors: Vectors
    ) -> list[float]:
        query = self._embedder.passages([statement])[0]
        all_words = content_tokens(statement)
        numbers, named = quantities(statement), names(statement)
        return [
            0.4 * self._rarity.covered(own, _words(e))
            + 0.2 * self._rarity.covered(all_words, _words(e))
            + 0.2 * _share(numbers, quantities(e.text))
            + 0.1 * _share(named, names(e.text))
            + 0.5 * _nearness(vectors.get(e.key), query)
            + 0.05 * e.score
            for e in candidates
        ]

    def _with_what_it_lacks(
        self, statement: str, own: frozenset[str], candidates: Sequence[Evidence], scores: list[float], best: int
    ) -> tuple[Evidence, ...]:
        chosen = [candidates[best]]
        words = set(_words(chosen[0]))
        numbers = quantities(statement)
        lacking = set(numbers - quantities(chosen[0].text))
        order = sorted(range(len(candidates)), key=lambda i: -scores[i])
        for i in order[1:]:
            if len(chosen) == MOST:
                break
            new_words = _words(candidates[i]) - words
            gain = self._rarity.covered(own, words | new_words) - self._rarity.covered(own, words)
            new_numbers = lacking & quantities(candidates[i].text)
            if new_numbers or gain >= GAIN:
                chosen.append(candidates[i])
                words |= new_words
                lacking -= new_numbers
        return tuple(chosen)


def _words(evidence: Evidence) -> frozenset[str]:
    """The sentence's words; a paragraph's first sentence answers for its heading too, which no quote can hold."""
    words = content_tokens(evidence.text)
    if not (evidence.paragraph.text(evidence.language) or "")[: evidence.start].strip():
        headings = evidence.paragraph.section.path(evidence.language).split(SECTION_SEPARATOR)
        words |= content_tokens(headings[-1])
    return words


def _share(wanted: frozenset[object], found: frozenset[object]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.5


def _nearness(vector: NDArray[np.float32] | None, query: NDArray[np.float32]) -> float:
    # Passages of the default embedder that say different things have cosines near 0.8, the same thing above 0.9.
    return max(0.0, (float(vector @ query) - 0.8) / 0.2) if vector is not None else 0.0
