"""What kind of answer a question asks for, where its words say so, and whether a text has anything of that kind."""

from __future__ import annotations

import re

from index.keywords import simplified
from rag.numbers import years

_FLAGS = re.IGNORECASE
# {kind: (how a question asks for it, what a text has that can state it)}. The former are narrow: “什么时候该给人看” and
# "when must it be seen" ask for a condition. The latter are wide: whatever a reader might take for such an answer.
_KINDS: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "a time": (
        re.compile(
            r"哪一?年|哪一?天|哪个月|几月|几号|何年|何月|何日|什么日期|日期[?？]?$|什么时候(?=.*[了的](?:[?？]|$))|"
            r"^(?:(?:and|so|but|ok),? )*when (?:exactly )?(?:did|was|were|will|had|has)\b|since when|"
            r"\b(?:what|which) (?:exact )?(?:day|date|year|month)\b|\bdate\W*$",
            _FLAGS,
        ),
        re.compile(
            r"\d{4}|[\d一二三四五六七八九十两几] ?[日号天]|[年月春夏秋冬]|周[一二三四五六日]|星期|[今明后次][天日]|"
            r"世纪|\b(?:januar|februar|march|april|may\b|june|july|august|september|october|november|december|spring|"
            r"summer|autumn|winter|today|tomorrow|year|month|week|decade|centur)|day\b|days\b",
            _FLAGS,
        ),
    ),
    "a duration": (
        re.compile(
            r"多久|多长时间|几个?小时|几天|几周|几个月|"
            r"how long (?:did|does|do|was|were|is|are|will|has|had|can|before|until)|"
            r"how many (?:hours|minutes|seconds|days|weeks|months|years)",
            _FLAGS,
        ),
        re.compile(
            r"[年月日天周时秒分]|星期|hour|minute|second|day|week|month|year|decade|night|dawn|moment|\d:\d\d|o.clock",
            _FLAGS,
        ),
    ),
    "an age": (
        re.compile(r"多大(?:年纪|岁数|年龄)|几岁|年龄[?？]?$|how old (?:is|was|are|were) (?!the)|\bage\W*$", _FLAGS),
        re.compile(
            r"岁|years? old|\baged?\b|, ?\d\d\b|(?:is|was) (?:now )?\d\d|\d\d-year|"
            r"\b(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)(?:y|ies)",
            _FLAGS,
        ),
    ),
    "a share": (
        re.compile(
            r"百分之几|百分之多少|比例(?:是|有)?多|占多少|占几|what (?:percentage|share|proportion|fraction)", _FLAGS
        ),
        re.compile(
            r"[%％成半个每全]|百分|分之|只有|per ?cent|half|third|quarter|fifth|tenth|of (?:every|each)|out of|share|"
            r"in (?:ten|five|four|twenty)|\b(?:all|none)\b",
            _FLAGS,
        ),
    ),
    "an amount": (
        re.compile(
            r"多少|几[个名位次家台块张份倍]|how (?:many|much|high|tall|wide|deep|heavy|fast)|"
            r"how (?:large|far) (?:is|was)",
            _FLAGS,
        ),
        re.compile(
            r"\d|[一二三四五六七八九十百千万亿两半零]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
            r"dozen|hundred|thousand|million|half|third|quarter|once|twice|no|none|nothing|never|all|every|single)\b",
            _FLAGS,
        ),
    ),
}


def lacks_what_is_asked(question: str, text: str) -> bool:
    """Whether the question asks for a time, a duration, an age, a share or an amount, and `text` has none at all.

    Such a text does not state the answer, however much else it says about the matter. Characters may be traditional.
    """
    asked, told = simplified(question), simplified(text)
    return any(asks.search(asked) and not tells.search(told) for asks, tells in _KINDS.values())


def is_of_another_year(question: str, text: str) -> bool:
    """Whether the question names a year, and `text` none that it names."""
    asked = years(question)
    return bool(asked) and not asked & years(text)
