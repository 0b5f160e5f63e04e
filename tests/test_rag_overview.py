"""Questions about the whole article are recognised by what they do not ask, and are answered from its beginning."""

from __future__ import annotations

import pytest

from index.paragraphs import Paragraph
from rag.overview import asks_about_the_whole, leading


@pytest.mark.parametrize(
    "question",
    [
        "这篇文章讲了什么?",
        "文章的主要内容是什么?",
        "请用一句话概括本文",
        "这篇文章是关于什么的?",
        "总结一下",
        "這篇文章講了什麼?",
        "What is this article about?",
        "Summarize the text.",
        "What's the main point of this piece?",
        "tl;dr",
    ],
)
def test_a_question_without_a_word_of_its_own_is_about_the_whole(question: str) -> None:
    assert asks_about_the_whole(question)


@pytest.mark.parametrize(
    "question",
    ["TLDR", "What does it say?", "What do the authors say?", "What is the writer trying to say?",
     "Whats the article about", "Explain this article", "Describe the text in one sentence.", "Summarize in Chinese",
     "Explain the main idea in plain English", "Outline the article", "What are the main findings?",
     "What are the key results?", "What did the paper find?", "What are the highlights?", "Give me four key points",
     "这篇文章说的是什么", "作者想说的是什么?", "作者在文章里说了什么?", "简述文章内容", "文章内容", "内容简介", "帮我解读这篇文章",
     "分析一下这篇报道", "關鍵要點", "列出三个要点", "用英语概括", "十句话概括全文", "全文讲了哪几个问题", "这是一篇什么文章",
     "这是怎样的一篇报道?"],
)  # fmt: skip
def test_how_it_is_to_be_told_is_no_word_of_its_own(question: str) -> None:
    assert asks_about_the_whole(question)


@pytest.mark.parametrize(
    "question",
    ["What does it say about bees?", "What do the authors say about cost?", "What are the main findings on sleep?",
     "What are the highlights of the festival?", "What did the survey find?", "What does the article say about Chinese?",
     "Where can I find the article?", "Explain the risks", "Explain", "Describe the bridge", "Tell me about the author",
     "What's the second main point?", "第一个要点是什么?", "第十二个主题是什么?", "列出三个风险", "作者简介", "介绍一下文章的作者",
     "公司简介", "作者用英文写的吗?", "解读这项政策", "简述蜜蜂的生活", "关键技术是什么?", "这是一篇什么小说?", "什么是文章?"],
)  # fmt: skip
def test_a_word_of_its_own_beside_such_is_not(question: str) -> None:
    assert not asks_about_the_whole(question)


@pytest.mark.parametrize(
    "question",
    [
        "作者是谁?",
        "文章发表于何时?",
        "文章谈到采茶了吗?",
        "主要风险是什么?",
        "Who wrote this article?",
        "Where is the original article?",
        "What is the main risk?",
        "Summarise the part about bees.",
        "?",
    ],
)
def test_a_question_about_a_part_or_about_its_making_is_not(question: str) -> None:
    assert not asks_about_the_whole(question)


def test_the_summary_leads_where_it_is_in_the_readers_language() -> None:
    body = [Paragraph(n, "body", f"第{n}段。", f"Paragraph {n}.") for n in (1, 2, 3, 4)]
    summary = Paragraph(9, "summary", "导读。", None)
    assert [p.number for p in leading([*body, summary], "zh")] == [9, 1, 2]
    assert [p.number for p in leading([*body, summary], "en")] == [1, 2, 3]
