"""The outline: what a paragraph leads into, told by the headings alone."""

from __future__ import annotations

from index.outline import Outline
from index.paragraphs import Paragraph, Section


def paragraphs(*paths: tuple[str, ...]) -> list[Paragraph]:
    return [
        Paragraph(number=n, kind="body", zh=None, en=f"Paragraph {n}.", section=Section(zh=(), en=path))
        for n, path in enumerate(paths, 1)
    ]


def test_a_paragraph_leads_into_the_first_of_each_section_one_heading_deeper() -> None:
    article = paragraphs(("A",), ("A", "x"), ("A", "x"), ("A", "y"), ("A", "y", "deep"), ("B",))
    assert [p.number for p in Outline(article).introduced_by(article[0])] == [2, 4]


def test_a_paragraph_that_is_followed_by_one_beside_it_leads_into_nothing() -> None:
    article = paragraphs(("A",), ("A",), ("A", "x"))
    assert Outline(article).introduced_by(article[0]) == []


def test_where_nothing_has_a_heading_nothing_leads_into_anything() -> None:
    article = paragraphs((), (), ())
    assert [Outline(article).introduced_by(p) for p in article] == [[], [], []]
