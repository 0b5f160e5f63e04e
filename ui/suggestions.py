"""Questions to begin with, made from the article's own headings; no model, and no article's words in the code."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ui.outline import Entry, Heading, Part, numbers
from ui.wording import Words

_ASK_PART = Words("关于「{zh}」,文章说了什么?", "What does the article say about “{en}”?")
_ASK_STAGE = Words("时间线上的「{zh}」说了什么?", "What does the timeline say about “{en}”?")
_ASK_FIGURE = Words("「{zh}」这张图说明了什么?", "What does the figure “{en}” show?")
# "1. ", "第二章 ", "IV) ": a heading's counter is not part of what it says.
_COUNTER = re.compile(
    r"^\s*(?:\d{1,2}(?:\.\d{1,2})*[.)、:]?\s+|\d{1,2}[.)、]\s*|第[一二三四五六七八九十\d]+[章节部分篇]\s*|[IVX]+[.)]\s+)"
)
_QUESTION = re.compile(r"[?？]\s*$")
_SMALL = frozenset("a an and as at but by for from if in into nor of on or the to with".split())
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question in each language (an empty string where the article has no heading in it) and what it is about."""

    zh: str
    en: str
    paragraphs: tuple[int, ...]


def suggestions(parts: Sequence[Part]) -> tuple[Suggestion, ...]:
    """One question for each part, timeline entry and figure that has a heading, in reading order."""
    return tuple(_suggestions(parts))


def _suggestions(parts: Sequence[Part]) -> Iterator[Suggestion]:
    for part in parts:
        body = [entry for entry in part.entries if entry.paragraph.kind in ("body", "summary")]
        if part.name and body:
            yield from _about(part.name, _ASK_PART, body)
        for entry in part.entries:
            if entry.title and entry.paragraph.kind == "timeline":
                yield from _about(entry.title, _ASK_STAGE, [entry])
            elif entry.title and entry.paragraph.kind == "figure":
                yield from _about(entry.title, _ASK_FIGURE, [entry])


def _about(heading: Heading, ask: Words, entries: Sequence[Entry]) -> Iterator[Suggestion]:
    zh, en = _spoken(heading.zh), _spoken(heading.en)
    question_zh = zh if _QUESTION.search(zh) else ask.say("zh", zh=zh) if zh else ""
    question_en = en if _QUESTION.search(en) else ask.say("en", en=en) if en else ""
    if max(len(question_zh), len(question_en)) <= _LONGEST and (question_zh or question_en):
        yield Suggestion(question_zh, question_en, tuple(numbers(entries)))


def _spoken(heading: str) -> str:
    """A heading as it would stand in a sentence: without its counter, and not in capitals throughout."""
    text = _COUNTER.sub("", heading).strip()
    letters = [ch for ch in text if ch.isascii() and ch.isalpha()]
    if len(letters) > 3 and all(ch.isupper() for ch in letters):
        words = string.capwords(text).split()
        text = " ".join(word.lower() if at and word.lower() in _SMALL else word for at, word in enumerate(words))
    return text
