"""Lists whose items are headings: "list the stages" is answered by every heading of the timeline, not by the nearest.

What an article enumerates it often puts under a heading each. Retrieval finds the nearest one or two, and a small model
names one of them; where a question asks for all, and what answers it is one of a family of headings, all are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from index.keywords import simplified
from rag.answer import Answer, Evidence, Statement
from rag.compose import in_order_of_use, quoting
from rag.numbers import CARDINALS, count
from rag.words import Rarity, content_tokens

_N_EN = rf"(?:{'|'.join(word for word, value in CARDINALS.items() if 1 < value < 20)}|\d{{1,2}})"
_N_ZH = r"(?:[两二三四五六七八九十]{1,2}|\d{1,2})"
# A question that asks for all of several things.
_ASKS_FOR_ALL = {
    "zh": re.compile(rf"列出|列举|罗列|哪些|哪(?:几|{_N_ZH})|分别[是为有叫]|依次|按顺序"),
    "en": re.compile(
        rf"(?:^|\b(?:please|you|to|and)\s+)list\b|\b(?:what|which) {_N_EN}\b|"
        r"\b(?:enumerate|name (?:all|the|each)|what (?:are|were) (?:the|all)|in order(?! to\b))\b",
        re.IGNORECASE,
    ),
}
# How many of them it says there are: not a year, a fourth one, or what is found in all five.
_COUNTED = {
    "zh": re.compile(
        rf"(?<![第\d])(?P<n>{_N_ZH})\s*(?:[个种类条项点步件]|阶段|部分|时期)(?!月|小时|百分|[^,，]{{0,6}}[中里内])"
    ),
    "en": re.compile(
        r"\b(?:list|enumerate|name|which|what(?: are| were)?)(?:\s+[\w'’]+){0,2}?\s+"
        rf"(?P<n>{_N_EN})\s+(?!years?\b|months?\b|weeks?\b|days?\b|hours?\b|minutes?\b|times\b|percent|%)",
        re.IGNORECASE,
    ),
}
# A heading is named by what has this share of its words.
NAMED = 0.7
# So many of a family's headings that are named make an answer a list of them.
SEVERAL_NAMED = 2


def asks_for_list(answer: Answer, heads: Sequence[Evidence], rarity: Rarity) -> bool:
    """Whether `heads` are what is asked for, all of them.

    `heads`: the first sentences of the parts that what was read introduces or is one of, each with its heading. There
    are as many of them as the question says, or it gives no number and the answer names two in words of its own.
    """
    asked = simplified(answer.rewritten or answer.question)
    if answer.refused or not heads or not _ASKS_FOR_ALL[answer.language].search(asked):
        return False
    if counted := _COUNTED[answer.language].search(asked):
        return len(heads) == count(counted["n"].lower())
    own = [
        said for said in answer.statements if not any(answer.citations[i].quote in said.text for i in said.citations)
    ]
    return sum(_names(own, head, rarity) for head in heads) >= SEVERAL_NAMED


def with_whole_list(answer: Answer, heads: Sequence[Evidence], rarity: Rarity) -> Answer:
    """`answer` with a quote, behind its heading, of each of `heads` that it does not name; all in their order."""
    lacking = [head for head in heads if not _names(answer.statements, head, rarity)]
    if not lacking:
        return answer
    told = quoting(answer, lacking)
    added = told.statements[len(answer.statements) :]
    headed = [replace(said, text=told.citations[said.citations[0]].headed) for said in added]
    bare = {head.text for head in lacking}
    kept = [said for said in answer.statements if said.text not in bare]
    order = {head.paragraph.number: place for place, head in enumerate(heads)}

    def place(said: Statement) -> int:
        numbers = (told.citations[i].paragraph.number for i in said.citations)
        return next((order[number] for number in numbers if number in order), -1)

    return in_order_of_use(replace(told, statements=tuple(sorted([*headed, *kept], key=place))))


def _names(statements: Iterable[Statement], head: Evidence, rarity: Rarity) -> bool:
    words = content_tokens(head.heading)
    if not words:
        return any(head.heading in said.text for said in statements)
    return any(rarity.covered(words, content_tokens(said.text)) >= NAMED for said in statements)
