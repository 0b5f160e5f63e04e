"""The article's outline: which parts a paragraph introduces, which entries or items of a list stand beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise, takewhile
from typing import Literal

from index.characters import CLOSERS
from index.ordinals import LAST, label
from index.paragraphs import LANGUAGES, Language, Paragraph, Section
from index.sentences import split_sentences
from index.vocabulary import is_of_the_translator

_NAME = r"[^\W\d_](?:[^\W\d_]|[.'’·・-]){0,19}"
# When something was said in a recording: [00:12:31], 12:31.
TIME = r"(?:[\[(（【]?\d{1,2}(?::\d{2}){1,2}[\])）】]?\s*)?"
# Who speaks: 记者：, FINCH:, Mr. O'Hara:, Q1:, [00:12:31] 林知远(主持人):
_SPEAKER = re.compile(
    rf"\s*{TIME}({_NAME}(?: {_NAME}){{0,4}}?)\s?(?:\d{{0,2}}|[(（][^()（）]{{1,20}}[)）])\s?{TIME}[:：](?!//)"
)
# What opens so many paragraphs with a colon behind it is a speaker, not a point of a list ("Price: ...").
_TURNS = 2
_ASKS = re.compile(r"[?？]")
_ENDS_ASKING = re.compile(rf"[?？][!！?？…]*[{CLOSERS}]*\s*$")
# Behind an item: a semicolon, and perhaps a word that joins the last one; what ends a sentence, or opens a list.
_JOINED = re.compile(r"[;；]\s*(?:and|or|以及|和|或)?$", re.IGNORECASE)
_ENDED = re.compile(rf"[。．.！!？?…：:；;][{CLOSERS}]*$")
_NOTE_MARK = re.compile(r"\s*[①-⑳⑴-⒇]\s*\w")
_LONGEST_ITEM = 160
# A run of more paragraphs that no stop ends is a text that is printed without stops (subtitles), and no list.
_LONGEST_LIST = 20
# A question behind more than these is the last of what is told, not what the next paragraph is about.
_SHORT = 3


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Paragraphs that are the items of a list, and the one right before them.

    They count themselves ("1.", "第二", "The third"), from one up; or semicolons join them, or none ends as a sentence.
    """

    items: tuple[Paragraph, ...]
    before: Paragraph | None


class Outline:
    """Sections of one article, from the paragraphs' section paths."""

    def __init__(self, paragraphs: Sequence[Paragraph]) -> None:
        self._paragraphs = paragraphs
        self._position = {paragraph.number: i for i, paragraph in enumerate(paragraphs)}

    @cached_property
    def _enumerations(self) -> list[Enumeration]:
        return [*_enumerations(self._paragraphs), *_unnumbered(self._paragraphs)]

    @cached_property
    def notes(self) -> frozenset[int]:
        """The paragraphs that a translator or an editor put between those of the text."""
        around = zip([None, *self._paragraphs], self._paragraphs, [*self._paragraphs[1:], None], strict=False)
        return frozenset(
            own.number
            for above, own, below in around
            if own.kind != "summary" and (_says_that_it_is_a_note(own) or _is_marked_as_a_note(above, own, below))
        )

    def introduced_by(self, paragraph: Paragraph) -> list[Paragraph]:
        """The first paragraph of each subsection that `paragraph` leads into; empty when it leads into none.

        A paragraph leads into subsections when the next one stands one heading deeper under the same path, and there
        are several: one alone is no list.
        """
        position = self._position[paragraph.number]
        following = self._paragraphs[position + 1 : position + 2]
        if not following or following[0].kind != paragraph.kind or not _stands_under(following[0], paragraph):
            return []
        heads: dict[tuple[str, ...], Paragraph] = {}
        for other in self._paragraphs[position + 1 :]:
            if path_of(other)[: len(path_of(paragraph))] != path_of(paragraph):
                break
            if _stands_under(other, paragraph):
                heads.setdefault(path_of(other), other)
        return list(heads.values()) if len(heads) > 1 else []

    def siblings_of(self, found: Sequence[Paragraph]) -> list[Paragraph]:
        """Every entry of the timeline that at least two of `found` belong to, in order; else empty."""
        for paragraph in found:
            if paragraph.kind == "timeline":
                parent = parent_path(paragraph)
                entries = [p for p in self._paragraphs if p.kind == "timeline" and parent_path(p) == parent]
                if sum(p in entries for p in found) >= 2:
                    return entries
        return []

    @cached_property
    def answers(self) -> dict[int, int]:
        """{paragraph that asks: the next paragraph, which replies}, in the body of the article.

        A paragraph asks if it is short and ends with a question, or if its speaker asks and another one speaks next. In
        an interview the reply shares few words with a reader's question, and the interviewer's turn nearly all of them.
        A speaker's reply to another one's question does not ask, even if it ends with one.
        """
        speakers = _speakers(self._paragraphs)
        answers: dict[int, int] = {}
        reply: Paragraph | None = None
        for own, following in pairwise(self._paragraphs):
            is_beside = own.kind == following.kind == "body" and own.section == following.section
            is_turn = is_beside and _is_of_another(own, following, speakers)
            if is_beside and own is not reply and _asks(own, following, is_turn):
                answers[own.number] = following.number
                reply = following if is_turn else None
        return answers

    def below(self, paragraph: Paragraph, count: int) -> tuple[Paragraph, ...]:
        """The `count` paragraphs of the body right below one in its section; fewer where the section ends."""
        position = self._position[paragraph.number] + 1
        following = self._paragraphs[position : position + count]
        return tuple(takewhile(lambda own: own.kind == "body" and path_of(own) == path_of(paragraph), following))

    def above(self, paragraph: Paragraph) -> tuple[Paragraph, ...]:
        """The paragraphs of the body above one in its section, the nearest first."""
        before = self._paragraphs[: self._position[paragraph.number]]
        own_path = path_of(paragraph)
        return tuple(takewhile(lambda own: own.kind == "body" and path_of(own) == own_path, reversed(before)))

    def enumeration_of(self, paragraph: Paragraph) -> Enumeration | None:
        """The items that `paragraph` is one of, or stands right before; None where it does neither."""
        return next((e for e in self._enumerations if paragraph == e.before or paragraph in e.items), None)


def _says_that_it_is_a_note(paragraph: Paragraph) -> bool:
    return all(is_of_the_translator(text) for text in (paragraph.zh, paragraph.en) if text)


def _is_marked_as_a_note(above: Paragraph | None, own: Paragraph, below: Paragraph | None) -> bool:
    """Whether a note's mark stands before it, and it stands in one language between pairs: ① 克朗：….

    Several such in a row are a list.
    """
    is_alone = own.kind == "body" and len(own.languages) == 1 and above is not None and len(above.languages) > 1
    is_marked = any(_NOTE_MARK.match(text) for text in (own.zh, own.en) if text)
    return is_alone and is_marked and (below is None or len(below.languages) > 1)


def introduced(paragraphs: Sequence[Paragraph]) -> tuple[Paragraph, ...]:
    """`paragraphs`, the items of lists with the sentence that opens the list, where a colon ends it."""
    opened: dict[int, Section] = {}
    for enumeration in (*_enumerations(paragraphs), *_unnumbered(paragraphs)):
        if enumeration.before and (opening := _opening(enumeration.before)):
            opened |= dict.fromkeys((item.number for item in enumeration.items), opening)
    return tuple(replace(own, introduction=opened.get(own.number, Section())) for own in paragraphs)


def _opening(paragraph: Paragraph) -> Section | None:
    """The last sentence of what opens a list, in each language, without its colon; None of any other paragraph."""
    own: dict[Language, tuple[str, ...]] = {}
    for language in paragraph.languages:
        text = paragraph.text(language) or ""
        last = next((text[start:end] for start, end in reversed(split_sentences(text))), "")
        if not opens_a_list(last):
            return None
        own[language] = (last.rstrip(":："),)
    return Section(own.get("zh", ()), own.get("en", ()))


def _enumerations(paragraphs: Sequence[Paragraph]) -> list[Enumeration]:
    """Every run of two or more numbers, written in one way, in one section; others may stand between its items."""
    found: list[Enumeration] = []
    run: list[Paragraph] = []
    way: str | None = None
    before: Paragraph | None = None
    body = [paragraph for paragraph in paragraphs if paragraph.kind == "body"]
    for last, paragraph in zip([None, *body], [*body, None], strict=True):
        counted = _label_of(paragraph) if paragraph else None
        is_beside = bool(run) and paragraph is not None and path_of(paragraph) == path_of(run[0])
        is_next = counted == (way, len(run) + 1) or (len(run) > 1 and counted == (way, LAST))
        if is_beside and is_next and paragraph:
            run.append(paragraph)
        elif paragraph is None or (counted and counted[1] == 1) or (run and not is_beside):
            if len(run) > 1:
                found.append(Enumeration(tuple(run), before))
            run, way = ([paragraph], counted[0]) if paragraph and counted and counted[1] == 1 else ([], None)
            before = last if last and paragraph and path_of(last) == path_of(paragraph) else None
    return found


def _unnumbered(paragraphs: Sequence[Paragraph]) -> list[Enumeration]:
    """Every run of paragraphs that semicolons join, with the one that ends it; and of those that no stop ends."""
    found: list[Enumeration] = []
    ways = [(_ending(own), path_of(own)) if own.kind == "body" else (None, ()) for own in paragraphs]
    first = 0
    for (way, path), run in groupby(ways):
        end = below = first + len(list(run))
        following = paragraphs[end : end + 1]
        if way == "joined" and following and following[0].kind == "body" and path_of(following[0]) == path:
            end += 1  # the last one has a full stop
        if way and 1 < end - first <= _LONGEST_LIST:
            before = paragraphs[first - 1] if first and path_of(paragraphs[first - 1]) == path else None
            found.append(Enumeration(tuple(paragraphs[first:end]), before))
        first = below
    return found


def _ending(paragraph: Paragraph) -> Literal["joined", "open"] | None:
    """How an item ends: with a semicolon in each language, or in none as a sentence does, nor with a colon."""
    texts = [text.rstrip() for language in LANGUAGES if (text := paragraph.text(language))]
    if all(_JOINED.search(text) for text in texts):
        return "joined"
    are_open = not _label_of(paragraph) and all(
        len(text) <= _LONGEST_ITEM and not _ENDED.search(text) for text in texts
    )
    return "open" if are_open else None


def _label_of(paragraph: Paragraph) -> tuple[str, int] | None:
    texts = (paragraph.text(language) for language in LANGUAGES)
    return next((found for text in texts if text and (found := label(text))), None)


def opens_a_list(text: str) -> bool:
    """Whether a colon ends `text`: what stands below it is told with it, and alone it tells nothing."""
    return text.rstrip().endswith((":", "："))


def ends_asking(text: str) -> bool:
    """Whether the last thing said is a question."""
    return _ENDS_ASKING.search(text) is not None


def _asks(own: Paragraph, following: Paragraph, is_turn: bool) -> bool:
    """Whether `following`, another speaker's turn perhaps, answers what `own` asks, in every language of both."""
    asked = [text for language in LANGUAGES if (text := own.text(language)) and following.text(language)]
    if is_turn:
        return bool(asked) and all(_ASKS.search(text) for text in asked)
    return bool(asked) and all(ends_asking(text) and len(split_sentences(text)) <= _SHORT for text in asked)


def _is_of_another(own: Paragraph, following: Paragraph, speakers: Collection[str]) -> bool:
    """Whether two paragraphs are turns of two speakers."""
    turns = ((speaker_of(own.text(language)), speaker_of(following.text(language))) for language in LANGUAGES)
    return any(one in speakers and other in speakers and one != other for one, other in turns)


def _speakers(paragraphs: Sequence[Paragraph]) -> frozenset[str]:
    return who_have_turns(
        speaker_of(p.text(language)) for p in paragraphs if p.kind == "body" for language in LANGUAGES
    )


def who_have_turns(named: Iterable[str | None]) -> frozenset[str]:
    """Those among who is named before the paragraphs' colons that have several, as in a conversation."""
    return frozenset(name for name, turns in Counter(named).items() if name and turns >= _TURNS)


def speaker_of(text: str | None) -> str | None:
    """Who says `text`, as turns of a conversation begin (“Host: …”); None where nobody is named."""
    match = _SPEAKER.match(text or "")
    return match[1] if match else None


def _stands_under(other: Paragraph, paragraph: Paragraph) -> bool:
    """Whether `other` has the headings of `paragraph` and one more."""
    return bool(path_of(other)) and parent_path(other) == path_of(paragraph)


def path_of(paragraph: Paragraph) -> tuple[str, ...]:
    """The paragraph's headings, in the language that has more of them."""
    zh, en = paragraph.section.zh, paragraph.section.en
    return zh if len(zh) >= len(en) else en


def parent_path(paragraph: Paragraph) -> tuple[str, ...]:
    """The headings above the paragraph's own."""
    return path_of(paragraph)[:-1]
