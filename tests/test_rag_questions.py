"""What a question asks, whatever it is about: its language, its frame, its parts, and the labels of what is replied."""

from __future__ import annotations

import pytest

from index.keywords import tokenize
from index.paragraphs import Language, Paragraph
from index.sentences import split_sentences
from rag.answer import Answer, Citation, Statement
from rag.compose import split_statements
from rag.frame import sought
from rag.language import language_of_question
from rag.lists import may_ask_for_list
from rag.overview import asks_about_the_whole
from rag.parts import parts


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("文中 human in the loop 和 human on the loop 有什么区别?", "zh"),
        ("The Art of War 是谁写的?", "zh"),
        ("“To be or not to be” 出自哪里?", "zh"),
        ("AI as a service 是什麼?", "zh"),
        ("What does 阿姆达尔定律 mean?", "en"),
        ("Who wrote 红楼梦?", "en"),
        ("What does the phrase “当人工智能开始自我构建的时候会发生什么” mean?", "en"),
        ("《战争与和平》", "zh"),
        ("METR 的方法", "zh"),
        ("2026?", "en"),
        ("When AI builds itself 的主要观点", "zh"),
        ("Why We Sleep 的核心观点", "zh"),
        ("WHO 建议每天吃几克盐?", "zh"),
        ("What is 哪吒 about?", "en"),
        ("How does METR 的测试 work?", "en"),
    ],
)
def test_a_question_is_in_the_language_that_asks(question: str, language: Language) -> None:
    assert language_of_question(question) == language


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("根据文章内容,为什么价格上涨?", "为什么价格上涨?"),
        ("请根据文章内容,说明价格为什么上涨", "请说明价格为什么上涨"),
        ("根据文章描述,价格为什么上涨?", "价格为什么上涨?"),
        ("在作者看来,价格为什么上涨?", "价格为什么上涨?"),
        ("请问文中提到的三个原因是什么?", "三个原因是什么?"),
        ("据作者说,价格为什么上涨?", "据作者说,价格为什么上涨?"),
        ("《国富论》的作者认为价格由什么决定?", "《国富论》的作者认为价格由什么决定?"),
        ("文章的主要内容是什么?", "文章的主要内容是什么?"),
        ("Based on the article, why did prices rise?", "why did prices rise?"),
        ("According to the passage, who won the race?", "who won the race?"),
        ("In the author's opinion, why did prices rise?", "why did prices rise?"),
        ("What does the writer mean by soft power?", "what is soft power?"),
        ("WHO WON THE RACE?", "who won the race?"),
    ],
)
def test_what_says_where_the_answer_stands_is_not_looked_for(question: str, left: str) -> None:
    assert sought(question) == left


@pytest.mark.parametrize(
    "question",
    ["文章说了什么?", "这篇文章写了什么?", "文章讨论了什么问题?", "用三句话总结文章", "用英文总结这篇文章", "介绍一下这篇文章",
     "给我讲讲这篇文章", "列出文章的要点", "用100字概括文章", "总结全文,100字以内", "What is this about?", "Sum it up",
     "Can you sum up the article?", "List the main points", "What's it all about?",
     "What is this passage about?", "What does this article talk about?", "Summarize this article in 3 sentences"],
)  # fmt: skip
def test_what_asks_about_the_whole(question: str) -> None:
    assert asks_about_the_whole(question)


@pytest.mark.parametrize(
    "question",
    [
        "What did he argue?",
        "他讲了什么?",
        "谁总结的?",
        "What does the article say about A.I.?",
        "文章讨论了哪些风险?",
        "What about it?",
        "What is the sum?",
        "列出风险",
        "Sum up the risks",
        "What is this figure about?",
    ],
)
def test_what_asks_about_something(question: str) -> None:
    assert not asks_about_the_whole(question)


@pytest.mark.parametrize(
    ("question", "language", "number"),
    [
        ("Since AI is improving fast, what should workers do?", "en", 1),
        ("When the price rises, what happens to demand?", "en", 1),
        ("If prices are high, why do people buy?", "en", 1),
        ("几十年来一直增长,为什么?", "zh", 1),
        ("不管价格多高,人们为什么还买?", "zh", 1),
        ("When was it built, and when might it close?", "en", 2),
        ("Say that it fails: do people leave, and why?", "en", 2),
        ("桥有多长?它是谁修的?", "zh", 2),
    ],
)
def test_a_condition_is_no_part_of_its_own(question: str, language: Language, number: int) -> None:
    assert len(parts(question, language)) == number


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A.I.的监管", ["ai", "监管"]),
        ("the U.S. and U.K., e.g. Łódź", ["us", "uk", "lodz"]),
        ("Müller and O'Neill's models", ["muller", "oneil", "model"]),
        ("2023，2024", ["2023", "2024"]),
        ("1,000,000 of 2.1.3", ["1000000", "2.1.3"]),
    ],
)
def test_words_are_the_same_however_they_are_typed(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("written", "statements"),
    [
        ("The model is GPT-4.5. It is fast.", ["The model is GPT-4.5.", "It is fast."]),
        ("It began at 10:30. Then it rained.", ["It began at 10:30.", "Then it rained."]),
        ("As shown (see Fig. 3) the cost fell.", ["As shown (see Fig. 3) the cost fell."]),
        ("Two reasons: 1. Cost. 2. Speed.", ["Two reasons: Cost.", "Speed."]),
    ],
)
def test_a_number_of_the_text_is_no_label_of_a_list(written: str, statements: list[str]) -> None:
    assert split_statements(written) == statements


def test_the_number_of_an_item_stays_with_it() -> None:
    text = "原因有三：1.成本高。2.效率低。3.人手少。在 10:30. 然后"
    assert [text[a:b] for a, b in split_sentences(text)][:3] == ["原因有三：1.成本高。", "2.效率低。", "3.人手少。"]


@pytest.mark.parametrize(
    "question", ["三个阶段是什么?", "四大原则是什么?", "Describe the three scenarios.", "What are its three stages?"]
)
def test_what_may_ask_for_a_list(question: str) -> None:
    assert may_ask_for_list(Answer(question, language_of_question(question), False, (), (), (), 0.9, "local", "m"))


def test_a_sentence_that_ends_within_quotation_marks_needs_no_pause() -> None:
    cited = Citation(Paragraph(7, "body", "他说：“涨。”她不信，完了。", None), "zh", 0, 7)
    statements = tuple(Statement(text, (0,), "supported") for text in ("他说：“涨。”", "她不信", "完了。"))
    answer = Answer("?", "zh", False, statements, (cited,), (), 0.9, "local", "m")
    assert answer.text == "他说：“涨。”[¶7]她不信[¶7]；完了[¶7]。"
