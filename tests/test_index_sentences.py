"""Sentences: exact spans over Chinese, English and lines that mix them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import split_sentences, without_notes
from index.source import BUNDLED_ARTICLE, ArticleReader

# What a span may leave out: white space, ornaments, and list labels at the start of a line.
_LEFT_OUT = re.compile(r"\s|[▲△▼◆●•·■□※*-]")
_LABEL = re.compile(r"^\s*[▲△▼◆●•·■□※*-]?\s*\d{1,3}\.\s", re.MULTILINE)
_ALPHABET = st.sampled_from("。！？；….!?;,，、:“”「」『』\"'()（）《》 \n\tAaBb甲乙丙019▲•*-.３．〉")
_WORDS = st.sampled_from(
    ["他说", "AI ", "Q2 2026", "8.0×", "claude.ai", "2.3.5", "e.g. ", "Dr. ", "「好」", "“Yes.” ", "。", "！", ". ", "? ", "……",
     "…", "; ", "；", "\n", "3. ", "▲ ", "1,000", "（见下）", "《系统卡》", "U.S. ", "word ", "Then "]
)  # fmt: skip
_TEXTS = st.one_of(st.text(_ALPHABET, max_size=60), st.lists(_WORDS, max_size=15).map("".join), st.text(max_size=40))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(_TEXTS)
def test_spans_are_ordered_disjoint_and_without_outer_white_space(text: str) -> None:
    last = 0
    for start, end in split_sentences(text):
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        last = end


@given(_TEXTS)
def test_nothing_is_left_out_but_white_space_ornaments_and_list_labels(text: str) -> None:
    spans = split_sentences(text)
    if not spans:
        assert not any(ch.isalnum() for ch in _LABEL.sub("", text))
        return
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        assert not _LEFT_OUT.sub("", _LABEL.sub("", text[start:end])), (text[start:end], spans)


@given(_TEXTS)
def test_every_sentence_says_something(text: str) -> None:
    assert all(any(ch.isalnum() for ch in sentence) for sentence in sentences(text))


def test_who_said_it_belongs_to_what_was_said() -> None:
    assert sentences("“不必了。”总工程师沈亦然说。他走了。") == ["“不必了。”总工程师沈亦然说。", "他走了。"]
    assert sentences("“不必了。”他知道。") == ["“不必了。”", "他知道。"]
    assert sentences("“不必了。”沈亦然说,水是凉的。") == ["“不必了。”", "沈亦然说,水是凉的。"]


@given(st.lists(st.sampled_from(["甲说了一句。", "乙问为什么？", "真好！", "结束了……"]), min_size=1, max_size=6))
def test_chinese_sentences_joined_come_apart_again(parts: list[str]) -> None:
    assert sentences("".join(parts)) == parts


@pytest.mark.parametrize(
    "whole",
    [
        "Revenue in Q2 2026 rose to 8.0× the average.",
        "2026 年 Q2 达到 8.0×。",
        "It is on claude.ai today.",
        "See section 2.3.5 of the card.",
        "可参见《系统卡》第 2.3.5 节。",
        "The rate was 0.5 percent, then 1,000.25 in all.",
        "Dr. Smith met Mr. Jones in the U.S. office.",
        "Some tools, e.g. Claude, and others, i.e. scripts, help.",
        "J. Clark and M. Favaro wrote it.",
        "他问：「为什么？」然后走了。",
        "The “virtual lab” grows; we watch it.",
        "比如「导出按钮坏了，请修一下」之类的任务。",
        '"Why?" he asked.',
        "增长了２．５倍。",
        "See No. 5 and Fig. 2 below.",
        "It costs $3.50 vs. $4.00 now.",
        "J.K. Rowling met C. Clark of the L.A. Times in the U.S.A. Today office of A.I. Systems.",
        "See p. 12, ch. 3, Art. 5, Sec. 230 and Roe v. Wade, c. 1850, with max. 10 items, on Mt. Fuji.",
        "他说：“我不知道……”，然后走了。",
        "我们考虑苹果、梨、……，等等，都不错。",
        "优点：1.便宜，2.好用、3.耐用。",
        "Steps are: 1. Collect data, 2. Train, 3. Evaluate.",
        "Acme Corp. Chairman Lin met Foundry Co. Ltd. at 5 p.m. Eastern Time.",
        "Pears, plums, etc. are sold by Lin Sr. and Finch Jr. here.",
        "Dr. The, Gen. For and St. In met e.g. The Who.",
        "A paper by J. He Zhang and Lin J. She Wu came out.",
        "Choose one: A. The kiln; B. It burns, or (C. This).",
        "Lin, J. The kiln was hers.",
        "It is approx. iPhone size vs. eBay size.",
        "They use… iron, e.g. macOS tools.",
        "“Why?” asked the iPhone owner.",
    ],
)
def test_this_is_one_sentence(whole: str) -> None:
    assert sentences(whole) == [whole]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("他说：「好的。」她走了。", ["他说：「好的。」", "她走了。"]),
        ("第一句。第二句！第三句？第四句；第五句", ["第一句。", "第二句！", "第三句？", "第四句；", "第五句"]),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ("The answer is no. Then he left.", ["The answer is no.", "Then he left."]),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It ended in 2026. 2027 was quiet.", ["It ended in 2026.", "2027 was quiet."]),
        ("甲……乙说。", ["甲……", "乙说。"]),
        ("等等……”他走了。", ["等等……”", "他走了。"]),
        ("我们用 Claude.它很好。", ["我们用 Claude.", "它很好。"]),
        ("第一行\n第二行", ["第一行", "第二行"]),
        ("真的？！是的。", ["真的？！", "是的。"]),
        ("茶价涨了。[2] 她不卖。", ["茶价涨了。[2]", "她不卖。"]),
        ("茶价涨了。”[2]［3］她不卖。", ["茶价涨了。”[2]［3］", "她不卖。"]),
        ("茶价涨了。〔2〕她不卖。", ["茶价涨了。〔2〕", "她不卖。"]),
        (
            "It rose.¹² She sold. It fell.[2-3, 5] She bought.",
            ["It rose.¹²", "She sold.", "It fell.[2-3, 5]", "She bought."],
        ),
        ("有两条规矩。【1】火不能断。", ["有两条规矩。", "【1】火不能断。"]),  # mostly a label
        ("It rose.[1] She sold. It fell.[2][3]", ["It rose.[1]", "She sold.", "It fell.[2][3]"]),
        ("“It rose.”[1] She sold.", ["“It rose.”[1]", "She sold."]),
        ("It rose. [Sic] She sold.", ["It rose.", "[Sic] She sold."]),
        ("甲「乙『丙。』丁。」戊。", ["甲「乙『丙。』", "丁。」", "戊。"]),
        ('他笑了。"太好了。"她答道。"走吧？"他问。', ["他笑了。", '"太好了。"她答道。', '"走吧？"他问。']),
        ('真的？"不知道。"\n"走。"他走了。', ["真的？", '"不知道。"', '"走。"', "他走了。"]),
        ("One.\u00a0Two?\u00a0“Three.”\u00a0Four.", ["One.", "Two?", "“Three.”", "Four."]),
        ("She loves art. 5 years are the max. Then", ["She loves art.", "5 years are the max.", "Then"]),
        (
            "It is made in the U.S. The rest is A.I. He left.",
            ["It is made in the U.S.", "The rest is A.I.", "He left."],
        ),
        ("They are 1, 2. Then he left.", ["They are 1, 2.", "Then he left."]),
        (
            "They sell apples, pears, etc. The shop opened in 1999.",
            ["They sell apples, pears, etc.", "The shop opened in 1999."],
        ),
        (
            "We left at 5 p.m. The bus came at 6 a.m. And it was cold.",
            ["We left at 5 p.m.", "The bus came at 6 a.m.", "And it was cold."],
        ),
        (
            "It is of Acme Corp. The firm bought Foundry Co. It owns Kiln Ltd. But not Kiln Inc. If it can, it will.",
            [
                "It is of Acme Corp.",
                "The firm bought Foundry Co.",
                "It owns Kiln Ltd.",
                "But not Kiln Inc.",
                "If it can, it will.",
            ],
        ),
        (
            "So said Lin Jr. He has a Ph.D. She has none.",
            ["So said Lin Jr.", "He has a Ph.D.", "She has none."],
        ),
        ("It was World War I. The war ended.", ["It was World War I.", "The war ended."]),
        (
            "He lacks vitamin C. It helps.\nIn hall A. When?",
            ["He lacks vitamin C.", "It helps.", "In hall A.", "When?"],
        ),
        (
            "iPhone sales rose. iPad sales fell! eBay closed? “So.” macOS is left… tvOS is not.",
            ["iPhone sales rose.", "iPad sales fell!", "eBay closed?", "“So.”", "macOS is left…", "tvOS is not."],
        ),
    ],
)
def test_sentences_end_here(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("茶价涨了。[2]", "茶价涨了。"),
        ("“It rose.”[1][12] ", "“It rose.”"),
        ("It rose.¹", "It rose."),
        ("The garden has 5 km²", "The garden has 5 km²"),
        ("茶园有 5 km²[2]种", "茶园有 5 km²[2]种"),
        ("It rose in [2]", "It rose in [2]"),
    ],
)
def test_notes_stand_behind_an_end_and_an_exponent_is_none(text: str, without: str) -> None:
    assert without_notes(text) == without


def test_a_caption_ornament_and_a_footnote_label_are_not_part_of_the_sentence() -> None:
    assert sentences("▲ 各季度的代码量。\nCode by quarter.") == ["各季度的代码量。", "Code by quarter."]
    assert sentences("3. METR's measure is new. It works.") == ["METR's measure is new.", "It works."]


def test_a_number_that_begins_a_sentence_stays_in_it() -> None:
    assert sentences("2026 年增长了 8 倍。") == ["2026 年增长了 8 倍。"]


def test_an_empty_text_and_mere_marks_have_no_sentences() -> None:
    assert sentences("") == sentences(" \n ") == sentences("。。！") == []


def test_no_sentence_of_the_bundled_article_is_a_torn_piece() -> None:
    article = ArticleReader().read(BUNDLED_ARTICLE)
    for paragraph in article.paragraphs:
        for language in paragraph.languages:
            for sentence in sentences(paragraph.text(language) or ""):
                assert sentence[0] not in "。！？；，,.!?;”」』）)", (paragraph.number, sentence)
                assert len(sentence) > 3, (paragraph.number, sentence)


def test_a_minus_at_a_lines_start_is_no_bullet() -> None:
    text = "-5°C was the lowest.\n- Five nights were colder."
    assert [text[start:end] for start, end in split_sentences(text)] == [
        "-5°C was the lowest.",
        "Five nights were colder.",
    ]


def test_the_number_of_an_item_within_a_line_is_no_sentence() -> None:
    text = "1. Look at the sky. 2. Look at the oven. It was 2020. Nobody read no. 7. We did."
    assert [text[start:end] for start, end in split_sentences(text)] == [
        "Look at the sky.",
        "2. Look at the oven.",
        "It was 2020.",
        "Nobody read no. 7.",
        "We did.",
    ]
