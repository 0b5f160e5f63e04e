"""Numbers as they are written in digits or Chinese numerals."""

from __future__ import annotations

import re
from fractions import Fraction

DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "兩": 2}
TENS = {"十": 10, "百": 100, "千": 1000}
BIG = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}


def number(text: str) -> Fraction | None:
    """A number in digits or Chinese numerals, else None."""
    if re.fullmatch(r"\d[\d.]*", text):
        return Fraction(text.rstrip("."))
    whole, _, decimals = text.partition("点")
    if decimals and all(c in DIGITS for c in decimals):
        base = number(whole)
        return (
            None
            if base is None
            else base + Fraction(int("".join(str(DIGITS[c]) for c in decimals)), 10 ** len(decimals))
        )
    if len(whole) > 1 and all(c in DIGITS for c in whole):  # 二〇二六: digits read one by one
        return Fraction(int("".join(str(DIGITS[c]) for c in whole)))
    return _counted(whole)


def _counted(numerals: str) -> Fraction | None:
    total = section = digit = last = 0
    unit = 1  # of a last digit: 两千五 is 2,500, 一万二 12,000, but 十二 is 12 and 一万零二 10,002
    for c in numerals:
        if c in DIGITS:
            digit, unit = DIGITS[c], unit if DIGITS[c] else 1
        elif c in TENS:
            section, digit, unit = section + (digit or 1) * TENS[c], 0, max(1, TENS[c] // 10)
        elif c in BIG:
            own = section + digit
            # 一亿二千万 is a sum, 一万亿 a product.
            total = total + own * BIG[c] if last > BIG[c] else (total + own or 1) * BIG[c]
            section, digit, unit, last = 0, 0, BIG[c] // 10, BIG[c]
        else:
            return None
    return Fraction(total + section + digit * unit)
