"""Quantities in text, as values: 一万多 = 10,000; 三分之一 = 1/3; 百分之五 = 5%; twelve = 12; 1.8 万 = 18,000.

Only values are compared, with percentages kept apart from plain numbers: units are compared in rag/units.py. One is no
quantity but as a percentage, a month, a day or a phase (一期): 一, a and one are articles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache, lru_cache

from index.characters import WIDE
from index.keywords import simplified
from index.numerals import BIG, TENS, number
from index.ordinals import ORDINALS

Value = tuple[str, Fraction]  # ("%" or "", value)
Period = tuple[int, int]  # its first year and its last

_HAN = "零〇一二三四五六七八九十百千万萬亿億两兩"
CARDINALS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_EN_BIG = {
    "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
}  # fmt: skip
_BIG_WORDS = "|".join(word for word in _EN_BIG if word != "dozen")
# Right behind digits: 200k, $5bn, 7B. A small m is a metre, but behind a currency's sign.
_LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9, "t": 10**12, "tn": 10**12}
_ABOUT = dict(zip("一两二三四五六七八", "两三三四五六七八九", strict=True))
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

# Twenty-first to twenty-ninth; a twenty-second pause is 20 seconds.
_UNITS_TH = {word: value for word, value in ORDINALS.items() if value < TENS["十"] and word != "second"}
# What may be halved behind the whole in English: a year and a half.
_MEASURES = "second|minute|hour|day|week|month|year|decade|century|centurie|page|mile|met(?:re|er)|kilomet(?:re|er)"

# Chinese words that are written with numerals and count nothing.
_NO_NUMBERS = re.compile(
    r"十分(?![之钟鐘])|万一|萬一|千[万萬](?=[不别別要勿得])|四川|四处|四處|四周|三星|三三两两|五花八门|乱七八糟|七嘴八舌|"
    r"丢三落四|不三不四|三番五次|四面八方|五颜六色|七上八下|二手"
)
# The first of a range leaves out what the second says for both: 5~10万, 百分之五到十, 三到五亿, five to ten million.
_WORD = "|".join(CARDINALS)
_RANGE = re.compile(
    rf"""
    (?P<between>between\s+)?(?<![A-Za-z\d.,/:第-])(?P<low>\d+(?:\.\d+)?|[{_HAN}]+|{_WORD})
    (?P<until>\s*(?:[-–—~〜至到、]|(?:to|or)\b)\s*|(?(between)\s+and\s+|(?!)))
    (?P<high>\d+(?:\.\d+)?|[一二三四五六七八九十两兩]+|(?:{_WORD})\b)
    (?P<unit>\s*(?:[万萬亿億]+|(?:{_BIG_WORDS}|percent|per\ cent|percentage\ points?)\b|
      %|个百分点|(?-i:[BMT]|bn|tn|k)\b))
  | 百分之(?P<of_hundred>[{_HAN}点]+|\d[\d.]*)(?P<up_to>[-–—~〜至到])(?!百分之)(?=[{_HAN}\d])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# 20多亿, 一千余万: more than 2 billion.
_MORE = re.compile(rf"(?<=[\d{_HAN}])[多余几](?=[万亿])")
# "In 2015 to 470 million" is no range, and hardly "90 to 2 million".
_LIKE_A_YEAR = range(1500, 2100)
_STEEPEST = 10
_SMALL = 12
_NUMBERED = re.compile("期(?![间望待限货刊])|号[线机楼]")  # 一期 is another one than 二期
_BEHIND = 24  # characters, in which a unit stands
_PARTS_OF_ONE = str.maketrans({"½": ".5", "¼": ".25", "¾": ".75"})
_RAISED = re.compile(r"(?<=[\w)])[⁰¹²³⁴-⁹]+")

_BIG_BEFORE = "|".join(rf"(?<={word}\s)" for word in _EN_BIG)  # "two hundred and five", and not "seven and eight"
_WORDS = "|".join(sorted([*CARDINALS, *_EN_BIG], key=len, reverse=True))
_PATTERN = re.compile(
    rf"""
    (?P<percent_zh>百分之(?P<percent_han>[{_HAN}点]+|\d[\d.]*))
  | (?P<tenths>(?P<of_ten>[一二三四五六七八九两兩]|(?<![\d.])\d)成(?P<tenths_half>半)?
    (?![为為立功员員本长長果就熟人语語交都绩績效见見型品]))
  | (?P<and_half>(?P<halved>[{_HAN}]+|(?<![\d.])\d+)
      (?:个?(?P<halved_zh>年|小时|小時|天|倍|世纪|世紀|秒|分钟|周|学期|页|米|公里)半|
        个半(?=多?(?:小时|钟头|星期|月(?![形刊湾])|世纪|学期|百分点)|[,.;:!?)、。]|$)))
  | (?P<unit_half>(?<![A-Za-z\d.,-])(?P<halved_count>an?|the|another|\d+|{_WORD})\s+
      (?P<halved_en>(?:{_MEASURES})s?)\s+and\s+a\s+half(?![\w-]))
  | (?P<fraction_zh>(?P<denominator>[{_HAN}]+|\d+)分之(?P<numerator>[{_HAN}]+|\d+))
  | (?P<money>[$€£¥]\s?)?(?P<arabic>(?<![A-Za-z\d.])(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?)
    (?P<scale>\s*[万萬亿億千百]+|(?:\s*|-)(?:{_BIG_WORDS}|bn|tn)\b|
      [kK]\b|(?-i:[MBT])\b|(?(money)m\b|(?!)))?
    (?P<rest>(?:\d+[万萬千百]+)+)?
    (?P<sign>\s*(?:%|percentage\ points?\b|percent\b|per\ cent\b|个百分点))?
    (?P<dated>\s*[月日号號])?
  | (?P<one_half>一半)
  | (?P<han>[{_HAN}]+(?:点[{_HAN}]+)?)(?P<han_sign>\s*个百分点)?
  | (?P<half_of>half\s+an?\s+(?P<halved_big>{_BIG_WORDS}|dozen))(?![A-Za-z])
  | (?<![A-Za-z])(?P<words>(?:{_WORDS})(?:[\s-]+(?:(?:{_BIG_BEFORE})and\s+)?(?:{_WORDS}))*)
    (?P<word_sign>\s+(?:percent|per\ cent)\b)?
    (?:(?<=ty)-(?P<word_nth>{"|".join(_UNITS_TH)})\b|[\s-]+(?P<word_part>thirds?|quarters?|fifths?)\b|(?P<word_half>\s+and\s+a\s+half\b(?:\s+(?P<halves_of>{_BIG_WORDS})\b)?)|[\s-]?fold\b)?(?![A-Za-z])
  | (?<![A-Za-z])(?:(?:a|one)[\s-]+)?(?P<part>half|third|quarter|fifth|tenth)
    (?:\s+(?:of|an?)\b|(?=\s+(?:the|as)\b)|(?<=half)(?=[\s-](?:{_MEASURES})\b))
  | (?<![A-Za-z])(?P<times>double[sd]?|doubling|twice|triple[d]?|thrice)(?![A-Za-z])
  | (?<![A-Za-z])(?P<month>
      (?-i:{"|".join(name.title() for name in _MONTHS if name != "may")})|
      (?:{"|".join(_MONTHS)})(?=\s+\d)|(?:(?<=\d\s)|(?<=\d[a-z]{{2}}\s))(?:{"|".join(_MONTHS)}))(?![A-Za-z])
  | (?<![A-Za-z])(?P<ordinal>{"|".join(_NTH)})(?=\s+(?:quarter|half|month|section|scenario|future))
  | (?<![A-Za-z])Q(?P<quarter>[1-4])(?!\d)
  | (?P<half>(?<![大小多])半(?=[年数天个]|小时|钟头|分钟|世纪))
    """,
    re.VERBOSE | re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def quantities(text: str) -> frozenset[Value]:
    """Every quantity stated in `text`, as (percent or plain, exact value)."""
    return _read(_matches(text))


@lru_cache(maxsize=8192)
def counts(text: str) -> frozenset[Value]:
    """The small quantities of `text` that are written as words: “which three futures”, 举两个例子."""
    own = (m for m in _matches(text) if (m["words"] or m["han"]) and m.string[m.start() - 1 : m.start()] != "第")
    return frozenset(value for value in _read(own) if not value[0] and value[1] <= _SMALL)


def otherwise_written(value: Value) -> Value:
    """A percentage as the part that it is, and the other way about: 50% and a half."""
    tag, own = value
    return ("", own / 100) if tag else ("%", own * 100)


@lru_cache(maxsize=8192)
def figures(text: str) -> frozenset[Value]:
    """The quantities of `text` that are written in digits; words such as "may" or "second" are none."""
    return _read(match for match in _matches(text) if match.group().lstrip("$€£¥ ")[0].isdigit())


def located(text: str) -> Iterator[tuple[Value, str, str]]:
    """Each quantity of `text`, with the currency's sign before it and what stands behind it; of a date "" both."""
    for match in _matches(text):
        before, behind = (match["money"] or "").strip(), match.string[match.end() :][:_BEHIND]
        behind = (match["halved_zh"] or match["halved_en"] or "") + behind
        if match["dated"] or match["month"]:
            before = behind = ""
        yield from ((value, before, behind) for value in _values(match))


def _matches(text: str) -> Iterator[re.Match[str]]:
    return _PATTERN.finditer(_plain(text))


def _plain(text: str) -> str:
    """`text` with digits as they are mostly written, without exponents and words that only look like numbers."""
    text = simplified(_RAISED.sub(" ", text.translate(_PARTS_OF_ONE)))
    return _RANGE.sub(_in_full, _MORE.sub("", _NO_NUMBERS.sub(" ", unicodedata.normalize("NFKC", text))))


def _in_full(match: re.Match[str]) -> str:
    """A range with its unit behind both of its ends; what only looks like one as it is."""
    if match["of_hundred"]:
        return f"百分之{match['of_hundred']}{match['up_to']}百分之"
    low, high = (_end(written.lower()) for written in match.group("low", "high"))
    is_range = low is not None and high is not None and low not in _LIKE_A_YEAR and low <= _STEEPEST * high
    return match.expand(r"\g<low>\g<unit>\g<until>\g<high>\g<unit>") if is_range else match.group()


def _end(written: str) -> Fraction | None:
    return Fraction(CARDINALS[written]) if written in CARDINALS else number(written)


def _read(matches: Iterable[re.Match[str]]) -> frozenset[Value]:
    return frozenset(value for match in matches for value in _values(match) if value[1] != 1 or _counts_one(match))


def _counts_one(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    is_numbered = (groups["han"] or groups["arabic"]) and _NUMBERED.match(match.string, match.end())
    return bool(groups["month"] or groups["percent_zh"] or groups["sign"] or groups["dated"] or is_numbered)


def _values(match: re.Match[str]) -> set[Value]:
    groups = match.groupdict()
    for name, read in _READERS.items():
        if groups[name]:
            return read(groups)
    return set()


def _read_words(g: dict[str, str]) -> set[Value]:
    if g["word_half"]:
        halved = _EN_BIG.get(g["words"].split()[-1].lower(), 1)  # a million and a half
        whole = _english(g["words"]) + Fraction(halved, 2)
        return {("", whole * _EN_BIG.get((g["halves_of"] or "").lower(), 1))}
    if g["word_nth"]:
        return {("", _english(g["words"]) + _UNITS_TH[g["word_nth"].lower()])}
    if g["word_part"]:
        return _ratio(_english(g["words"]), Fraction(_EN_FRACTION[g["word_part"].lower()]))
    return _tagged("%" if g["word_sign"] else "", _english(g["words"]))


def _read_table(name: str, table: dict[str, int]) -> Callable[[dict[str, str]], set[Value]]:
    return lambda g: {("", Fraction(table[g[name].lower()]))}


def _read_digits(g: dict[str, str]) -> set[Value]:
    value = _scaled(g["arabic"].replace(",", ""), (g["scale"] or "").strip().lower())
    for digits, units in re.findall(r"(\d+)([万萬千百]+)", g["rest"] or ""):  # 3万5千
        value += _scaled(digits, units)
    return _tagged("%" if g["sign"] else "", value)


def _scaled(digits: str, units: str) -> Fraction:
    value = Fraction(digits.rstrip("."))
    for unit in re.findall(r"[万萬亿億千百]|[a-z]+", units):
        value *= BIG.get(unit) or TENS.get(unit) or _EN_BIG.get(unit) or _LETTERS[unit]
    return value


def _read_han(g: dict[str, str]) -> set[Value]:
    han = g["han"]
    if len(han) == 2 and _ABOUT.get(han[0]) == han[1]:  # 七八个: seven or eight
        return {("", value) for c in han if (value := number(c))}
    return _tagged("%" if g["han_sign"] else "", number(han)) if _is_quantity(han) else set()


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


# A year: in Chinese with its 年, or before a range's; in English any four digits that may be one ("2,016" is none, nor
# is "$2000").
_NO_AMOUNT = r"(?<!\d)(?<!\d[.,])(?<![$€£¥])(?<![$€£¥]\s)"
_OF_A_YEAR = rf"{_NO_AMOUNT}(?:1[5-9]|20)\d\d"
_YEAR = re.compile(
    rf"(?P<year>{_OF_A_YEAR})(?:\s*年|(?=\s*[-–—~～至到]\s*(?:\d\d){{1,2}}\s*年)|(?![\d%]|[.,]\d|\s*[{WIDE}]))"
)
_YEAR_HAN = re.compile(r"[一二][〇零一二三四五六七八九]{3}(?=年)")
# A few words may stand before the year: after the end of 2015. "Who came after her in 2015" asks of that year.
_FROM = r"\s+(?:(?!(?:in|from)\b)[\w'’]+\s+){0,3}"
_IN_YEAR = r"\s*年(?:代|[初中底末]|\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*[日号])?)?\s*"
# What reaches beyond its year.
_UNBOUNDED = {
    "after": rf"\b(?:after|since|later\s+than){_FROM}(?P<after>{_OF_A_YEAR})(?!\d)"
    rf"|\bfrom\s+(?P<after_on>{_OF_A_YEAR})\s+on(?:wards?)?\b"
    rf"|自从?\s*(?P<after_from>{_OF_A_YEAR})\s*年(?!\s*[–—~～至到-]\s*\d)"
    rf"|(?P<after_zh>{_OF_A_YEAR}){_IN_YEAR}(?:以[后来降]|之后|后(?![期半])|起(?![火诉草飞义])|[至迄]今)",
    "before": rf"\b(?:before|prior\s+to|earlier\s+than){_FROM}(?P<before>{_OF_A_YEAR})(?!\d)"
    rf"|(?P<before_zh>{_OF_A_YEAR}){_IN_YEAR}(?:以前|之前|前(?!后))",
    "by": rf"\b(?:by|until|till|up\s+to){_FROM}(?P<by>{_OF_A_YEAR})(?!\d)"
    rf"|(?:截[至止]|[到至])\s*(?P<by_zh>{_OF_A_YEAR})\s*年|(?P<by_end>{_OF_A_YEAR}){_IN_YEAR}为止",
}
# Several years at once: 1990–95, between 1990 and 1995, the 1990s.
_SEVERAL = rf"""
    (?P<between>between\s+)?{_NO_AMOUNT}(?P<first>[12]\d{{3}})\s*年?
    (?:\s*[–—~～至到-]+\s*(?P<short>\d\d(?![\d-]))?|\s+(?:to|until|through)\s+|
      (?(between)\s+and\s+|(?!))|\s*[和与]\s*(?=\d{{4}}\s*年?之?间))
    (?(short)|(?P<last>[12]\d{{3}})(?!\d))
  | (?<!\d)(?P<decade>[12]\d\d0)(?:['’]?s\b|\s*年代)
"""
_EARLIEST, _LATEST = 0, 9999
_THIS_MILLENNIUM = 2000
# A month, and the day before or behind it. "May" is one only beside a number.
_MONTH = re.compile(
    rf"(?P<zh>\d{{1,2}})\s*月(?![子亮饼球])(?:\s*\d{{1,2}}\s*[日号])?|"
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?(?P<en>{'|'.join(name.title() for name in _MONTHS if name != 'may')})\b"
    r"(?:\s+\d{1,2}(?!\d))?|\d{1,2}\s+(?P<may>May)\b|\b(?P<may_of>May)\s+\d+"
)


@lru_cache(maxsize=8192)
def years(text: str) -> frozenset[int]:
    """The years that `text` names: 2026, 二〇二六年."""
    text = unicodedata.normalize("NFKC", text)
    in_han = (number(match) for match in _YEAR_HAN.findall(text))
    return frozenset(int(match["year"]) for match in _YEAR.finditer(text)) | {int(year) for year in in_han if year}


@lru_cache(maxsize=8192)
def periods(text: str, unbounded: tuple[str, ...] = ()) -> frozenset[Period]:
    """The years that `text` names, and what it says of several at once: 1990–1995, the 1990s.

    unbounded: which of "after", "before" and "by" reach beyond the year that they are said of.
    """
    written = simplified(unicodedata.normalize("NFKC", text))
    in_digits = _YEAR_HAN.sub(lambda match: str(number(match.group())), written)
    return frozenset(map(_period, _of_periods(unbounded).finditer(in_digits)))


def periods_meant(text: str, among: str, unbounded: tuple[str, ...] = ("after", "before")) -> frozenset[Period]:
    """The periods of `text`, told from amounts by `among`: 2000 workers are no year where that has 2,000."""
    counted = {int(value) for tag, value in amounts(among) if not tag and value.denominator == 1} - years(among)
    return frozenset(period for period in periods(text, unbounded) if not counted & set(period))


@cache
def _of_periods(unbounded: tuple[str, ...]) -> re.Pattern[str]:
    ways = (*(_UNBOUNDED[way] for way in unbounded), _SEVERAL, _YEAR.pattern)
    return re.compile("|".join(ways), re.VERBOSE | re.IGNORECASE)


def _period(match: re.Match[str]) -> Period:
    g = {name: own for name, own in match.groupdict().items() if own}
    if "first" in g:
        first, last = int(g["first"]), int(g.get("last") or g["first"][:2] + g["short"])
        return first, max(first, last)
    if "decade" in g:
        first = int(g["decade"])
        return first, first + (9 if first % 100 or first == _THIS_MILLENNIUM else 99)  # the 1800s are a century
    way, year = next((way, int(own)) for way, own in g.items() if way != "between")
    since = _EARLIEST if way.startswith(("before", "by")) else year
    return since, _LATEST if way.startswith("after") else year


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
    "tenths": lambda g: _tagged("%", (number(g["of_ten"]) or Fraction(0)) * 10 + 5 * bool(g["tenths_half"])),
    "and_half": lambda g: _tagged("", (number(g["halved"]) or 0) + Fraction(1, 2)),
    "unit_half": lambda g: {("", (count(g["halved_count"].lower()) or 1) + Fraction(1, 2))},
    "arabic": _read_digits,
    "han": _read_han,
    "half_of": lambda g: {("", Fraction(_EN_BIG[g["halved_big"].lower()], 2))},
    "words": _read_words,
    "part": lambda g: _ratio(Fraction(1), Fraction(_EN_FRACTION[g["part"].lower()])),
    "times": _read_table("times", _EN_TIMES),
    "month": _read_table("month", _MONTHS),
    "ordinal": _read_table("ordinal", _NTH),
    "quarter": lambda g: {("", Fraction(g["quarter"]))},
    "one_half": lambda g: {("", Fraction(1, 2))},
    "half": lambda g: {("", Fraction(1, 2))},
}
