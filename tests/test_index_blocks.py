"""Lines of a page as blocks: their language, and what they look like."""

from __future__ import annotations

import pytest

from index.blocks import (
    Block,
    footnote_label,
    is_date,
    language_of_line,
    read_blocks,
    says_who_is_quoted,
    split_inline,
    tokens_shared_by_translations,
)


def block(text: str) -> Block:
    return read_blocks(text)[0]


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("茶叶在唐代传遍全国。", "zh"),
        ("Tea spread through the country.", "en"),
        ("The word 茶 is read cha in most places and te in some others, says the dictionary.", "en"),
        ("在 CORE-Bench、SWE-bench、METR 与 Claude Opus 的测试中，成绩都在上升。", "zh"),
        ("聊天机器人 · Chatbots", "both"),
        ("Footnotes | 脚注", "both"),
        ("2021–2023", None),
        ("———", None),
        ("53%", None),
    ],
)
def test_a_line_is_in_the_language_most_of_its_words_are_in(line: str, language: str | None) -> None:
    assert language_of_line(line) == language


def test_a_heading_in_both_languages_is_split_whichever_comes_first() -> None:
    assert split_inline("聊天机器人 · Chatbots") == ("聊天机器人", "Chatbots")
    assert split_inline("Chatbots / 聊天机器人") == ("聊天机器人", "Chatbots")


@pytest.mark.parametrize(
    "line",
    [
        "导读 · 内容摘要",
        "原文:The Institute · example.org/institute/page",
        "茶，以及它的历史。" * 20 + " · Tea",
        "甲 · A · 乙",
    ],
)
def test_a_separator_alone_does_not_make_a_line_bilingual(line: str) -> None:
    assert split_inline(line) is None


@pytest.mark.parametrize(
    "text",
    [
        "2021–2023",
        "2021-2023",
        "2024年3月",
        "2024 年 3 月 — 2025 年",
        "20XX?",
        "当下 · TODAY",
        "现在",
        "2023至今",
        "1998 – now",
        "1492",
        "1492–1504",
        "1776 年 7 月",
        "17XX?",
    ],
)
def test_a_line_that_is_only_a_period_is_a_date(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text", ["2021 年发生了很多事", "In 2024", "53", "", "1,024", "2024 Chatbots", "1234.5", "14920", "0992"]
)
def test_a_line_that_says_more_or_no_period_is_no_date(text: str) -> None:
    assert not is_date(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [("1. METR", "1"), ("[12] 见下", "12"), ("（3）参见", "3"), ("注 4：参见", "4"), ("7、幅度", "7")],
)
def test_a_footnote_label_is_read_in_every_printed_form(text: str, label: str) -> None:
    found = footnote_label(text)
    assert found is not None
    assert found[0] == label
    assert text.endswith(found[1])


def test_a_number_inside_a_sentence_is_no_footnote_label() -> None:
    assert footnote_label("2026 年第二季度增长了") is None
    assert footnote_label("共有 3 项") is None


@pytest.mark.parametrize(
    "text",
    [
        "微信扫码",
        "添加专属顾问",
        "回到顶部",
        "加载中...",
        "发布日期:2026-06-05 20:09:00 浏览次数: 1518",
        "186 6662 7370",
        "+86 185-8882-0121",
        "报名腾讯会议了解详情",
        "免费POC, 零成本试错",
        "Privacy Policy",
        "All rights reserved 2024",
        "Subscribe",
        "3 min read",
        "Related Articles",
        "登录 | 注册",
        "点赞 128  收藏 12",
        "微信搜一搜,关注“某某研究院”",
        "长按识别二维码，关注我们的公众号。",
        "© 2024 Example Press",
    ],
)
def test_advertisements_counters_phones_and_navigation_are_furniture(text: str) -> None:
    assert block(text).is_furniture


@pytest.mark.parametrize(
    "text",
    [
        "茶叶的登录地点在广州，" * 12,
        "公司用它回答客服问题，节省了一半成本。",
        "研究者开始关注「递归式自我改进」。",
        "广告的未来",
        "二维码支付改变了什么？",
        "模型的发布时间比预期早了半年。",
        "Copyright law after the machines",
        "They searched the home of the menu makers for the recipe.",
        "2021–2023",
        "In 1848 a botanist shared what he had found.",
        "The share of tea sold abroad fell.",
        "2,750,000",
    ],
)
def test_prose_that_uses_such_words_is_not_furniture(text: str) -> None:
    assert not block(text).is_furniture


@pytest.mark.parametrize(
    "line",
    ["——沃伦·巴菲特", "— Warren Buffett, 1986", "–– Lin Wan", "–Lin Wan", "-- Lin Wan", "――《论语》", "—“Red” Finch"],
)
def test_a_line_that_a_dash_opens_says_who_is_quoted(line: str) -> None:
    assert says_who_is_quoted(line)


@pytest.mark.parametrize(
    "line",
    ["——第二天——", "— The Next Day —", "- Lin Wan", "–5°C at night", "--verbose", "窑——一段历史", "———", "2021—2023"],
)
def test_a_line_that_dashes_stand_around_or_within_or_an_item_says_nobody_is_quoted(line: str) -> None:
    assert not says_who_is_quoted(line)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("——林晚\n– Lin Wan", ["——林晚", "– Lin Wan"]),
        ("– Lin Wan\n雨停了。\n——林晚", ["– Lin Wan", "雨停了。", "——林晚"]),
        ("——林晚\n– a loaf\n– a roll", ["——林晚", "a loaf", "a roll"]),
        ("— Lin Wan\n– a loaf", ["— Lin Wan", "a loaf"]),
    ],
)
def test_a_dash_that_might_be_a_lists_stays_where_a_longer_one_is_in_the_other_language(
    text: str, lines: list[str]
) -> None:
    assert [own.text for own in read_blocks(text)] == lines


def test_blocks_remember_their_line_in_the_file_and_blank_lines_are_none() -> None:
    blocks = read_blocks("\n\n甲\n \t\nThe first\r\n\u3000\n乙")
    assert [(b.position, b.line, b.text) for b in blocks] == [(0, 3, "甲"), (1, 5, "The first"), (2, 7, "乙")]


def test_a_translation_shares_numbers_without_commas_and_names_without_case() -> None:
    zh, en = (
        tokens_shared_by_translations("METR 测得 1,200 次"),
        tokens_shared_by_translations("metr measured 1200 runs"),
    )
    assert zh == {"1200", "metr"}
    assert "1200" in en
