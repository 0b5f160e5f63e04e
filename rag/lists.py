"""Lists whose items are headings: "list the stages" is answered by every heading of the timeline, not by the nearest.

What an article enumerates it often puts under a heading each. Retrieval finds the nearest one or two, and a small model
names one of them; where a question asks for all, and what answers it is one of a family of headings, all are given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.keywords import simplified
from rag.answer import Answer, Evidence, Statement
from rag.compose import quoting
from rag.numbers import CARDINALS, quantities
from rag.words import Rarity, content_tokens

_MOST = 20  # a larger number is a year or an amount, not how many there are
_COUNTS = "|".join(word for word, value in CARDINALS.items() if 1 < value < _MOST)
# A question that asks for all of several things.
_ASKS_FOR_ALL = {
    "zh": re.compile(r"列出|列举|罗列|哪些|哪[几两二三四五六七八九十\d]|分别[是为有叫]|依次|按顺序"),
    "en": re.compile(
        rf"\b(?:list|enumerate|name (?:all|the|each)|what (?:are|were) (?:the|all)|(?:what|which) (?:{_COUNTS}|\d+)|"
        r"in order)\b",
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
    are as many of them as the question says, or it gives no number and the answer names two of them.
    """
    asked = answer.rewritten or answer.question
    if answer.refused or not heads or not _ASKS_FOR_ALL[answer.language].search(simplified(asked)):
        return False
    counts = {value for _, value in quantities(asked) if value < _MOST}
    if counts:
        return len(heads) in counts
    return sum(_names(answer, head, rarity) for head in heads) >= SEVERAL_NAMED


def with_whole_list(answer: Answer, heads: Sequence[Evidence], rarity: Rarity) -> Answer:
    """`answer` with a quote, behind its heading, of each of `heads` that it does not name; all in their order."""
    lacking = [head for head in heads if not _names(answer, head, rarity)]
    if not lacking:
        return answer
    told = quoting(answer, lacking)
    added = told.statements[len(answer.statements) :]
    headed = [replace(said, text=told.citations[said.citations[0]].headed) for said in added]
    order = {head.paragraph.number: place for place, head in enumerate(heads)}

    def place(said: Statement) -> int:
        numbers = (told.citations[i].paragraph.number for i in said.citations)
        return next((order[number] for number in numbers if number in order), -1)

    return replace(told, statements=tuple(sorted([*headed, *answer.statements], key=place)))


def _names(answer: Answer, head: Evidence, rarity: Rarity) -> bool:
    words = content_tokens(head.heading)
    return any(rarity.covered(words, content_tokens(said.text)) >= NAMED for said in answer.statements)
