"""The outline: what a paragraph leads into, told by the headings alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.ordinals import LAST, label
from index.outline import Outline, introduced
from index.paragraphs import Kind, Paragraph, Section, context_of


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


def test_one_section_alone_is_no_list_that_a_paragraph_leads_into() -> None:
    article = paragraphs(("A",), ("A", "x"), ("A", "x"), ("B",))
    assert Outline(article).introduced_by(article[0]) == []


def test_where_nothing_has_a_heading_nothing_leads_into_anything() -> None:
    article = paragraphs((), (), ())
    assert [Outline(article).introduced_by(p) for p in article] == [[], [], []]


TURNS = [
    (("Why is it dear?", "It keeps."), {1: 2}),
    (("He asked: “Why is it dear?”", "It keeps."), {1: 2}),
    (("Why is it dear? Nobody knows.", "It keeps."), {}),
    (("Is it dear?", "Is it old?", "Both."), {1: 2, 2: 3}),
    (("HALE: Is it dear? People say so.", "ORME: It keeps.", "It does.", "HALE: I see.", "ORME: Yes."), {1: 2}),
    (("HALE: Is it dear? I ask.", "ORME: Why? It keeps.", "HALE: And old?", "ORME: No."), {1: 2, 3: 4}),
    (("Q1: Is it dear? I ask.", "A1: It keeps.", "Q2: And old? I ask.", "A2: No."), {1: 2, 3: 4}),
    (("HALE: Is it dear? People say so.", "HALE: It keeps."), {}),
    (("HALE: It is dear.", "ORME: It keeps.", "HALE: It is.", "ORME: It is."), {}),
    (("Price: who pays? The city does.", "Time: two years.", "Place: here."), {}),
    (("One. Two. Three. Is it dear?", "It keeps."), {}),
]


@pytest.mark.parametrize(("texts", "expected"), TURNS)
def test_what_asks_is_answered_by_the_next(texts: tuple[str, ...], expected: dict[int, int]) -> None:
    assert Outline(counted(*texts)).answers == expected


def test_what_asks_in_one_language_alone_is_not_answered_by_the_next() -> None:
    first, second = counted("Is it dear?", "It keeps.")
    assert Outline([replace(first, zh="茶很贵。"), replace(second, zh="它耐放。")]).answers == {}
    assert Outline([replace(first, zh="茶贵吗？"), replace(second, zh="它耐放。")]).answers == {1: 2}
    assert Outline([first, replace(second, kind="figure")]).answers == {}
    assert Outline([first, replace(second, section=Section(en=("B",)))]).answers == {}


def counted(*texts: str, paths: dict[int, tuple[str, ...]] | None = None, kind: Kind = "body") -> list[Paragraph]:
    return [
        Paragraph(number=n, kind=kind, zh=None, en=text, section=Section(en=(paths or {}).get(n, ("A",))))
        for n, text in enumerate(texts, 1)
    ]


def runs(article: list[Paragraph]) -> list[tuple[int | None, list[int]]]:
    outline = Outline(article)
    found = [e for p in article if (e := outline.enumeration_of(p))]
    unique = {tuple(p.number for p in e.items): e for e in found}
    return [(e.before.number if e.before else None, list(items)) for items, e in unique.items()]


def test_paragraphs_that_count_themselves_from_one_are_an_enumeration_with_what_stands_before() -> None:
    article = counted("There are three.", "1. Dry", "2. Press", "More of pressing.", "3. Sell", "And so on.")
    assert runs(article) == [(1, [2, 3, 5])]
    assert Outline(article).enumeration_of(article[3]) is None
    assert Outline(article).enumeration_of(article[5]) is None


@pytest.mark.parametrize(
    "texts",
    [
        ("1. Dry", "So much."),
        ("2. Press", "3. Sell"),
        ("1. Dry", "The second is to press."),
        ("First, dry.", "In the second year, press.", "4. Sell"),
    ],
)
def test_one_number_alone_or_in_two_ways_is_none(texts: tuple[str, ...]) -> None:
    assert runs(counted(*texts)) == []


def test_what_is_no_body_does_not_end_a_run_and_one_way_of_counting_does_not_go_on_another() -> None:
    article = counted("Of these:", "1. Dry", "2. Press", "A map.", "3. Sell")
    article[3] = replace(article[3], kind="figure", section=Section(en=("A", "map")))
    assert runs(article) == [(1, [2, 3, 5])]
    assert runs(counted("1. Dry", "(1) in the sun", "(2) in the pan", "2. Press", "3. Sell"))[0] == (1, [2, 3])


def test_an_enumeration_ends_with_its_section_and_with_the_next_one() -> None:
    two = counted("First, dry.", "Second, press.", "First, come.", "Second, go.")
    assert runs(two) == [(None, [1, 2]), (2, [3, 4])]
    apart = counted("Of these:", "1. Dry", "2. Press", "3. Sell", paths={4: ("B",)})
    assert runs(apart) == [(1, [2, 3])]


def test_the_last_of_them_may_be_called_the_last() -> None:
    assert runs(counted("First, dry.", "Second, press.", "Finally, sell.")) == [(None, [1, 2, 3])]
    assert runs(counted("First, dry.", "Finally, sell.")) == []


def test_footnotes_are_no_enumeration() -> None:
    assert runs(counted("1. Dry", "2. Press", kind="footnote")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Dry the leaves", ("dot", 1)),
        ("12)Dry", ("bracket", 12)),
        ("(3) Dry", ("round", 3)),
        ("三、晒", ("han", 3)),
        ("十二、晒", ("han", 12)),
        ("④ 晒", ("circled", 4)),
        ("第五条建议", ("word", 5)),
        ("「第二个」", ("word", 2)),
        ("The sixth lesson", ("word", 6)),
        ("Secondly, dry", ("word", 2)),
        ("Finally, sell", ("word", LAST)),
        ("最后,卖掉", ("word", LAST)),
        ("Last year was dry", None),
        ("最后一年", None),
        ("最後一條", ("word", LAST)),
        ("第十二天", None),
        ("第二十年", None),
        ("第11年", None),
        ("第3 天", None),
        ("第二個月", None),
        ("第一百条", None),
        ("第123条", None),
        ("The first minute", None),
        ("1.5 tonnes", None),
        ("2021 was dry", None),
        ("第二天,雨停了", None),
        ("第一季度", None),
        ("The first half of it", None),
        ("The second day", None),
        ("A second-hand pan", None),
        ("Second-hand pans", None),
        ("Dry", None),
        ("", None),
    ],
)
def test_the_number_that_a_paragraph_begins_with(text: str, expected: tuple[str, int] | None) -> None:
    assert label(text) == expected


LISTS = [
    (("It looks at these:", "Is it old;", "is it dry; and", "is it dear.", "So much for that."), [(1, [2, 3, 4])]),
    (("It cost this:", "The kiln: 110", "The pans: 90", "So much for that."), [(1, [2, 3])]),
    (("It looks at these:", "Is it old;", "So much for that."), [(1, [2, 3])]),
    (("It cost this:", "The kiln: 110", "So much for that."), []),
    (("“It is dear” — A. Finch", "So much for that.", "“It is old” — B. Hale"), []),
]


@pytest.mark.parametrize(("texts", "expected"), LISTS)
def test_what_semicolons_join_or_no_stop_ends_is_an_enumeration_with_what_stands_before(
    texts: tuple[str, ...], expected: list[tuple[int, list[int]]]
) -> None:
    assert runs(counted(*texts)) == expected


def test_an_enumeration_without_numbers_ends_with_its_section() -> None:
    article = counted("It cost:", "The kiln: 110", "The pans: 90", "The door: 5", paths={4: ("B",)})
    assert runs(article) == [(1, [2, 3])]


def test_the_items_of_a_list_bring_the_sentence_that_opens_it_and_are_searched_and_read_with_it() -> None:
    article = counted(
        "So far. It looks at these:", "Is it old;", "is it dry.", "It cost this.", "Kiln: 110", "Pans: 90"
    )
    told = introduced(article)
    assert [p.introduction.en for p in told] == [(), ("It looks at these",), ("It looks at these",), (), (), ()]
    assert context_of(told[1], "en") == "A › It looks at these"
    assert told[2].heading("en") == "A › It looks at these"
    assert [p.section for p in told] == [p.section for p in article]
    assert [p.to_json() for p in told] == [p.to_json() for p in article]


def test_a_text_that_is_printed_without_stops_is_no_list() -> None:
    assert runs(counted(*(f"And then line {n}" for n in range(30)))) == []


def test_a_note_marked_by_a_circled_number_in_one_language_is_the_translators() -> None:
    article = [
        Paragraph(1, "body", "一颗钉子就是一份输入。①", "A pin is one input.①"),
        Paragraph(2, "body", "① 克朗：当地的货币。", None),
        Paragraph(3, "body", "① 先录下来。", "① Record first."),
        Paragraph(4, "body", "③ 原文 pin 兼有两义。", "③ 原文 pin 兼有两义。"),
        Paragraph(5, "body", "钉子没有英文。", None),
        Paragraph(6, "body", "要做的事:", "What to do:"),
        Paragraph(7, "body", "① 先热锅。", None),
        Paragraph(8, "body", "② 再擦干。", None),
        Paragraph(9, "body", "然后回家。", "Then go home."),
    ]
    assert Outline(article).notes == {2, 4}
