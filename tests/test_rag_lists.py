"""Lists whose items are headings: all of them are given where all were asked for, and only there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rag.counted import announced
from rag.engine import Engine, Found
from rag.lists import may_ask_for_list
from tests.rag_support import ScriptedLLM, make_index, scripted_engine, small_engine

# A way that tea goes, as a timeline, and three shops that a paragraph introduces.
TIMELINE = [
    {"kind": "timeline", "section_en": ["The year", title], "section_zh": ["一年", zh_title], "en": en, "zh": zh}
    for title, zh_title, en, zh in (
        ("Spring picking", "春采", "Leaves are picked before the rains.", "雨前采叶。"),
        ("Summer drying", "夏晒", "The leaves lie on racks in the sun.", "叶子在架上晒。"),
        ("Autumn pressing", "秋压", "Bricks are pressed and wrapped.", "压成茶砖包好。"),
        ("Winter selling", "冬卖", "Traders come with the first snow.", "初雪时商人来。"),
    )
]
SHOPS = [
    {"kind": "body", "section_en": ["Shops"], "en": "The town has these shops:", "zh": "镇上有这些店:"},
    {"kind": "body", "section_en": ["Shops", "The Old Leaf"], "en": "It opened long ago.", "zh": "它早就开了。"},
    {"kind": "body", "section_en": ["Shops", "Mountain House"], "en": "It sells bricks.", "zh": "它卖茶砖。"},
    {"kind": "body", "section_en": ["Shops", "By the Gate"], "en": "It is the smallest.", "zh": "它最小。"},
]
Records = Sequence[Mapping[str, object]]


@pytest.fixture
def asked(tmp_path: Path, listening_reranker: None) -> Callable[..., list[str]]:
    """What a small model's answer says in the end, statement by statement, of what it wrote."""

    def ask(records: Records, question: str, *written: str) -> list[str]:
        engine, _ = small_engine(make_index(tmp_path, records), *written, logits=[6.0])
        answer = engine.ask(question)
        for statement in answer.statements:
            assert statement.citations, statement.text
        assert all(citation.quote in citation.text for citation in answer.citations)
        return [statement.text for statement in answer.statements]

    return ask


def titles(said: Sequence[str]) -> list[str]:
    """The timeline's titles in the order in which statements begin with one."""
    all_titles = [record["section_en"][1] for record in TIMELINE]
    return [title for text in said for title in all_titles if text.startswith(title)]


@pytest.mark.parametrize(
    "question",
    [
        "List the four stages of the year.",
        "What are the 4 stages of the leaves?",
        "Name all four stages of the leaves.",
    ],
)
def test_where_as_many_are_asked_for_as_there_are_headings_all_are_given_in_order(
    asked: Callable[..., list[str]], question: str
) -> None:
    said = asked(TIMELINE, question, "Stated: Bricks are pressed and wrapped.")
    assert titles(said) == ["Spring picking", "Summer drying", "Autumn pressing", "Winter selling"]
    assert said[0] == "Spring picking: Leaves are picked before the rains."


def test_in_chinese_too(asked: Callable[..., list[str]]) -> None:
    said = asked(TIMELINE, "这一年的四个阶段分别是什么?", "有: 压成茶砖包好。")
    assert [text[:2] for text in said] == ["春采", "夏晒", "秋压", "冬卖"]


def test_an_answer_that_names_two_of_them_is_made_whole_where_no_number_was_asked_for(
    asked: Callable[..., list[str]],
) -> None:
    said = asked(
        TIMELINE, "What are the stages since 1950, in order?", "Stated: Spring picking, summer drying of the leaves."
    )
    for title in ("Autumn pressing: Bricks", "Winter selling: Traders"):
        assert any(text.startswith(title) for text in said), title
    assert not any(text.startswith(("Spring picking:", "Summer drying:")) for text in said[:1])


@pytest.mark.parametrize(
    "question",
    [
        "Which of the four stages has traders?",
        "What happens to bricks in the four stages?",
        "What are the features of stage 4?",
        "What are the risks in the four stages?",
        "What were the bricks of the last 4 years?",
        "List the six stages.",
        "第四阶段有哪些特点?",
        "四年内有哪些茶砖?",
        "四个阶段中有哪些茶砖?",
    ],
)
def test_where_one_is_asked_for_or_another_number_nothing_is_added(
    asked: Callable[..., list[str]], question: str
) -> None:
    said = asked(TIMELINE, question, "Stated: Bricks are pressed and wrapped.", "有: 压成茶砖包好。")
    assert len(titles(said)) < 4
    assert sum(text[:2] in ("春采", "夏晒", "秋压", "冬卖") for text in said) < 4


def test_a_number_that_is_none_of_them_does_not_keep_a_list_from_being_whole(asked: Callable[..., list[str]]) -> None:
    named = "Stated: Spring picking and Summer drying."
    said = asked(TIMELINE, "What are the stages of the last 3 years, in order?", named)
    assert titles(said)[-2:] == ["Autumn pressing", "Winter selling"]


def test_what_is_excluded_is_in_no_list(tmp_path: Path, listening_reranker: None) -> None:
    engine, _ = small_engine(make_index(tmp_path, TIMELINE), "Stated: Bricks are pressed and wrapped.", logits=[6.0])
    answer = engine.ask("List the three stages of the leaves.", exclude=frozenset({1}))
    assert [citation.paragraph.number for citation in answer.citations] == [2, 3, 4]


@pytest.mark.parametrize("engine_of", [scripted_engine, small_engine])
@pytest.mark.parametrize("records", [TIMELINE, SHOPS])
def test_a_model_is_shown_no_heading_of_what_is_excluded(
    tmp_path: Path,
    listening_reranker: None,
    records: Records,
    engine_of: Callable[..., tuple[Engine, ScriptedLLM]],
) -> None:
    logits = {"logits": [6.0]} if engine_of is small_engine else {}
    engine, llm = engine_of(make_index(tmp_path, records), "Stated: Bricks.", **logits)
    question = "List the stages of the leaves, and the shops that the town has."
    engine.ask(question)
    assert all(text in llm.prompts[0] for text in (records[1]["en"], records[2]["en"]))
    engine.ask(question, exclude=frozenset({3}))
    assert records[1]["en"] in llm.prompts[-1]
    assert records[2]["en"] not in llm.prompts[-1]


def test_headings_in_the_other_language_alone_make_no_list(asked: Callable[..., list[str]]) -> None:
    said = asked(SHOPS, "镇上有哪三家店?", "有: 它卖茶砖。")
    assert not {"它早就开了。", "它卖茶砖。", "它最小。"} <= set(said), "without their names they answer nothing"


def test_a_quote_that_stood_without_its_heading_is_not_said_twice(asked: Callable[..., list[str]]) -> None:
    said = asked(SHOPS, "Which three shops does the town have?", "Stated: The town has these shops. It sells bricks.")
    assert "Mountain House: It sells bricks." in said
    assert "It sells bricks." not in said


def test_parts_that_a_paragraph_introduces_are_a_list_too(asked: Callable[..., list[str]]) -> None:
    said = asked(SHOPS, "Which three shops does the town have?", "Stated: The town has these shops.")
    assert [text.split(":")[0] for text in said[-3:]] == ["The Old Leaf", "Mountain House", "By the Gate"]


def test_a_list_that_is_whole_stays_as_it_was_written(asked: Callable[..., list[str]]) -> None:
    whole = "Spring picking, Summer drying, Autumn pressing, Winter selling"
    said = asked(TIMELINE, "List the four stages.", f"Stated: {whole}.")
    assert said[0].startswith(whole)
    assert not any(text.startswith("Summer drying:") for text in said[1:2])


def test_the_quotes_and_a_large_models_answer_are_made_whole_alike(tmp_path: Path, listening_reranker: None) -> None:
    engine, _ = scripted_engine(make_index(tmp_path, TIMELINE), "Stated: Bricks are pressed and wrapped.")
    found, *_, done = engine.stream("List the four stages of the leaves.")
    assert isinstance(found, Found)
    for answer in (found.quotes, done.answer):
        assert len(titles([statement.text for statement in answer.statements])) == 4


def test_a_refusal_lists_nothing(tmp_path: Path) -> None:
    engine, _ = small_engine(make_index(tmp_path, TIMELINE), "Not stated.", logits=[-9.0])
    answer = engine.ask("List the four stages of the leaves.")
    assert answer.refused
    assert answer.statements == ()


# Three lessons, each in a paragraph that counts itself, the second of them in two; what stands before says how many.
LESSONS = [
    {"kind": "body", "en": "Fixing the pans took a year.", "zh": "修锅用了一年。"},
    {"kind": "body", "en": "We learned three lessons about pans.", "zh": "关于锅,我们学到三条教训。"},
    {"kind": "body", "en": "The first lesson is to warm it. It takes time.", "zh": "第一条教训是先热锅。这要时间。"},
    {"kind": "body", "en": "The second is to wipe the iron.", "zh": "第二条是擦铁。"},
    {"kind": "body", "en": "Rags of linen are best.", "zh": "麻布最好。"},
    {"kind": "body", "en": "The third is to oil the wood.", "zh": "第三条是给木头上油。"},
    {"kind": "body", "en": "So much for the pans.", "zh": "锅就说到这里。"},
]
ALL_LESSONS = [
    "The first lesson is to warm it.",
    "The second is to wipe the iron.",
    "The third is to oil the wood.",
]


@pytest.mark.parametrize(
    ("question", "written"),
    [
        ("What are the three lessons about pans?", "Stated: The second is to wipe the iron."),
        ("What lessons do they draw about the pans?", "Stated: We learned three lessons about pans."),
        ("List the lessons about pans.", "Stated: We learned three lessons about pans."),
    ],
)
def test_all_of_the_paragraphs_that_count_themselves_are_given_in_order(
    asked: Callable[..., list[str]], question: str, written: str
) -> None:
    said = asked(LESSONS, question, written)
    assert [text for text in said if text in ALL_LESSONS] == ALL_LESSONS


def test_in_chinese_the_counted_paragraphs_too(asked: Callable[..., list[str]]) -> None:
    said = asked(LESSONS, "关于锅有哪些教训?", "有: 我们学到三条教训。")
    assert [text[:3] for text in said[-3:]] == ["第一条", "第二条", "第三条"]


@pytest.mark.parametrize(
    "question",
    [
        "What are the points of the second lesson about pans?",
        "What are the four lessons about pans?",
        "How long did fixing the pans take?",
        "What does wiping the pans do?",
        "What cloths do they use to wipe the pans?",
        "Which tools are used on the pans?",
        "擦锅用哪些布?",
        "热锅要花哪些时间?",
        "第二条教训有哪些要点?",
    ],
)
def test_where_one_of_those_is_asked_for_or_another_number_nothing_is_added(
    asked: Callable[..., list[str]], question: str
) -> None:
    said = asked(LESSONS, question, "Stated: We learned three lessons about pans.", "有: 我们学到三条教训。")
    assert not set(ALL_LESSONS) <= set(said)
    assert not all(any(text.startswith(f"第{n}条") for text in said) for n in "一二三")


def test_a_counted_paragraph_that_is_excluded_is_in_no_list(tmp_path: Path, listening_reranker: None) -> None:
    engine, _ = small_engine(make_index(tmp_path, LESSONS), "Stated: The second is to wipe the iron.", logits=[6.0])
    answer = engine.ask("What are the two lessons, to wipe the iron?", exclude=frozenset({6}))
    assert {3, 4} <= {citation.paragraph.number for citation in answer.citations}
    assert 6 not in {citation.paragraph.number for citation in answer.citations}


# What five lines below it tell, which nothing counts and nothing heads.
PARTS = [
    {"kind": "body", "en": "The pans cost 240 coins. It was spent in three parts:", "zh": "修锅花了240枚。支出分三块:"},
    {"kind": "body", "en": "Iron: 110 coins", "zh": "铁:110枚"},
    {"kind": "body", "en": "Oil: 90 coins", "zh": "油:90枚"},
    {"kind": "body", "en": "Cloth: 40 coins", "zh": "布:40枚"},
    {"kind": "body", "en": "So much for the pans.", "zh": "锅就说到这里。"},
]
LOOKED_AT = [
    {"kind": "body", "en": "The smith looks at three things:", "zh": "铁匠看三件事:"},
    {"kind": "body", "en": "Is the pan warm?", "zh": "锅热不热?"},
    {"kind": "body", "en": "Is the iron dry?", "zh": "铁干不干?"},
    {"kind": "body", "en": "Is the wood oiled?", "zh": "木头上没上油?"},
    {"kind": "body", "en": "Then he begins, and does not stop before noon.", "zh": "然后他动手,不到中午不停。"},
]


def test_a_quote_that_opens_a_list_brings_its_items(asked: Callable[..., list[str]]) -> None:
    said = asked(PARTS, "Where did the coins for the pans go?", "Stated: It was spent in three parts:")
    assert [text for text in said if ":" in text] == [
        "It was spent in three parts:", "Iron: 110 coins", "Oil: 90 coins", "Cloth: 40 coins",
    ]  # fmt: skip


KINDS = [
    {
        "kind": "body",
        "en": "The smith wrote a rule book. It knows three kinds of pan.",
        "zh": "铁匠写了规则。它认得三种锅。",
    },
    {"kind": "body", "en": "Wok: thin, for a big fire.", "zh": "炒锅:薄,火要大。"},
    {"kind": "body", "en": "Pot: deep. It is for soup.", "zh": "汤锅:深。炖汤用。"},
    {"kind": "body", "en": "Skillet: heavy, for eggs.", "zh": "煎锅:重,煎蛋用。"},
    {"kind": "body", "en": "The book was burnt in the end, and nobody has written another one.", "zh": "书后来烧了。"},
]


def test_a_quote_that_says_how_many_there_are_brings_those_below_it(asked: Callable[..., list[str]]) -> None:
    said = asked(KINDS, "What does the rule book know?", "Stated: It knows three kinds of pan.")
    assert [text for text in said if ":" in text or "three" in text] == [
        "It knows three kinds of pan.", "Wok: thin, for a big fire.", "Pot: deep.", "Skillet: heavy, for eggs.",
    ]  # fmt: skip
    two = [KINDS[0] | {"en": "The smith wrote a rule book. It knows four kinds of pan."}, *KINDS[1:]]
    said = asked(two, "What does the rule book know?", "Stated: It knows four kinds of pan.")
    assert not any(text.startswith(("Wok", "Pot", "Skillet")) for text in said), "four are told, and three stand there"


@pytest.mark.parametrize("records", [KINDS, LOOKED_AT, PARTS])
def test_what_opens_a_list_is_read_with_the_list(tmp_path: Path, listening_reranker: None, records: Records) -> None:
    engine, llm = small_engine(make_index(tmp_path, records), "Not stated.", logits=[0.0])
    first, item, after = (str(records[i]["en"]) for i in (0, 1, 4))
    engine.ask(first)
    told = [prompt.rpartition("Excerpts:")[2] for prompt in llm.prompts]
    (about_first, *_) = [text for text in told if text.startswith(f"\n- {first}")]
    assert item in about_first
    assert after not in about_first


def test_a_list_that_only_its_introduction_counts_is_given_whole(asked: Callable[..., list[str]]) -> None:
    said = asked(LOOKED_AT, "List the three things that the smith looks at.", "Stated: Is the iron dry?")
    assert [text for text in said if text.startswith("Is the")] == [e["en"] for e in LOOKED_AT[1:4]]


def test_what_is_told_at_length_is_no_item_of_a_list_that_only_its_introduction_counts(
    asked: Callable[..., list[str]],
) -> None:
    long = [
        *LOOKED_AT[:2],
        {"kind": "body", "en": "It must be dry. Few pans are. He waits.", "zh": "铁要干。少有干的。他等。"},
    ]
    said = asked([*long, *LOOKED_AT[3:]], "List the three things that the smith looks at.", "Stated: Is the pan warm?")
    assert "Is the wood oiled?" not in said


def test_where_one_item_of_a_list_that_a_colon_opens_answers_a_question_for_several_all_do(
    asked: Callable[..., list[str]],
) -> None:
    several = asked(LOOKED_AT, "What checks are made on the iron?", "Stated: Is the iron dry?")
    assert [text for text in several if text.startswith("Is the")] == [e["en"] for e in LOOKED_AT[1:4]]


ADVICE = [
    {"kind": "body", "en": "Here they are, and all of them are cheap.", "zh": "都在这里,都不贵。"},
    {"kind": "body", "en": "1. Warm the pan.", "zh": "1. 先热锅。"},
    {"kind": "body", "en": "2. Dry the iron.", "zh": "2. 擦干铁。"},
    {"kind": "body", "en": "3. Oil the wood.", "zh": "3. 给木头上油。"},
    {"kind": "body", "en": "Then he went home.", "zh": "然后他回家了。"},
]


@pytest.mark.parametrize(
    ("question", "is_whole"),
    [
        ("What does the smith advise with iron? Every point, please.", True),
        ("List what the smith advises with iron, leaving nothing out.", True),
        ("What does the smith advise with iron?", False),
        ("What is every second piece of advice, with iron?", False),
    ],
)
def test_who_wants_every_single_one_of_a_list_gets_it_whole_where_one_is_cited(
    asked: Callable[..., list[str]], question: str, is_whole: bool
) -> None:
    said = asked(ADVICE, question, "Stated: Dry the iron.")
    assert all(any(item["en"][3:] in text for text in said) for item in ADVICE[1:4]) is is_whole


@pytest.mark.parametrize(
    ("question", "asks_for_all"),
    [
        ("Where do dogs sleep? I need the full list.", True),
        ("What do the welders get? Every point, please.", True),
        ("Who disagrees? I need all the names.", True),
        ("Give the weaknesses, leaving none out.", True),
        ("What sorts of building are exempt?", True),
        ("哪里有狗？请把地方列全。", True),
        ("约定的条款，请逐条说。", True),
        ("Where does the first dog sleep?", False),
        ("What sort of building is it?", False),
        ("那条狗睡在哪里？", False),
    ],
)
def test_all_may_be_asked_for_in_many_words(tmp_path: Path, question: str, asks_for_all: bool) -> None:
    engine, _ = scripted_engine(make_index(tmp_path, LOOKED_AT), "Stated: Is the iron dry?")
    answer = engine.find(question).quotes
    assert may_ask_for_list(replace(answer, refused=False)) is asks_for_all


def test_how_many_kinds_there_are_may_end_a_sentence_in_chinese() -> None:
    assert announced("它把工作分成三类。", "zh") == 3
    assert announced("他拿走了三个。", "zh") == 0
