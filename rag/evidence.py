"""Evidence: the sentences that bear on the question, within a token budget; not whole pages of context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from index.build import Index
from index.outline import Outline
from index.paragraphs import Language, Paragraph
from index.sentences import split_sentences
from index.tokens import count_tokens
from rag.answer import Evidence, Retrieved
from rag.words import Rarity, content_tokens

# Paragraphs whose sentences are considered at all.
DEPTH = 6
# The share of the budget that the first paragraph may take; the rest is for the others' best sentences.
FIRST_SHARE = 0.6
# The share of the budget, beyond it, for the heads of the parts that a found paragraph introduces.
FAMILY_SHARE = 0.6
# Weights of a sentence's score: cosine to the question (scaled from its usual range), the question's words
# found in it, and the score of its paragraph.
_COSINE_FLOOR = 0.75


class EvidenceSelector:
    """Chooses sentences of the best paragraphs for one index."""

    def __init__(self, index: Index, rarity: Rarity) -> None:
        self._index = index
        self._rarity = rarity
        self._outline = Outline(index.paragraphs)

    def score(self, question: str, language: Language, retrieved: Sequence[Retrieved]) -> list[Evidence]:
        """Every sentence of the first DEPTH paragraphs in the reader's language (else the other), best first."""
        top = retrieved[:DEPTH]
        vectors = self._index.vectors.sentence_vectors([r.paragraph.number for r in top]) if top else {}
        query = self._index.embedder.question(question)
        wanted = content_tokens(question)
        scored = [
            self._scored(evidence, wanted, query, vectors, entry.score)
            for entry in top
            for evidence in sentences_of(entry.paragraph, shown_language(entry.paragraph, language))
        ]
        return sorted(scored, key=lambda e: -e.score)

    def select(
        self, ranked: Sequence[Evidence], retrieved: Sequence[Retrieved], budget: int, language: Language
    ) -> tuple[Evidence, ...]:
        """The sentences shown to the generator, at most `budget` tokens (tiktoken), never none.

        Paragraphs stand in the order of the ranking, sentences in reading order.
        """
        order = {entry.paragraph.number: i for i, entry in enumerate(retrieved[:DEPTH])}
        first = retrieved[0].paragraph.number if retrieved else 0
        own = _within([e for e in ranked if e.paragraph.number == first], round(budget * FIRST_SHARE))
        used = sum(count_tokens(e.text) for e in own)
        rest = _within([e for e in ranked if e not in own], budget - used)
        family = _within(self._family_heads(retrieved, language), round(budget * FAMILY_SHARE))
        for e in family:
            order.setdefault(e.paragraph.number, DEPTH + e.paragraph.number)
        chosen = {e.key: e for e in (*family, *rest, *own)}
        return tuple(sorted(chosen.values(), key=lambda e: (order[e.paragraph.number], e.start)))

    def _family_heads(self, retrieved: Sequence[Retrieved], language: Language) -> list[Evidence]:
        """The first sentences of the parts that a found paragraph introduces or is one of.

        "We imagine three futures:" is answered by the headings that follow it, and a question about stages
        by every entry of the timeline, of which retrieval finds the nearest two. Each brings its heading.
        """
        top = [entry.paragraph for entry in retrieved[:DEPTH]]
        if not top:
            return []
        family = self._outline.introduced_by(top[0]) or self._outline.siblings_of(top)
        return [sentences_of(p, shown_language(p, language))[0] for p in family]

    def _scored(
        self,
        evidence: Evidence,
        wanted: frozenset[str],
        query: NDArray[np.float32],
        vectors: Mapping[tuple[int, Language, int], NDArray[np.float32]],
        paragraph_score: float,
    ) -> Evidence:
        vector = vectors.get(evidence.key)
        cosine = float(vector @ query) if vector is not None else _COSINE_FLOOR
        words = self._rarity.covered(wanted, content_tokens(evidence.text)) if wanted else 0.0
        nearness = (cosine - _COSINE_FLOOR) / (1 - _COSINE_FLOOR)
        score = nearness + 0.5 * words + 0.5 * paragraph_score
        return Evidence(evidence.paragraph, evidence.language, evidence.start, evidence.end, score)


def sentences_of(paragraph: Paragraph, language: Language) -> list[Evidence]:
    """The paragraph's sentences in `language`, in order, unscored."""
    text = paragraph.text(language) or ""
    return [Evidence(paragraph, language, start, end) for start, end in split_sentences(text)]


def shown_language(paragraph: Paragraph, language: Language) -> Language:
    """`language`, or the only language the paragraph has."""
    return language if paragraph.text(language) else paragraph.languages[0]


def _within(ranked: Sequence[Evidence], budget: int) -> list[Evidence]:
    chosen: list[Evidence] = []
    used = 0
    for evidence in ranked:
        cost = count_tokens(evidence.text)
        if used + cost <= budget or (not chosen and budget > 0):
            chosen.append(evidence)
            used += cost
    return chosen
