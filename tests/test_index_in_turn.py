"""Articles that stand in one language and then in the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pytest

from index.blocks import read_blocks
from index.capture import read_captured
from index.in_turn import side_by_side
from index.paragraphs import LANGUAGES, Article, Language, Paragraph
from index.source import BUNDLED_ARTICLE, ArticleReader

PAGES = [BUNDLED_ARTICLE, *sorted((Path(__file__).parents[1] / "evals" / "captured").glob("*.txt"))]
SOME = PAGES[::3]  # each takes a second or two
# Of a page's pairs that order, lengths, numbers and names find; the embedder, which settles doubts, is not asked here.
MOST = 0.95


def _lines(paragraphs: Sequence[Paragraph], language: Language) -> list[str]:
    """The paragraphs in one language, each section behind its headings."""
    lines: list[str] = []
    above: tuple[str, ...] = ()
    for p in paragraphs:
        if p.kind == "body":
            own = p.section.zh if language == "zh" else p.section.en
            same = next((i for i, (a, b) in enumerate(zip(own, above, strict=False)) if a != b), len(above))
            lines += own[same:]
            above = own
        lines += (p.text(language) or "").split("\n")
    return lines


def _in_turn(article: Article, by: str) -> str:
    first, second = reversed(LANGUAGES) if by == "English first" else LANGUAGES
    parts = [list(article.paragraphs)]
    if by == "sections":
        parts = [list(own) for _, own in groupby(article.paragraphs, key=lambda p: p.section.zh[:1])]
    label = [] if by == "sections" else ["English version" if second == "en" else "【译文】"]
    return "\n\n".join(line for part in parts for line in (*_lines(part, first), *label, *_lines(part, second)))


@pytest.mark.parametrize("by", ["English first", "Chinese first", "sections"])
@pytest.mark.parametrize("page", SOME, ids=lambda path: path.stem)
def test_an_article_in_turn_is_read_as_the_interleaved_one_is(page: Path, by: str, tmp_path: Path) -> None:
    printed = ArticleReader().read(page)
    read = read_captured(tmp_path / "in-turn.txt", _in_turn(printed, by))
    pairs = {(p.zh, p.en) for p in printed.paragraphs if p.kind != "front" and p.zh and p.en}
    found = pairs & {(p.zh, p.en) for p in read.paragraphs}
    assert len(found) >= MOST * len(pairs)
    lines = [line for p in read.paragraphs for text in (p.zh, p.en, *p.section.zh) if text for line in text.split("\n")]
    assert not {"English version", "【译文】"} & set(lines)


# Of these one has a list in Chinese and then in English, one many, one headings in either order.
INTERLEAVED_PAGES = [path for path in PAGES if path.stem not in ("newsletter", "heron", "bets")]


@pytest.mark.parametrize("page", INTERLEAVED_PAGES, ids=lambda path: path.stem)
def test_an_interleaved_page_is_left_as_it_is(page: Path) -> None:
    blocks = read_blocks(page.read_text(encoding="utf-8"))
    assert side_by_side(blocks) == blocks


def test_what_stands_in_one_language_alone_stays_behind_what_it_followed(tmp_path: Path) -> None:
    printed = ArticleReader().read(PAGES[1])
    text = _in_turn(printed, "Chinese first")
    third = [p for p in printed.paragraphs if p.kind == "body"][2]
    assert third.en
    read = read_captured(tmp_path / "in-turn.txt", text.replace(f"{third.en}\n\n", ""))
    at = next(i for i, p in enumerate(read.paragraphs) if p.zh == third.zh)
    assert read.paragraphs[at].en is None
    neighbours = {(p.zh, p.en) for p in printed.paragraphs}
    assert {(p.zh, p.en) for p in (read.paragraphs[at - 1], read.paragraphs[at + 1])} <= neighbours


SHORT = [
    ("桥上装有四百一十二个传感器，每三秒报告一次，没有人去读。", "The bridge has 412 sensors that report every three seconds, and until last spring nobody read what they say."),
    ("第二套系统于二〇二四年三月启用，至今运转正常。", "The second system was switched on in March 2024, at a cost that nobody will name, and it still runs well."),
]  # fmt: skip


@pytest.mark.parametrize("title", [("大桥之耳", "The Ear of the Bridge"), ()])
def test_a_short_text_in_one_language_and_then_in_the_other_is_paired(title: tuple[str, ...]) -> None:
    zh, en = ([*title[i : i + 1], *(pair[i] for pair in SHORT)] for i in (0, 1))
    read = read_captured(Path("short.txt"), "\n\n".join([*zh, *en]))
    assert [(p.zh, p.en) for p in read.paragraphs] == list(zip(zh, en, strict=True))
