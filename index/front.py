"""Where the article begins in a captured page, and its head: title, subtitle, who made it, when, and its summary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from index.blocks import Block
from index.errors import UserError
from index.pairing import Embed, Pair, pair_blocks
from index.paragraphs import LANGUAGES, Kind, Section

SUMMARY_LABEL = re.compile(r"导读|導讀|摘要|导语|提要|内容概要|^(?:summary|abstract|tl;?dr)\W*$", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"^(?:原文|来源|來源|出处|原?作者|译者?|[撰采]?[文写]|记者|翻译|编译|校对)\s*[:：|]|^(?:本文)?由.{1,40}(?:翻译|翻譯|编译|译)|^本文译自|"
    r"^(?:source|original(?:ly published)?|translated by|translation|author)\b\s*:?|^by\b\s*(?::|(?-i:[A-Z]))",
    re.IGNORECASE,
)
# A day, as the whole of a line.
_DAY = re.compile(
    r"\d{4}\s?[-./年]\s?\d{1,2}\s?[-./月]\s?\d{1,2}\s?日?|"
    r"[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}|\d{1,2} [A-Z][a-z]{2,8} \d{4}"
)
# Names beside each other ("Ada Finch · Lin Wan"), and their Chinese ("艾达·芬奇 · 林婉").
_NAME = r"[A-Z][\w.'’-]*(?: (?:[A-Z][\w.'’-]*|de|del|van|von|der|la|al|bin))+"
_BYLINE = re.compile(rf"(?:{_NAME}(?:\s*[·•|,;/&]\s*|\s+and\s+))*{_NAME}")
_BETWEEN_NAMES = re.compile(r"[·•|,，、;；/&]")
PROSE_SIZE = {"zh": 30, "en": 60}


@dataclass(frozen=True, slots=True)
class Entry:
    """A paragraph before it has its number."""

    kind: Kind
    zh: str | None
    en: str | None
    section: Section


def first_prose(path: Path, blocks: Sequence[Block]) -> int:
    """The index of the first block of prose that stands beside prose in the other language.

    Longer than any title or subtitle and ended as a sentence is; on a page without such a pair, as long as prose is.
    """
    for is_prose in (_is_surely_prose, _is_long):
        for i, (a, b) in enumerate(pairwise(blocks)):
            if {a.language, b.language} == {"zh", "en"} and is_prose(a) and is_prose(b):
                return i
    zh, en = (sum(block.language == language for block in blocks) for language in ("zh", "en"))
    raise UserError(
        f"{path} holds no Chinese paragraph beside its English one ({zh} Chinese blocks, {en} English). "
        f"A captured article needs both; give a text in one language as .jsonl paragraphs instead."
    )


def _is_long(block: Block) -> bool:
    return block.size >= PROSE_SIZE[block.language or "en"]


def _is_surely_prose(block: Block) -> bool:
    return not block.is_short and _ends_as_a_sentence(block)


def _ends_as_a_sentence(block: Block) -> bool:
    return block.text[-1] in '。.！!？?”」』"'


def find_title(head: Sequence[Block], page: str, order: int, embed: Embed | None) -> int:
    """The index where the article's own head begins (its kicker or title); len(head) when it has none.

    `order`: which language stands first on the page, see `prevailing_order`.

    A captured page prints the article's title twice: in the page's own title and above the article.
    """
    lines = [line.strip() for line in page.splitlines()]
    for i, block in enumerate(head):
        beside = [
            b for b in (*head[max(0, i - 1) : i], *head[i + 1 : i + 2]) if {b.language, block.language} == {"zh", "en"}
        ]
        earlier = lines[: block.line - 1]
        repeated = block.size >= 4 and any(block.text in line and block.text != line for line in earlier)
        if beside and repeated:
            return _with_kicker(head, i)
    pairs = [pair for pair in pair_blocks(head, embed, order) if pair.is_whole]
    positions = [block.position for block in head]
    if len(pairs) > 1 and _is_kicker(pairs[0]):
        pairs = pairs[1:]
    return _with_kicker(head, positions.index(pairs[0].position)) if pairs else len(head)


def _is_kicker(pair: Pair) -> bool:
    """Whether a publisher's name in capitals was taken for the translation of the site's line above it."""
    return bool(pair.zh and pair.en and pair.en.text.isupper() and pair.zh.position < pair.en.position)


def _with_kicker(head: Sequence[Block], title: int) -> int:
    """Where the head begins whose title, in either language, stands at `title`.

    An English line right above a Chinese title is the English title or the publisher's name, and one in capitals above
    an English title is the publisher's name: not furniture.
    """
    if title and head[title].language == "zh" and head[title - 1].language == "en":
        title -= 1
    if title and head[title].language == "en" and not head[title].text.isupper():
        above = head[title - 1]
        return title - 1 if above.language == "en" and above.text.isupper() else title
    return title


def split_head(blocks: Sequence[Block], order: int, embed: Embed | None) -> tuple[Sequence[Block], Sequence[Block]]:
    """The head proper, and what already belongs to the body (a heading above the first paragraph).

    The head ends with the last line that says who made the text, when, or what it says in short; else with the title.
    """
    pairs = pair_blocks(blocks, embed, order)
    title = next((pair for pair in pairs if pair.is_whole), None)
    ends = [max(_positions(title))] if title else [b.position for b in blocks[:2]]
    ends += [max(_positions(pair)) for pair in pairs if _is_of_the_head(pair)]
    ends += [block.position for block in blocks if block.language not in LANGUAGES and _says_who_or_when(block)]
    labels = [block.position for block in blocks if block.is_short and SUMMARY_LABEL.search(block.text)]
    ends += [block.position for block in blocks if labels and block.position > labels[0] and _is_long(block)]
    # A label with nothing under it here heads a summary in both languages, which is read with the body.
    last = max(ends, default=-1)
    return [b for b in blocks if b.position <= last], [b for b in blocks if b.position > last]


def _is_of_the_head(pair: Pair) -> bool:
    """Whether the pair, or the line that stands alone, says who made the text, or when; "By 2020 …" opens the text."""
    blocks = _blocks_of(pair)
    if pair.is_whole and all(_is_long(block) and _ends_as_a_sentence(block) for block in blocks):
        return False
    return _is_byline(pair) or any(_says_who_or_when(block) for block in blocks)


def _says_who_or_when(block: Block) -> bool:
    return bool(_ATTRIBUTION.search(block.text) or _DAY.fullmatch(block.text))


def _is_byline(pair: Pair) -> bool:
    """Whether the pair is nothing but names, in English each of two words or more."""
    if not pair.zh or not pair.en or not _BYLINE.fullmatch(pair.en.text):
        return False
    return bool(_BETWEEN_NAMES.search(pair.zh.text)) and pair.zh.is_short and not _ends_as_a_sentence(pair.zh)


def _blocks_of(pair: Pair) -> list[Block]:
    return [block for block in (pair.zh, pair.en) if block]


def _positions(pair: Pair) -> list[int]:
    return [block.position for block in _blocks_of(pair)]


def head_entries(head: Sequence[Block]) -> list[Entry]:
    """The `front` paragraph (title, subtitle, origin, translator) and the `summary`, where there is one."""
    front: list[Block] = []
    summary: list[Block] = []
    label: Block | None = None
    for block in head:
        if block.is_short and SUMMARY_LABEL.search(block.text):
            label = block
        elif label and not _ATTRIBUTION.search(block.text) and (not block.is_short or block.text[-1] in "。.！!？?"):
            summary.append(block)
        else:
            front.append(block)
    entries = [Entry("front", _joined(front, "zh"), _joined(front, "en"), Section())] if front else []
    if summary:
        section = Section(zh=(label.text,) if label else ())
        entries.append(Entry("summary", _joined(summary, "zh"), _joined(summary, "en"), section))
    return entries


def _joined(blocks: Sequence[Block], language: str) -> str | None:
    wanted = ("zh", "both") if language == "zh" else ("en",)
    return "\n".join(block.text for block in blocks if block.language in wanted) or None
