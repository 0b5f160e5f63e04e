"""Places that a question names: found by what they are called, put first, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.paragraphs import Paragraph, Section
from rag.answer import Retrieved
from rag.overview import asks_for_no_more
from rag.places import LAST, TRUST, lifted, named, names_a_section, paragraphs_at, without
from rag.retrieve import Ranking
from tests.rag_support import make_index, scripted_engine, small_engine


def paragraph(number: int, kind: str, *headings: str) -> Paragraph:
    return Paragraph(number, kind, f"第{number}号。", f"Number {number}.", section=Section(en=headings))  # type: ignore[arg-type]


ARTICLE = [
    paragraph(1, "front"),
    paragraph(2, "summary", "Abstract"),
    paragraph(3, "body"),
    paragraph(4, "timeline", "Early days", "1950"),
    paragraph(5, "body", "Picking"),
    paragraph(6, "figure", "Picking", "Baskets a day"),
    paragraph(7, "body", "Picking", "By hand"),
    paragraph(8, "body", "Drying"),
    paragraph(9, "figure", "Drying", "Hours"),
    paragraph(10, "footnote", "Notes", "Note 1"),
    paragraph(11, "footnote", "Notes", "Note 2"),
]
NUMBERED = [
    paragraph(1, "body", "3. Fees", "3.1 Who pays"),
    paragraph(2, "body", "3. Fees", "3.2 How much"),
    paragraph(3, "body", "3. Fees", "3.2 How much"),
    paragraph(4, "body", "3. Fees", "3.20 Late"),
    Paragraph(5, "body", "5.3 期满不交的，申请搁置。", "5.3 An application not completed in time is set aside."),
    Paragraph(6, "body", "5.31 另有规定的除外。", "5.31 Unless otherwise provided."),
    Paragraph(7, "body", "期限见第 5.3 节。", "Clause 6.4 sets the time limit."),
    Paragraph(8, "body", "7.1% 的人没有交。", "7.1 million people did not pay."),
    Paragraph(9, "body", "第 7.2 条 费用不退。", "Article 7.2 Nothing is paid back."),
]


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("What does section 3.2 say?", [2, 3]),
        ("第3.1节讲了什么?", [1]),
        ("3.20 节呢?", [4]),
        ("May I ask for more time under rule 5.3?", [5]),
        ("§5.3 怎么规定的?", [5]),
        ("第 5.31 条是什么意思?", [6]),
        ("What does section 4.7 say?", []),
        ("第 3．2 部分呢?", [2, 3]),
        ("Explain Part 3.2", [2, 3]),
        ("What does clause 6.4 set?", [7]),
        ("What does clause 7.1 say?", []),
        ("What does rule 7.2 say?", [9]),
        ("上涨 3.2 点是为什么?", []),
        ("平均 3.1 条评论?", []),
        ("What is new in version 3.2?", []),
        ("涨到 3.2 倍是哪一年?", []),
    ],
)
def test_a_part_or_a_paragraph_that_the_article_numbers_is_found_by_that(question: str, numbers: list[int]) -> None:
    assert [p.number for p in paragraphs_at(named(question, NUMBERED), NUMBERED)] == numbers


UNNUMBERED_BEFORE = [
    paragraph(1, "body", "What it can do"),
    paragraph(2, "body", "1. Training"),
    paragraph(3, "body", "2. Tests", "1. By day"),
    paragraph(4, "body", "2. Tests", "2. By night"),
    Paragraph(5, "body", "三号。", "Number 3.", section=Section(zh=("三、价格",), en=("Price",))),
    paragraph(6, "body", "Limits"),
]


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("Summarise section 1.", [2]),
        ("第二节讲了什么?", [3, 4]),
        ("What is section three about?", [5]),
        ("What does section 4 say?", [5]),
        ("What does the last section say?", [6]),
    ],
)
def test_a_section_is_the_one_whose_heading_prints_the_number(question: str, numbers: list[int]) -> None:
    assert [p.number for p in paragraphs_at(named(question, UNNUMBERED_BEFORE), UNNUMBERED_BEFORE)] == numbers


def places_of(question: str) -> list[tuple[str, int]]:
    return [(place.unit, place.which) for place in named(question, ARTICLE)]


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("What does the second figure show?", [9]),
        ("What is the peak in the FIRST chart, and when?", [6]),
        ("Explain fig no. 2, I mean Figure no. 2.", [9]),
        ("And the 2nd picture?", [9]),
        ("图2显示了什么?", [9]),
        ("第二张图说明了什么?", [9]),
        ("第 1 幅圖是什麼?", [6]),
        ("最后一张图用什么标题?", [9]),
        ("What does footnote 2 say?", [11]),
        ("What is in the last footnote?", [11]),
        ("脚注1里说了什么?", [10]),
        ("第二条脚注呢?", [11]),
        ("Summarise section 2.", [5, 6, 7]),
        ("What is part three about?", [8, 9]),
        ("总结第三部分", [8, 9]),
        ("第一节讲了什么?", [4]),
        ("最后一章讲了什么?", [8, 9]),
        ("What does ¶7 say?", [7]),
        ("What does paragraph 7 say?", [7]),
        ("第 7 段说了什么?", [7]),
        ("What does the first paragraph say?", [3]),
        ("第二段说了什么?", [5]),
        ("首段和最后一段说了什么?", [3, 8]),
        ("Compare the first and the second figure.", [9]),
        ("第2节 1 里有多少?", [5, 6, 7]),
        ("脚注[2]说了什么?", [11]),
        ("注 2 说了什么?", [11]),
        ("What does note 2 say?", [11]),
        ("首图画了什么?", [6]),
    ],
)
def test_a_place_is_known_by_what_it_is_called(question: str, numbers: list[int]) -> None:
    places = named(question, ARTICLE)
    assert [p.number for p in paragraphs_at(places, ARTICLE)] == numbers
    assert without(question, places) != question


@pytest.mark.parametrize(
    "question",
    [
        "In the first place, who picks?",
        "What is the last part of the plan?",
        "第二阶段是什么?",
        "阶段 2 做什么?",
        "地图 2 在哪里?",
        "这一段时间做什么?",
        "图 3% 是什么?",
        "What does paragraph twenty-one say?",
        "Is it in part three times faster?",
        "How many figures are there?",
        "What does figure 9 show?",
        "脚注 12 说了什么?",
        "第十二节呢?",
        "¶99?",
        "第一个图书馆在哪里?",
        "谁最后表态?",
        "第一个表示反对的是谁?",
        "第一节能灯是谁造的?",
        "备注 1 写了什么?",
        "Who was the first figure to speak out?",
    ],
)
def test_what_is_no_place_of_this_article_is_left_alone(question: str) -> None:
    assert places_of(question) == []


CAPTIONED = [
    Paragraph(1, "figure", "黄昏时的桥。", "Photo: the bridge at dusk."),
    Paragraph(2, "figure", "图 1：水位", "Figure 1: Water levels."),
    Paragraph(3, "body", "一。", "One."),
    Paragraph(4, "figure", "▲ 图 2　费用", "▲ Fig. 2 Costs."),
    Paragraph(5, "figure", "表 1　票价", "Table 1 Fares"),
    Paragraph(6, "body", "二。", "Two."),
]


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("What does figure 1 show?", [2]),
        ("图二说了什么?", [4]),
        ("圖二顯示什麼?", [4]),
        ("fig.2?", [4]),
        ("What is in figure 3?", []),
        ("What does table 1 say?", [5]),
        ("表1", [5]),
        ("倒数第二段", [3]),
        ("the second to last paragraph", [3]),
        ("the penultimate paragraph", [3]),
        ("第一段婚姻怎样?", []),
        ("第二节课讲什么?", []),
        ("What did the first image sent by the probe show?", []),
        ("the final section of the tunnel", []),
        ("the last paragraph of the article", [6]),
        ("他试图三次登顶", []),
        ("Who drew the first picture of Earth?", []),
        ("What does the second figure of this article show?", [4]),
        ("the first chart of section 2", [2]),
        ("他发表文章2篇是在哪年?", []),
        ("大部分 1G 基站在哪里?", []),
        ("春节1天假期谁值班?", []),
        ("图2里有什么?", [4]),
        ("见图2", [4]),
    ],
)
def test_a_figure_is_the_one_whose_caption_prints_the_number(question: str, numbers: list[int]) -> None:
    assert [p.number for p in paragraphs_at(named(question, CAPTIONED), CAPTIONED)] == numbers


def test_a_footnote_is_the_one_that_prints_the_number() -> None:
    notes = [
        Paragraph(1, "footnote", "* 作者当时在场。", "* The author was there."),
        Paragraph(2, "footnote", "[1] 见年报。", "[1] See the annual report."),
        Paragraph(3, "footnote", "[2] 未经审计。", "[2] Not audited."),
    ]
    at = lambda question: [p.number for p in paragraphs_at(named(question, notes), notes)]  # noqa: E731
    assert at("脚注2说了什么?") == [3]
    assert at("What does footnote 1 say?") == [2]
    assert at("What does the last footnote say?") == [3]
    assert at("footnote 3?") == []


def test_the_last_of_what_an_article_lacks_is_nothing() -> None:
    assert named("What is the last figure?", ARTICLE[:3]) == []
    assert places_of("What is the last figure?") == [("figure", LAST)]


@pytest.mark.parametrize(
    ("question", "is_all"),
    [
        ("What does the second figure show?", True),
        ("请解释一下第二张图", True),
        ("总结第三部分", True),
        ("脚注 1 说了什么?", True),
        ("When is the peak of the second figure?", False),
        ("第二张图里谁最多?", False),
        ("第二张图里的采茶工有多少?", False),
    ],
)
def test_whether_anything_is_asked_beside_the_place(question: str, is_all: bool) -> None:
    assert asks_for_no_more(without(question, named(question, ARTICLE))) == is_all


def test_what_names_two_places_at_once_names_the_first() -> None:
    question = "第2节 1 里有多少?"
    assert without(question, named(question, ARTICLE)) == "  1 里有多少?"


@pytest.mark.parametrize(
    ("question", "is_named"),
    [("第三节的标题?", True), ("Part 3?", True), ("section twelve?", True), ("这一节呢?", False), ("图 3?", False)],
)
def test_a_section_may_be_named_that_there_is_not(question: str, is_named: bool) -> None:
    assert names_a_section(question) == is_named


def test_places_come_first_in_their_own_order_with_half_of_the_probability() -> None:
    shares = {8: 0.5, 9: 0.1, 3: 0.3, 6: 0.1}
    scores = (0.9, 0.8, 0.4, 0.2)
    numbers = (8, 3, 9, 6)
    by_number = {p.number: p for p in ARTICLE}
    ranking = Ranking(tuple(Retrieved(by_number[n], s) for n, s in zip(numbers, scores, strict=True)), {}, shares)
    after = lifted(ranking, [by_number[6], by_number[9], by_number[11]])
    assert [entry.paragraph.number for entry in after.retrieved] == [9, 6, 11, 8, 3], "the last one had not been found"
    assert [entry.score for entry in after.retrieved] == [0.9, *scores], "the scores stay with the ranks"
    assert sum(after.share.values()) == pytest.approx(1.0)
    assert after.share[9] + after.share[6] + after.share[11] == pytest.approx(TRUST)
    assert after.share[8] / after.share[3] == pytest.approx(0.5 / 0.3)


def test_alone_a_place_is_all_there_is() -> None:
    only = Ranking((Retrieved(ARTICLE[5], 0.4),), {}, {6: 1.0})
    assert lifted(only, [ARTICLE[5]]) == only
    nothing = lifted(Ranking((), {}, {}), [ARTICLE[5]])
    assert ([entry.paragraph.number for entry in nothing.retrieved], nothing.share) == ([6], {6: 1.0})


# --- on the road --------------------------------------------------------------------------------------------

TEA = [
    {"kind": "body", "en": "Tea bushes like misty slopes, and pickers like dry ones.", "section_en": "Slopes"},
    {"kind": "figure", "en": "Baskets a picker fills in a day, by month.", "section_en": "Slopes"},
    {"kind": "body", "en": "Fixing in the iron pan takes 6 minutes.", "section_en": "Fixing"},
    {"kind": "body", "en": "Then the leaves are rolled by hand.", "section_en": "Fixing"},
]


def test_what_a_place_says_is_answered_from_it_whatever_retrieval_finds(
    tmp_path: Path, listening_reranker: None
) -> None:
    engine, llm = small_engine(make_index(tmp_path, TEA), "Stated: Fixing takes 6 minutes.", logits=[-6.0])
    answer = engine.ask("What does section 2 say?")
    assert not answer.refused, "there is nothing that it could fail to state"
    assert {citation.paragraph.number for citation in answer.citations} == {3, 4}
    assert len(llm.prompts) == 1
    assert "rolled by hand" in llm.prompts[0]


def test_what_is_asked_of_a_place_is_read_there_first_and_refused_where_it_is_not_stated(
    tmp_path: Path, listening_reranker: None
) -> None:
    index = make_index(tmp_path, TEA)
    engine, llm = small_engine(index, "Not stated.", logits=[-6.0])
    answer = engine.ask("How long does fixing in the pan take in the first figure?")
    assert answer.refused
    assert "Baskets a picker fills" in llm.prompts[0]
    assert answer.retrieved[0].paragraph.number == 2
    elsewhere = engine.ask("How long does fixing in the pan take in the first figure?", exclude=frozenset({2}))
    assert elsewhere.retrieved[0].paragraph.number == 3, "a figure that is taken away is no place"


def test_the_number_of_a_place_is_none_that_the_text_has_to_state(tmp_path: Path) -> None:
    engine, _ = scripted_engine(make_index(tmp_path, TEA), "Stated: 6 minutes.")
    named_place, number = (
        engine.signals_at_opening(engine.look(question))
        for question in ("How long does fixing take, in section 2?", "How long does fixing take 2 pickers?")
    )
    assert (named_place.unknown, number.unknown) == (0.0, 1.0)
