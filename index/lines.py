"""Repair the lines of a plain text: rejoin broken ones, and split those in both languages into one for each."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from index.blocks import Block, BlockLanguage, language_of_line, renumbered, split_inline
from index.characters import CLOSERS, joined
from index.feet import Note, told, with_calls_marked, without_foot
from index.paragraphs import LANGUAGES
from index.table import ROW_NUMBER, languages_of_cells, row
from index.twice import SENTENCES, TWICE, halves, is_as_long, is_no_name, parts, says_again
from index.vocabulary import explains_a_word, language_label

_ENDS = re.compile(rf"[。！？!?.…：:；;][{CLOSERS}]*$")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?-i:[ivxl]{1,5})|(?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?|第\s*\d+\s*[页頁](?:\W*共\s*\d+\s*[页頁])?)\W*",
    re.IGNORECASE,
)
_HYPHENATED = re.compile(r"([A-Za-z]+)-\n([a-z]+)")
# So many lines in each language, labelled with it, make labels of what else might be words.
_LABELS = 2
# So many headings stand in both languages on a line, or none does: a Chinese one may end with an English name.
_TWICE_OFTEN = 3
_LONGEST_HEADING = 60  # columns
# Of a text's neighbouring paragraphs at least this share are in different languages where the two are interleaved.
INTERLEAVED = 0.5
# A text is broken at a width where so many lines, and such a share of all, run on in the next one; wider ones are not.
_RUN_ON, _RUN_ON_SHARE, _WIDEST = 8, 0.25, 120
_NEARLY_ALL = 0.95  # of the lines are no wider than that
# Of the width at which a language's lines are broken, a line that is broken has at least so much.
_FULL = 0.8
# Where blank lines, or changes of language, are one to so many lines, they part paragraphs; else ends of sentences do.
_LINES_TO_A_PARAGRAPH = 12
# What begins an item of a list.
_DOT = re.compile(r"[•●○◦▪■□‣·]\s")
# A numbered one's beginning, to where its text and the lines that go on with it stand.
_ITEM = re.compile(r" *(?:(\d{1,2})[.)、]|[•●○◦▪■□‣·–-]) +(?=\S)")
# An entry of a table of contents: "1.1  Three colours ........ 3".
_ENTRY = re.compile(r".*(?:(?:[.．·]\s?){5,}|…{4,})\s*(?:\d{1,4}|[ivxl]{1,6})\s*")
# Emphasis that a paste left in a plain text: **71 houses**, *by hand*; not 3*4*5, 长*宽*高, nor a note's star.
_EMPHASISED = re.compile(
    r"(?<![\w*])(\*{1,2})(\w(?:[^*]{0,80}\w)?)\1(?![A-Za-z0-9*])|(?<=[^\W\dA-Za-z_])(\*\*)(\w[^*]{1,80}\w)\3(?![A-Za-z0-9*])"
)
_LONGEST_ENTRY = 200
# A line of a chart that is drawn of signs, "350 ─┤", of which so many in a row make one.
_AXIS = re.compile(r"\s*\d[\d.,%]*\s*[\u2500-\u259f][\s\u2500-\u259f]*")
_AXES = 3
_INDENT = ("\u3000\u3000", "    ")
# Printed so often on its pages, a line is their header.
_HEADER = 3
# A line that stands for the end of a printed page.
PAGE_ENDS = "\x06"


def as_meant(text: str) -> tuple[str, frozenset[str]]:
    """`text` with the lines that a printer broke joined, and a line in both languages as one a language.

    Beside it, which of its lines are notes from the feet of its pages.
    """
    own_lines = _without_charts(text.splitlines())
    own_lines = [line for line in own_lines if len(line) > _LONGEST_ENTRY or not _ENTRY.fullmatch(line)]
    own_lines = [_EMPHASISED.sub(lambda own: own[2] or own[4], line) for line in own_lines]
    lines = [line for own in without_labels(own_lines) for line in parted_line(own)]
    unbroken, notes = _unbroken(lines)
    return "\n".join(_without_twice(unbroken)), notes


def _without_charts(lines: Sequence[str]) -> list[str]:
    """`lines` without charts that are drawn of signs, with all that touches their axes: a unit, the months below."""
    kept: list[str] = []
    for _, run in groupby(lines, key=lambda line: bool(line.strip())):
        own = list(run)
        is_chart = sum(map(bool, map(_AXIS.fullmatch, own))) >= _AXES and not any(map(_ENDS.search, own))
        kept += [] if is_chart else own
    return kept


# --- both languages in a line ------------------------------------------------------------------------------


def without_labels(lines: Sequence[str]) -> list[str]:
    """`lines` without the labels that say in which language each is, where they say so of several in both."""
    labels = [language_label(line) for line in lines]
    own = [language_of_line(line[len(label) :]) for line, label in zip(lines, labels, strict=True) if label]
    are_told = min(own.count("zh"), own.count("en")) >= _LABELS
    return [line[len(label) :] for line, label in zip(lines, labels, strict=True)] if are_told else list(lines)


def parted_line(line: str) -> list[str]:
    """The line, or its two halves where it says the same in both languages; of a table's row what it says in each."""
    cells = line.split("\t")
    if len(cells) > 1 and {"zh", "en"} <= set(languages_of_cells(cells)):
        return [own for own in row(cells) if not ROW_NUMBER.fullmatch(own)]
    own = halves(line, SENTENCES)
    return own if own and all(map(_ENDS.search, own)) else [line]


def _without_twice(lines: Sequence[str]) -> list[str]:
    """`lines`, headings in both languages ("背景 Background") as one a language, where several stand so."""
    prose = [language_of_line(line) for line in lines if _columns(line) > _LONGEST_HEADING]
    if share_of_changes(prose) < INTERLEAVED:  # in a text in one language “使用 Claude Code” has a name in it
        return list(lines)
    kept = ["", *(line for line in lines if line), ""]
    among = {own: (above, below) for above, own, below in zip(kept, kept[1:], kept[2:], strict=False)}
    twice: dict[str, list[str]] = {}
    for shape in TWICE:
        found = {own: m for own, beside in among.items() if (m := _heading_twice(own, beside, shape))}
        are_often = len(found) >= _TWICE_OFTEN
        twice |= {own: parts(m) for own, m in found.items() if are_often or is_no_name(m["en"])}
    return [half for line in lines for half in twice.get(line, [line])]


def _heading_twice(line: str, beside: tuple[str, str], shape: re.Pattern[str]) -> re.Match[str] | None:
    """How a short line says the same twice; not beside an English one that says it again."""
    may_be = (
        _columns(line) <= _LONGEST_HEADING
        and not any(says_again(line, own) for own in beside)
        and split_inline(line) is None
        and not _ENDS.search(line)
        and not explains_a_word(line)
    )
    match = shape.fullmatch(line) if may_be else None
    return match if match and is_as_long(match) else None


def share_of_changes(languages: Sequence[BlockLanguage]) -> float:
    """Of neighbours, the share that are in different languages; 0 of fewer than two."""
    return sum(one != other for one, other in pairwise(languages)) / max(1, len(languages) - 1)


# --- broken lines ------------------------------------------------------------------------------------------


def with_openings_joined(
    blocks: Sequence[Block], openings: Collection[int], called: Callable[[str], str] = str
) -> list[Block]:
    """`blocks`, those at the positions `openings` as the beginnings of the ones below them; `called`: how they read."""
    kept: list[Block] = []
    opening: Block | None = None
    for block in blocks:
        if opening is not None:
            kept.append(replace(block, text=joined(called(opening.text), block.text), mark=block.mark or opening.mark))
            opening = None
        elif block.position in openings:
            opening = block
        else:
            kept.append(block)
    return renumbered(kept)


def _unbroken(lines: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """`lines` of a text that was broken at a width, joined, any other as they are; and which of them are notes."""
    widths = _widths(lines)
    if not widths:
        return [line for line in lines if line != PAGE_ENDS], frozenset()
    changes = sum({language_of_line(a), language_of_line(b)} == {"zh", "en"} for a, b in pairwise(lines))
    are_parted = (lines.count("") + changes) * _LINES_TO_A_PARAGRAPH >= len(lines)
    unbroken: list[str] = []
    last, hangs, number, gap, page_ends = "", 0, 0, False, False
    lines, notes = _without_headers(lines, widths)
    for line in lines:
        own = line.strip()
        if not own or line == PAGE_ENDS:
            gap, page_ends = True, page_ends or line == PAGE_ENDS
            continue
        ends = bool(_ENDS.search(last)) and (page_ends or not are_parted)
        item = _ITEM.match(line)
        hangs = item.end() if item else hangs if hangs == len(line) - len(line.lstrip(" ")) else 0
        begins = (line.startswith(_INDENT) or _DOT.match(own)) and (item or not hangs)
        number = number if hangs else 0
        if item and item[1]:
            begins, number = begins or (int(item[1]) == number + 1 > 1 and _ENDS.search(last)), int(item[1])
        if ends or (gap and not page_ends) or begins or not _runs_on(last, own, widths):
            unbroken += ["", own] if gap or page_ends else [own]
        else:
            unbroken[-1] = joined(unbroken[-1], own)
        last, gap, page_ends = own, False, False
    joined_notes = _without_hyphens(told(notes), lines)
    return _without_hyphens(with_calls_marked(unbroken, notes), lines) + joined_notes, frozenset(
        filter(None, joined_notes)
    )


def _without_headers(lines: Sequence[str], widths: Mapping[str | None, float]) -> tuple[list[str], list[Note]]:
    """`lines` with a sign in place of the numbers of pages and of what is printed at their heads; and their notes.

    These are left out of the lines: at the foot of a page they part a paragraph that goes on overleaf.
    """
    counts = Counter(map(str.strip, lines))
    kept: list[str] = []
    notes: list[Note] = []
    seen: set[str] = set()
    last, page_ends = "", False
    for line in lines:
        own = line.strip()
        if own == PAGE_ENDS or (own and not page_ends and _PAGE_NUMBER.fullmatch(own)):
            kept, at_the_foot = without_foot(kept, {note.number for note in notes})
            notes += at_the_foot
            last = next((above.strip() for above in reversed(kept) if above.strip()), "") if at_the_foot else last
        # Where a page ends amid a sentence no heading can stand.
        is_header = page_ends and _is_full(last, widths) and not _ENDS.search(last) and not _is_full(own, widths)
        is_repeated = counts[own] >= _HEADER and (own in seen or page_ends)
        if own == PAGE_ENDS or _PAGE_NUMBER.fullmatch(own):
            kept.append(PAGE_ENDS)
            page_ends = True
        elif own and (is_header or is_repeated):
            kept.append(PAGE_ENDS)
            page_ends = not is_header
        else:
            kept.append(line)
            last, page_ends = (own, False) if own else (last, page_ends)
        seen.add(own)
    return kept, notes


def _without_hyphens(paragraphs: Sequence[str], lines: Sequence[str]) -> list[str]:
    """`paragraphs` joined of `lines`, words that were parted over two lines whole, but those that are written so."""
    text = "\n".join(paragraphs)
    parted = set(_HYPHENATED.findall("\n".join(line.strip() for line in lines if line.strip())))
    for one, other in parted:
        if not re.search(rf"\b{one}-{other}\b", text):
            text = re.sub(rf"\b{one}- {other}\b", one + other, text)
        text = text.replace(f"{one}- {other}", f"{one}-{other}")
    return text.split("\n")


def _widths(lines: Sequence[str]) -> dict[str | None, float]:
    """{language: the width, in columns, at which its lines are broken}; empty where they are not."""
    own = [line.strip() for line in lines]
    widths: dict[str | None, float] = {}
    for language in LANGUAGES:
        columns = [_columns(line) for line in own if language_of_line(line) == language]
        if columns:
            widths[language] = float(np.quantile(columns, _NEARLY_ALL))
    if not widths or max(widths.values()) > _WIDEST:
        return {}
    run_on = sum(bool(b) and not _ENDS.search(a) and _runs_on(a, b, widths) for a, b in pairwise(own))
    return widths if run_on >= max(_RUN_ON, _RUN_ON_SHARE * sum(map(bool, own))) else {}


def _runs_on(above: str, below: str, widths: Mapping[str | None, float]) -> bool:
    """Whether a line is full, and the next one in the same language, or in none: a number."""
    language = language_of_line(above)
    return _is_full(above, widths) and (language is None or language_of_line(below) in (language, None))


def _is_full(line: str, widths: Mapping[str | None, float]) -> bool:
    return _columns(line) >= _FULL * widths.get(language_of_line(line), min(widths.values()))


def _columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
