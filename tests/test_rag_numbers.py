"""Quantities: what is the same value however it is written, and what is no value at all."""

from __future__ import annotations

from fractions import Fraction
from types import EllipsisType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.numbers import Period, amounts, counts, figures, months, periods, quantities, years


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
        ("八成", "80%"),
        ("3万5千人", "35,000 people"),
        ("一万二", "12,000"),
        ("两千五", "2,500"),
        ("一百零五", "105"),
        ("1亿2千万", "120 million"),
        ("七八个", "7 or 8"),
        ("一半", "0.5"),
        ("一年半", "1.5 years"),
        ("两个半小时", "two and a half hours"),
        ("影片长一个半小时。", "The film is an hour and a half long."),
        ("影片长一个半小时。", "影片长1.5小时。"),
        ("等了三个半月", "they waited three months and a half, 3.5 in all"),
        ("2个半星期", "2 weeks and a half"),
        ("慢一秒半", "a second and a half slower"),
        ("这一年半", "the year and a half"),
        ("一共两个半。", "2.5 in all"),
        ("150万", "a million and a half"),
        ("18 件", "a dozen and a half"),
        ("半小时", "half an hour"),
        ("半个小时", "a half-hour show"),
        ("半分钟", "half a minute"),
        ("1000万美元的奖金", "a 10-million-dollar prize"),
        ("50亿年", "a 5-billion-year-old star"),
        ("21世纪", "the twenty-first century"),
        ("第四十五届", "the forty-fifth time"),
        ("二十三日", "the twenty-third"),
        ("20秒", "a twenty-second pause"),
        ("三分之二", "two-thirds"),
        ("五十万", "half a million"),
        ("十二个百分点", "12%"),
        ("十倍", "tenfold"),
        ("3.5 厘米", "3½ cm"),
        ("50 亿美元", "$5B"),
        ("70亿", "7B"),
        ("20 万", "200k"),
        ("1%", "one percent 1 percent"),
        ("2024年1月", "January 2024"),
        ("100 米", "100 m"),
        ("三点", "3 p.m."),
        ("图 4，2025 年", "figure 4, 2025"),
        ("5~10万人", "50,000 to 100,000 people"),
        ("三到五亿", "300–500 million"),
        ("百分之五到十", "5-10%"),
        ("百分之五到百分之十", "between 5% and 10%"),
        ("3到5个百分点", "3 to 5 percent"),
        ("5% to 10%", "between 5 and 10 percent"),
        ("5% to 10%", "between five and ten percent"),
        ("91 万降到 87 万", "0.91 to 0.87 million"),
        ("2015 470 million", "rose since 2015 to 470 million"),
        ("20多亿", "2 billion"),
        ("一千多万", "10 million"),
        ("百分之三點五", "3.5%"),
        ("5個百分點", "5 percentage points"),
        ("从3到5%", "3–5%"),
        ("三亿五千万", "350 million"),
        ("一万亿", "1 trillion"),
        ("1250万美元", "$12.5m"),
        ("二百五十万", "two and a half million"),
        ("7 8", "seven and eight"),
        ("102,000", "one hundred and two thousand"),
        ("20 至 30 亿美元", "$2bn–3bn"),
    ],
)
def test_the_same_quantity_is_the_same_value_in_either_language(one: str, other: str) -> None:
    assert quantities(one) & quantities(other)
    assert not quantities(one) - quantities(other)


@pytest.mark.parametrize(
    "text",
    ["一旦如此", "one of them", "一个人", "千万别忘", "Opus", "H100x", "百姓", "十分重要", "万一", "四川", "三三两两", "may rise", "大半年",
     "I'm a teacher", "M&A", "成为", "march on", "x²", "一个半成品", "一个半月形", "a sister and a half brother", "an hour and a half-eaten pie"],
)  # fmt: skip
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert not quantities(text)


def test_a_day_a_month_and_a_percentage_of_one_are_quantities() -> None:
    assert quantities("5月1日") == {plain(5), plain(1)}
    assert quantities("1% in January") == {("%", Fraction(1)), plain(1)}
    assert quantities("Rents fell in May 2021") == {plain(5), plain(2021)}


def test_the_first_of_several_phases_is_a_number() -> None:
    assert quantities("一期") == quantities("1期工程") == {("", 1)} != quantities("二期")
    assert quantities("同一期间的一个期望") == frozenset()


def test_small_numbers_in_words_are_counts() -> None:
    assert counts("Which three of the 5 futures, in the second quarter?") == {plain(3)}
    assert counts("第三节里的两个例子,2 个") == {plain(2)}


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
        ("It cost $2000 in 1995, then € 1900 or ￥1800", {1995}, set(), {("", 2000), ("", 1900), ("", 1800)}),
    ],
)
def test_dates_are_told_from_amounts(
    text: str, of_years: set[int], of_months: set[int], of_amounts: set[tuple[str, int]]
) -> None:
    assert (years(text), months(text), amounts(text)) == (of_years, of_months, of_amounts)


@pytest.mark.parametrize(
    ("text", "expected", "unbounded"),
    [
        ("in 1995 and 二〇二六年", {(1995, 1995), (2026, 2026)}, ...),
        ("the 1990s, 1980年代", {(1990, 1999), (1980, 1989)}, ...),
        ("the 1800s", {(1800, 1899)}, ...),
        ("1910–14, from 1990 to 1995; 2001年到2003年", {(1910, 1914), (1990, 1995), (2001, 2003)}, ...),
        ("自2015年至2018年", {(2015, 2018)}, ...),
        ("on 2009-12-05, or in 2016-05", {(2009, 2009), (2016, 2016)}, ...),
        ("since the 1990s", {(1990, 1999)}, {(1990, 9999)}),
        ("from 2016 onwards; 2015年底以后", {(2016, 2016), (2015, 2015)}, {(2016, 9999), (2015, 9999)}),
        ("2015年前后，2016年后期", {(2015, 2015), (2016, 2016)}, ...),
        ("before 2016, until 2018", {(2016, 2016), (2018, 2018)}, {(0, 2016), (0, 2018)}),
        ("到2030年；2020年为止", {(2030, 2030), (2020, 2020)}, {(0, 2030), (0, 2020)}),
        ("2,016 people, $1995", set(), ...),
    ],
)
def test_years_are_read_from_their_first_to_their_last(
    text: str, expected: set[Period], unbounded: set[Period] | EllipsisType
) -> None:
    assert periods(text) == expected
    assert periods(text, ("after", "before", "by")) == (expected if unbounded is ... else unbounded)


def test_a_percentage_is_not_the_plain_number() -> None:
    assert quantities("8%") != quantities("8 times")


def test_one_and_a_half_is_not_a_half() -> None:
    assert quantities("一个半小时") == quantities("an hour and a half") == {plain(Fraction(3, 2))}
    assert quantities("两个半球") == {plain(2)}
    assert quantities("10-million-dollar") == {plain(10**7)}
    assert quantities("twenty-first") == {plain(21)}


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
