"""The units of quantities, in both languages: 140 MW is 14 万千瓦, and 5.2 W is not what a text with 5.2 TB alone says.

A unit is compared only where it is known on both sides. A scale that Chinese writes before a unit (千瓦, 万吨)
belongs to the value.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from rag.numbers import Value, located

# Each unit with the ways it is written. A letter that may as well be a scale (5m, 3t) is left out, and so is the sign
# that two currencies share.
_UNITS = {
    "watt": "W|watts?|瓦特?",
    "kilowatt": "kW|kilowatts?",
    "megawatt": "MW|megawatts?|兆瓦",
    "gigawatt": "GW|gigawatts?|吉瓦",
    "watt-hour": "Wh|watt[ -]hours?|瓦时",
    "kilowatt-hour": "kWh|kilowatt[ -]hours?",
    "megawatt-hour": "MWh|megawatt[ -]hours?|兆瓦时",
    "gigawatt-hour": "GWh|gigawatt[ -]hours?|吉瓦时",
    "terawatt-hour": "TWh|terawatt[ -]hours?|太瓦时",
    "volt": "V|volts?|伏特?",
    "kilovolt": "kV|kilovolts?",
    "kilobyte": "KB|kilobytes?",
    "megabyte": "MB|megabytes?",
    "gigabyte": "GB|gigabytes?",
    "terabyte": "TB|terabytes?",
    "petabyte": "PB|petabytes?",
    "hertz": "Hz|hertz|赫兹?",
    "megahertz": "MHz|megahertz|兆赫兹?",
    "gigahertz": "GHz|gigahertz|吉赫兹?",
    "nanometre": "nm|nanomet(?:re|er)s?|纳米",
    "micrometre": "[µμ]m|micromet(?:re|er)s?|微米",
    "millimetre": "mm|millimet(?:re|er)s?|毫米",
    "centimetre": "cm|centimet(?:re|er)s?|厘米",
    "metre": "met(?:re|er)s?|米",
    "kilometre": "km|kilomet(?:re|er)s?|公里",
    "mile": "miles?|英里",
    "foot": "feet|foot|ft|英尺",
    "square metre": "m²|square met(?:re|er)s?|平方米",
    "square kilometre": "km²|square kilomet(?:re|er)s?|平方公里",
    "hectare": "ha|hectares?|公顷",
    "cubic metre": "m³|cubic met(?:re|er)s?|立方米",
    "litre": "lit(?:re|er)s?|升",
    "gram": "grams?|克",
    "kilogram": "kg|kilograms?|kilos?|公斤",
    "tonne": "tonnes?|tons?|吨",
    "degree Celsius": "°C|℃|degrees Celsius|摄氏度",
    "millisecond": "ms|milliseconds?|毫秒",
    "second": "seconds?|秒钟?",
    "minute": "minutes?|mins?|分钟",
    "hour": "hours?|hrs?|个?(?:小时|钟头)",
    "day": "days?|天",
    "week": "weeks?|周|个?星期",
    "month": "months?|个月",
    "year": "years?|年",
    "yuan": "yuan|RMB|元|块钱|人民币",
    "dollar": "(?:US )?dollars?|USD|美元|美金",
    "euro": "euros?|EUR|欧元",
    "pound": "英镑|GBP",
    "yen": "yen|JPY|日元",
}
_PREFIXES = {
    "nano": Fraction(1, 10**9), "micro": Fraction(1, 10**6), "milli": Fraction(1, 1000), "centi": Fraction(1, 100),
    "kilo": Fraction(10**3), "mega": Fraction(10**6), "giga": Fraction(10**9), "tera": Fraction(10**12),
    "peta": Fraction(10**15),
}  # fmt: skip
_MULTIPLES = {
    "tonne": ("gram", 10**6),
    "hectare": ("square metre", 10**4),
    "square kilometre": ("square metre", 10**6),
    "minute": ("second", 60),
    "hour": ("second", 3600),
    "day": ("second", 86_400),
    "week": ("second", 604_800),
}
_SIGNS = {"$": "dollar", "€": "euro", "£": "pound"}
_WRITTEN = re.compile(
    r"[\s-]*(?:"
    # The longest first: 瓦时 is no 瓦. One in letters ends where they do.
    + "|".join(
        rf"(?P<u{at}>(?:{written})(?![A-Za-z²³]))"
        for at, written in sorted(enumerate(_UNITS.values()), key=lambda unit: -max(map(len, unit[1].split("|"))))
    )
    + ")",
    re.IGNORECASE,
)
_NAMES = tuple(_UNITS)


@lru_cache(maxsize=8192)
def measured(text: str) -> frozenset[tuple[Value, str | None]]:
    """Every quantity of `text` with its unit; None where it has none that is known here."""
    return frozenset((value, _SIGNS.get(before) or _unit(behind)) for value, before, behind in located(text))


def is_remeasured(statement: str, text: str) -> bool:
    """Whether a quantity of `statement` has a unit that the same quantity has nowhere in `text`, but others."""
    units: dict[Value, set[str | None]] = {}
    for value, unit in measured(text):
        units.setdefault(value, set()).add(unit)
    return any(
        unit is not None and value in units and not {unit, None} & units[value] for value, unit in measured(statement)
    )


def restated(text: str, among: str) -> frozenset[Value]:
    """The quantities of `text` that `among` has in another unit of the same kind: 140 MW and 14 万千瓦."""
    known = {_in_base(value, unit) for value, unit in measured(among) if unit}
    return frozenset(value for value, unit in measured(text) if unit and _in_base(value, unit) in known)


def _in_base(value: Value, unit: str) -> tuple[str, Fraction]:
    """The kind of unit, and how much of it: (metre, 1500) for 1.5 km."""
    prefix = next((own for own in _PREFIXES if unit.startswith(own)), "")
    kind, factor = _MULTIPLES.get(unit, (unit.removeprefix(prefix), _PREFIXES.get(prefix, Fraction(1))))
    return kind, value[1] * factor


def _unit(behind: str) -> str | None:
    match = _WRITTEN.match(behind)
    return _NAMES[int(match.lastgroup[1:])] if match and match.lastgroup else None
