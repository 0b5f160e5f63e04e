"""Quantities: what is the same value however it is written, and what is no value at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.numbers import amounts, figures, months, quantities, years


def plain(value: int | Fraction) -> tuple[str, Fraction]:
    return ("", Fraction(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("一万多个漏洞", "more than ten thousand vulnerabilities"),
        ("约三分之一的缺陷", "roughly a third of the bugs"),
        ("百分之五", "5 percent"),
        ("1.8 万美元", "$18,000"),
        ("2.75 亿次", "275 million"),
        ("十五个月", "fifteen months"),
        ("四到八小时", "4 to 8 hours"),
        ("第二季度", "the second quarter"),
        ("2026 年 Q2", "the second quarter of 2026"),
        ("2026 年 3 月", "March 2026"),
        ("八倍", "8×"),
        ("二〇二六年", "2026"),
        ("三点五倍", "3.5x"),
        ("120万", "1.2 million"),
        ("50 个百分点", "50 percentage points"),
        ("翻一番 两倍", "twice"),
        ("１２ 小时", "12 hours"),
    ],
)
def test_the_same_quantity_is_the_same_value_in_either_language(one: str, other: str) -> None:
    assert quantities(one) & quantities(other)
    assert not quantities(one) - quantities(other)


@pytest.mark.parametrize("text", ["一旦如此", "one of them", "一个人", "千万别忘", "Opus", "H100x", "百姓"])
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert quantities(text) <= {plain(100_000_00)}
    assert plain(1) not in quantities(text)


def test_figures_are_what_is_written_in_digits() -> None:
    text = "In May, 4,200 of twelve thousand came; 百分之五, 26%, Q2, every second one."
    assert figures(text) == {("", Fraction(4200)), ("%", Fraction(26))}
    assert figures(text) < quantities(text)


@pytest.mark.parametrize(
    ("text", "of_years", "of_months", "of_amounts"),
    [
        ("On 16 November 2020 it lost 310, worth 0.6%.", {2020}, {11}, {("", 310), ("%", Fraction(6, 10))}),
        ("2023 年有 13 件，2025年9月3日是21件；", {2023, 2025}, {9}, {("", 13), ("", 21)}),
        ("2021–2023 年共 2016 人", {2021, 2023}, set(), {("", 2016)}),
        ("2,016 people, from 2009 to 2013", {2009, 2013}, set(), {("", 2016)}),
        ("In May 2020, on 3 May or on March 5, it may end.", {2020}, {3, 5}, set()),
        ("上月 12 点的月亮", set(), set(), {("", 12)}),
    ],
)
def test_dates_are_told_from_amounts(
    text: str, of_years: set[int], of_months: set[int], of_amounts: set[tuple[str, int]]
) -> None:
    assert (years(text), months(text), amounts(text)) == (of_years, of_months, of_amounts)


def test_a_percentage_is_not_the_plain_number() -> None:
    assert quantities("8%") != quantities("8 times")


def test_a_part_of_a_number_is_not_a_number() -> None:
    assert plain(70) not in quantities("170 people")
    assert plain(4) not in quantities("Opus 4.6")
    assert plain(Fraction("4.6")) in quantities("Opus 4.6")


@given(st.integers(min_value=2, max_value=10**12))
def test_separators_never_change_a_value(value: int) -> None:
    assert quantities(f"{value:,} items") == quantities(f"{value} items") == {plain(value)}


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert all(tag in ("", "%") for tag, _ in quantities(text))
