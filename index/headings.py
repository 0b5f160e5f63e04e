"""Headings of a page that has no markup: which of them stand within which, from their numbers and their order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from index.ordinals import HAN_DIGITS, value
from index.paragraphs import LANGUAGES, Language
from index.vocabulary import stands_beside

_MEASURE_WORDS = "个種种年月日大点點项項条條步倍次家位名小时時分路号號层層岁歲届屆期台臺座辆輛艘架%％"
# Not the day of "18 September 2025"; "3 May We Trust It?" is numbered.
_IN_A_MONTH = (
    r"(?:st|nd|rd|th)?\s+(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?\s*(?:,|\d{4}|$)"
)
_NUMBERED = re.compile(
    rf"^(?:(\d{{1,2}})\s*(?:[、)）]|[.．](?!\d{{1,2}}(?!\d))|[:：](?!\d))\s*|([{HAN_DIGITS}十]{{1,3}})、\s*)"
)
# No mark parts it from the words: "1趋势停滞", "3 Key Takeaways".
_BARE = re.compile(rf"^(\d{{1,2}})(?!{_IN_A_MONTH})\s*(?=[^\d\s{_MEASURE_WORDS}.,:：、)）．])")
# "1.1", "3.2.1", and what tells an amount from the number of a part: 1.4 billion people, 2.5倍, 8.30am, 3.5 hours.
_DOTTED = re.compile(r"^(\d{1,2}(?:[.．]\d{1,2})+)[.．、]?(?![\d.．])(\s*)(?=\S)")
_NUMBER = re.compile(
    r"^(?:[一二三四五六七八九十]{1,3}、|第[一二三四五六七八九十\d]+[章节部]|[\dIVX]+(?:\.\d+)*[.、)）]?\s)\s*"
)
_AMOUNT: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(rf"[{_MEASURE_WORDS}万亿萬億元点點克米吨]"),
    "en": re.compile(
        r"[\W\d]*%|(?:hundred|thousand|million|billion|trillion|per ?cent|times|points?|hours?|minutes?|seconds?|days?|"
        r"weeks?|months?|years?|km|kg|[ap]\.?m\.?|degrees?|dollars?|euros?|pounds?|yuan)\b",
        re.IGNORECASE,
    ),
}
# "han", or "digits" with as many dots as the number has; None without a number.
Style = str | None


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in one language or both, without its number."""

    number: str | None
    zh: str | None
    en: str | None
    # The English number where it is printed, or where the Chinese one can stand in English as it is.
    en_number: str | None = None
    # As the page marks it, 1 the outermost; 0 where it does not.
    level: int = 0

    @classmethod
    def of(cls, zh: str | None, en: str | None, level: int = 0, is_counted: bool = True) -> Heading:
        """The heading that is printed as `zh` and `en`, each with or without a number.

        `is_counted`: a number that no mark parts from the words is one too.
        """
        if number := _dotted_number(zh, en):
            zh, en = (text and _DOTTED.sub("", text) for text in (zh, en))
            en_number: str | None = number
        else:
            zh_number, zh = _strip_number(zh, is_counted)
            en_number, en = _strip_number(en, is_counted)
            number = zh_number or en_number
            en_number = en_number or (number if number and number.isdigit() else None)
        zh, en = zh and zh.rstrip(":："), en and en.rstrip(".:：")
        return cls(number, zh, en, en_number, level)

    @property
    def texts(self) -> tuple[str | None, str | None]:
        """(Chinese, English) as they are shown: the number in one form, then the words."""
        return self.zh and _numbered(self.number, self.zh), self.en and _numbered(self.en_number, self.en)

    @property
    def style(self) -> Style:
        """How it is numbered."""
        if not self.number:
            return None
        return f"digits{'.' * self.number.count('.')}" if self.number[0].isdigit() else "han"

    @property
    def value(self) -> int:
        """Its number, of 3.2 the 2; 0 without one."""
        return value(self.number.rpartition(".")[2]) if self.number else 0

    @property
    def stands_beside(self) -> bool:
        """Whether it heads what is no part of any section: an introduction, the notes, a word about the authors."""
        return any(stands_beside(text) for text in (self.zh, self.en) if text)


def unnumbered(heading: str) -> str:
    """A heading in small letters, without the number that a list of contents may leave out."""
    return _NUMBER.sub("", heading).strip().lower()


def as_counted(printed: Sequence[tuple[str | None, str | None, int]]) -> list[Heading]:
    """The headings that a page prints so, (Chinese, English, level) each.

    A number without a mark is one only where they count, 1, 2, 3: "3 Key Takeaways" alone is words.
    """
    found = [Heading.of(*own) for own in printed]
    marked = [Heading.of(*own, is_counted=False) for own in printed]
    numbers = [(heading.style, heading.value) for heading in found]
    counted: set[tuple[Style, int]] = set()
    for i, (style, own) in enumerate(numbers):
        follows = (style, own - 1) in counted or (own == 1 and (style, 2) in numbers[i + 1 :])
        if own and (follows or found[i] == marked[i]):
            counted.add((style, own))
            marked[i] = found[i]
    return marked


def levels(headings: Sequence[Heading]) -> list[int]:
    """The level of each of a page's headings, 1 the outermost.

    Each style of numbering (1., 1.1, 一、, none) is one level:

    - Numbered headings are below unnumbered ones, unless the latter first occur between two numbers: 二、 [a, b] 三、.
    - Of two styles of numbering, the one that occurs later is below the earlier: 1.1 below 1.
    - If the page itself marks headings with several levels, these are used, and unmarked headings are innermost.
    """
    marked = sorted({h.level for h in headings}, key=lambda level: (level == 0, level))
    if len(marked) > 1:
        return [marked.index(h.level) + 1 for h in headings]
    dotted = [h for h in headings if h.number and "." in h.number]
    if len(dotted) == 1:  # alone it is a version, or a date: "3.5 Sonnet"
        headings = [replace(h, number=None) if h is dotted[0] else h for h in headings]
    numbered = [h for h in headings if not h.stands_beside]
    styles = list(dict.fromkeys(h.style for h in numbered))
    depth = dict.fromkeys(styles, 1)
    for first, second in combinations(styles, 2):
        inner = second if _is_outer(first, second, numbered) else first
        depth[inner] += 1
    return [1 if h.stands_beside else depth[h.style] for h in headings]


def paths(headings: Sequence[Heading]) -> list[tuple[Heading, ...]]:
    """For each of `headings`, itself behind those that it stands within, outermost first."""
    found: list[tuple[Heading, ...]] = []
    above: list[tuple[int, Heading]] = []
    for heading, level in zip(headings, levels(headings), strict=True):
        above = [(own, h) for own, h in above if own < level] + [(level, heading)]
        found.append(tuple(h for _, h in above))
    return found


def _is_outer(first: Style, second: Style, headings: Sequence[Heading]) -> bool:
    """Whether `second` stands within `first`, the style that is met first.

    What has no numbers stands within numbers only where one of them comes before and the next one after.
    """
    if first and second and first[0] == second[0] == "d":
        return first.count(".") < second.count(".")
    if second is None:
        return _stands_between(second, first, headings)
    return first is None or not _stands_between(first, second, headings) or _stands_between(second, first, headings)


def _stands_between(inner: Style, outer: Style, headings: Sequence[Heading]) -> bool:
    """Whether a heading of style `inner` stands between a number of style `outer` and the next one."""
    last, is_within = 0, False
    for heading in headings:
        if heading.style == outer and outer is not None:
            if is_within and heading.value == last + 1:
                return True
            last, is_within = heading.value, False
        elif heading.style == inner:
            is_within = last > 0
    return False


def _numbered(number: str | None, heading: str) -> str:
    if not number:
        return heading
    if "." in number:
        return f"{number} {heading}"
    return f"{number}. {heading}" if number.isdigit() else f"{number}、{heading}"


def _strip_number(heading: str | None, is_counted: bool) -> tuple[str | None, str | None]:
    match = (_NUMBERED.match(heading) or (_BARE.match(heading) if is_counted else None)) if heading else None
    if not heading or not match:
        return None, heading
    return next(filter(None, match.groups())), heading[match.end() :]


def _dotted_number(zh: str | None, en: str | None) -> str | None:
    """The number of several parts that both halves begin with, or the one that has none of its own beside it.

    One half alone is believed where no amount can be meant; both are, unless the English one says of what.
    """
    texts: dict[Language, str] = {language: text for language, text in zip(LANGUAGES, (zh, en), strict=True) if text}
    found = {language: match for language, text in texts.items() if (match := _DOTTED.match(text))}
    numbers = {unicodedata.normalize("NFKC", match[1]) for match in found.values()}
    if len(numbers) != 1:
        return None
    (number,) = numbers
    if any(text[0].isdigit() or number in text for language, text in texts.items() if language not in found):
        return None
    judged: Language = "en" if "en" in found else "zh"
    return None if _is_of_an_amount(found[judged], judged) else number


def _is_of_an_amount(number: re.Match[str], language: Language) -> bool:
    """Whether what follows the number says of what it is, or is joined to it: 1.4 billion people, 8.30am."""
    rest = number.string[number.end() :]
    is_joined = not number[2] and rest[0].isascii() and rest[0].isalnum()
    return is_joined or bool(_AMOUNT[language].match(rest))
