"""The article's pane: every paragraph, verbatim, laid out as what it is; nothing in it ever markup."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from pathlib import Path

import pytest

from index.build import Index
from index.paragraphs import LANGUAGES, Paragraph, Section
from index.sentences import split_sentences
from tests.ui_support import HOSTILE, make_index
from ui.article_pane import pieces, render_article
from ui.outline import outline


class _Reader(HTMLParser):
    """What a browser would find: tags with attributes, and the text inside each `.text`."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[tuple[int, str], str] = {}
        self._pair, self._language, self._depth = 0, "", 0
        self.feed(str(markup))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.tags.append((tag, own))
        classes = (own.get("class") or "").split()
        if "pair" in classes:
            self._pair = int(own["data-p"] or 0)
        if self._language:
            self._depth += 1
        elif "text" in classes:
            self._language, self._depth = classes[1], 1

    def handle_endtag(self, tag: str) -> None:
        if self._language:
            self._depth -= 1
            if not self._depth:
                self._language = ""

    def handle_data(self, data: str) -> None:
        if self._language:
            key = self._pair, self._language
            self.texts[key] = self.texts.get(key, "") + data


def _tags_with(reader: _Reader, name: str) -> list[tuple[str, dict[str, str | None]]]:
    return [(tag, own) for tag, own in reader.tags if name in (own.get("class") or "").split()]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def test_every_paragraph_of_the_index_is_on_the_page_once_and_verbatim_in_each_language(article_index: Index) -> None:
    reader = _Reader(render_article(article_index.manifest.title, article_index.paragraphs))
    assert [int(own["data-p"] or 0) for _, own in _tags_with(reader, "pair")] == [
        p.number for p in article_index.paragraphs
    ]
    expected = {(p.number, own): p.text(own) for p in article_index.paragraphs for own in p.languages}
    assert reader.texts == expected


def test_every_sentence_that_can_be_cited_is_an_element_with_its_offsets(article_index: Index) -> None:
    reader = _Reader(render_article("", article_index.paragraphs))
    found = [(own["data-l"], own["data-s"], own["data-e"]) for _, own in _tags_with(reader, "s")]
    expected = [
        (own, str(start), str(end))
        for p in article_index.paragraphs
        for own in p.languages
        for start, end in split_sentences(p.text(own) or "")
    ]
    assert found == expected


def test_pieces_joined_are_the_text() -> None:
    paragraph = Paragraph(1, "footnote", "3. 一句。  两句!\n\n▲ 三句", None)
    assert "".join(piece.text for piece in pieces(paragraph, "zh")) == paragraph.zh
    assert [piece.text for piece in pieces(paragraph, "zh") if piece.start is not None] == ["一句。", "两句!", "三句"]


def test_a_heading_stands_once_where_it_begins_in_both_languages(index: Index) -> None:
    markup = render_article("", index.paragraphs)
    paper = markup[markup.index('id="paper"') :]
    assert paper.count("桥的来历") == 1
    assert paper.count("HOW THE BRIDGE CAME TO BE") == 1
    assert paper.index("桥的来历") < paper.index('id="p3"')


def test_a_figure_with_a_title_of_its_own_does_not_begin_a_new_chapter() -> None:
    chapter = Section(("甲",), ("A",))
    titled = Section(("甲", "图一"), ("A",))
    parts = outline(
        [
            Paragraph(1, "body", "一", "one", chapter),
            Paragraph(2, "figure", "图", "figure", titled),
            Paragraph(3, "body", "二", "two", chapter),
        ]
    )
    assert len(parts) == 1
    assert [entry.title.zh if entry.title else None for entry in parts[0].entries] == [None, "图一", None]


def test_the_timeline_figures_and_footnotes_are_laid_out_as_such(index: Index) -> None:
    reader = _Reader(render_article("", index.paragraphs))
    by_kind = {
        kind: [tag for tag, own in _tags_with(reader, kind) if "pair" in (own.get("class") or "")]
        for kind in ("timeline", "figure", "footnote", "body", "credits")
    }
    assert by_kind == {
        "timeline": ["li", "li"],
        "figure": ["figure"],
        "footnote": ["li"],
        "body": ["div"] * 3,
        "credits": ["div"],
    }


def test_a_paragraph_in_one_language_says_so_and_every_text_names_its_language(index: Index) -> None:
    markup = render_article("", index.paragraphs)
    summary = markup[markup.index('id="p2"') : markup.index('id="p3"')]
    assert "published in Chinese only" in summary
    reader = _Reader(markup)
    assert {own["lang"] for _, own in _tags_with(reader, "text")} == {"zh-Hans", "en"}


def test_a_hostile_article_never_becomes_markup() -> None:
    hostile = Section((HOSTILE,), (HOSTILE,))
    paragraphs = [
        Paragraph(1, "front", HOSTILE, HOSTILE, hostile),
        Paragraph(2, "timeline", HOSTILE, None, Section((HOSTILE, HOSTILE + "2"), ())),
        Paragraph(3, "body", None, HOSTILE),
    ]
    reader = _Reader(render_article(HOSTILE, paragraphs))
    assert not {tag for tag, _ in reader.tags} & {"img", "script"}
    assert not any(
        name.startswith("on") or "javascript:" in (own.get("href") or "") for _, own in reader.tags for name in own
    )
    assert reader.texts[1, "zh"] == HOSTILE


def test_the_bundled_article_is_laid_out_without_losing_a_heading(article_index: Index) -> None:
    markup = html.unescape(render_article("", article_index.paragraphs))
    headings = {h for p in article_index.paragraphs for own in LANGUAGES for h in getattr(p.section, own)}
    assert all(heading in markup for heading in headings)
    assert "<h1" not in markup  # the title is the page's, in the masthead
