"""Stand-ins that need no weights and no network, for the tests of every room."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from index.embedder import Embedded, Embedder
from index.keywords import tokenize


class HashingEmbedder(Embedder):
    """Texts to unit vectors by hashing their words into buckets: equal words, near vectors; no weights.

    `embedded` lists every passage that was embedded, in order, for counting. `window` is in characters:
    a longer text overflows.
    """

    model_name: str = "hashing"
    fingerprint: str = "hashing-1"
    folder: str = ""
    threads: int = 1
    size: int = 256
    window: int = 100_000

    _embedded: list[str] = PrivateAttr(default_factory=list)
    _asked: list[str] = PrivateAttr(default_factory=list)

    @property
    def embedded(self) -> list[str]:
        """Every passage embedded so far."""
        return self._embedded

    @property
    def asked(self) -> list[str]:
        """Every question embedded so far."""
        return self._asked

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.size

    def load(self) -> Any:
        """There is no model; code that wants one is not under a fast test."""
        raise AssertionError("a fast test asked for the real embedder")

    @property
    def pools_by_mean(self) -> bool:
        """No: a text's words without the common ones, which its tokens are as well."""
        return False

    def overflows(self, text: str) -> bool:
        """Whether `text` is longer than the window."""
        return len(text) > self.window

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) texts to (n, size) unit vectors."""
        self._embedded.extend(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, self.size), np.float32)

    def passages_with_tokens(self, texts: Sequence[str]) -> list[Embedded]:
        """As `passages`, with a vector a word."""
        self._embedded.extend(texts)
        return [self._embedded_one(text) for text in texts]

    def _embedded_question(self, text: str) -> Embedded:
        self._asked.append(text)
        return self._embedded_one(text)

    def _embedded_one(self, text: str) -> Embedded:
        """One vector a run of text that is not white space, so that late interaction compares words too."""
        words = list(re.finditer(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+", text))
        tokens = [self._vector(word.group()) for word in words]
        return Embedded(
            self._vector(text),
            np.stack(tokens) if tokens else np.zeros((0, self.size), np.float32),
            np.asarray([word.span() for word in words], np.int32).reshape(-1, 2),
        )

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.size, np.float32)
        for token in tokenize(text) or [""]:
            bucket = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest())
            vector[bucket % self.size] += 1.0
        return vector / np.linalg.norm(vector)
