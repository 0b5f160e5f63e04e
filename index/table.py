"""Rows of tables as lines a language: "Tarnfold | 1,894 | 31" says nothing without the heads of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from unicodedata import east_asian_width

from index.blocks import BlockLanguage, language_of_line
from index.characters import HAN
from index.paragraphs import LANGUAGES, Language
from index.twice import of_each_language
from index.vocabulary import is_caption, names_a_language

ROW_NUMBER = re.compile(r"\d{1,3}\.?|No\.?|#|序号|编号", re.IGNORECASE)
_AMOUNT = re.compile(r"(?!\d{1,2}[.、]\s)\W*\d[\d.,:/×~–-]*\s*(?:[A-Za-zµΩ°%²³/·]{1,6}\s*){0,2}\W*")
# What parts the cells of a plain text's table.
_BETWEEN_CELLS = re.compile(r"\s*[|｜]\s*|\s*\t\s*| {3,}")
# A cell that is set with blanks around it.
_SET = re.compile(r"\S+(?: {1,2}\S+)*")
_LONGEST_CELL = 60
# The head of a column that has a letter and what it stands for: "H 人工".
_LETTERED = re.compile(rf"([A-Z])\s+[{HAN}]{{1,8}}")
# Lines are a table's where so many of them tell amounts, and all do but one, which heads the columns.
_ROWS = 2


def told_rows(lines: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """`lines` of a plain text with the rows of its tables as a line a language, and which lines these are."""
    told: list[str] = []
    rows: set[str] = set()
    lines = _with_heads_joined(lines)
    # A blank line is as the one above it: pages print them between rows.
    widths = accumulate(map(_width, lines), lambda above, own: own or above, initial=0)
    next(widths)
    for cells, run in groupby(zip(widths, lines, strict=True), lambda own: own[0]):
        own = [line for _, line in run]
        if cells > 1 and (table := _table(list(map(_cells, filter(_says_something, own))))):
            rows.update(line for lines_of_row in table for line in lines_of_row)
            own = [line for lines_of_row in table for line in (*lines_of_row, "")]
        told += own
    return told, frozenset(rows)


def _with_heads_joined(lines: Sequence[str]) -> list[str]:
    """`lines`, the heads of a table's columns that go on in the next line as one: "Moves per" above "hour".

    Such heads begin a table: no row stands above them, and one of data below.
    """
    kept: list[str] = []
    for i, line in enumerate(lines):
        above, below = kept[-1] if kept else "", lines[i + 1] if i + 1 < len(lines) else ""
        cells, own = _placed(above), _placed(line)
        begins = len(kept) < 2 or len(_placed(kept[-2])) < 2  # no row of a table
        heads = begins and not _tells_amounts(above, line) and _tells_amounts(below)
        if heads and 1 < len(cells) < len(own) == len(_placed(below)) and cells.keys() <= own.keys():
            kept[-1] = "   ".join(f"{cells[at]} {cell}" if at in cells else cell for at, cell in own.items())
        else:
            kept.append(line)
    return kept


def _placed(line: str) -> dict[int, str]:
    """{column: the cell that begins there} of a line whose cells are set with blanks."""
    columns = list(accumulate((2 if east_asian_width(own) in "WF" else 1 for own in line), initial=0))
    return {columns[cell.start()]: cell.group() for cell in _SET.finditer(line)}


def _tells_amounts(*lines: str) -> bool:
    return any(_AMOUNT.fullmatch(cell) for line in lines for cell in _cells(line)[1:])


def _width(line: str) -> int:
    """How many cells the line has; 0 of a blank one. A bar in a caption parts none: "Figure 1 | The price"."""
    if not line.strip():
        return 0
    return 1 if is_caption(line) else len(_cells(line))


def _cells(line: str) -> list[str]:
    return _BETWEEN_CELLS.split(line.strip().strip("|｜").strip())


def _says_something(line: str) -> bool:
    """Whether it is no rule, as below a table's heads."""
    return any(map(str.isalnum, line))


def _table(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The lines of each row of a table; none where they are no table's."""
    tell = [any(_AMOUNT.fullmatch(cell) for cell in cells[1:]) for cells in rows]
    is_below = tell == sorted(tell)  # the heads stand first, in two lines perhaps
    unlike = 1 if not is_below else len(LANGUAGES)
    if sum(tell) < max(_ROWS, len(rows) - unlike) or any(len(cell) > _LONGEST_CELL for cells in rows for cell in cells):
        return []
    first = tell.index(True)
    heads = rows[0] if first else []
    by_language = {language_of_row((), cells): cells for cells in rows[:first]}
    if first == len(LANGUAGES) and by_language.keys() == set(LANGUAGES):
        # Heads in one language above those in the other are as heads in both.
        heads = [f"{zh} / {en}" for zh, en in zip(*(by_language[own] for own in LANGUAGES), strict=True)]
        rows = [heads, *rows[first:]]
    return [list(_lines_of_row([] if cells is heads else heads, cells)) for cells in rows]


def _lines_of_row(heads: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    if heads and (are_twice(heads) or is_named_twice(heads, cells)):
        yield from map(told_by_heads, LANGUAGES, in_both(heads), in_both(cells))
    elif heads and (language := language_of_row(heads, cells)):
        yield told_by_heads(language, heads, cells)
    elif any(len(of_each_language(cell)) > 1 for cell in cells):
        zh, en = in_both(cells)
        yield from ("，".join(zh), ", ".join(en))  # a semicolon would end a sentence in Chinese
    else:
        yield from row(cells)


def row(cells: Sequence[str]) -> list[str]:
    """A table's row as a line a language, in their order, each with what stands in neither: numbers, dates."""
    texts = [text for cell in cells if (text := " ".join(cell.split())) and not names_a_language(text)]
    if len(texts) > len(LANGUAGES) and ROW_NUMBER.fullmatch(texts[0]):
        texts = texts[1:]
    languages = languages_of_cells(texts)
    if not {"zh", "en"} <= set(languages):
        return ["; ".join(texts)] if texts else []
    return [
        ("；" if language == "zh" else "; ").join(
            text for text, own in zip(texts, languages, strict=True) if own in (language, None)
        )
        for language in sorted(LANGUAGES, key=languages.index)
    ]


def languages_of_cells(cells: Sequence[str]) -> list[BlockLanguage]:
    """The language of each cell of a row; None for amounts in units (400 MW) that stand beside no English words."""
    languages = [language_of_line(cell) for cell in cells]
    english = [cell for cell, own in zip(cells, languages, strict=True) if own == "en"]
    if not all(map(_AMOUNT.fullmatch, english)):
        return languages
    return [None if own == "en" else own for own in languages]


def told_by_heads(language: Language, heads: Sequence[str], cells: Sequence[str]) -> str:
    """A row as a sentence, which a semicolon would end in Chinese: Turbines, phase one: 62, phase two: 75."""
    pairs = zip(heads[1:], cells[1:], strict=True)
    told = (f"{head}: {cell}" if head else cell for head, cell in pairs if cell)
    return ("，" if language == "zh" else ", ").join(filter(None, [cells[0], *told]))


def language_of_row(heads: Sequence[str], cells: Sequence[str]) -> Language | None:
    """The language of a row whose heads say, in the same, what the cells are; None where they name languages."""
    languages = {*languages_of_cells(heads), *languages_of_cells(cells)} - {None}
    own = next((language for language in LANGUAGES if languages == {language}), None)
    return None if any(map(names_a_language, heads)) else own


def are_twice(heads: Sequence[str]) -> bool:
    """Whether most of a table's heads say the same in both languages: Opened 启用.

    Beside one that does, a letter and what it stands for are two as well: Outcome 结局, H 人工, C 集中.
    """
    own = [of_each_language(head) for head in heads]
    lettered = sum(map(bool, map(_LETTERED.fullmatch, heads))) if max(map(len, own), default=0) > 1 else 0
    return 2 * (sum(map(len, own)) + lettered) > 3 * len(heads)


def is_named_twice(heads: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether a row's first cell, which names it, says the same in both languages, and all else is of neither or both.

    "平均票价 Average fare", 1.78 under 2022.
    """
    are_both = all(language_of_line(head) is None or len(of_each_language(head)) > 1 for head in heads[1:])
    return are_both and len(of_each_language(cells[0])) > 1 and not any(map(language_of_line, cells[1:]))


def in_both(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """`cells` in Chinese and in English; what stands there once is both's, and a letter alone is English."""
    own = [of_each_language(cell) for cell in cells]
    lettered = map(_LETTERED.fullmatch, cells)
    return [one[0] for one in own], [
        letter[1] if letter else one[-1] for one, letter in zip(own, lettered, strict=True)
    ]
