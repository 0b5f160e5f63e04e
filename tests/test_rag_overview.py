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
