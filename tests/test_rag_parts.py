"""Questions that ask for several things, and the further paragraphs that are read for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponseGen

from index.build import Index
from index.paragraphs import Language
from rag.parts import asks_for_several, compares, parts, things_compared
from rag.rerank import FURTHER, SEVERAL, STATES_TOO, stating_too
from tests.rag_support import make_index, scripted_engine, small_engine


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("茶什么时候采?要多少人?", "zh", ["茶什么时候采?", "要多少人?"]),
        ("茶什么时候采,又是谁采的?", "zh", ["茶什么时候采", "又是谁采的?"]),
        ("说到春茶,它为什么贵?", "zh", ["说到春茶,它为什么贵?"]),
        ("文中提到两项测试:各测什么?", "zh", ["文中提到两项测试:各测什么?"]),
        (
            "When is tea picked, and how many people does it take?",
            "en",
            ["When is tea picked", "how many people does it take?"],
        ),
        ("Who picks it and in which month?", "en", ["Who picks it", "in which month?"]),
        ("Is it dear? Why?", "en", ["Is it dear?", "Why?"]),
        ("If it rains, who picks the tea?", "en", ["If it rains, who picks the tea?"]),
        ("Where do bread and tea come from?", "en", ["Where do bread and tea come from?"]),
        ("茶是谁采的、下雨时为什么不采?", "zh", ["茶是谁采的", "下雨时为什么不采?"]),
        ("谁种的 什么时候种的", "zh", ["谁种的", "什么时候种的"]),
        ("当地人叫它什么,坐车要几小时?", "zh", ["当地人叫它什么", "坐车要几小时?"]),
        ("谁种的\n哪年种的", "zh", ["谁种的", "哪年种的"]),
        ("“谁来监督,怎么监督?”这句话是什么意思?", "zh", ["“谁来监督,怎么监督?”这句话是什么意思?"]),
        ("有哪些原因、后果?", "zh", ["有哪些原因、后果?"]),
        ("Who grew it, and is the tea dear?", "en", ["Who grew it", "is the tea dear?"]),
        ("Who grew it? Isn't it dear?", "en", ["Who grew it?", "Isn't it dear?"]),
        ("What is and is not allowed?", "en", ["What is and is not allowed?"]),
        ("When and where was it picked?", "en", ["When and where was it picked?"]),
        *(
            (one, "en", [one])
            for one in (
                "Why did the garden, which was planted in 1990, fail?",
                "What did Alan, who picked it, say?",
                "What did tea cost in 2008, when it rained all year?",
                "How many live in Menghai, where the tea comes from?",
            )
        ),
        *((one, "zh", [one]) for one in ("近几年,茶为什么涨价?", "采茶的头几天,谁来称重?", "过去几个月,茶价是多少?")),
        ("采茶最后几天,由谁来称?", "zh", ["采茶最后几天", "由谁来称?"]),
        ("Who grew it, who picked it, what did it cost?", "en", ["Who grew it", "who picked it", "what did it cost?"]),
        (
            "Who grew it, which of them picked it, and when?",
            "en",
            ["Who grew it", "which of them picked it", "when?"],
        ),
    ],
)
def test_a_question_falls_into_the_parts_that_ask_something(
    question: str, language: Language, expected: list[str]
) -> None:
    assert parts(question, language) == expected


@pytest.mark.parametrize(
    ("question", "language", "several"),
    [
        ("春茶和夏茶分别什么时候采?", "zh", True),
        ("两处茶园,各有多少人?", "zh", True),
        ("各国的茶什么味道?", "zh", False),
        ("春茶和夏茶分別什麼時候採?", "zh", True),
        ("How long do spring and summer tea each keep?", "en", True),
        ("What is the difference between the two?", "en", True),
        ("How long does spring tea keep?", "en", False),
    ],
)
def test_one_thing_asked_of_each_of_several_is_several_things(question: str, language: Language, several: bool) -> None:
    assert asks_for_several(question, language) is several


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("Which is taller, the north or the south lighthouse?", "en", True),
        ("Is the south lighthouse older than the north one?", "en", True),
        ("How do spring and summer tea differ?", "en", True),
        ("Why is spring tea dearer than summer tea?", "en", False),
        ("Which newspaper or magazine carried it?", "en", False),
        ("北灯塔和南灯塔哪座更高?", "zh", True),
        ("南燈塔比北燈塔更老嗎?", "zh", True),
        ("春茶比夏茶贵多少?", "zh", True),
        ("为什么春茶比夏茶更贵?", "zh", False),
        ("灯塔有多高?", "zh", False),
    ],
)
def test_what_holds_one_thing_against_another(question: str, language: Language, expected: bool) -> None:
    assert compares(question, language) is expected


def test_what_states_a_part_is_sure_uncited_and_not_too_many() -> None:
    openings = {1: 9.0, 2: STATES_TOO - 0.1, 3: STATES_TOO, 4: 3.0, 5: 2.0}
    assert stating_too(openings, {1}) == [4, 5]
    assert len(stating_too(openings, {1})) == FURTHER
    assert stating_too({1: 9.0}, {1}) == []


@pytest.fixture
def fixing(tmp_path: Path, listening_reranker: None) -> Index:
    """Six paragraphs that share the question's words; a gate and a reranker that listen to the opening alone."""
    texts = (
        "Fixing tea in the iron pan takes 6 minutes.",
        "Rolling tea takes an hour. Rolling is done by hand.",
        "The pan for fixing and rolling is made of iron.",
        "Tea takes patience.",
        "Fixing and rolling are learnt young.",
        "Mist lies on the slopes.",
    )
    return make_index(tmp_path, [{"en": text} for text in texts])


TWO = "How long does fixing tea in the iron pan take, and how long does rolling take?"


def test_where_two_things_are_asked_the_paragraph_that_states_the_other_is_quoted_too(fixing: Index) -> None:
    alone, _ = small_engine(fixing, "Stated: Fixing takes 6 minutes.", logits=[4.0])
    ranked = [entry.paragraph.number for entry in alone.retrieve(TWO)]
    first = ranked[0]
    other = next(n for n in ranked[1:SEVERAL] if n in (1, 2))
    logits = [4.0, *(STATES_TOO + 1 if n == other else -4.0 for n in ranked[1:SEVERAL])]
    replies = ["Stated: It takes 6 minutes.", *["Not stated."] * (SEVERAL - 1)]
    engine, llm = small_engine(fixing, *replies, logits=logits)
    answer = engine.ask(TWO)
    assert {c.paragraph.number for c in answer.citations} == {first, other}
    assert len(llm.prompts) == SEVERAL, "each is read once"
    assert all("how long does rolling take" in prompt for prompt in llm.prompts), "the whole question is asked of each"
    quoted = next(c for c in answer.citations if c.paragraph.number == other)
    assert quoted.quote in {"Rolling tea takes an hour.", "Fixing tea in the iron pan takes 6 minutes."}


def test_an_answer_outlives_a_model_that_fails_while_more_is_read(
    fixing: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, llm = small_engine(fixing, "Stated: Fixing takes 6 minutes.", logits=[4.0])
    whole, asked = llm.stream_chat, []

    def once(messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        asked.append(messages)
        if len(asked) > 1:
            raise ConnectionError("the model is down")
        return whole(messages, **kwargs)

    object.__setattr__(engine.generator.llm, "stream_chat", once)
    answer = engine.ask(TWO)
    assert len(asked) > 1, "it was asked for more"
    assert answer.statements
    assert not answer.fallback


def test_where_one_thing_is_asked_nothing_further_is_read(fixing: Index) -> None:
    engine, llm = small_engine(fixing, "Stated: It takes 6 minutes.", logits=[4.0])
    engine.ask("How long does fixing tea in the iron pan take?")
    assert len(llm.prompts) == 1


def test_what_is_compared_is_read_together_where_no_paragraph_states_it_alone(fixing: Index) -> None:
    question = "Is rolling longer than fixing tea in the iron pan?"
    denying, llm = small_engine(fixing, "Not stated.", logits=[-6.0])
    assert denying.ask(question).refused
    *alone, together = (prompt.rpartition("Excerpts:")[2] for prompt in llm.prompts)
    assert all(("6 minutes" in prompt) + ("an hour" in prompt) < 2 for prompt in alone)
    assert "6 minutes" in together
    assert "an hour" in together
    replies = [*["Not stated."] * len(alone), "Stated: Rolling takes an hour, fixing 6 minutes."]
    engine, _ = small_engine(fixing, *replies, logits=[*[-6.0] * len(alone), 6.0])
    answer = engine.ask(question)
    assert {1, 2} <= {c.paragraph.number for c in answer.citations}
    engine, llm = small_engine(fixing, "Not stated.", logits=[-6.0])
    engine.ask("Why does rolling tea take an hour?")
    assert len(llm.prompts) < len(replies), "nothing is compared"


def test_a_larger_model_has_seen_all_paragraphs_and_reads_no_further(fixing: Index) -> None:
    engine, llm = scripted_engine(fixing, "Stated: Fixing takes 6 minutes.")
    engine.ask(TWO)
    assert len(llm.prompts) == 1


COMPARED = [
    ("How do Hedda Varnell and Dou Minghe differ over tea?", "en", ("Hedda Varnell", "Dou Minghe")),
    ("How do Varnell and Professor Minghe disagree about it?", "en", ("Varnell",)),
    ("对“水闸”这种工具,哈弗卡特和林奎斯特教授的看法差在哪儿?", "zh", ("哈弗卡特", "林奎斯特教授的看法")),
    ("卵石线、奥斯卡网格和克维斯特的规矩有什么不一样?", "zh", ("卵石线", "奥斯卡网格", "克维斯特")),
    ("Who are Hedda Varnell and Dou Minghe?", "en", ()),
    ("第一种和第二种有什么不一样?", "zh", ()),
]


@pytest.mark.parametrize(("question", "language", "expected"), COMPARED)
def test_what_a_question_compares_is_told_by_the_words_around_its_and(
    question: str, language: Language, expected: tuple[str, ...]
) -> None:
    texts = [
        "Hedda Varnell met Dou Minghe. Varnell left.",
        "哈弗卡特说,林奎斯特教授的看法,奥斯卡网格",
        "卵石线",
        "克维斯特",
    ]
    assert things_compared(question, language, texts) == expected
