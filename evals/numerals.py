"""Numbers in running text, Chinese or English, rewritten as digits.

Written for the evals alone and sharing no code with the checks in rag/: a mistake there cannot hide here.
Works on text that `normalise` has already folded (NFKC, lower case, simplified).
"""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS_ZH = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS_ZH = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_RUN_ZH = "[零〇一二两三四五六七八九十百千万亿]"
_NUMBER = r"\d+(?:\.\d+)?"
_MIXED = rf"(?:{_NUMBER}(?=\s*[十百千万亿])\s*|{_RUN_ZH})"

_UNITS_EN = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORDS_EN = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_ANY_EN = "|".join([*_WORDS_EN, *_UNITS_EN])
# Words go on one number (two million and sixteen); "and" behind digits begins another ($2.6 million and six months).
_IN_DIGITS_EN = rf"{_NUMBER}[ -]?(?:{'|'.join(_UNITS_EN)})(?:(?:[ -]|(?<=hundred) and )(?:{_ANY_EN}))*"
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
    return re.sub(r"(\d)[ -](hour|month|year|week|day|minute)s?\b", r"\1 \2", text)


def _protect_versions(text: str) -> str:
    # 2.3.5 is a name, not a number; 8.0 is a number and means 8.
    return re.sub(r"\d+(?:\.\d+){2,}", lambda match: match.group().replace(".", "\0"), text)


def _plain(value: Decimal) -> str:
    shown = format(value, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown.lstrip("0") or "0"


# --- Chinese ------------------------------------------------------------------------------------------------


def _chinese(text: str) -> str:
    text = re.sub(rf"百分之\s*({_MIXED}+|{_NUMBER})", lambda m: f"{_value_zh(m.group(1))}%", text)
    text = re.sub(
        rf"({_MIXED}+|{_NUMBER})分之({_MIXED}+|{_NUMBER})",
        lambda m: f"{_value_zh(m.group(2))}/{_value_zh(m.group(1))}",
        text,
    )
    text = re.sub(
        r"([一二两三四五六七八九])成(?![果功立员为本就熟长千分年型])", lambda m: f"{_DIGITS_ZH[m.group(1)]}0%", text
    )
    text = text.replace("一半", "1/2")
    text = re.sub(rf"(?:{_MIXED})+", lambda m: _value_zh(m.group()), text)
    text = re.sub(r"(\d)个半(?=小时|钟头)", r"\1.5", text)
    text = re.sub(r"(\d)(个|年|天|周)半", r"\1.5\2", text)
    return re.sub(r"半(?=小时|年|天|个月)", "0.5", text)


def _value_zh(run: str) -> str:
    """A run of Chinese numerals (perhaps begun with digits, 1.8万) as digits; neighbours (两三天) as a range."""
    parts = re.findall(rf"{_NUMBER}|{_RUN_ZH}", run)
    if all(part in _DIGITS_ZH for part in parts):
        if len(parts) == 2 and "零" not in parts and "〇" not in parts:
            return "-".join(str(_DIGITS_ZH[part]) for part in parts)
        return "".join(str(_DIGITS_ZH[part]) for part in parts)
    total = section = current = Decimal(0)
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
        else:
            current, seen = Decimal(part), True
    return _plain(total + section + current)


# --- English ------------------------------------------------------------------------------------------------


def _english(text: str) -> str:
    text = re.sub(rf"\b(?:an?|one|1) ({_LENGTHS}) and a half\b", r"1.5 \1", text)
    text = _RUN_EN.sub(lambda match: _value_en(match.group()), text)
    text = re.sub(r"(\d+) and a half\b", r"\1.5", text)
    text = re.sub(r"(\d)\s?k\b", r"\g<1>000", text)
    fractions = "|".join(_DENOMINATORS)
    text = re.sub(
        rf"\b(a|\d)[ -]({fractions})s?\b",
        lambda m: f"{'1' if m.group(1) == 'a' else m.group(1)}/{_DENOMINATORS[m.group(2)]}",
        text,
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
