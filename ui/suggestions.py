"""Questions to begin with, made from the article's own headings and names; no model, and no article's words in code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from index.paragraphs import Paragraph
from rag.answer import Answer
from ui.outline import Entry, Heading, Part, numbers
from ui.wording import Words

_ASK_NAME = Words("关于 {name}，文章说了什么？", "What does the article say about {name}?")
_ASK_PART = Words("关于「{zh}」，文章说了什么？", "What does the article say about “{en}”?")
_ASK_STAGE = Words("时间线上的「{zh}」说了什么？", "What does the timeline say about “{en}”?")
_ASK_FIGURE = Words("「{zh}」这张图说明了什么？", "What does the figure “{en}” show?")
# "1. ", "第二章 ", "IV) ": a heading's counter is not part of what it says.
_COUNTER = re.compile(
    r"^\s*(?:\d{1,2}(?:\.\d{1,2})*[.)、:]?\s+|\d{1,2}[.)、]\s*|第[一二三四五六七八九十\d]+[章节部分篇]\s*"
    r"|[一二三四五六七八九十]{1,3}、\s*|[IVX]+[.)]\s+)"
)
_QUESTION = re.compile(r"[?？]\s*$")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
_INSIDE = re.compile(r"(?<=[a-z,;] )(?:[A-Z][A-Za-z]*|[a-z]+[A-Z][A-Za-z]*)(?:['’][a-z]+)?(?![A-Za-z])")
_SMALL = frozenset("a an and as at but by for from if in into nor of on or the to with".split())
# In Chinese text, a run of Latin words with capitals is a name that the translator kept.
_NAME = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z0-9-]{2,}(?: [A-Z0-9][A-Za-z0-9.-]*)*(?![A-Za-z])")
# A name in more paragraphs than this is what the article is about, not a part of it.
_RARE = 3
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question in each language (empty where the article gives none) and the paragraphs it is about."""

    zh: str
    en: str
    paragraphs: tuple[int, ...]


def suggestions(parts: Sequence[Part]) -> tuple[Suggestion, ...]:
    """Questions for timeline entries, figures, rare names and parts with a heading, in reading order."""
    paragraphs = [entry.paragraph for part in parts for entry in part.entries]
    found = [*_from_headings(parts, _always_capital(paragraphs)), *_from_names(paragraphs)]
    return tuple(sorted(found, key=lambda suggestion: suggestion.paragraphs[0]))


def answerable(suggestion: Suggestion, ask: Callable[[str], Answer]) -> Suggestion:
    """`suggestion` without a question that `ask` refuses or answers from elsewhere than it is about."""
    return replace(
        suggestion,
        zh=suggestion.zh if _is_answered(suggestion.zh, suggestion, ask) else "",
        en=suggestion.en if _is_answered(suggestion.en, suggestion, ask) else "",
    )


def _is_answered(question: str, suggestion: Suggestion, ask: Callable[[str], Answer]) -> bool:
    if not question:
        return False
    cited = {citation.paragraph.number for citation in ask(question).citations}
    return bool(cited & set(suggestion.paragraphs))


def _from_headings(parts: Sequence[Part], capital: frozenset[str]) -> Iterator[Suggestion]:
    for part in parts:
        body = [entry for entry in part.entries if entry.paragraph.kind == "body"]
        if part.name and body:
            yield from _about(part.name, _ASK_PART, body, capital)
        for entry in part.entries:
            if entry.title and entry.paragraph.kind == "timeline":
                yield from _about(entry.title, _ASK_STAGE, [entry], capital)
            elif entry.title and entry.paragraph.kind == "figure":
                yield from _about(entry.title, _ASK_FIGURE, [entry], capital)


def _about(heading: Heading, ask: Words, entries: Sequence[Entry], capital: frozenset[str]) -> Iterator[Suggestion]:
    zh, en = _spoken(heading.zh, capital), _spoken(heading.en, capital)
    question_zh = zh if _QUESTION.search(zh) else ask.say("zh", zh=zh) if zh else ""
    question_en = en if _QUESTION.search(en) else ask.say("en", en=en) if en else ""
    if max(len(question_zh), len(question_en)) <= _LONGEST and (question_zh or question_en):
        yield Suggestion(question_zh, question_en, tuple(numbers(entries)))


def _spoken(heading: str, capital: frozenset[str]) -> str:
    """A heading as it would stand in a sentence: without its counter, and not in capitals throughout.

    `capital` are the words that keep their capitals: a question is written like a sentence, anything else like a title.
    """
    text = _COUNTER.sub("", heading).strip()
    letters = [ch for ch in text if ch.isascii() and ch.isalpha()]
    if len(letters) <= 3 or not all(ch.isupper() for ch in letters):
        return text
    written = {word.upper(): word for word in capital}
    if _QUESTION.search(text):
        lowered = _WORD.sub(lambda m: written.get(m[0], m[0].lower()), text)
        return lowered[:1].upper() + lowered[1:]
    words = [_WORD.sub(lambda m: written.get(m[0], m[0].capitalize()), word) for word in text.split()]
    return " ".join(word.lower() if at and word.lower() in _SMALL else word for at, word in enumerate(words))


def _always_capital(paragraphs: Sequence[Paragraph]) -> frozenset[str]:
    """The English words that have a capital in mid-sentence and are never written without it: names, in short."""
    words = {word for p in paragraphs for word in _WORD.findall(p.en or "")}
    inside = {word for p in paragraphs for word in _INSIDE.findall(p.en or "")}
    return frozenset(word for word in inside if word.lower() not in words)


def _from_names(paragraphs: Sequence[Paragraph]) -> Iterator[Suggestion]:
    """One question a paragraph, about a rare name that both its languages have and that is not part of a longer one."""
    texts = [p for p in paragraphs if p.kind in ("body", "figure", "timeline") and p.zh and p.en]
    names = dict.fromkeys(name for p in texts for name in _NAME.findall(p.zh or "") if name in (p.en or ""))
    begun: set[int] = set()
    for name in names:
        having = tuple(p.number for p in texts if name in (p.zh or ""))
        is_part = any(name in other and name != other for other in names)
        if len(having) <= _RARE and not is_part and having[0] not in begun:
            begun.add(having[0])
            yield Suggestion(_ASK_NAME.say("zh", name=name), _ASK_NAME.say("en", name=name), having)
