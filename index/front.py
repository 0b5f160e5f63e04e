"""Where the article begins in a captured page, and its head: title, subtitle, who made it, when, and its summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from index.blocks import Block, BlockLanguage, split_dated, split_inline, without_mark
from index.errors import UserError
from index.pairing import Embed, Pair, pair_blocks
from index.paragraphs import LANGUAGES, Kind, Language, Section
from index.vocabulary import LONGEST_ORIGIN, is_summary_label, says_who_or_when

# Names beside each other ("Ada Finch · Lin Wan"), and their Chinese ("艾达·芬奇 · 林婉").
_NAME = r"[A-Z][\w.'’-]*(?: (?:[A-Z][\w.'’-]*|de|del|van|von|der|la|al|bin))+"
_BYLINE = re.compile(rf"(?:{_NAME}(?:\s*[·•|,;/&]\s*|\s+and\s+))*{_NAME}")
_BETWEEN_NAMES = re.compile(r"[·•|、/&]")
_NO_TITLE = re.compile(r"[“\"「『].*[。.！!？?…][”\"」』]|(?:【[^】]*】\s*)+")
_STOPS = "。.！!？?…：:；;"
_SENTENCE_ENDS = f"{_STOPS}”」』\"'）)"
PROSE_SIZE = {"zh": 30, "en": 60}


@dataclass(frozen=True, slots=True)
class Entry:
    """A paragraph before it has its number."""

    kind: Kind
    zh: str | None
    en: str | None
    section: Section


def first_prose(path: Path, blocks: Sequence[Block]) -> tuple[int, int]:
    """The indices of the first block of prose beside prose in the other language: at the earliest, and surely.

    At the earliest, what is as long as prose and ends as a sentence does, which a subtitle may; surely, what is longer
    than any title or subtitle. Raises UserError where there is none.
    """
    earliest = _first_pair(blocks, lambda block: is_long(block) and _ends_as_a_sentence(block))
    if earliest is None:
        earliest = _first_pair(blocks, is_long)
    if earliest is None:  # a text of short paragraphs
        earliest = _first_pair(blocks, lambda block: not block.level and _ends_as_a_sentence(block))
    if earliest is None:
        zh, en = (sum(block.language == language for block in blocks) for language in ("zh", "en"))
        raise UserError(
            f"{path} holds no Chinese paragraph beside its English one ({zh} Chinese blocks, {en} English). "
            f"A captured article needs both; give a text in one language as .jsonl paragraphs instead."
        )
    sure = _first_pair(blocks, lambda block: not block.is_short and _ends_as_a_sentence(block))
    if sure is not None:
        # Whose line, or pair of lines, says who or when stands below a summary as long as prose, not in the text.
        is_labelled = any(is_summary_label(block.text) for block in blocks[:sure])
        if is_labelled and _are_a_pair(blocks[sure + 2 : sure + 4], blocks[sure + 4 : sure + 5]):
            sure += 4 if _is_origin(blocks[sure + 2 : sure + 4]) else 0
        elif _is_origin(blocks[sure + 2 : sure + 3]):
            sure += 3
    return earliest, earliest if sure is None else max(earliest, sure)


def _is_origin(below: Sequence[Block]) -> bool:
    return any(b.size <= LONGEST_ORIGIN and not _ends_as_a_sentence(b) and says_who_or_when(b.text) for b in below)


def _are_a_pair(lines: Sequence[Block], below: Sequence[Block]) -> bool:
    """Whether two lines are one in each language, and no heading begins with the second: prose stands right below."""
    are_lines = all(block.is_short and not _ends_as_a_sentence(block) for block in lines)
    return {block.language for block in lines} == {"zh", "en"} and are_lines and any(map(is_long, below))


def _first_pair(blocks: Sequence[Block], is_prose: Callable[[Block], bool]) -> int | None:
    for i, (a, b) in enumerate(pairwise(blocks)):
        if {a.language, b.language} == {"zh", "en"} and is_prose(a) and is_prose(b):
            return i
    return None


def is_long(block: Block) -> bool:
    """Whether the block is as long as prose."""
    return block.size >= PROSE_SIZE.get(block.language or "en", 0)


def _ends_as_a_sentence(block: Block) -> bool:
    return without_mark(block.text)[-1:] in _SENTENCE_ENDS


def find_title(head: Sequence[Block], page: str, order: int, embed: Embed | None) -> int:
    """The index where the article's own head begins (its kicker or title); len(head) when it has none.

    `order`: which language stands first on the page, see `prevailing_order`.

    A captured page prints the article's title twice: in the page's own title and above the article; else see
    `_above_an_origin`.
    """
    lines = [line.strip() for line in page.splitlines()]
    lines = ["" if without_mark(line)[-1:] in _STOPS else line for line in lines]  # a text, not the page's title
    for i, block in enumerate(head):
        beside = [
            b for b in (*head[max(0, i - 1) : i], *head[i + 1 : i + 2]) if {b.language, block.language} == {"zh", "en"}
        ]
        earlier = lines[: block.line - 1]
        repeated = block.size >= 4 and any(block.text in line and block.text != line for line in earlier)
        if beside and repeated:
            return _with_kicker(head, i)
    # A line that says who or when translates no title; a sentence in quotation marks is none, nor a kicker in brackets.
    others = [block for block in head if not says_who_or_when(block.text)]
    likely = [block for block in others if not _NO_TITLE.fullmatch(block.text)]
    found = ([pair for pair in pair_blocks(own, embed, order) if pair.is_whole] for own in (likely, others))
    pairs = next(filter(None, found), [])
    positions = [block.position for block in head]
    if len(pairs) > 1 and _is_kicker(pairs[0], pairs[1], positions, order):
        pairs = pairs[1:]
    if not pairs:
        return max(
            (i for i, b in enumerate(head) if b.language == "both"), key=lambda i: head[i].size, default=len(head)
        )
    places = [[positions.index(block.position) for block in (pair.zh, pair.en) if block] for pair in pairs]
    return _with_kicker(head, _above_an_origin(places, head))


def parted_title(blocks: Sequence[Block], title: int) -> list[Block]:
    """`blocks` with the title, a line in both languages, as a line in each."""
    own, below = blocks[title], blocks[title + 1 :]
    zh, en = split_inline(own.text) or (own.text, own.text)
    halves = [replace(own, text=zh, language="zh"), replace(own, text=en, language="en")]
    halves.sort(key=lambda half: own.text.index(half.text))
    halves[1] = replace(halves[1], position=own.position + 1)
    return [*blocks[:title], *halves, *(replace(block, position=block.position + 1) for block in below)]


def _above_an_origin(pairs: Sequence[Sequence[int]], head: Sequence[Block]) -> int:
    """Where the title stands among `pairs`, the places of both lines of each: the first of all, or below a menu.

    Below a menu where a line of who or when follows, with nothing between but a subtitle: the first pair then is the
    site's own name.
    """
    menus = [i for i, block in enumerate(head) if len(block.links) > 2]
    for pair in pairs:
        if any(says_who_or_when(block.text) for block in head[max(pair) + 1 : max(pair) + 2]):
            menu = max((i for i in menus if max(pairs[0]) < i < min(pair)), default=-1)
            return next(min(below) for below in pairs if min(below) > menu)
    return min(pairs[0])


def _is_kicker(pair: Pair, following: Pair, positions: Sequence[int], order: int) -> bool:
    """Whether a publisher's name in capitals was taken for the translation of the site's line above it.

    Not where titles are in capitals too, nor where no other line of the site stands above; but where English stands
    first on the page and in the pair that follows, a Chinese line above an English one is no pair.
    """
    if not pair.zh or not pair.en or not following.zh or not following.en or pair.zh.position > pair.en.position:
        return False
    is_turned = order < 0 and following.en.position < following.zh.position
    return pair.en.text.isupper() and not following.en.text.isupper() and (is_turned or pair.zh.position > positions[0])


def _with_kicker(head: Sequence[Block], title: int) -> int:
    """Where the head begins whose title, in either language, stands at `title`.

    An English line right above a Chinese title is the English title or the publisher's name, and one in capitals above
    an English title is the publisher's name: not furniture.
    """
    if title > 1 and _NO_TITLE.fullmatch(head[title - 2].text):
        return title  # what stands between is the other half of that
    if title and head[title].language == "zh" and head[title - 1].language == "en":
        title -= 1
    if title and head[title].language == "en" and not head[title].text.isupper():
        above = head[title - 1]
        return title - 1 if above.language == "en" and above.text.isupper() else title
    return title


def split_head(blocks: Sequence[Block], order: int, embed: Embed | None) -> tuple[Sequence[Block], Sequence[Block]]:
    """The head proper, and what already belongs to the body (a heading above the first paragraph).

    `blocks`: from the title up to what is surely prose. The head is the title, a subtitle, and the lines below them
    that say who made the text, when, or what it says in short; the first that does none of it belongs to the body.
    """
    if blocks and blocks[0].level == 1 and not _stands_twice(blocks, order):
        return _split_lone_title(blocks, order)
    units = _units(blocks, order, embed)
    title = next((i for i, unit in enumerate(units) if len(unit) > 1), min(1, len(units) - 1))
    last = max((block.position for unit in units[: title + 1] for block in unit), default=-1)
    in_summary = False
    for i, unit in enumerate(units[title + 1 :]):
        in_summary |= any(is_summary_label(block.text) for block in unit)
        if _is_of_the_head(unit) or (in_summary and _is_summary(unit)):
            last = max(block.position for block in unit)
        elif in_summary and len(unit) > 1 and all(map(is_long, unit)):
            continue  # a summary in both languages, of the head where a line of it stands below, else of the body
        elif i > 0 and not any(is_summary_label(block.text) for block in unit):
            break  # the unit right below the title may be a subtitle; what stands below that must tell
    return [b for b in blocks if b.position <= last], [b for b in blocks if b.position > last]


def _stands_twice(head: Sequence[Block], order: int) -> bool:
    """Whether the line below a title that is marked as one says it in the other language.

    Against the page's order one that is not marked does where it would else be left over before the prose.
    """
    title, *below = head[:2]
    if not below or {title.language, below[0].language} != {"zh", "en"}:
        return False
    is_in_order = (order < 0) == (title.language == "en")
    left = [block for block in head[1:] if not says_who_or_when(block.text)]
    return below[0].level == 1 or is_in_order or len(left) % 2 == 1


def _split_lone_title(blocks: Sequence[Block], order: int) -> tuple[Sequence[Block], Sequence[Block]]:
    """Below a title that is marked as one, and has no other beside it, stand those that say who or when.

    And behind these perhaps the title's other half, where in the page's order nothing else is left for it to translate.
    """
    end = next((i for i, b in enumerate(blocks[1:], start=1) if not says_who_or_when(b.text)), len(blocks))
    title, below = blocks[0], blocks[end : end + 2]
    is_in_order = end > 1 and (order < 0) == (title.language == "en")
    # Behind it stands a line in the title's language, or what is surely prose.
    is_half = {title.language, *(b.language for b in below[:1])} == {"zh", "en"}
    is_left = is_half and all(b.language == title.language for b in below[1:])
    if is_in_order and is_left and below[0].is_short and not below[0].level and not _ends_as_a_sentence(below[0]):
        end += 1
    return blocks[:end], blocks[end:]


def _units(blocks: Sequence[Block], order: int, embed: Embed | None) -> list[list[Block]]:
    """Pairs, and blocks that stand alone, in page order."""
    units = [[block for block in (pair.zh, pair.en) if block] for pair in pair_blocks(blocks, embed, order)]
    units += [[block] for block in blocks if block.language not in LANGUAGES]
    return sorted(units, key=lambda unit: min(block.position for block in unit))


def _is_of_the_head(unit: Sequence[Block]) -> bool:
    """Whether the unit says who made the text, or when; "By 2020 …" and "By Monday …" open it."""
    if len(unit) > 1 and all(map(_ends_as_a_sentence, unit)) and not any(":" in b.text or "：" in b.text for b in unit):
        return False
    return _is_byline(unit) or any(says_who_or_when(b.text) or split_dated(b.text) for b in unit)


def _is_summary(unit: Sequence[Block]) -> bool:
    return len(unit) == 1 and unit[0].language in LANGUAGES and is_long(unit[0])


def _is_byline(unit: Sequence[Block]) -> bool:
    """Whether a pair is nothing but names, in English each of two words or more."""
    texts = {block.language: block.text for block in unit}
    if len(unit) < 2 or not _BYLINE.fullmatch(texts["en"]):
        return False
    return bool(_BETWEEN_NAMES.search(texts["zh"])) and all(b.is_short and not _ends_as_a_sentence(b) for b in unit)


def head_entries(head: Sequence[Block]) -> list[Entry]:
    """The `front` paragraph (title, subtitle, origin, translator) and the `summary`, where there is one."""
    front: list[Block] = []
    summary: list[Block] = []
    labels: dict[BlockLanguage, str] = {}
    for block in head:
        if block.language not in labels and is_summary_label(block.text):
            labels[block.language] = block.text
        elif labels and not says_who_or_when(block.text) and (not block.is_short or block.text[-1] in "。.！!？?"):
            summary.append(block)
        else:
            front.append(block)
    entries = [Entry("front", _joined(front, "zh"), _joined(front, "en"), Section())] if front else []
    if summary:
        section = Section(zh=_label(labels, "zh"), en=_label(labels, "en"))
        entries.append(Entry("summary", _joined(summary, "zh"), _joined(summary, "en"), section))
    return entries


def _label(labels: Mapping[BlockLanguage, str], language: Language) -> tuple[str, ...]:
    both = split_inline(labels.get("both", ""))
    text = both[0 if language == "zh" else 1] if both else labels.get(language)
    return (text,) if text else ()


def _joined(blocks: Sequence[Block], language: str) -> str | None:
    wanted = ("zh", "both", None) if language == "zh" else ("en",)
    return "\n".join(block.text for block in blocks if block.language in wanted) or None
