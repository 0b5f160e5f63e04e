"""The number that a paragraph or a heading begins with: 1., (2), 三、, ④, 第五, "the sixth"."""

from __future__ import annotations

import re

from index.keywords import simplified
from index.numerals import number

HAN_DIGITS = "一二三四五六七八九"
ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1
    )
}
LAST = -1  # of however many there are
_LAST = re.compile(r"\s*(?:最后(?:一[条点个项]|[,，])|(?:and )?(?:finally|lastly|last)\b,)", re.IGNORECASE)
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
_FIGURE = re.compile(
    rf"\s*(?:[(（](?P<round>\d{{1,2}})[)）]|(?P<bracket>\d{{1,2}})[)）]|(?P<comma>\d{{1,2}})、|(?P<dot>\d{{1,2}})\.(?!\d)|"
    rf"(?P<han>[{HAN_DIGITS}十]{{1,3}})、|(?P<circled>[{_CIRCLED}]))\s*\S"
)
_BEGINS = 40  # characters of a text that its number stands in
# Not the second day, nor the first quarter: they tell when.
_WORD = re.compile(
    rf"[\s「『“‘\"'(（]*(?:第(?P<zh>[{HAN_DIGITS}十]{{1,3}}+|\d{{1,2}}+)\s*+"
    r"(?![\d百千]|个?(?:[天年季周月日]|星期|季度|世纪|分钟|小时|年代))|"
    rf"(?:the )?(?P<en>{'|'.join(ORDINALS)})(?:ly)?\b"
    r"(?! (?:days?|weeks?|months?|years?|quarter|half|cent|minute|hour|decade))(?!-))",
    re.IGNORECASE,
)


def label(text: str) -> tuple[str, int] | None:
    """(the way it is written, the number) that `text` begins with, as an item of a list does; None without one.

    LAST is the number of "finally".
    """
    text = simplified(text[:_BEGINS])
    if (figure := _FIGURE.match(text)) and (way := figure.lastgroup):
        written = figure[way]
        return way, _CIRCLED.index(written) + 1 if way == "circled" else value(written)
    if word := _WORD.match(text):
        return "word", value(word["zh"]) if word["zh"] else ORDINALS[word["en"].lower()]
    return ("word", LAST) if _LAST.match(text) else None


def value(written: str) -> int:
    """The number that `written` says, in digits or Chinese numerals; 0 where it says none."""
    return int(number(written) or 0)
