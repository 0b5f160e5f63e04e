"""Sentences that say how many things there are and leave them to the next ones ("We set three rules.").

Quoted alone, such a sentence answers nothing. Told by its form in either language, whatever is counted: the counted
thing opens the sentence or ends it, and little else stands in it.
"""

from __future__ import annotations

import re

from index.keywords import simplified
from index.paragraphs import Language
from index.sentences import without_notes
from rag.numbers import CARDINALS, count
from rag.words import content_tokens

# Two to nineteen, as lists count their items.
A_FEW: dict[Language, str] = {
    "zh": r"(?:[两二三四五六七八九十]{1,2}|\d{1,2})",
    "en": rf"(?:{'|'.join(word for word, value in CARDINALS.items() if 1 < value < 20)}|\d{{1,2}})",
}
# A time or an amount, which is counted and is no thing to list: behind 个 in Chinese, behind the number in English.
_AMOUNTS = (
    "years months weeks days nights mornings evenings hours minutes seconds decades centuries semesters times "
    "metres meters centimetres centimeters kilometres kilometers miles inches feet degrees thirds quarters votes euros "
    "dollars pounds grams kilograms tonnes tons acres hectares litres liters percent hundred thousand million billion"
)
NO_THING: dict[Language, str] = {
    "zh": "[半多]?(?:月|小时|钟头|星期|礼拜|世纪|季度|学期)|昼夜|工作日|百分",
    "en": rf"(?:{_AMOUNTS.replace(' ', '|')}|year|month|week|day|hour|minute)\b|%",
}
# Of these many as many are told as follow.
SEVERAL = 9
_MOST = 19
_SOME = {"zh": "几", "en": "several"}
# Behind what is counted in Chinese: no time or amount of it, one of so many, so many of them, or what all of them do.
_OF_THINGS = (
    rf"(?:[个种类条项件步]|方面)(?!{NO_THING['zh']})"
    rf"(?!.{{0,8}}[里内]|.{{0,8}}中(?![国心间])|.*(?:都|均|各|没有一|无一|{A_FEW['zh']}\s*[个种类条项件步]))"
)
# What is counted at the end of a sentence, or at its beginning. Not the last two or the weakest of the three, nor a
# time or an amount.
_AT_THE_END = {
    "zh": re.compile(
        rf"(?<![第\d十百千万这那前后上下余他每各头数半])(?<!\d[.,])(?<!另外)(?P<n>{A_FEW['zh']}|几)\s*{_OF_THINGS}"
        r"(?:[^,，;；。]{1,8}|(?<=[种类条项面]))[。.:：]$"
    ),
    "en": re.compile(
        rf"(?:^|(?<![\w.,-]))(?:(?P<before>[a-z]+)[\s-]+)?(?P<n>{A_FEW['en']}|several)\s+(?P<things>(?:[a-z'’-]+\s+){{0,2}}?"
        r"[a-z'’-]+s)(?:\s+of\s+(?:[a-z'’-]+\s*){1,3})?[.:]$",
        re.IGNORECASE,
    ),
}
_AT_THE_BEGINNING = {
    "zh": re.compile(rf"有?(?P<n>{A_FEW['zh']}|几)\s*{_OF_THINGS}"),
    "en": re.compile(
        rf"(?P<before>)(?P<n>{A_FEW['en']}|several)\s+(?P<things>(?:[a-z'’-]+\s+){{0,2}}?[a-z'’-]+s)\b(?!\s+of\b)",
        re.IGNORECASE,
    ),
}
_NOT_BEFORE = frozenset(
    "the these those all both its their his her our my your first last next other another every only than to or by at "
    "in of section chapter figure part page about over".split()
)
_NO_THINGS = frozenset([*_AMOUNTS.split(), *"per as is was has us this of".split()])
# It tells itself what it counts: behind a colon, or because it has more words than these.
_TELLS_ITSELF = re.compile(r"[:：]\s*\w")
_SHORT = {"zh": 9, "en": 7}


def announced(sentence: str, language: Language) -> int:
    """How many things the sentence says there are and does not tell; 0 where it announces none."""
    text = without_notes(simplified(sentence)).strip()
    if len(content_tokens(sentence)) > _SHORT[language] or _TELLS_ITSELF.search(text):
        return 0
    found = _AT_THE_END[language].search(text) or _AT_THE_BEGINNING[language].match(text)
    if found is None or (language == "en" and not _counts_things(found)):
        return 0
    number = SEVERAL if found["n"].lower() == _SOME[language] else count(found["n"].lower())
    return number if 1 < number <= _MOST else 0


def _counts_things(found: re.Match[str]) -> bool:
    words = found["things"].lower().split()
    return (found["before"] or "").lower() not in _NOT_BEFORE and not _NO_THINGS & {words[0], words[-1]}
