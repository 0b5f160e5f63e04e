"""Sentences with exact offsets, for Chinese, English and lines that mix them.

llama-index's default splitter returns a whole Chinese paragraph as one sentence and breaks "Dr. | Smith";
this one is a single scan over candidate ends, each accepted or refused by what stands around it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from index.characters import CLOSERS, WIDE

Span = tuple[int, int]

# The number of a footnote, which belongs to the sentence before it: "...。[2] 下一句", "... crowns.[1] The next".
_NOTE = r"(?:[\[［〔]\d{1,3}(?:[-–,，]\s?\d{1,3})*[\]］〕]|[¹²³⁰⁴-⁹]{1,3})"
_CANDIDATE = re.compile(rf"(?:[。！？!?；;.．]|…+)(?:[。！？!?…]|…)*(?P<closed>[{CLOSERS}]*)(?:{_NOTE})*|\n+")
_WIDE = re.compile(f"[{WIDE}]")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr jr vs v etc e.g i.e cf fig figs eq vol pp ed eds al approx dept est inc ltd co corp "
    "gov gen rep sen hon rev capt lt col sgt maj mt jan feb mar apr jun jul aug sep sept oct nov dec ph.d a.m p.m "
    "viz ca b.c a.d d.c".split()
)
# Of these what may close a sentence, before a word that no name begins with: "… pears, etc. The", "… at 5 p.m. We".
_MAY_CLOSE = frozenset("etc inc ltd co corp a.m p.m jr sr ph.d".split())
# Before a number alone: "No. 5", "p. 12", "max. 10"; else words, or letters.
_BEFORE_NUMBERS = frozenset("no nos p c ch sec Art para min max ver".split())
# Of a person, a place, a thing: "J. Clark", "J.K. Rowling", "the L.A. Times", "A.I. Systems"; what stands behind them
# goes on, but where several stand before a word that no name begins with, or one behind a word: "World War I. The war".
_INITIALS = re.compile(r"[A-Z](?:\.[A-Z])*")
_BEGINS = re.compile(r"\s+(?:The|This|That|These|Those|It|He|She|They|We|But|And|In|If|As|For|When)\b")
_BEHIND_A_WORD = re.compile(r"[^\W_]\s+[A-Z]$")
_NAMED_SO = re.compile(r"\s+(?:He|She)\b")  # "J. He Zhang"
# A name that a small letter begins: iPhone, eBay, macOS.
_SMALL_NAME = re.compile(r"[a-z]{1,3}[A-Z]")
_BLANKS = " \t\u00a0\u2009\u202f\u200b\ufeff"
# Only behind an end, or the exponent of "5 km²" would be one.
_NOTES_BEHIND = re.compile(rf"(?<=[。！？!?；;.．…{CLOSERS}])(?:{_NOTE})+\s*$")
_WORD_BEFORE = re.compile(r"[A-Za-z](?:[A-Za-z.]*[A-Za-z])?$")
_LABEL_BEFORE = re.compile(
    r"(?:^|\n)\s*(?:\d{1,3}|[A-Za-z])$|(?:(?<!\d)[:：]|[。！？；;])\s*\d{1,2}$|"
    r"(?<![Nn]o)(?<!pp)(?<!ol)(?<!ig)[.!?] \d{1,2}$|[^\d\s][，,、]\s*\d{1,2}$"
)
# What only says who said what was quoted: “……。”沈亦然说。
_SAYS = re.compile(
    r"[^。！？!?；;，,：:“「『\n]{1,20}(?:[说說]|表示|(?<![知味街铁鐵轨軌频頻])道|(?<![名简簡职職])[称稱]|写道|寫道|坦言|回忆|回憶|补充|補充|解释|解釋)[。.]"
)
# Ornaments and list labels that are not part of what a sentence says.
_LEADING = re.compile(r"\s*(?:[▲△▼◆●•·■□※*]\s*|-(?!\d)\s*|\d{1,3}\.\s+)?")


@lru_cache(maxsize=4096)
def split_sentences(text: str) -> tuple[Span, ...]:
    """The (start, end) of each sentence of `text`, in order; `text[start:end]` has no outer white space.

    Every character that is not white space, an ornament (▲) or a list label ("3. ") lies in exactly one
    span, unless there is no letter or digit at all. Ends at 。！？；… (with the closing quotes and the numbers of
    notes behind them), at a line break, and at . ! ? where an English sentence ends; not in "Q2 2026", "8.0×",
    "claude.ai", "2.3.5", "Dr. Smith", "e.g. this".
    """
    spans: list[Span] = []
    start = 0
    for match in _CANDIDATE.finditer(text):
        opening = _opening_quote(text, match)
        if opening or _ends_sentence(text, match):
            start = _append(spans, text, start, opening or match.end())
    _append(spans, text, start, len(text))
    return tuple(spans)


def _opening_quote(text: str, match: re.Match[str]) -> int:
    """Where a straight quote opens what follows a stop, 他很高兴。"太好了。"; 0 where none does.

    One looks like the other: an even number of them stands in the line before one that opens.
    """
    at = text.find('"', match.start("closed"), match.end("closed")) if match["closed"] else -1
    beside = f"{match.group()[0]}{text[at + 1 : at + 2]}"
    if at < 0 or not beside[-1].isalnum() or not _WIDE.search(beside):
        return 0
    line = text.rfind("\n", 0, at) + 1
    return at if text.count('"', line, at) % 2 == 0 else 0


def without_notes(sentence: str) -> str:
    """`sentence` without the numbers of notes behind its end, and without white space there."""
    return _NOTES_BEHIND.sub("", sentence).rstrip()


def _append(spans: list[Span], text: str, begin: int, stop: int) -> int:
    """Add the sentence in `text[begin:stop]`; returns where the next one begins."""
    start, end = begin, stop
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    line_starts_here = start == 0 or "\n" in text[max(0, start - 1) : start]
    if line_starts_here and (lead := _LEADING.match(text, start, end)):
        start = lead.end()
    if start < end and any(ch.isalnum() for ch in text[start:end]):
        spans.append((start, end))
    elif start < end and spans:  # stray marks belong to the sentence before them
        spans[-1] = (spans[-1][0], end)
    elif start < end:  # or, where there is none yet, to the one after
        return begin
    return stop


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark = match.group()[0]
    if mark == "．" and text[: match.start()][-1:].isdigit() and text[match.end() :][:1].isdigit():
        return False  # ２．５
    if mark in "。！？；\n．":
        return not _closes_into_clause(text, match)
    before, after = text[: match.start()], text[match.end() :]
    if mark == ";":  # a Chinese clause ended by a half-width semicolon; English ones go on
        return bool(before) and bool(_WIDE.match(before[-1])) and not _closes_into_clause(text, match)
    if mark in "!?":
        return _breaks_after(after) and not _closes_into_clause(text, match)
    if mark == "…":
        goes_on = after[:1] in tuple(",，、:：;；") or _closes_into_clause(text, match)
        return not after or (not goes_on and _breaks_after(after))
    return _period_ends(before, after)


def _closes_into_clause(text: str, match: re.Match[str]) -> bool:
    # `他问:「为什么?」然后走了` and `"Why?" he asked`: a quoted question inside a sentence that goes on.
    if not match["closed"]:
        return False
    after = text[match.end() : match.end() + 5]
    if not after or after[0] == "\n":
        return False
    if after[0] in _BLANKS:
        return len(after) > 1 and after[1].islower() and not _SMALL_NAME.match(after, 1)
    # A full stop before the closing quote ends the sentence; a question or exclamation may not.
    goes_on = after[0] in ",，、:：)）—-–" or (after[0] not in "“「『《" and match.group()[0] in "?？!！；;")
    return goes_on or _SAYS.match(text, match.end()) is not None


def _breaks_after(after: str) -> bool:
    rest = after.lstrip(_BLANKS)
    if not rest or rest[0] == "\n":
        return True
    has_gap = len(rest) < len(after)
    if has_gap and (rest[0].isupper() or rest[0].isdigit() or rest[0] in "\"“‘'(["):
        return True
    return bool(_WIDE.match(rest[0])) or (has_gap and _SMALL_NAME.match(rest) is not None)


def _period_ends(before: str, after: str) -> bool:
    if after and after[0] not in f"{_BLANKS}\n" and not _WIDE.match(after[0]):
        return False  # 8.0, claude.ai, 2.3.5, U.S.A
    if _LABEL_BEFORE.search(before[-8:]) and after.strip():
        return False  # "3. METR's measure", "A. Smith" at the start of a line
    word = _WORD_BEFORE.search(before[-16:])
    if word and after.strip():
        own = word.group()
        if own in _BEFORE_NUMBERS or (len(own) > 1 and own.lower() in _BEFORE_NUMBERS):
            return not after.lstrip()[0].isdigit() and _breaks_after(after)
        if _INITIALS.fullmatch(own):
            may_close = "." in own or (_BEHIND_A_WORD.search(before[-8:]) and not _NAMED_SO.match(after))
            return bool(may_close and _BEGINS.match(after))
        if own.lower() in _ABBREVIATIONS:  # "Dr. Smith", "e.g. this"
            return own.lower() in _MAY_CLOSE and bool(_BEGINS.match(after))
    return _breaks_after(after)
