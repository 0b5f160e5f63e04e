"""What kind of answer is asked for, and whether a text has any."""

from __future__ import annotations

import pytest

from evals.gold import examine
from evals.pages import dev_pages, golds_of_page, page_of
from index.outline import Outline
from index.paragraphs import LANGUAGES, Paragraph, context_of
from index.source import ArticleReader
from rag.asked import asks_who_or_what, is_of_another_year, lacks_what_is_asked
from rag.parts import asks_for_several


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("When was Helvane Optics founded?", "Helvane Optics makes the masks of all three machines."),
        ("灯台 上线日期", "“灯台”是法院为没有律师的人开设的，每次大约花三美元。"),
        ("燈台是哪一年開放的？", "「燈台」是法院為沒有律師的人開設的。"),
        ("Nell Tarrow age", "The nozzle was designed by a boat electrician, Nell Tarrow, for 1,150 kessels."),
        ("费小楼多大年纪？", "这不是我想的，是复看员费小楼提的。"),
        ("照片试验做了几个月？", "拍照搜索：认包装还行，认香草就没用了。"),
        ("What percentage of departures left on time?", "The Estuary line rose from 830,000 to 1,360,000."),
        ("How many beds has the ward?", "The ward is on the ground floor, behind the chapel."),
        ("When did the nurse leave?", "The nurse, named after a saint, looks after the machines as before."),
        ("她是什么时候离开的？", "后面的人落后了，她的背后没有人。"),
        ("In which year was the reactor shut down?", "It was shut down right after the accident."),
        ("反应堆是哪一年停的？", "事故之后，反应堆就停了。"),
        (
            "How old is Nell Tarrow?",
            "In 2023 Nell Tarrow built 1,150 of them, and more in 2024.",
        ),
        ("内尔·塔罗多大年纪？", "2023 年，她修了九台。"),
        ("How long did the strike last?", "It went from bad to worse."),
    ],
)
def test_a_text_without_anything_of_the_kind_does_not_state_the_answer(question: str, text: str) -> None:
    assert lacks_what_is_asked(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("When was the lease signed?", "They signed it on a rainy Tuesday."),
        ("什么时候必须给人看？", "剂量小于一的，不管多清楚。"),
        ("When privileges are taken away, who does it?", "A councillor who holds the purse."),
        ("How old is the mill?", "Nobody has counted."),
        ("Who designed the nozzle?", "A boat electrician, Nell Tarrow."),
        ("How many were there?", "None was ever found."),
        ("占多少？", "只有一半。"),
        ("How long is the bridge?", "It has 55 km."),
        ("哪几个城市参加了？", "参加的有杭州、苏州和扬州。"),
        ("How long did the empire last?", "It lasted nearly three centuries."),
        ("他什么时候离开的？", "他昨天一早就离开了。"),
        ("When did the boats leave?", "They left harbour at dawn."),
        ("How old was she when she left?", "She was only nineteen."),
        ("What proportion of pupils walk?", "Most of them walk to school."),
        ("How many came?", "Several did."),
        ("占多少？", "全是女工。"),
        ("Is the manual out of date?", "The software has changed."),
        ("他是什么时候学会认字的？", "他五岁就能认字。"),
        ("When did he learn to read?", "He could read at the age of five."),
        ("When did he learn to read?", "He could read at five, and write at six."),
        ("When was the reactor shut down?", "It was shut down right after the accident."),
        ("反应堆是什么时候停的？", "核事故之后，反应堆就停了。"),
        ("她是什么时候改行的？", "毕业后她就改行了。"),
        ("When did she start playing the viola?", "She played it as a child."),
        ("她什么时候开始拉琴的？", "她从小就拉。"),
        ("When will the bridge reopen?", "As soon as the cables have been replaced."),
        ("When was the gate closed?", "They shut it once the last boat was in."),
        ("When did he move?", "It was long ago."),
        ("How old is Aldmoor?", "Aldmoor was founded in 1636."),
        ("How old is Quarry Hill?", "The first houses were built by 1850."),
        ("奥德穆尔大学有多大年纪？", "它创立于1636年。"),
        ("几岁？", "1990年出生。"),
        ("How old is humanity?", "It has been here for 300,000 years."),
        ("人类多大年纪了？", "有30万年了。"),
        ("How long has it existed?", "It has existed since 1990."),
        ("How long did the strike last?", "From first to last, 1911–14."),
        ("它存在多久了？", "从成立至今。"),
    ],
)
def test_what_may_be_such_an_answer_or_is_not_asked_for_is_let_through(question: str, text: str) -> None:
    assert not lacks_what_is_asked(question, text)


def test_a_text_is_of_another_year_where_it_names_none_of_the_questions() -> None:
    assert is_of_another_year("到2034年底一共有多少家订户？", "到2036年底，她有14,600家订户。")
    assert is_of_another_year("How many in 2034?", "It has many subscribers.")
    assert not is_of_another_year("How many in 2036?", "二〇三六年，她有14,600家订户。")
    assert not is_of_another_year("How many subscribers?", "By the end of 2036 she had 14,600.")
    assert not is_of_another_year("Who ruled in 1912?", "The war of 1910–1914 was theirs.")
    assert not is_of_another_year("1924 年是谁当家？", "1920年代一直是她。")
    assert not is_of_another_year("1934 年是谁当家？", "民國二十三年是她。")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What happened in the 1990s?", "In 1995 the plant closed."),
        ("1990年代发生了什么？", "1995年，工厂关闭。"),
        ("一九九〇年代发生了什么？", "1995年，工厂关闭。"),
        ("Which plants closed between 1990 and 2000?", "In 1995 the plant closed."),
        ("1990-2000年间关闭了哪家工厂？", "1995年，工厂关闭。"),
        ("1990年和2000年之间关了哪家？", "1995年，工厂关闭。"),
        ("What changed after 2010?", "In 2015 the mill was sold."),
        ("What has changed since the end of 2010?", "In 2015 the mill was sold."),
        ("2010年以后发生了什么？", "2015年，磨坊卖了。"),
        ("自2010年起有什么变化？", "2015年，磨坊卖了。"),
        ("What was there before 2010?", "A mill, built in 2008."),
        ("2010年3月之前那里是什么？", "2008年建的磨坊。"),
        ("What will be closed by 2030?", "The last kiln closes in 2028."),
        ("到2030年会关掉什么？", "最后一座窑2028年关。"),
        ("How many were lost before 2018?", "In January 2017 it lost 5,200."),
        ("Who ruled in the 1800s?", "From 1851 it was Ada Finch."),
        ("Which season was it, 2019–20?", "It opened in March 2020."),
        ("Why did it cost $2000?", "It cost $2,000 because of the gears."),
        ("Why did it cost € 2000?", "Gears are dear."),
        ("Why did 2000 workers strike?", "In 1931, 2,000 workers went on strike."),
        ("Who won the 1500 metres?", "The 1,500 metres went to Ada Finch in 1931."),
    ],
)
def test_a_year_within_those_of_the_question_or_a_mere_amount_is_no_other_year(question: str, text: str) -> None:
    assert not is_of_another_year(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What happened in the 1990s?", "In 1985 the plant closed, in 2000 it was sold."),
        ("1990年代发生了什么？", "1985年，工厂关闭。"),
        ("What changed after 2010?", "In 2008 the mill was sold."),
        ("2010年以后发生了什么？", "2008年，磨坊卖了。"),
        ("2010年前后发生了什么？", "2008年，磨坊卖了。"),
        ("What was there before 2010?", "In 2015 a mill was built."),
        ("Who came after her in 2010?", "In 2015 it was Ada Finch."),
        ("How many were there by 2030?", "By 2028 there were 40."),
        ("截至2030年有多少？", "2028年有40家。"),
        ("What was the loss in the winter of 2019 to 2020?", "It was 4% in 2018 to 2019, and 6% in 2020–21."),
        ("Who won in 2000?", "In 1996 Ada Finch won."),
        ("Who left in 2000?", "In 2015, 2,001 workers left."),
    ],
)
def test_a_year_outside_those_of_the_question_is_another(question: str, text: str) -> None:
    assert is_of_another_year(question, text)


@pytest.mark.parametrize("name", sorted(dev_pages()))
def test_what_states_an_answer_has_what_is_asked_for(name: str) -> None:
    """Of the dev pages' own gold: hardly a paragraph that answers lacks the kind that is asked for."""
    article = ArticleReader().read(page_of(name))
    by_number = {p.number: p for p in article.paragraphs}
    questions = [q for path in golds_of_page(name) for q in examine(path, article.paragraphs)[0] if q.answerable]
    lacking = [
        (question.id, language, number)
        for question in questions
        for language in LANGUAGES
        if not asks_for_several(question.asked[language], language)
        for number in question.gold
        if lacks_what_is_asked(question.asked[language], _read(by_number[number]))
    ]
    assert len(lacking) <= 1, lacking


def _read(paragraph: Paragraph) -> str:
    contexts = (context_of(paragraph, language) for language in LANGUAGES)
    return "\n".join([*(t for t in (paragraph.zh, paragraph.en) if t), *contexts])


@pytest.mark.parametrize(
    "question",
    [
        *("Who is Nell Tarrow?", "what's a short bench", "Define creep scale.", "Orla Finch who is that"),
        *(
            "explain who Nell Tarrow is",
            "Tell me about Project Lantern",
            "What does SLA stand for?",
            "What was Loam 1.5?",
        ),
        *("内尔·塔罗是谁？", "短席 是什么", "什么是短席", "介绍一下灯台", "云雀數據是做什麼的？", "《我们的河》是什么"),
        *("请解释一下“模糊税”", "PUE 什么意思", "“白日”到底指什么？", "Halden Yard 是个什么公司？"),
    ],
)
def test_who_asks_what_something_is_and_nothing_further_is_told(question: str) -> None:
    assert asks_who_or_what(question)


@pytest.mark.parametrize(
    "question",
    [
        *("Who is GitHub's COO?", "Who is the founder of Lintel?", "Who founded Lintel?"),
        *(
            "What is it?",
            "Who are you?",
            "What is the new model called?",
            "Who was mayor after Brandt?",
            "Heron 5 price",
        ),
        *("What is the difference between Heron 4 and Heron 5?", "What does the article say about Lintel?", "Explain"),
        *(
            "Lintel 的创始人是谁？",
            "你是谁",
            "灯台哪天上线？",
            "灯台为什么停了",
            "他先修的是什么，后修的是什么",
            "有没有人？是谁？",
        ),
    ],
)
def test_who_asks_for_an_attribute_is_not_taken_to_ask_what_something_is(question: str) -> None:
    assert not asks_who_or_what(question)


def test_a_translators_note_is_told_from_the_text_and_an_editors_summary_is_none() -> None:
    paragraphs = [
        Paragraph(1, "summary", "编者按：本文讲的是法院。", None),
        Paragraph(2, "body", "短席由一名法官主持。", "A short bench has a single judge."),
        Paragraph(3, "body", "译注：short bench 直译是“短凳”。", None),
        Paragraph(4, "body", None, "[Translator's note: the word means a halted bud.]"),
        Paragraph(5, "body", "译者是谁没有人知道。", "Nobody knows who the translator was."),
        Paragraph(6, "body", "图纸先比对版式。", "[Translator's note: the word for it is the team's own.]"),
    ]
    assert Outline(paragraphs).notes == {3, 4}
