"""A corpus of any size, made by repeating and perturbing XQuAD's paragraphs: for measuring scale, never for quality.

Only XQuAD's own paragraphs are embedded. A copy's vectors are theirs with Gaussian noise added, as much as makes two
copies as alike as two neighbouring paragraphs of XQuAD are, and scaled to length 1 again; its text has the same words
in another order, every tenth of them renamed, so that the vocabulary grows with the corpus; its token vectors are
unchanged. The noise lies in the directions in which XQuAD's own vectors differ, as much in each as they do: with the
same noise in all 384 directions a nearest-neighbour graph finds far less than in language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from llama_index.core.schema import TextNode
from numpy.typing import NDArray

from index.build import Index
from index.embedder import unit
from index.interaction import PassageTokens, Tokens
from index.paragraphs import Article, Language, Paragraph
from index.passages import PassageSplitter
from index.source import documents_of

Vectors = NDArray[np.float32]
_RENAMED = 10  # every tenth word
_SYLLABLES = "山河湖海云雨风雷金木水火土石田林泉星月光"


@dataclass(frozen=True)
class Base:
    """XQuAD's paragraphs with everything that was embedded of them. `noise`: the length of what a copy adds."""

    paragraphs: tuple[Paragraph, ...]
    nodes: tuple[TextNode, ...]
    vectors: Vectors
    tokens: tuple[Tokens, ...]  # of the passages among `nodes`, in order
    noise: float

    def paragraph(self, number: int) -> Paragraph:
        """The corpus's paragraph `number`, from 1; the first ones are XQuAD's own."""
        copy, at = divmod(number - 1, len(self.paragraphs))
        own = self.paragraphs[at]
        return Paragraph(number, "body", _renamed(own.zh or "", copy, "zh"), _renamed(own.en or "", copy, "en"))

    def batches(self, pairs: int) -> Iterator[list[TextNode]]:
        """The nodes of the first `pairs` paragraphs with their vectors, a list for each copy of XQuAD."""
        for copy in range(math.ceil(pairs / len(self.paragraphs))):
            shift = copy * len(self.paragraphs)
            vectors = self.vectors if copy == 0 else _perturbed(self.vectors, self.noise, seed=copy)
            moved = [_moved(node, vector, copy, shift) for node, vector in zip(self.nodes, vectors, strict=True)]
            yield [node for node in moved if node.metadata["paragraph"] <= pairs]


class MadeTokens(Sequence[PassageTokens]):
    """The token vectors of the first `pairs` paragraphs, made when they are asked for."""

    def __init__(self, base: Base, pairs: int) -> None:
        passages = [node for node in base.nodes if node.metadata["level"] == "passage"]
        self._own = list(zip(passages, base.tokens, strict=True))
        self._each, self._pairs = len(base.paragraphs), pairs
        self._whole, rest = divmod(pairs, self._each)
        self._rest = [at for at, (node, _) in enumerate(self._own) if node.metadata["paragraph"] <= rest]

    def __len__(self) -> int:
        return self._whole * len(self._own) + len(self._rest)

    def __getitem__(self, at: int) -> PassageTokens:  # type: ignore[override]  # never sliced
        if not 0 <= at < len(self):
            raise IndexError(at)
        copy, own = divmod(at, len(self._own))
        node, tokens = self._own[own if copy < self._whole else self._rest[own]]
        number = node.metadata["paragraph"] + copy * self._each
        return PassageTokens(number, node.metadata["language"], f"{node.metadata['digest']}.{copy}", tokens)


def base_of(index: Index) -> Base:
    """The base of an index of XQuAD."""
    splitter = PassageSplitter(index.embedder.overflows)
    cut = splitter(documents_of(Article("XQuAD", index.paragraphs)))
    nodes = tuple(node for node in cut if isinstance(node, TextNode))
    known = index.vectors.known_vectors()
    vectors = np.asarray([known[node.metadata["digest"]] for node in nodes], np.float32)
    passages = [node.metadata["digest"] for node in nodes if node.metadata["level"] == "passage"]
    tokens = tuple(found for digest in passages if (found := index.tokens.known(digest)))
    return Base(index.paragraphs, nodes, vectors, tokens, _noise(nodes, vectors))


def _noise(nodes: Sequence[TextNode], vectors: Vectors) -> float:
    """How much noise makes two copies as alike as neighbours are: the mean cosine of neighbours is 1 / (1 + noise²)."""
    places = [(n.metadata["language"], n.metadata["level"]) for n in nodes]
    rows = [i for i, place in enumerate(places) if place == ("en", "passage")]
    alike = max(0.1, float((vectors[rows[:-1]] * vectors[rows[1:]]).sum(axis=1).mean()))
    return math.sqrt(1 / alike - 1)


def _perturbed(vectors: Vectors, noise: float, seed: int) -> Vectors:
    """`vectors` and noise of mean squared length `noise`² that has their own covariance."""
    differences = vectors - vectors.mean(axis=0)
    length = math.sqrt(float((differences**2).sum()))
    drawn = np.random.default_rng(seed).standard_normal((len(vectors), len(vectors)), np.float32)
    return unit(vectors + noise / length * (drawn @ differences))


def _moved(node: TextNode, vector: Vectors, copy: int, shift: int) -> TextNode:
    metadata = {**node.metadata, "paragraph": node.metadata["paragraph"] + shift}
    text = _renamed(node.text, copy, metadata["language"])
    return TextNode(id_=f"{copy}.{node.node_id}", text=text, metadata=metadata, embedding=vector.tolist())


def _renamed(text: str, copy: int, language: Language) -> str:
    if copy == 0:
        return text
    rng = np.random.default_rng([copy, len(text)])
    words = text.split(" ") if language == "en" else re.findall(r"[^，。；、]+[，。；、]?", text)
    shuffled = [words[i] for i in rng.permutation(len(words))]
    for at in range(0, len(shuffled), _RENAMED):
        shuffled[at] = _name(int(rng.integers(copy * 4)), language)
    return (" " if language == "en" else "").join(shuffled)


def _name(number: int, language: Language) -> str:
    """A made-up word for a number: letters, or Chinese characters."""
    signs = "bcdfghjklmnpqrstvwxz" if language == "en" else _SYLLABLES
    digits = [number // len(signs) ** power % len(signs) for power in range(4)]
    return "a".join(signs[digit] for digit in digits)[: 9 if language == "en" else 7]
