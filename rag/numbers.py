"""Quantities in text, as values: 一万多 = 10,000; 三分之一 = 1/3; 百分之五 = 5%; twelve = 12; 1.8 万 = 18,000.

Only values are compared, with percentages kept apart from plain numbers: a unit is a word, and words are
compared elsewhere. One (一, a, one) is never a quantity: it is an article in both languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import lru_cache

from index.characters import WIDE
from index.numerals import BIG, TENS, number
from index.ordinals import ORDINALS

Value = tuple[str, Fraction]  # ("%" or "", value)

_HAN = "零〇一二三四五六七八九十百千万萬亿億两兩"
CARDINALS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_EN_BIG = {
    "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "k": 10**3, "m": 10**6, "bn": 10**9, "dozen": 12,
}  # fmt: skip
_EN_FRACTION = {"half": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fifth": 5, "fifths": 5, "tenth": 10}
_EN_TIMES = {"double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "twice": 2, "triple": 3, "tripled": 3, "thrice": 3}
_MONTHS = {
    name: month
    for month, name in enumerate(
        "january february march april may june july august september october november december".split(), 1
    )
}
# "The second quarter" is a number; the first is none, and third, fifth and tenth, which name parts, are left out.
_NTH = {word: value for word, value in ORDINALS.items() if value > 1 and word not in _EN_FRACTION}

_WORDS = "|".join(sorted([*CARDINALS, *_EN_BIG], key=len, reverse=True))
_PATTERN = re.compile(
    rf"""
    (?P<percent_zh>百分之(?P<percent_han>[{_HAN}点]+|\d[\d.]*))
  | (?P<fraction_zh>(?P<denominator>[{_HAN}]+|\d+)分之(?P<numerator>[{_HAN}]+|\d+))
  | (?P<arabic>(?<![A-Za-z\d.])\d[\d,]*(?:\.\d+)?)
    (?P<scale>\s*(?:[万萬亿億千百]+|(?:hundred|thousand|million|billion|trillion|bn|k|m)\b))?
    (?P<sign>\s*(?:%|percentage\ points?\b|percent\b|per\ cent\b|个百分点))?
  | (?P<han>[{_HAN}]+(?:点[{_HAN}]+)?)
  | (?<![A-Za-z])(?P<words>(?:{_WORDS})(?:[\s-]+(?:and\s+)?(?:{_WORDS}))*)
    (?P<word_sign>\s+(?:percent|per\ cent)\b)?
    (?:[\s-]+(?P<word_part>thirds?|quarters?|fifths?)\b)?(?![A-Za-z])
  | (?<![A-Za-z])(?:(?:a|one)[\s-]+)?(?P<part>half|third|quarter|fifth|tenth)(?:\s+of|(?=\s+(?:a|the|as)\b))
  | (?<![A-Za-z])(?P<times>double[sd]?|doubling|twice|triple[d]?|thrice)(?![A-Za-z])
  | (?<![A-Za-z])(?P<month>{"|".join(_MONTHS)})(?![A-Za-z])
  | (?<![A-Za-z])(?P<ordinal>{"|".join(_NTH)})(?=\s+(?:quarter|half|month|section|scenario|future))
  | (?<![A-Za-z])Q(?P<quarter>[1-4])(?!\d)
  | (?P<half>半)(?=[年数天个])
    """,
    re.VERBOSE | re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def quantities(text: str) -> frozenset[Value]:
    """Every quantity stated in `text`, as (percent or plain, exact value)."""
    return _read(_matches(text))


@lru_cache(maxsize=8192)
def figures(text: str) -> frozenset[Value]:
    """The quantities of `text` that are written in digits; words such as "may" or "second" are none."""
    return _read(match for match in _matches(text) if match.group()[0].isdigit())


def _matches(text: str) -> Iterator[re.Match[str]]:
    return _PATTERN.finditer(unicodedata.normalize("NFKC", text))


def _read(matches: Iterable[re.Match[str]]) -> frozenset[Value]:
    found = {value for match in matches for value in _values(match)}
    return frozenset(value for value in found if value[1] != 1)


def _values(match: re.Match[str]) -> set[Value]:
    groups = match.groupdict()
    for name, read in _READERS.items():
        if groups[name]:
            return read(groups)
    return set()


def _read_words(g: dict[str, str]) -> set[Value]:
    if g["word_part"]:
        return _ratio(_english(g["words"]), Fraction(_EN_FRACTION[g["word_part"].lower()]))
    return _tagged("%" if g["word_sign"] else "", _english(g["words"]))


def _read_table(name: str, table: dict[str, int]) -> Callable[[dict[str, str]], set[Value]]:
    return lambda g: {("", Fraction(table[g[name].lower()]))}


def _arabic(digits: str, scale: str, percent: bool) -> set[Value]:
    value = Fraction(digits.replace(",", "").rstrip("."))
    for unit in re.findall(r"[万萬亿億千百]|[a-z]+", scale):
        value *= BIG.get(unit) or TENS.get(unit) or _EN_BIG[unit]
    return _tagged("%" if percent else "", value)


def _tagged(tag: str, value: Fraction | None) -> set[Value]:
    return set() if value is None else {(tag, value)}


def _ratio(numerator: Fraction | None, denominator: Fraction | None) -> set[Value]:
    return {("", numerator / denominator)} if numerator is not None and denominator else set()


def _is_quantity(han: str) -> bool:
    # A lone 千 or 万 or 百 is part of a word (千万, 百姓, 万一); a lone digit counts.
    return not set(han) <= set("百千万萬亿億") or han in ("百万", "千万", "百萬", "千萬")


def count(written: str) -> int:
    """What a number in digits, in Chinese numerals or in one English word counts; 0 where it is none."""
    return CARDINALS[written] if written in CARDINALS else int(number(written) or 0)


def _english(words: str) -> Fraction:
    total = current = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in CARDINALS:
            current += CARDINALS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _EN_BIG:
            total, current = total + (current or 1) * _EN_BIG[word], 0
    return Fraction(total + current)


# A year: in Chinese with its 年, or before a range's; in English any four digits that may be one ("2,016" is none).
_YEAR = re.compile(
    rf"(?<!\d)(?<!\d[.,])(?P<year>(?:1[5-9]|20)\d\d)(?:\s*年|(?=\s*[-–—~～至到]\s*(?:\d\d){{1,2}}\s*年)|(?![\d%]|[.,]\d|\s*[{WIDE}]))"
)
# A month, and the day before or behind it. "May" is one only beside a number.
_MONTH = re.compile(
    rf"(?P<zh>\d{{1,2}})\s*月(?![子亮饼球])(?:\s*\d{{1,2}}\s*[日号])?|"
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?(?P<en>{'|'.join(name.title() for name in _MONTHS if name != 'may')})\b"
    r"(?:\s+\d{1,2}(?!\d))?|\d{1,2}\s+(?P<may>May)\b|\b(?P<may_of>May)\s+\d+"
)


@lru_cache(maxsize=8192)
def years(text: str) -> frozenset[int]:
    """The years that `text` names in digits."""
    return frozenset(int(match["year"]) for match in _YEAR.finditer(unicodedata.normalize("NFKC", text)))


@lru_cache(maxsize=8192)
def months(text: str) -> frozenset[int]:
    """The months that `text` names, January the first."""
    found = _MONTH.finditer(unicodedata.normalize("NFKC", text))
    return frozenset(int(m["zh"]) if m["zh"] else _MONTHS[(m["en"] or "may").lower()] for m in found)


@lru_cache(maxsize=8192)
def amounts(text: str) -> frozenset[Value]:
    """The quantities of `text` that are no year, no month and no day of one."""
    undated = _YEAR.sub(" ", _MONTH.sub(" ", unicodedata.normalize("NFKC", text)))
    return _read(match for match in _matches(undated) if not match["month"])


# What each alternative of the pattern means; the first group that matched decides.
_READERS: dict[str, Callable[[dict[str, str]], set[Value]]] = {
    "percent_zh": lambda g: _tagged("%", number(g["percent_han"])),
    "fraction_zh": lambda g: _ratio(number(g["numerator"]), number(g["denominator"])),
    "arabic": lambda g: _arabic(g["arabic"], (g["scale"] or "").strip().lower(), bool(g["sign"])),
    "han": lambda g: _tagged("", number(g["han"])) if _is_quantity(g["han"]) else set(),
    "words": _read_words,
    "part": lambda g: _ratio(Fraction(1), Fraction(_EN_FRACTION[g["part"].lower()])),
    "times": _read_table("times", _EN_TIMES),
    "month": _read_table("month", _MONTHS),
    "ordinal": _read_table("ordinal", _NTH),
    "quarter": lambda g: {("", Fraction(g["quarter"]))},
    "half": lambda g: {("", Fraction(1, 2))},
}
