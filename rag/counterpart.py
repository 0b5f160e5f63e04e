"""The sentence of the other language that says what a quoted sentence says."""

from __future__ import annotations

import numpy as np

from index.blocks import other
from index.build import Index
from index.embedder import unit
from index.paragraphs import LANGUAGES
from index.store import SentenceVectors
from rag.answer import Citation, Evidence
from rag.evidence import sentences_of

# How much a sentence's relative place in its paragraph counts beside its cosine to the quote (evals/NOTES.md).
_PLACE = 1.0


def counterpart(index: Index, citation: Citation) -> Evidence | None:
    """The other language's sentence nearest to the quote, by meaning and by its place in the paragraph.

    None where the paragraph was published in one language only. It is a help for reading, never a citation.
    """
    language = other(citation.language)
    candidates = sentences_of(citation.paragraph, language)
    if not candidates:
        return None
    number = citation.paragraph.number
    vectors = index.vectors.sentence_vectors([number])
    # A citation may span several sentences or part of one: its vector is that of the sentence it starts in.
    starts = [start for n, own, start in vectors if n == number and own == citation.language]
    anchor = max((start for start in starts if start <= citation.start), default=None)
    own = _centred(vectors)
    quote = own.get((number, citation.language, anchor)) if anchor is not None else None
    place = _middle(citation.start, citation.end, citation.text)

    def nearness(e: Evidence) -> float:
        vector = own.get(e.key)
        cosine = float(vector @ quote) if vector is not None and quote is not None else 0.0
        return cosine - _PLACE * abs(_middle(e.start, e.end, citation.paragraph.text(language) or "") - place)

    return max(candidates, key=nearness)


def _centred(vectors: SentenceVectors) -> SentenceVectors:
    """A paragraph's sentences' vectors without what those of a language have in common: it tells none of them."""
    centred: SentenceVectors = {}
    for language in LANGUAGES:
        side = {key: vector for key, vector in vectors.items() if key[1] == language}
        if side:
            middle = np.mean(list(side.values()), axis=0)
            centred |= {key: unit(vector - middle) for key, vector in side.items()}
    return centred


def _middle(start: int, end: int, text: str) -> float:
    return (start + end) / 2 / max(1, len(text))
