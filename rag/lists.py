"""Lists whose items stand apart: "list the stages" is answered by every entry of the timeline, not by the nearest.

What an article enumerates it often puts under a heading each, or in paragraphs that it counts. Retrieval finds the
nearest one or two, and a small model names one of them; where a question asks for all, and what answers it is one of
such a list, all are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from index.keywords import simplified
from index.ordinals import ORDINALS
from index.outline import opens_a_list
from index.paragraphs import Language
from rag.answer import Answer, Evidence, Statement
from rag.compose import in_order_of_use, quoting
from rag.counted import A_FEW, NO_THING
from rag.evidence import Items
from rag.numbers import count
from rag.words import Rarity, content_tokens

_N_ZH, _N_EN = A_FEW["zh"], A_FEW["en"]
# What leaves no doubt that every one is wanted.
_EVERY_ZH = r"列全|一[条个项样]不[漏落少]"
_EVERY_EN = (
    r"\b(?:full|whole|complete|entire) list\b|\b(?:none|nothing) out\b|\blist everything\b|"
    r"\bevery (?:single )?(?:one|item|point|condition|case|kind|reason|rule|name)\b"
)
# A question that asks for all of several things.
_ASKS_FOR_ALL = {
    "zh": re.compile(
        rf"列出|列举|罗列|列清|{_EVERY_ZH}|逐[条一项]|哪些|哪(?:几|{_N_ZH})|分别[是为有叫]|依次|按顺序|"
        rf"(?<![第\d]){_N_ZH}(?:大|[个种类条项点步])[^,，]{{1,8}}(?:是什么|有哪)"
    ),
    "en": re.compile(
        rf"(?:^|\b(?:please|you|to|and)\s+)list\b|\b(?:what|which) {_N_EN}\b|{_EVERY_EN}|"
        r"\ball (?:of them|the (?:names|points|items|kinds|reasons|rules|conditions))\b|"
        r"\b(?:what|which) (?:kinds|sorts|types) of\b|"
        r"\b(?:enumerate|name (?:all|the|each)|"
        r"what (?:are|were) (?:the|all|its|his|her|their|these|those)|"
        rf"(?:describe|explain|summari[sz]e|tell me|give(?: me)?) (?:the |all ){{1,2}}{_N_EN}|"
        r"in order(?! to\b))\b",
        re.IGNORECASE,
    ),
}
# One that wants every one of what it lists.
_ASKS_FOR_EVERY = {
    "zh": re.compile(
        rf"{_EVERY_ZH}|(?:完整|全部)的?[清名列][单表]|(?:所有|全部)[^,，]{{0,12}}(?:列出|列举|说出)|"
        r"(?:列出|列举)[^,，]{0,4}(?:所有|全部)|每一[条个项]"
    ),
    "en": re.compile(
        rf"{_EVERY_EN}|\bevery (?:single )?(?:respect|step|piece|thing)\b",
        re.IGNORECASE,
    ),
}
# How many of them it says there are: not a year, a fourth one, or what is found in all five.
_COUNTED = {
    "zh": re.compile(
        rf"(?<![第\d])(?P<n>{_N_ZH})\s*(?:[个种类条项点步件大]|阶段|部分|时期)(?!{NO_THING['zh']}|[^,，]{{0,6}}[中里内])"
    ),
    "en": re.compile(
        r"\b(?:list|enumerate|name|which|what(?: are| were)?)(?:\s+[\w'’]+){0,2}?\s+"
        rf"(?P<n>{_N_EN})\s+(?!{NO_THING['en']})",
        re.IGNORECASE,
    ),
}
# "What recommendations do they make?", of a list that says how many it has.
_ASKS_FOR_SOME = re.compile(
    r"\b(?:what|which) (?!(?:do|does|did|is|was|has|this)\b)(?:[a-z'’-]+ ){0,2}[a-z]+s "
    r"(?:do|did|are|were|have|can|would|should)\b",
    re.IGNORECASE,
)
# So many of something, as what introduces a list says.
_SO_MANY = {
    "zh": re.compile(rf"(?<![第\d])(?P<n>{_N_ZH})\s*(?P<things>[^\W\d]{{1,8}})"),
    "en": re.compile(rf"\b(?P<n>{_N_EN})\s+(?P<things>[\w'’-]+(?:\s+[\w'’-]+){{0,2}})", re.IGNORECASE),
}
# One of them, not all.
_ASKS_FOR_ONE = {
    "zh": re.compile(r"第[一二三四五六七八九十\d]|最后一"),
    "en": re.compile(rf"\b(?:{'|'.join(ORDINALS)}|last)\b", re.IGNORECASE),
}
# An item is named by what has this share of its name's words.
NAMED = 0.7
# So many of a list's items that are named make an answer a list of them.
SEVERAL_NAMED = 2


def may_ask_for_list(answer: Answer) -> bool:
    """Whether the question may ask for all of a list, whatever the article lists; not where it is refused."""
    asked = simplified(answer.rewritten or answer.question)
    return not answer.refused and bool(_ASKS_FOR_ALL[answer.language].search(asked) or _ASKS_FOR_SOME.search(asked))


def asks_for_list(answer: Answer, items: Items, rarity: Rarity) -> bool:
    """Whether `items`, of a list that what was read introduces or is an item of, are what is asked for, all of them.

    There are as many of them as the question says; or it gives no number, and the answer names two in words of its own,
    or what stands before them opens their list, or says that there are so many of what the question asks for, or the
    question wants every single one, and the answer cites one of them.
    """
    asked = simplified(answer.rewritten or answer.question)
    may_be = may_ask_for_list(answer)
    is_announced = may_be and _announces(items, asked, answer.language)
    is_opened = may_be and _is_opened(items, answer)
    if answer.refused or not (is_announced or is_opened or _ASKS_FOR_ALL[answer.language].search(asked)):
        return False
    number = _number_asked(asked, answer.language)
    if number is not None:
        return len(items.heads) == number
    own = [
        said for said in answer.statements if not any(answer.citations[i].quote in said.text for i in said.citations)
    ]
    if sum(_is_named(head, own, items, rarity) for head in items.heads) >= SEVERAL_NAMED:
        return True
    wants_every = _ASKS_FOR_EVERY[answer.language].search(asked) and _cites_one_of(items, answer)
    return bool(is_announced or is_opened or wants_every) and not _ASKS_FOR_ONE[answer.language].search(asked)


def asks_for_others(answer: Answer, items: Items) -> bool:
    """Whether the question asks for one of a list, or for another number of things than `items` are."""
    asked = simplified(answer.rewritten or answer.question)
    number = _number_asked(asked, answer.language)
    return number not in (None, len(items.heads)) or _ASKS_FOR_ONE[answer.language].search(asked) is not None


def _number_asked(asked: str, language: Language) -> int | None:
    """How many of a list a question says that there are; None where it does not say."""
    counted = _COUNTED[language].search(asked)
    return count(counted["n"].lower()) if counted else None


def _is_opened(items: Items, answer: Answer) -> bool:
    """Whether the answer cites an item of a list that a colon opens: what one of them answers, all of them do."""
    text = (items.introduction.text(answer.language) if items.introduction else None) or ""
    return opens_a_list(text) and _cites_one_of(items, answer)


def _cites_one_of(items: Items, answer: Answer) -> bool:
    cited = {citation.paragraph.number for citation in answer.citations}
    return any(head.paragraph.number in cited for head in items.heads)


def _announces(items: Items, asked: str, language: Language) -> bool:
    """Whether what stands before the items says that there are so many of something that the question names.

    "Three lessons about pans" announces what "which lessons?" asks for, not what "which cloths?" does.
    """
    text = simplified((items.introduction.text(language) if items.introduction else None) or "")
    counted = [
        match["things"] for match in _SO_MANY[language].finditer(text) if count(match["n"].lower()) == len(items.heads)
    ]
    return any(content_tokens(things) & content_tokens(asked) for things in counted)


def with_whole_list(answer: Answer, items: Items, rarity: Rarity) -> Answer:
    """`answer` with a quote of each of `items` that it does not name, behind its heading; all in their order."""
    lacking = [head for head in items.heads if not _is_named(head, answer.statements, items, rarity)]
    if not lacking:
        return answer
    told = quoting(answer, lacking)
    added = told.statements[len(answer.statements) :]
    if items.headed:
        added = tuple(replace(said, text=told.citations[said.citations[0]].headed) for said in added)
    bare = {head.text for head in lacking}
    kept = [said for said in answer.statements if said.text not in bare]
    order = {head.paragraph.number: place for place, head in enumerate(items.heads)}

    def place(said: Statement) -> int:
        numbers = (told.citations[i].paragraph.number for i in said.citations)
        return next((order[number] for number in numbers if number in order), -1)

    return in_order_of_use(replace(told, statements=tuple(sorted([*added, *kept], key=place))))


def _is_named(head: Evidence, statements: Iterable[Statement], items: Items, rarity: Rarity) -> bool:
    name = items.name(head)
    words = content_tokens(name)
    if not words:
        return any(name in said.text for said in statements)
    return any(rarity.covered(words, content_tokens(said.text)) >= NAMED for said in statements)
