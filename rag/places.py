"""Places of the article that a question names: ¶19, the second figure, footnote 7, the last section.

Nothing in a place's text says that it is the second one, so retrieval cannot find it by that. What is named comes
first in the ranking; whether it states the answer is for the gate to say, as of any other paragraph.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, TypeVar

from index.keywords import simplified
from index.ordinals import ORDINALS, label
from index.outline import path_of
from index.paragraphs import Paragraph
from rag.numbers import CARDINALS, count
from rag.retrieve import Ranking

T = TypeVar("T")
Unit = Literal["number", "paragraph", "figure", "table", "footnote", "section", "clause"]
LAST = -1
# The share of the probability that the places named hold together, where the question asks something of its own.
TRUST = 0.5
# What stands outside the article's own sections.
_OUTSIDE = ("front", "summary", "credits", "footnote")

_NTHS = ORDINALS | {"opening": 1, "last": LAST, "final": LAST, "closing": LAST}
_NTH = (
    rf"(?:(?:(?P<back>{'|'.join(ORDINALS)})[\s-](?:to[\s-])?last|(?P<penultimate>penultimate|next[\s-]to[\s-]last))|"
    rf"(?P<nth>{'|'.join(_NTHS)}|\d{{1,3}}(?:st|nd|rd|th)))"
)
_N = rf"(?P<n>\d{{1,3}}|{'|'.join(word for word, value in CARDINALS.items() if 0 < value < 20)})"
_DI = r"(?P<dao>倒数)?第\s*(?P<di>\d{1,3}|[一二三四五六七八九十]{1,3})\s*"
_END = r"(?P<end>最后|末尾|结尾|最末)的?[一那]?"
_START = r"(?P<start>开头|首)的?[一那]?"
# What each is called: in English behind an ordinal and before a number, in Chinese.
_NAMES: Mapping[Unit, tuple[str, str, str]] = {
    "figure": (
        _FIGURE := r"figures?|figs?\.?|charts?|graphs?|pictures?|diagrams?|images?",
        _FIGURE,
        r"[张幅个]?(?:图表?(?![书案谋纸钉形像标])|插图)",
    ),
    "table": (r"tables?", r"tables?", r"[张个]?表格?(?![示明现达态决演述扬面情彰白率])"),
    "footnote": (
        r"footnotes?|endnotes?",
        r"footnotes?|endnotes?|(?<!bank )notes?",
        r"[条个]?(?:脚注|尾注|注释|(?<![备关专标下附批投])注(?![意册重定入射视目明解]))",
    ),
    "section": (
        r"sections?|chapters?",
        r"sections?|chapters?|parts?",
        r"(?:小?节(?![能约奏日目省俭点])|章节?|个?部分)",
    ),
    "paragraph": (_PARAGRAPH := r"paragraphs?", _PARAGRAPH, r"(?:个?自然)?段(?:落|话|文字)?"),
}
# Words that end like a name and are none: 阶段 3, 环节 2, 地图 1, 代表 5.
_NO_NAME = "(?<![阶片手环季情细关地版意企代发钟手图仪列大小])"
# What a number counts or belongs to that stands behind no name: 春节7天, 文章5篇, 部分5G基站.
_COUNTED = r"(?!\s*(?:[个篇条枚次岁天周家人位名种倍元块万亿台辆件座项张页份只]|[GKM](?![a-z])))"
# What is numbered in Chinese numerals too: 图二, but not 试图三次.
_HAN_N = r"[一二三四五六七八九十]{1,3}(?![个种次条位名年月日天张幅点些百千万半直般])"
# The first section of a tunnel, 第二节课 and the first image sent by a probe are no places of the text.
_ELSEWHERE = (
    r"(?!\s+(?:of\s+(?!(?:(?:the|this|that|your|whole|entire)\s+)*(?:article|text|report|essay|page|paper|document|piece|story|"
    r"section|chapter|part|it)\b)|sent\b|taken\b|ever\b|who\b|hits?\b|"
    r"to\s+(?!the\b|this\b)\w))"
)
_NO_COUNT = r"(?! times\b|\.\d|\s+(?:hundred|thousand|\w+illion)\b)"
_ELSEWHERE_ZH = r"(?!婚姻|感情|恋情|关系|课|车厢|录音|视频|路|旅程|航程|历史|经历|时间|时期|比赛|电池|列车|隧道|楼梯)"
_CLAUSE = r"sections?|chapters?|parts?|clauses?|rules?|articles?|para(?:graph)?s?\.?"
_DOTTED = r"(?P<label>\d{1,2}(?:[.．]\d{1,2})+)"
_PATTERNS: Mapping[Unit, tuple[re.Pattern[str], ...]] = {
    "number": (re.compile(r"¶\s*(?P<n>\d{1,4})"),),
    "clause": (
        re.compile(rf"(?:\b(?:{_CLAUSE})|§)\s*{_DOTTED}\b", re.IGNORECASE),
        re.compile(rf"(?:第|§)\s*{_DOTTED}\s*(?:小?节|章|部分|[条款点项段])"),
        re.compile(rf"(?<![\d.．]){_DOTTED}\s*小?节"),
    ),
    **{
        unit: (
            re.compile(rf"\b{_NTH}\s+(?:{behind})\b{_ELSEWHERE}", re.IGNORECASE),
            re.compile(rf"\b(?:{before})\s*(?:no\.?\s*|number\s+)?#?[\[(]?{_N}\b{_NO_COUNT}", re.IGNORECASE),
            re.compile(rf"(?:{_DI}|{_END}|{_START}){chinese}{_ELSEWHERE_ZH}"),
            re.compile(
                rf"{_NO_NAME}{chinese}\s*[\[【(（]?(?P<n>\d{{1,3}}(?![\d.%年月日]){_COUNTED}"
                rf"{f'|{_HAN_N}' if unit in ('figure', 'table', 'footnote') else ''})"
            ),
        )
        for unit, (behind, before, chinese) in _NAMES.items()
    },
}


_N_PRINTED = r"\s*(?P<n>\d{1,3}|[一二三四五六七八九十]{1,3})?"
# How their captions begin: "▲ 图 2 ...", "Table 3: ...", and a footnote.
_CAPTIONS: Mapping[Unit, re.Pattern[str]] = {
    "figure": re.compile(rf"\W*(?:[图圖](?:表)?|figure|fig\.?|chart){_N_PRINTED}", re.IGNORECASE),
    "table": re.compile(rf"\W*(?:表格?|table){_N_PRINTED}", re.IGNORECASE),
    "footnote": re.compile(r"\W*(?P<n>\d{1,3})(?:[\]】)）、:：]|\.(?!\d))"),  # [2] ..., 2. ...
}


@dataclass(frozen=True, slots=True)
class Named:
    """A place as a question names it: the `which`-th `unit` from 1, or LAST. `start`, `end`: where it does so.

    From the end it is negative: -2 is the last but one.

    A "number" is a paragraph's own, by which it is cited: paragraph 19 is ¶19, the third paragraph is not ¶3. A
    "clause" is what the article itself numbers, as 3.2, its `label`: a part under that heading, or a paragraph that
    begins with it.
    """

    unit: Unit
    which: int
    start: int
    end: int
    label: str = ""


def named(question: str, paragraphs: Sequence[Paragraph]) -> list[Named]:
    """The places that `question` names and `paragraphs` have, in the order of its words.

    Offsets are into `simplified(question)`.
    """
    return [place for place in _all_named(simplified(question)) if _at(place, paragraphs)]


def _all_named(text: str) -> list[Named]:
    found = [
        _named(unit, match)
        for unit, patterns in _PATTERNS.items()
        for pattern in patterns
        for match in pattern.finditer(text)
    ]
    places: list[Named] = []
    for place in sorted(found, key=lambda place: (place.start, -place.end)):
        # Of two that overlap the first: in "第 3 节 2" it is 第 3 节, not 节 2.
        if not places or place.start >= places[-1].end:
            places.append(place)
    return places


def names_a_section(question: str) -> bool:
    """Whether `question` names a section by its number, whether there is one or not."""
    return any(place.unit in ("section", "clause") for place in _all_named(simplified(question)))


def _named(unit: Unit, match: re.Match[str]) -> Named:
    groups = {name: text.lower() for name, text in match.groupdict().items() if text}
    if unit == "clause":
        return Named(unit, 0, *match.span(), label=unicodedata.normalize("NFKC", groups["label"]))
    written = groups.get("n") or groups.get("di")
    is_number = unit == "paragraph" and ("n" in groups or groups.get("di", "").isdigit()) and "dao" not in groups
    which = count(written) if written else _ordinal(groups)
    return Named("number" if is_number else unit, -which if "dao" in groups else which, *match.span())


def _ordinal(groups: Mapping[str, str]) -> int:
    """Of an ordinal in English; in Chinese, of the first or the last."""
    nth = groups.get("nth")
    if "back" in groups or "penultimate" in groups:
        return -ORDINALS[groups["back"]] if "back" in groups else -2
    if nth is None:
        return LAST if "end" in groups else 1
    return _NTHS[nth] if nth in _NTHS else int(nth[:-2])


def without(question: str, places: Sequence[Named]) -> str:
    """`question`, simplified, without the words that name `places`."""
    text = simplified(question)
    for place in sorted(places, key=lambda one: -one.start):
        text = f"{text[: place.start]} {text[place.end :]}"
    return text


def paragraphs_at(places: Sequence[Named], paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """The paragraphs of `paragraphs` that stand there, place by place."""
    return list(dict.fromkeys(p for place in places for p in _at(place, paragraphs)))


def _at(place: Named, paragraphs: Sequence[Paragraph]) -> Sequence[Paragraph]:
    if place.unit == "number":
        return [p for p in paragraphs if p.number == place.which]
    if place.unit == "clause":
        return _labelled(place.label, paragraphs)
    if place.unit == "section":
        return _numbered(place.which, paragraphs) or _nth(_sections(paragraphs), place.which) or ()
    kind = {"paragraph": "body", "table": "figure"}.get(place.unit, place.unit)
    items = [p for p in paragraphs if p.kind == kind]
    if place.unit in _CAPTIONS:
        return _captioned(_CAPTIONS[place.unit], place.which, items)
    found = _nth(items, place.which)
    return () if found is None else (found,)


def _captioned(caption: re.Pattern[str], which: int, captions: Sequence[Paragraph]) -> Sequence[Paragraph]:
    """The figure, the table or the footnote that is printed with that number; where none has one, what stands there."""
    numbers = [next((m for text in (p.zh, p.en) if (m := caption.match(text or ""))), None) for p in captions]
    own = [p for p, match in zip(captions, numbers, strict=True) if match]
    if which > 0 and any(match and match["n"] for match in numbers):
        return [p for p, match in zip(captions, numbers, strict=True) if match and count(match["n"] or "") == which]
    found = _nth(own or captions, which)
    return () if found is None else (found,)


def _labelled(label: str, paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """The paragraphs under the heading that is numbered so; where there is none, those that begin with the number."""
    called = r"(?:[第§]|(?:article|rule|clause|section)\b)?"
    amount = r"\s*(?:[%％倍万亿萬億]|(?:million|billion|times|per ?cent)\b)"
    begins = re.compile(rf"\s*{called}\s*{re.escape(label)}(?![.．]?\d|{amount})", re.IGNORECASE)
    under = [p for p in paragraphs if any(map(begins.match, (*p.section.zh, *p.section.en)))]
    return under or [p for p in paragraphs if any(begins.match(text) for text in (p.zh, p.en) if text)]


def _numbered(which: int, paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """The paragraphs under the one heading that is printed with that number, of several the outermost one.

    Where unnumbered headings stand before "1." it is not the first section, and what a reader sees is the number.
    """
    under: dict[tuple[str, ...], list[Paragraph]] = {}
    for paragraph in paragraphs:
        path = path_of(paragraph)
        for at, headings in enumerate(zip_longest(paragraph.section.zh, paragraph.section.en)):
            if any(number == which for _, number in filter(None, (label(h) for h in headings if h))):
                under.setdefault(path[: at + 1], []).append(paragraph)
                break
    outermost = [path for path in under if len(path) == min(map(len, under))]
    return under[outermost[0]] if len(outermost) == 1 else []


def _nth(items: Sequence[T], which: int) -> T | None:
    if which < 0:
        return items[which] if -which <= len(items) else None
    return items[which - 1] if 0 < which <= len(items) else None


def _sections(paragraphs: Sequence[Paragraph]) -> list[list[Paragraph]]:
    """The article's sections by their outermost headings, in order."""
    sections: dict[str, list[Paragraph]] = {}
    for p in paragraphs:
        if p.kind not in _OUTSIDE and (path := path_of(p)):
            sections.setdefault(path[0], []).append(p)
    return list(sections.values())


def lifted(ranking: Ranking, places: Collection[Paragraph]) -> Ranking:
    """`ranking` with `places` before all others, in its own order, together with TRUST of the probability."""
    order = {entry.paragraph.number: at for at, entry in enumerate(ranking.retrieved)}
    first = sorted(places, key=lambda p: order.get(p.number, len(order)))
    own = {p.number: ranking.share.get(p.number, 0.0) for p in first}
    inside = sum(own.values())
    trust = TRUST if ranking.share.keys() - own.keys() else 1.0
    held = {number: trust * (share / inside if inside else 1 / len(own)) for number, share in own.items()}
    return ranking.led_by(first, held)
