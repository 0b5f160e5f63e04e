"""Lines that say the same in both languages: how they stand there, and their two halves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.blocks import language_of_line, split_inline
from index.characters import HAN, WIDE
from index.vocabulary import explains_a_word, stands_beside

# A line in Chinese and then in English, or the other way about: headings, and sentences.
_NUMBER = (
    r"(?P<number>\d{1,2}(?::\d{2}){1,2}\s+|\d{1,2}(?:[.．]\d{1,2})+[.．]?\s*|\d{1,2}(?:[.．、]\s*|\s+)|"
    r"[一二三四五六七八九十]{1,3}、\s*|[^\w\s]+\s+)?"
)
_ZH = rf"(?P<zh>[{WIDE}“‘](?:.*[{WIDE}”’])?[\d.%％†‡]*)"
TWICE = (
    re.compile(rf"{_NUMBER}{_ZH}(?:\s+|(?<=[）」”])\s*)(?P<en>[“‘\"]?[A-Za-z][^{WIDE}]*)"),
    re.compile(rf"{_NUMBER}(?P<en>[“‘\"]?[A-Za-z][^{WIDE}]*?)\s+{_ZH}"),
)
# A gloss in brackets behind a heading: "Faces（面孔）", 面孔 (Faces).
GLOSSED = (
    re.compile(rf"{_NUMBER}(?P<en>[“‘\"]?[A-Za-z][^{WIDE}]*?)\s*[(（](?P<zh>[{WIDE}“‘].*)[)）]"),
    re.compile(rf"{_NUMBER}(?P<zh>[{WIDE}“‘][^(（]*?)\s*[(（](?P<en>[“‘\"]?[A-Za-z][^{WIDE}()]*)[)）]"),
)
_BETWEEN = r"\s*(?:[/|｜·—–-]{1,2}\s*)?"
SENTENCES = (
    re.compile(rf"(?P<number>)(?P<en>[^{WIDE}]*[.!?][”\"]?)\s*[(（](?P<zh>[{WIDE}“‘].*[。！？”])[)）]"),
    re.compile(rf"(?P<number>)(?P<zh>[^{HAN}]*[{HAN}].*[。！？”」])\s*[(（](?P<en>[A-Z“\"][^{WIDE}]*[.!?][”\"]?)[)）]"),
    re.compile(rf"(?P<number>)(?P<zh>[^{HAN}]*[{HAN}].*[。！？”」）]){_BETWEEN}(?P<en>[A-Z“\"(][^{WIDE}]*)"),
    re.compile(rf"(?P<number>)(?P<en>[^{WIDE}]*[.!?][”\")]?){_BETWEEN}(?P<zh>(?:\d[\d,.]*)?[{WIDE}“‘].*)"),
)
# Letters of the English to a character of the Chinese where they say the same, mostly some three to five: at least,
# at least where the other headings stand there twice, at most.
_LETTERS, LETTERS_AMONG_OTHERS, _LETTERS_AT_MOST = 1.8, 1.0, 9.0
# "A chronology", "Key numbers", not "Claude Code".
_IN_LOWER_CASE = re.compile(r"[A-Z].*\s(?!(?:the|and|for|from|with|into|upon)\b)[a-z]{3,}\b|The\s[a-z]")
# A short line with a label before an amount.
_LABELLED = re.compile(r"([^:：\d]{2,40}?)\s*[:：]\s*(?=.*\d)(\S.{0,48})")
_SLASH = re.compile(r"\s+[/／]\s+")
# What parts the halves is of neither.
_PARTS = " /／|｜·—–-"
_BRACKET = re.compile(r"[(（]")
_ASIDE = re.compile(r"(.*?)(\s*[(（][^()（）]*[)）]|)")


def halves(line: str, shapes: Sequence[re.Pattern[str]]) -> list[str]:
    """The two halves of a line that says the same in both languages, each of more than a word; else none."""
    if explains_a_word(line):
        return []
    for shape in shapes:
        match = shape.fullmatch(line)
        if match and is_as_long(match) and " " in match["en"].strip() and len(match["zh"]) > 1:
            return parts(match)
    return []


def parts(match: re.Match[str]) -> list[str]:
    """The halves that `match` tells, each behind the number that both share; "64 members 最多时64人" share none."""
    order = sorted(("zh", "en"), key=match.start)
    number = match["number"] or ""
    is_shared = not number.strip().isdigit() or number.strip() not in match[order[1]]
    return [f"{number if is_shared or name == order[0] else ''}{match[name].strip(_PARTS)}" for name in order]


def is_as_long(match: re.Match[str], least: float = _LETTERS) -> bool:
    """Whether the two halves can say the same, by their lengths. `least`: letters to a Chinese character."""
    letters, characters = len(re.findall("[A-Za-z]", match["en"])), len(re.findall(f"[{HAN}]", match["zh"]))
    return least * characters <= letters <= _LETTERS_AT_MOST * characters


def says_again(one: str, other: str) -> bool:
    """Whether two headings may be each other's translation: one in each language, with a Latin word of the one, if any.

    "使用 Claude Code" and "Using Claude Code"; not "1. Introduction 引言" and "2. The three towns".
    """
    zh, en = (one, other) if re.search(f"[{HAN}]", one) else (other, one)
    if not en or re.search(f"[{HAN}]", en) or not re.search(f"[{HAN}]", zh):
        return False
    # Short words are in every heading: "the".
    words, others = (
        set(re.findall("[a-z]{4,}", text.lower()) or re.findall("[a-z]+", text.lower())) - {"the"} for text in (zh, en)
    )
    return not re.search("[A-Za-z]", zh) or any(
        word.startswith(other) or other.startswith(word) for word in words for other in others
    )


def labelled(line: str) -> list[str]:
    """The two halves of a line whose label says the same twice, and whose value tells an amount; else none.

    "扫描 Scanning: 121,000 欧元 / 121,000 euros", "张数 Pictures: 460".
    """
    match = _LABELLED.fullmatch(line)
    label = of_each_language(match[1].strip()) if match else []
    if match is None or len(label) == 1:
        return []
    values = _SLASH.split(match[2])
    if not all(re.search(r"\d", value) for value in values):
        return []
    if len(values) == 1 and re.search(f"[{HAN}A-Za-z]", match[2]):
        return []
    return [f"{label[0]}：{values[0]}", f"{label[1]}: {values[-1]}"]


def is_no_name(english: str) -> bool:
    """Whether the English half of a line heads a part that most articles have, or has words in lower case."""
    return stands_beside(english) or _IN_LOWER_CASE.match(english) is not None


def of_each_language(text: str) -> list[str]:
    """[Chinese, English] of what stands there twice, else `text` alone.

    What stands in brackets behind both is both's (a unit), unless it is Chinese: Cards 加速卡(张).
    """
    if both := split_inline(text):
        return list(both)
    own, aside = _ASIDE.fullmatch(text).groups()  # type: ignore[union-attr] # it matches anything
    for shape in TWICE:
        match = shape.fullmatch(own)  # "A 类" has a letter, and no English
        if match and len(match["en"].strip()) > 1 and is_as_long(match, LETTERS_AMONG_OTHERS):
            zh, en = sorted(parts(match), key=lambda half: language_of_line(half) != "zh")
            # Where the first half has brackets of its own, what stands behind the second is the second's.
            is_of_zh = not aside or language_of_line(aside) == "zh" or aside[0] == "（"
            if aside and _BRACKET.search(own) and shape is TWICE[0]:
                return [zh, en + aside]
            return [zh + aside, en if is_of_zh else f"{en} {aside.strip()}"]
    return [text]
