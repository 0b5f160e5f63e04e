"""Whether an answer states a value: both are brought to one spelling, then compared with care at the edges."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from evals.numerals import digits
from index.characters import HAN
from index.keywords import fold

_CJK = rf"[{HAN}\u3000-\u303f]"
_MARKER = re.compile(r"\s*\[\s*¶\s*\d+(?:\s*[,，、]\s*¶?\s*\d+)*\s*\]")
_QUOTES = re.compile(r"[「」『』《》〈〉\"“”„*`]")
_DASHES = re.compile(r"[‐‑‒–—―−]+|(?<=\d)\s*[~～]\s*(?=\d)")
_SHORT = 3  # a Latin word this short must end where the alias ends; longer ones may go on (delegat, robot)


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """`text` as it is compared: folded, numbers as digits, no citation marks, no space beside Chinese characters."""
    text = _MARKER.sub("", text)
    text = fold(text).replace("×", "x").replace("⁄", "/").replace("‘", "'")
    text = _DASHES.sub("-", _QUOTES.sub("", text)).replace("~", "")
    text = re.sub(rf"(?<=\d)\s+(?={_CJK})", "", re.sub(r"\s+", " ", text))
    text = digits(text)
    return re.sub(rf"\s*({_CJK})\s*", r"\1", text).strip()


@lru_cache(maxsize=65536)
def _pattern(alias: str) -> re.Pattern[str]:
    wanted = normalise(alias)
    before = after = ""
    if wanted[0].isdigit():
        before = r"(?<!\d)(?<!\d[./])"
    elif wanted[0].isascii() and wanted[0].isalpha():
        before = r"(?<![a-z0-9])"
    if wanted[-1].isdigit():
        after = r"(?!\d)(?![./]\d)(?!%)(?!x\b)"
    elif last := re.search(r"[a-z]+$", wanted):
        after = r"(?:'?s)?(?![a-z0-9])" if len(last.group()) <= _SHORT else ""
    return re.compile(before + _multiple(re.escape(wanted)) + after)


def _multiple(wanted: str) -> str:
    """The pattern `wanted` for either way of writing it where it ends in 8x or "8 times".

    "8 times" is 8x only where its clause ends: "8 times a week" is a count.
    """
    at_the_end = r"\ times(?=\s*(?:$|[^\w\s]))"
    wanted = re.sub(r"(?<=\d)x$", lambda _: rf"(?:x|{at_the_end})", wanted)
    return re.sub(r"(?<=\d)\\ times$", lambda _: r"(?:x|\ times)", wanted)


def states(text: str, alias: str) -> bool:
    """Whether `text` states `alias`, however either writes its numbers.

    A number matches whole numbers only (70 is not in 170, "Opus 4" is not in "Opus 4.5", 16 is not in 16%).
    A Latin word matches from its start and may go on, so an alias may be a stem; words of up to three
    letters match whole. Meaning is not looked at: "not plausible" states "plausible".
    """
    return bool(normalise(alias)) and _pattern(alias).search(normalise(text)) is not None


def states_any(text: str, aliases: Iterable[str]) -> bool:
    """Whether `text` states one of `aliases`."""
    return any(states(text, alias) for alias in aliases)
