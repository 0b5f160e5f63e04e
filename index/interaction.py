"""Token vectors of the passages, for late interaction: how well a passage answers each word of a question.

One vector a passage blurs what its sentences say; the embedder's last layer still has a vector a token, made in
the light of the whole passage. MaxSim (Khattab and Zaharia 2020, ColBERT) is the mean, over the question's tokens,
of the cosine to the nearest token. The embedder was not trained for it and it still ranks better than the pooled
vector (evals/NOTES.md). Cosines are taken after the corpus's mean token is subtracted, because this family of
embedders puts all tokens of a language into one narrow cone.

Vectors are kept as 8-bit integers with a scale each, in files that are mapped, not read: only the tokens of
paragraphs that are compared come into memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedder import unit
from index.paragraphs import Language

Vectors = NDArray[np.float32]
Offsets = NDArray[np.int32]

# Raise this whenever what is written below changes: an index written otherwise is refused.
INTERACTION_VERSION = 1
_KEPT = 256  # paragraphs whose vectors stay in memory as floats, about 0.2 MB each


@dataclass(frozen=True, slots=True)
class Tokens:
    """(n, dimension) vectors and (n, 2) offsets into the paragraph's text; -1 for a heading's tokens."""

    vectors: Vectors
    offsets: Offsets


@dataclass(frozen=True, slots=True)
class Cosines:
    """A question's tokens' cosines to each token of a paragraph, (n, q), and where those stand, (n, 2)."""

    values: Vectors
    offsets: Offsets

    def maxsim(self, start: int, end: int) -> float:
        """MaxSim with the tokens in `text[start:end]` and the heading's, in whose light it is read; 0 for none."""
        inside = (self.offsets[:, 0] < 0) | ((self.offsets[:, 0] >= start) & (self.offsets[:, 1] <= end))
        return float(self.values[inside].max(axis=0).mean()) if inside.any() and self.values.shape[1] else 0.0


@dataclass(frozen=True, slots=True)
class PassageTokens:
    """What the index keeps of one passage. `digest` names the embedded string, so that a rebuild can take it over."""

    paragraph: int
    language: Language
    digest: str
    tokens: Tokens


class TokenVectors:
    """The token vectors of an index, by paragraph and language; read-only, safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._vectors = np.load(folder / "vectors.npy", mmap_mode="r")
        self._scales = np.load(folder / "scales.npy", mmap_mode="r")
        self._offsets = np.load(folder / "offsets.npy", mmap_mode="r")
        self._means: Mapping[str, Vectors] = dict(np.load(folder / "means.npz"))
        self._places: dict[tuple[int, Language], list[tuple[int, int]]] = {}
        self._digests: dict[str, tuple[int, int]] = {}
        for number, language, digest, first, last in json.loads((folder / "passages.json").read_text("utf-8")):
            self._places.setdefault((number, language), []).append((first, last))
            self._digests[digest] = (first, last)
        if len(self._vectors) != len(self._scales) or len(self._vectors) != len(self._offsets):
            raise ValueError(f"{len(self._vectors)} token vectors, {len(self._offsets)} offsets")
        self._of = lru_cache(maxsize=_KEPT)(self._read_centred)

    def __len__(self) -> int:
        return len(self._vectors)

    def of(self, paragraph: int, language: Language) -> Tokens | None:
        """The centred unit vectors of a paragraph's tokens; None where it has no text in `language`."""
        return self._of(paragraph, language) if (paragraph, language) in self._places else None

    def centred(self, vectors: Vectors, language: Language) -> Vectors:
        """(n, dimension) token vectors of a question, as they are compared with passages in `language`."""
        mean = self._means.get(language)
        return unit(unit(vectors) - mean) if mean is not None else unit(vectors)

    def maxsims(self, question: Vectors, paragraphs: Iterable[int], language: Language) -> dict[int, float]:
        """MaxSim of a question's (q, dimension) tokens, centred, with each paragraph that has text in `language`.

        It is the mean, over the question's tokens, of the cosine to the nearest of the paragraph's.
        """
        if not len(question):
            return {}
        found = self.cosines(question, paragraphs, language)
        return {number: float(own.values.max(axis=0).mean()) for number, own in found.items()}

    def cosines(self, question: Vectors, paragraphs: Iterable[int], language: Language) -> dict[int, Cosines]:
        """A question's (q, dimension) tokens, centred, beside those of each paragraph that has text in `language`."""
        found = [(number, tokens) for number in paragraphs if (tokens := self.of(number, language))]
        if not found:
            return {}
        # One product for all of them: a hundred small ones spend their time waking threads.
        product = np.concatenate([tokens.vectors for _, tokens in found]) @ question.T
        parts = np.split(product, np.cumsum([len(tokens.vectors) for _, tokens in found])[:-1])
        return {number: Cosines(part, tokens.offsets) for (number, tokens), part in zip(found, parts, strict=True)}

    def known(self, digest: str) -> Tokens | None:
        """The tokens as the embedder gave them of a passage embedded before, for a rebuild."""
        place = self._digests.get(digest)
        return self._raw([place]) if place else None

    def _raw(self, places: Sequence[tuple[int, int]]) -> Tokens:
        rows = np.concatenate([np.arange(first, last) for first, last in places])
        vectors = self._vectors[rows].astype(np.float32) * self._scales[rows].astype(np.float32)[:, None]
        return Tokens(unit(vectors), np.asarray(self._offsets[rows]))

    def _read_centred(self, paragraph: int, language: Language) -> Tokens:
        raw = self._raw(self._places[paragraph, language])
        return Tokens(self.centred(raw.vectors, language), raw.offsets)


class TokenWriter:
    """Writes the token vectors of an index to a new folder; what is added is on disk, not in memory.

    The files are whole once it is closed.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        with ExitStack() as opened:  # where one cannot be opened, those before it are closed
            self._vectors = opened.enter_context(closing(_Rows(folder / "vectors.npy", np.int8, dimension)))
            self._scales = opened.enter_context(closing(_Rows(folder / "scales.npy", np.float16)))
            self._offsets = opened.enter_context(closing(_Rows(folder / "offsets.npy", np.int32, 2)))
            self._files = opened.pop_all()
        self._sums: dict[str, Vectors] = {}
        self._counts: dict[str, int] = {}
        self._places: list[tuple[int, Language, str, int, int]] = []

    def add(self, passages: Iterable[PassageTokens]) -> None:
        """Write the token vectors of `passages` behind those that are there."""
        for passage in passages:
            own = unit(passage.tokens.vectors)
            first, language = self._vectors.count, passage.language
            vectors, scales = _quantised(own)
            self._vectors.add(vectors)
            self._scales.add(scales)
            self._offsets.add(passage.tokens.offsets)
            self._sums[language] = self._sums.get(language, np.zeros(own.shape[1], np.float32)) + own.sum(0)
            self._counts[language] = self._counts.get(language, 0) + len(own)
            self._places.append((passage.paragraph, language, passage.digest, first, self._vectors.count))

    def close(self) -> None:
        """Finish the files; where one cannot be finished, the others are closed all the same."""
        self._files.close()
        means = {language: total / self._counts[language] for language, total in self._sums.items()}
        np.savez(self._folder / "means.npz", **means)  # type: ignore[arg-type]
        (self._folder / "passages.json").write_text(json.dumps(self._places), encoding="utf-8")


class _Rows:
    """A .npy file that rows are appended to, each of `width` (none: a number).

    numpy pads the header for this, so that it can be written once more, with the count, when all rows are there.
    """

    def __init__(self, path: Path, dtype: type[np.generic], *width: int) -> None:
        self._file = path.open("wb")
        self._dtype, self._width = np.dtype(dtype), width
        self.count = 0
        try:
            self._write_header()
        except BaseException:
            self._file.close()
            raise
        self._start = self._file.tell()

    def add(self, rows: NDArray[Any]) -> None:
        if rows.shape[1:] != self._width:
            raise ValueError(f"rows of shape {rows.shape[1:]}, the file has {self._width}")
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self.count += len(rows)

    def close(self) -> None:
        with self._file:
            self._file.seek(0)
            self._write_header()
            if self._file.tell() != self._start:
                raise ValueError(
                    f"the header of {self._file.name} grew from {self._start} to {self._file.tell()} bytes"
                )

    def _write_header(self) -> None:
        descr = np.lib.format.dtype_to_descr(self._dtype)
        shape = (self.count, *self._width)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)


def _quantised(vectors: Vectors) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    scales = (np.abs(vectors).max(axis=1) / 127).astype(np.float16)
    divided = vectors / np.maximum(scales.astype(np.float32), 1e-12)[:, None]
    return np.clip(np.rint(divided), -127, 127).astype(np.int8), scales
