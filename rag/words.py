"""How much of what one text says stands in another: words weighted by how rare they are in the corpus."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from index.build import Index
from index.characters import WIDE
from index.keywords import plain, simplified, tokenize
from index.paragraphs import Language
from rag.language import FUNCTION_WORDS, language_of_question

# A Latin word with a capital or a digit in it: METR, Claude, Opus, SWE-bench, GitHub, n8n, GPT-4.1. Chinese characters
# are no part of one: few people type a space between the two scripts.
_NAME = re.compile(
    rf"(?<![^\W{WIDE}])(?<!@)(?:[A-Za-z]*[A-Z](?:[^\W{WIDE}]|[’'-]|(?<=\d)\.(?=\d))*|"
    rf"[A-Za-z]+\d(?:[^\W{WIDE}]|-|(?<=\d)\.(?=\d))*)"
)
# "What's", "Isn't", "I'll": the apostrophe makes no name of them.
_CONTRACTED = re.compile(
    r"(?:what|who|how|where|when|why|which|that|it|there|here|he|she|let|i|we|you|they)[’'](?:s|re|ve|ll|d|m)|"
    r"(?:is|are|was|were|do|does|did|has|have|had|ca|could|would|wo|should)n[’']t",
    re.IGNORECASE,
)
_WIDE = re.compile(f"[{WIDE}]+")
# Three words or more, and no small letter.
_SHOUTED = re.compile(rf"[^a-z{WIDE}]*(?:[A-Z]+[^\w{WIDE}]+){{2}}[A-Z][^a-z{WIDE}]*")
# Words that are no names in capitals: “is it NOT allowed?”, “OK, who built it?”; WHO and IT are.
_EMPHASISED = (FUNCTION_WORDS - {"who", "it", "us", "may", "will"}) | frozenset(
    "ok okay please asap main only most all every any hi hello fyi tldr btw exactly never always yes very".split()
)
# A title has a capital on this share of its own words, and on one that a sentence would write small.
_CAPITALS = 0.9
_NEGATION = {
    "zh": re.compile(
        r"(?<!差)不(?!断|仅|只|过|同|少|久|止|得不|管|论|可或缺|错|锈|超过|[低小大高]于)|没有?(?!.{0,2}问题)|尚未|未(?!来|必)|"
        r"无(?:法|需|须|权|从|人(?![机驾车船艇化区岛售]))|并非|绝非|从未|否|别(?=[再去把])"
    ),
    "en": re.compile(
        r"\b(?:not(?! only)|no(?! (?:longer|fewer|less|more|later|earlier) than)|never|without|neither|nor|cannot|none|"
        r"nobody|nothing|nowhere|hardly|rarely|seldom|unable|fail(?:s|ed)? to)\b|"
        r"n[’']t\b",
        re.IGNORECASE,
    ),
}

# What is more so than all others. "At least", "most of them", 最多 (at most) and "interest" are no such thing.
_SUPERLATIVE = {
    "zh": re.compile(r"最(?![近后终初新]|[多少](?!的)|高法|惠国|大限)"),
    "en": re.compile(
        r"(?i:\b(?:the|its|their|his|her|is|was|are|were)|['’]s)\s+(?:most|least)\s+(?!of\b|part\b|recent|(?!\w+ous\b)\w+s\b)[a-z]|"
        r"(?<!\bat )\b(?:most|least) likely\b|\b(?:best|worst)\b|\b[a-z]{3,}est\b"
    ),
}
_NO_SUPERLATIVE = frozenset(
    "armrest arrest attest behest bequest chest conquest contest crest detest digest dishonest disinterest divest "
    "earnest forest guest harvest honest infest ingest inquest interest invest jest latest lest manifest midwest "
    "modest molest nest northwest pest priest protest quest request rest southwest suggest tempest test unrest vest "
    "west zest".split()
)

# How a sentence begins that goes on from the one before it: a connective, or a word that stands for something said.
_LEANS_BACK = {
    "zh": re.compile(
        r"[「『“(（]*(?:这|那|此|其|它|他|她|前者|后者|但|而|不过|然而|可是|却|因为|所以|因此|于是|也就是|换言之|换句话说|"
        r"例如|比如|此外|另外|同时|并且|否则|不然|相反|果真|如果|一旦|即便|即使)"
    ),
    "en": re.compile(
        r"[“\"(]*(?:but|and|so|yet|however|because|therefore|instead|rather|then|even|for example|in other words|if|"
        r"this|that|these|those|it|its|they|their|he|she|such|there)\b",
        re.IGNORECASE,
    ),
}


@lru_cache(maxsize=8192)
def content_tokens(text: str) -> frozenset[str]:
    """The distinct words of `text` that carry meaning, as the keyword index sees them."""
    return frozenset(tokenize(text))


class Rarity:
    """Inverse document frequency over an index's texts: rare words weigh more; unknown ones most."""

    def __init__(self, index: Index) -> None:
        self._keywords = index.keywords
        self._texts = sum(len(paragraph.languages) for paragraph in index.paragraphs)
        self._known: dict[str, float] = {}

    def of(self, token: str) -> float:
        """ln(1 + N / (1 + df)), in nats."""
        if token not in self._known:
            frequency = self._keywords.document_frequency(token)
            self._known[token] = math.log(1 + self._texts / (1 + frequency))
        return self._known[token]

    def mass(self, tokens: Iterable[str]) -> float:
        """Total weight of `tokens`."""
        return sum(self.of(token) for token in tokens)

    def covered(self, tokens: Collection[str], by: Collection[str]) -> float:
        """The share of `tokens`' weight that also stands in `by`, in [0, 1]; 1 where there is nothing to cover."""
        total = self.mass(tokens)
        return self.mass(token for token in tokens if token in by) / total if total else 1.0


@lru_cache(maxsize=8192)
def names(text: str) -> frozenset[str]:
    """Names in `text` that a translation keeps in Latin letters, folded and without accents.

    The first word of an English sentence counts only when it could not be an ordinary word (an inner capital,
    a digit, all capitals). In a Chinese one every such word is a name; in one that is typed in capitals throughout
    nothing can be told, and only what holds a digit is.
    """
    found = set()
    shouted = is_shouted(text)
    is_title = not shouted and _is_title(text)
    is_chinese = language_of_question(text) == "zh"
    for match in _NAME.finditer(text):
        word = match.group().rstrip("’'-")
        before = text[: match.start()].rstrip()
        opens = not is_chinese and (not before or before[-1] in ".!?:;\"“‘'(—") and bool(re.search(r"[a-z]", word))
        if (
            len(word) < 2
            or _CONTRACTED.fullmatch(word)
            or (shouted and not re.search(r"\d", word))
            or (word.isupper() and word.lower() in _EMPHASISED)
            or (is_title and word[1:].islower() and word.isalpha())
            or (opens and word[1:].islower() and word.isalpha())
        ):
            continue
        found.add(plain(word).removesuffix("'s"))
    return frozenset(found)


def is_shouted(text: str) -> bool:
    """Whether `text` is typed in capitals throughout; a term that it asks about in English may be Chinese."""
    own = _WIDE.sub(" ", text) if language_of_question(text) == "en" else text
    return _SHOUTED.fullmatch(own) is not None


def _is_title(text: str) -> bool:
    """Whether `text` is typed as a title is: How Much Does the Telescope Cost?"""
    words = re.findall(r"[A-Za-z][A-Za-z’'-]+", text)
    own = [word for word in words if word.lower() not in _EMPHASISED]
    is_stressed = any(word.lower() in _EMPHASISED and word.istitle() for word in words[1:])
    return is_stressed and bool(own) and sum(word[0].isupper() for word in own) >= _CAPITALS * len(own)


def negations(text: str) -> int:
    """How many negations `text` holds, in either language; 不断, 不仅, "not only" and the like are none."""
    return sum(len(pattern.findall(simplified(text))) for pattern in _NEGATION.values())


def superlatives(text: str) -> int:
    """How many superlatives `text` holds, in either language."""
    found = (m.group() for pattern in _SUPERLATIVE.values() for m in pattern.finditer(simplified(text)))
    return sum(word not in _NO_SUPERLATIVE for word in found)


def leans_back(sentence: str, language: Language) -> bool:
    """Whether the sentence goes on from the one before it, so that a reader needs both."""
    return _LEANS_BACK[language].match(simplified(sentence)) is not None
