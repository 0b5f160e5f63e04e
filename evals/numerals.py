"""Numbers in running text, Chinese or English, rewritten as digits.

Written for the evals alone and sharing no code with the checks in rag/: a mistake there cannot hide here.
Works on text that `normalise` has already folded (NFKC, lower case, simplified).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

_DIGITS_ZH = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS_ZH = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_DIGIT_ZH = "[零〇一二两三四五六七八九]"
_RUN_ZH = "[零〇一二两三四五六七八九十百千万亿]"
# 三点五 is 3.5; but 三点十分, 三点一刻 and 三点五十 are times of day, 有两点一致 is two points.
_DECIMAL_ZH = rf"({_RUN_ZH}+)点([零〇一二三四五六七八九]+)(?![零〇一二三四五六七八九十分刻钟人位名者样致定起些])"
_TENTH_ZH = "[一二两三四五六七八九]成(?![果功立员为本就熟长千分年型])"
_NUMBER = r"\d+(?:\.\d+)?"
_MIXED = rf"(?:{_NUMBER}(?=\s*[十百千万亿])\s*|{_RUN_ZH})"

_UNITS_EN = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ANY_UNIT_EN = "|".join(_UNITS_EN)
_WORDS_EN = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_ANY_EN = "|".join([*_WORDS_EN, *_UNITS_EN])
# Words go on one number (two million and sixteen); "and" behind digits begins another ($2.6 million and six months).
_IN_DIGITS_EN = rf"{_NUMBER}[ -]?(?:{_ANY_UNIT_EN})(?:(?:[ -]|(?<=hundred) and )(?:{_ANY_EN}))*"
_IN_WORDS_EN = rf"(?:{_ANY_EN})(?:(?:[ -]| and )(?:{_ANY_EN}))*"
_RUN_EN = re.compile(rf"(?<![a-z0-9.])(?:{_IN_DIGITS_EN}|{_IN_WORDS_EN})(?=fold\b|\b)")
# "Eight times as fast" is a multiple; "called eight times" may be a count, and is left as it is.
_NO_COMPARATIVE = "per|after|under|over|ever|never|however|either|other|later|together|her|earlier|whenever"
_TIMES_AS = (
    rf"times\b(?=\s+(?:as|more|less|fewer|worse|its|what|that of|(?!(?:{_NO_COMPARATIVE})\b)[a-z]+er|"
    r"the (?:\w+ of|(?:\w+ )?(?:rate|size|price|speed|number|amount|length|weight|cost|average|level)))\b)"
)
# What may have "and a half" behind it: "a week and a half" states no half of anything.
_LENGTHS = "minute|hour|day|night|week|month|year|decade|century|mile|kilometre|metre|tonne|page"
_DENOMINATORS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
# "A third" is a share where its clause ends, or before what no singular noun can be; "a third attempt" is the next one.
_BEHIND_A_SHARE = (
    "of|in|on|at|by|to|from|for|as|than|over|under|within|through|and|or|but|if|when|while|that|who|which|"
    "the|its|their|this|these|is|are|was|were|be|had|has|have|do|did|will|would|can|could|may|might|say|said|go|went|"
    "more|less|fewer|longer|larger|bigger|smaller|higher|lower|faster|slower|cheaper|shorter|better|worse|"
    "today|now|only|each|every|last|full|off|down|up|below|above|[a-z]+ed|[a-z]+[^s\\W]s"
)
_SHARE_EN = (
    rf"(?:half|quarter)s?\b|(?:third|fifth|sixth|eighth|tenth)\b(?=\s*(?:[^\w\s-]|$)|\s+(?:{_BEHIND_A_SHARE})\b)"
)


def digits(text: str) -> str:
    """`text` with its numbers as plain digits: percentages `80%`, fractions `1/3`, multiples `8x`, ranges `4-8`.

    >>> digits("一百二十万") == digits("120 万") == digits("1.2 million") == "1200000"
    True
    """
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _english(_chinese(text))
    text = re.sub(_NUMBER + r"(?!\.?\d)", lambda match: _plain(Decimal(match.group())), _protect_versions(text))
    text = text.replace("\0", ".")
    text = re.sub(r"(\d)\s*(?:%|per ?cent\b(?!age))", r"\1%", text)
    text = re.sub(rf"(\d)\s*(?:倍|{_TIMES_AS}|-?fold\b|x\b)", r"\1x", text)
    text = re.sub(r"(\d%?)\s*(?:-|到|至|\bto\b)\s*(?=\d)", r"\1-", text)
    text = re.sub(r"(\d)个(?=小时)", r"\1", text)
    text = re.sub(rf"(?<![\d.])({_NUMBER})-(?={_NUMBER}%)", r"\1%-", text)  # 80-90% is 80% to 90%
    return re.sub(r"(\d)[ -](hour|month|year|week|day|minute)s?\b", r"\1 \2", text)


def _protect_versions(text: str) -> str:
    # 2.3.5 is a name, not a number; 8.0 is a number and means 8.
    return re.sub(r"\d+(?:\.\d+){2,}", lambda match: match.group().replace(".", "\0"), text)


def _plain(value: Decimal) -> str:
    shown = format(value, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown.lstrip("0") or "0"


# --- Chinese ------------------------------------------------------------------------------------------------


def _chinese(text: str) -> str:
    # "GPT-4 一样好" names 4, and the numeral behind it begins another number.
    text = re.sub(rf"(?<=\d)(?=百分之|{_DIGIT_ZH})", " ", text)
    text = re.sub(_DECIMAL_ZH, lambda m: f"{_value_zh(m.group(1))}.{_one_by_one(m.group(2))}", text)
    text = re.sub(rf"百分之\s*({_MIXED}+|{_NUMBER})", lambda m: f"{_value_zh(m.group(1))}%", text)
    text = re.sub(
        rf"({_MIXED}+|{_NUMBER})分之({_MIXED}+|{_NUMBER})",
        lambda m: f"{_value_zh(m.group(2))}/{_value_zh(m.group(1))}",
        text,
    )
    text = re.sub(rf"([一二两三四五六七八九])(?=[到至-]{_TENTH_ZH})", r"\1成", text)  # 两到三成 is 两成到三成
    text = re.sub(_TENTH_ZH, lambda m: f"{_DIGITS_ZH[m.group()[0]]}0%", text)
    text = text.replace("一半", "1/2")
    # 数百万 and 几百人 say how many digits there are, and no number; 中位数十五 does.
    several = rf"[数几][十百千万亿]+(?!{_RUN_ZH})"
    text = re.sub(
        rf"{several}|(?:{_MIXED})+", lambda m: m.group() if m.group()[0] in "数几" else _value_zh(m.group()), text
    )
    text = re.sub(r"(\d)个半(?=小时|钟头)", r"\1.5", text)
    text = re.sub(r"(\d)(个|年|天|周)半", r"\1.5\2", text)
    return re.sub(r"半(?=小时|年|天|个月)", "0.5", text)


def _value_zh(run: str) -> str:
    """A run of Chinese numerals (perhaps begun with digits, 1.8万) as digits; neighbours (两三天) as a range."""
    parts = re.findall(rf"{_NUMBER}|{_RUN_ZH}", run)
    if all(part in _DIGITS_ZH for part in parts):
        if len(parts) == 2 and "零" not in parts and "〇" not in parts:
            return "-".join(str(_DIGITS_ZH[part]) for part in parts)
        return _one_by_one(run)
    above = total = section = current = Decimal(0)  # above: what stands before 亿, which a 万 behind it is added to
    seen = False
    for part in parts:
        if part in _DIGITS_ZH:
            current, seen = Decimal(_DIGITS_ZH[part]), True
        elif part in _UNITS_ZH and _UNITS_ZH[part] < 10_000:
            section += (current if seen else Decimal(1)) * _UNITS_ZH[part]
            current, seen = Decimal(0), False
        elif part in _UNITS_ZH:
            total = (total + section + current or Decimal(1)) * _UNITS_ZH[part]
            section, current, seen = Decimal(0), Decimal(0), False
            if part == "亿":
                above, total = above + total, Decimal(0)
        else:
            current, seen = Decimal(part), True
    return _plain(above + total + section + current * _unit_of_last(parts))


def _unit_of_last(parts: Sequence[str]) -> Decimal:
    """What a last digit counts: right behind 百, 千, 万 or 亿 a tenth of that (一万二), else one."""
    unit = _UNITS_ZH.get(parts[-2], 1) if len(parts) > 1 and parts[-1] in _DIGITS_ZH else 1
    return Decimal(unit) / 10 if unit > 10 else Decimal(1)


def _one_by_one(run: str) -> str:
    return "".join(str(_DIGITS_ZH[character]) for character in run)


# --- English ------------------------------------------------------------------------------------------------


def _english(text: str) -> str:
    text = re.sub(rf"\b(?:an?|one|1) ({_LENGTHS}|{_ANY_UNIT_EN}) and a half\b", r"1.5 \1", text)
    text = re.sub(
        rf"(?<![a-z0-9.])({_IN_WORDS_EN}|{_NUMBER}) and a half (?=(?:{_ANY_UNIT_EN})\b)",
        lambda m: f"{_value_en(m.group(1))}.5 ",
        text,
    )
    text = re.sub(rf"\b(?:half[ -]an?|a[ -]half)[ -](?=(?:{_ANY_UNIT_EN})\b)", "0.5 ", text)
    text = re.sub(r"(\d)\s?bn\b", r"\1 billion", text)
    text = _RUN_EN.sub(lambda match: _value_en(match.group()), text)
    text = re.sub(r"(\d+) and a half\b", r"\1.5", text)
    text = re.sub(rf"(?<![\d.])({_NUMBER})\s?k\b", lambda m: _plain(1000 * Decimal(m.group(1))), text)
    text = re.sub(rf"\ba[ -](?={_SHARE_EN})", "1 ", text)
    text = re.sub(
        rf"\b(\d)[ -]({'|'.join(_DENOMINATORS)})s?\b", lambda m: f"{m.group(1)}/{_DENOMINATORS[m.group(2)]}", text
    )
    return re.sub(r"\bhalf\b(?! an? )", "1/2", text)


def _value_en(run: str) -> str:
    """Number words (perhaps begun with digits, 2.75 million) as digits; words that do not combine stay apart."""
    shown: list[str] = []
    total = section = Decimal(0)
    previous = Decimal(0)
    for part in re.findall(rf"{_NUMBER}|[a-z]+", run):
        if part == "and":
            continue
        if part in _UNITS_EN:
            unit = Decimal(_UNITS_EN[part])
            if unit == 100:
                section = (section or Decimal(1)) * unit
            else:
                total, section = total + (section or Decimal(1)) * unit, Decimal(0)
            previous = unit
            continue
        value = Decimal(_WORDS_EN[part]) if part in _WORDS_EN else Decimal(part)
        combines = previous >= 100 or previous == 0 or (20 <= previous <= 90 and value < 10)
        if not combines:
            shown.append(_plain(total + section))
            total = section = Decimal(0)
        section, previous = section + value, value or Decimal(1)
    return " ".join([*shown, _plain(total + section)])
