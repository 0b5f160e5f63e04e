"""Plain text as it was meant: lines that a printer broke, and lines in both languages."""

from __future__ import annotations

import textwrap
import time
import unicodedata
from pathlib import Path

import pytest

from index.capture import read_captured
from index.lines import as_meant
from index.source import BUNDLED_ARTICLE, ArticleReader

PAGES = [BUNDLED_ARTICLE, *sorted((Path(__file__).parents[1] / "evals" / "captured").glob("*.txt"))]
SOME = PAGES[::3]  # each takes a second or two
COLUMNS = 70
LINES_OF_A_PAGE = 45
# Of a page's pairs that are the same when its lines were broken; where a line ends a paragraph cannot always be told.
MOST = 0.9


def test_a_long_line_takes_time_in_proportion_to_its_length() -> None:
    line = "管" * 30_000
    before = time.perf_counter()
    assert as_meant(line)[0] == line
    assert time.perf_counter() - before < 5


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _broken(line: str) -> list[str]:
    """The line as a printer sets it; Chinese breaks anywhere but before what closes."""
    if all(_columns(character) == 1 for character in line):
        return textwrap.wrap(line, COLUMNS, break_on_hyphens=False)
    broken = [""]
    for character in line:
        if _columns(broken[-1] + character) > COLUMNS and character not in "，。、；：？！”）":
            broken.append("")
        broken[-1] += character
    return broken


def _printed(text: str, way: str) -> str:
    """`text` broken at 70 columns: with a blank line between paragraphs, without, or on pages that are numbered."""
    lines = [line for own in text.splitlines() if own.strip() for line in (*_broken(own), *([""] * (way != "tight")))]
    if way == "pages":
        starts = range(0, len(lines), LINES_OF_A_PAGE)
        pages = [lines[at : at + LINES_OF_A_PAGE] for at in starts]
        lines = [line for n, page in enumerate(pages, 1) for line in ("The Quarterly", *page, f"— {n} —")]
    return "\n".join(lines)


def _letters(text: str | None) -> str:
    return "".join((text or "").split())


@pytest.mark.parametrize("way", ["blanks", "tight", "pages"])
@pytest.mark.parametrize("page", SOME, ids=lambda path: path.stem)
def test_a_page_whose_lines_were_broken_is_read_as_it_was(page: Path, way: str, tmp_path: Path) -> None:
    whole = ArticleReader().read(page)
    read = read_captured(tmp_path / "printed.txt", _printed(page.read_text(encoding="utf-8"), way))
    pairs = {(_letters(p.zh), _letters(p.en)) for p in whole.paragraphs if p.kind != "front"}
    found = {(_letters(p.zh), _letters(p.en)) for p in read.paragraphs}
    assert len(pairs & found) >= MOST * len(pairs)


# Of these one has a table's rows in both languages, of which each becomes a line, and the others headings.
WHOLE = [path for path in PAGES if path.stem not in ("newsletter", "heron", "bets")]


@pytest.mark.parametrize("page", WHOLE, ids=lambda path: path.stem)
def test_a_page_whose_lines_are_whole_is_left_as_it_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert as_meant(text)[0] == "\n".join(text.splitlines())


def test_words_parted_over_two_lines_are_whole_again_but_those_written_with_a_hyphen() -> None:
    line = "The well-known store kept its apples at seven de-"
    text = "\n".join([line, "grees and its pears at eight for all of that year, in a well-", "known cave.", ""] * 6)
    assert as_meant(text)[0].split("\n")[0] == (
        "The well-known store kept its apples at seven degrees and its pears at eight for all of that year, "
        "in a well-known cave."
    )


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("7\tThe tower stands on rock.\t塔立在岩石上。", ["The tower stands on rock.", "塔立在岩石上。"]),
        ("No.\tEnglish\t中文", [""]),
        ("2021\t12\t14", ["2021\t12\t14"]),
        ("塔立在岩石上，江中没有桥墩。 / The tower stands on rock; there is no pier.", 2),
        ("他说：“你好。” Hello World", 1),
        ("这一段里引用了 A Long Way Down.", 1),
    ],
)
def test_a_line_in_both_languages_is_one_a_language(line: str, read: list[str] | int) -> None:
    lines = as_meant(line)[0].split("\n")
    assert lines == read if isinstance(read, list) else len(lines) == read


HEADINGS = ["背景 Background", "船上的規矩 House Rules", "前路 The Way Ahead"]
PROSE = [
    "Every Wednesday an old ferry painted the colour of custard comes into the shelter and sounds three blasts.",
    "每逢星期三，一艘漆成奶黃色的舊渡輪會駛進鶴灣避風塘，拉響三聲短笛。",
]


def test_headings_in_both_languages_on_a_line_are_split_where_several_stand_so() -> None:
    three, two = (
        "\n\n".join(part for heading in own for part in (heading, *PROSE)) for own in (HEADINGS, HEADINGS[:2])
    )
    assert [line for line in as_meant(three)[0].split("\n") if line and line not in PROSE] == [
        half for heading in HEADINGS for half in heading.split(" ", 1)
    ]
    assert "背景 Background" in as_meant(two)[0].split("\n")
    names = "\n\n".join(
        part for n in range(3) for part in (PROSE[0], PROSE[1], f"使用 Claude Code{n}", f"Using Claude Code{n}")
    )
    assert "使用 Claude Code0" in as_meant(names)[0].split("\n")
    chinese = "\n\n".join(part for n in range(3) for part in (PROSE[1], f"使用 Claude Code{n}"))
    assert "使用 Claude Code1" in as_meant(chinese)[0].split("\n")
