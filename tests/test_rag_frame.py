"""What is looked for: the question without the words that only say where its answer stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.frame import sought
from tests.rag_support import make_index, scripted_engine


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What harms does the article list for tea?", "What harms for tea?"),
        ("According to the authors, how long is tea dried?", "how long is tea dried?"),
        ("How long is tea dried, according to this report?", "How long is tea dried?"),
        ("In the article, who dries tea longest?", "who dries tea longest?"),
        ("What do the authors recommend for drying tea?", "What recommend for drying tea?"),
        ("What would the authors have the farmers pick?", "What have the farmers pick?"),
        ("What does water amplification mean?", "what is water amplification?"),
        ("文章里提到的三个阶段是哪些?", "三个阶段是哪些?"),
        ("作者建议怎么晒茶叶?", "建议怎么晒茶叶?"),
        ("为什么作者认为茶叶要晒?", "为什么认为茶叶要晒?"),
        ("阿姆达尔定律在文中是怎么用的?", "阿姆达尔定律是怎么用的?"),
        ("文章引用爱迪生想说明什么?", "引用爱迪生想说明什么?"),
        ("文中的阿姆达尔定律是什么意思?", "阿姆达尔定律是什么?"),
        ("根據本文,綠茶要曬多久?", "绿茶要晒多久?"),
    ],
)
def test_the_frame_is_not_looked_for(question: str, expected: str) -> None:
    assert sought(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "How long is tea dried?",
        "Who wrote the article?",
        "Who are the authors of this article?",
        "What do the authors recommend?",
        "What does METR mean?",
        "How is the story of tea told in China?",
        "这篇文章的作者是谁?",
        "文章的标题是什么?",
        "谁翻译了这篇文章?",
        "这意味着什么?",
        "日本文化如何影响茶道?",
        "基本文件存在哪里?",
        "人文中心在哪里?",
        "英文中茶叶叫什么?",
        "论文中提到的茶叶有几种?",
        "原文和译文有什么不同?",
        "按文章字数计算,要写多久?",
        "晒茶叶的时候要注意什么?",
        "这句话的用意是什么?",
        "老师同意什么条件?",
        "合作者认为茶叶要晒多久?",
        "写这篇文章,背后是谁出的钱?",
        "How many people worked in the paper mills?",
        "According to the article's authors, how long is tea dried?",
        "How was the harbour damaged in the report of 1921?",
        "Who bought the paper made in Hangzhou?",
        "綠茶要曬多久?",
    ],
)
def test_a_question_without_one_or_about_the_article_itself_stays_as_it_is(question: str) -> None:
    assert sought(question) == question


def test_an_article_is_not_found_for_being_called_one(tmp_path: Path) -> None:
    pairs = [
        {"en": "The authors of this article list their friends and thank them.", "zh": "作者感谢朋友。"},
        {"en": "Damp harms dried leaves, and so does light.", "zh": "潮湿和光伤茶叶。"},
        {"en": "Green tea is not fermented.", "zh": "绿茶不发酵。"},
    ]
    engine, llm = scripted_engine(make_index(tmp_path, pairs), "Stated: Damp.")
    found = engine.find("What harms to dried leaves does the article list?")
    assert found.ranking.retrieved[0].paragraph.number == 2
    engine.ask("What harms to dried leaves does the article list?")
    assert "does the article list?" in llm.prompts[0], "the generator is asked what the reader asked"
