"""The keyword index: BM25 over real words of both languages, one tokenizer for index and question."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import bm25s
import numpy as np
import opencc
import rjieba
import Stemmer
from numpy.typing import NDArray

from index.characters import HAN
from index.paragraphs import LANGUAGES, Language, Paragraph, contexts

KEYWORDS_VERSION = 3
_TOKEN = re.compile(rf"[{HAN}]+|[a-z][a-z']*|\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)*|\d+(?:\.\d+)*")
# A.I. is AI; letters without what is set above or through them.
_INITIALS = re.compile(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,}(?![A-Za-z])")
_CROSSED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"})
_SHORTENED = re.compile(r"'(?:s|t|re|ve|ll|d|m)?$")
_STOP_EN = frozenset(
    "a an the of in on at to for from by with and or is are was were be been being it its this that these those as "
    "what which who whom whose when where why how do does did has have had can could will would should may might "
    "i you he she they we me my your their our there about into than then so if eg ie".split()
)
_STOP_ZH = frozenset(
    "的 了 是 在 和 与 及 或 有 被 把 对 为 也 都 就 吗 呢 吧 啊 什么 哪些 哪个 哪 谁 多少 怎么 怎样 如何 为什么 几 "
    "这 那 其 之 等 一个 中 上 下 以 于 从 到 由 请问 请 我 你 他 她 它 们 我们 你们 他们 会 要 能 可以".split()
)


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


def simplified(text: str) -> str:
    """`text` in simplified characters, one for one; as it is where a phrase would change its length."""
    converted = _converted(text)
    return converted if len(converted) == len(text) else text


def _converted(text: str) -> str:
    converted: str = _simplifier().convert(text)
    return converted


def fold(text: str) -> str:
    """`text` as it is compared: NFKC, lower case, simplified characters, plain apostrophes."""
    return _converted(unicodedata.normalize("NFKC", text).lower()).replace("’", "'")


def plain(text: str) -> str:
    """`text` folded, with initials as words and Latin letters as they are typed where a keyboard lacks them."""
    folded = fold(_INITIALS.sub(lambda initials: initials.group().replace(".", ""), text)).translate(_CROSSED)
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


def tokenize(text: str) -> list[str]:
    """The words of `text` that carry meaning, in order: Chinese words and their parts, English stems, numbers.

    >>> tokenize("The models' 1,000 递归式 steps")
    ['model', '1000', '递归', '式', 'step']
    """
    tokens: list[str] = []
    for match in _TOKEN.finditer(plain(text)):
        token = match.group()
        if token[0].isdigit():
            tokens.append(token.replace(",", ""))
        elif token.isascii():
            word = _SHORTENED.sub("", token).replace("'", "")
            if word and word not in _STOP_EN:
                tokens.append(_stemmer().stemWord(word))
        else:
            tokens.extend(word for word in rjieba.cut_for_search(token) if word not in _STOP_ZH)
    return tokens


class KeywordIndex:
    """BM25 (Lucene's variant, k1 1.2, b 0.75) over the paragraphs, one index a language."""

    def __init__(self, models: dict[Language, tuple[bm25s.BM25, NDArray[np.int64]]]) -> None:
        self._models = models

    @classmethod
    def build(cls, paragraphs: Sequence[Paragraph]) -> KeywordIndex:
        """Index each paragraph with its kind and section path, in each language it has."""
        models: dict[Language, tuple[bm25s.BM25, NDArray[np.int64]]] = {}
        for language in LANGUAGES:
            numbers = [p.number for p in paragraphs if p.text(language)]
            searched = zip(paragraphs, contexts(paragraphs, language), strict=True)
            texts = [f"{context}\n{p.text(language)}" for p, context in searched if p.text(language)]
            tokens = [tokenize(text) or [""] for text in texts]
            if tokens:
                model = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
                model.index(tokens, show_progress=False)
                models[language] = (model, np.asarray(numbers, np.int64))
        return cls(models)

    def save(self, folder: Path) -> None:
        """Write one folder a language."""
        for language, (model, numbers) in self._models.items():
            model.save(folder / language, show_progress=False)
            np.save(folder / language / "paragraphs.npy", numbers)

    @classmethod
    def load(cls, folder: Path, languages: Collection[Language] = LANGUAGES) -> KeywordIndex:
        """Read what `save` wrote for `languages`. Raises OSError or ValueError where it is missing or damaged."""
        return cls(
            {
                language: (
                    bm25s.BM25.load(folder / language, show_progress=False),
                    np.load(folder / language / "paragraphs.npy"),
                )
                for language in languages
            }
        )

    def scores(self, question: str, language: Language, k: int) -> dict[int, float]:
        """The best `k` paragraphs by BM25 in `language`: {paragraph number: score}; zero scores are left out."""
        if language not in self._models:
            return {}
        model, numbers = self._models[language]
        known = [token for token in tokenize(question) if token in model.vocab_dict]
        if not known:
            return {}
        scores = model.get_scores(known)
        best = np.argsort(-scores, kind="stable")[:k]
        return {int(numbers[i]): float(scores[i]) for i in best if scores[i] > 0}

    def worth(self, question: str, language: Language) -> float:
        """The sum of the idf of the question's distinct words in `language`; words the index lacks count most."""
        if language not in self._models:
            return 1.0
        model, numbers = self._models[language]
        texts = len(numbers)
        frequencies = [_column_length(model, token) for token in set(tokenize(question))]
        return sum(math.log(1 + (texts - df + 0.5) / (df + 0.5)) for df in frequencies) or 1.0

    def document_frequency(self, token: str) -> int:
        """In how many (paragraph, language) texts `token` (as `tokenize` gives it) occurs."""
        return sum(_column_length(model, token) for model, _ in self._models.values())


def _column_length(model: bm25s.BM25, token: str) -> int:
    column = model.vocab_dict.get(token)
    if column is None:
        return 0
    pointers = model.scores["indptr"]
    return int(pointers[column + 1] - pointers[column])
