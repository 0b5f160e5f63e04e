"""The lines of a captured page as blocks: what language each is in, and what it looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Literal

from index.characters import CLOSERS, HAN
from index.keywords import simplified
from index.paragraphs import Language
from index.vocabulary import says_how_long

BlockLanguage = Literal["zh", "en", "both"] | None

_HAN = re.compile(f"[{HAN}]")
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
# English letters to a Chinese character where a line's halves say the same; mostly some three to five.
_LETTERS_AT_MOST = 12
_INLINE = re.compile(rf"\s+[·•|/／—–-]\s+|(?<=[{HAN}）)》」”])[/／]\s+|\s*(?:[｜]|——)\s*")
_LONGEST_INLINE = 200
# What a site adds to a title: that both languages stand there.
_BOTH = r"(?:中英(?:文)?(?:[对對]照|[双雙][语語])|[双雙][语語])版?"
_BILINGUAL = re.compile(rf"\s*(?:[（(【\[]|[|｜·•—–-]+\s*){_BOTH}[)）】\]]?$")
_IN_BRACKETS = re.compile(rf"\s*[（(【\[]{_BOTH}[)）】\]]$")
# An abbreviation says as much as so many characters: FAQ / 常见问题.
_ABBREVIATED = 8
# What a page tells of an event or a text, behind its English: "Length / 时长： 57:08".
LABEL = r"(?:演?讲者|嘉宾|主持人?|活动|会议|日期|时间|时长|地点|场地|语言|字数|版本|编号|链接)"
_LABEL_BEHIND = re.compile(rf"{LABEL}\s*[:：]\s*\S")
# Below this share of Chinese characters among (Chinese characters + Latin words) a line is English:
# an English sentence may quote a Chinese word, a Chinese one may list fifty English names.
_ZH_SHARE = 0.15
# Before 1800 what a point follows is an amount: 1234.5.
_YEAR = r"(?:(?:1[89]|20)(?:\d\d|[Xx]{2})|1[0-7](?:\d\d(?!\.\d)|[Xx]{2}))"
_MONTH = r"(?:\s*年(?:\s*\d{1,2}\s*月)?|[-./]\d{1,2})?"
_DATE = re.compile(
    rf"(?:{_YEAR}{_MONTH}\s*年?\s*(?:[–—~～至到-]+\s*(?:{_YEAR}{_MONTH}|今|至今|现在|now|present))?\s*[?？起]?)",
    re.IGNORECASE,
)
_NOW_WORDS = {"当下", "现在", "今天", "如今", "未来", "today", "now", "present", "future", "the future"}
# A note's mark behind a sentence: "[2]", "①".
_MARK = re.compile(r"(?:\s*(?:\[\d+\]|[①-⑳]|[(（]注?\d+[)）]))+$")
_LABEL = re.compile(r"\s*(?:[\[［【(（]?(\d{1,3})[\]］】)）.、:：]\s*|注\s*(\d{1,3})\s*[:：.]?\s*)")

# What pages put around an article and never belongs to one. Vocabulary of web pages, not of any one page; an
# article may speak of advertising or of logging in, so a word alone is never enough.
_CALL = re.compile(  # wherever it stands in a short line
    r"扫一扫|扫码(?:咨询|关注|添加|加入|领取|进群|下载)|微信(?:扫码|搜)|(?:长按|扫描|识别).{0,6}二维码|添加.{0,6}(?:顾问|微信|客服)|"
    r"关注.{0,12}公众号|联系电话|预约演示|报名.{0,8}(?:会议|直播|课程)|立即(?:咨询|报名|注册)|免费(?:POC|试用|咨询)|"
    r"浏览次数|版权所有|备案号|ICP备|回到顶部|返回顶部|加载中|我要投稿|点击.{0,8}(?:阅读原文|关注|下载)|^\W*首页\s*[>›»/]|"
    r"^\W*[【\[(（]广告[】\])）]|请勿转载|对您有(?:所)?帮助吗|"
    r"was this (?:page|article|answer) helpful|^share on \w+|^skip to \w+|"
    r"\bunsubscribe\b|退订|forward to a friend|this e-?mail because|此邮件是因为|"
    r"^收?听(?:全文|本文)|^listen to (?:this|the full) (?:article|story)|"
    r"(?:点(?:个|一下|一个)?|右下角的?)[「“\"]?在看|点赞.{0,4}[、,，和].{0,4}在看\W*$|一键三连|分享三连|"
    r"^like(?:,| and) (?:share|comment|subscribe)\b.*\b(?:if|this|us|below)\b|"
    r"^[（(【\[][^（）()]{1,40}(?:[未不]译|从略|略去)\W*$|"
    r"^(?:#[^\s#]+\s*){2,}$|^\W*(?:目录|目次)(?:\W*(?:table of )?contents)?\W*$|"
    r"^\W*(?:(?:table of )?contents|on this page)(?:\W*目录)?\W*$|"
    r"^[—–=*【\[-]+\s*(?:广告|赞助)(?:内容|开始|结束)?\W*(?:(?:sponsor|advert)\S*)?\W*$|"
    r"^[—–=*【\[-]+\s*(?:end of )?(?:the |our )?(?:sponsor|advert)\S*(?: message)?\W*$",
    re.IGNORECASE,
)
# A day, a month or a season, behind an issue's number; longer words there are a title.
_WHEN = r"(?:[A-Z][a-z]{2,8}\.? )?[\d\s年月日号春夏秋冬季.,/-]{1,14}(?:[A-Z][a-z]{2,8}\.? )?(?:\d{4})?"
_NOTICE = re.compile(  # in a short line that does not end as a sentence does
    r"关注.{0,12}(?:我们|微信)|关注[“\"「]|发布(?:日期|时间)\s*[:：\d]|阅读(?:量|次数)\s*[:：\d]|分享到|^(?:share\W*)?分享\s*[:：]|上一篇|下一篇|"
    r"^版权声明(?:\s*[:：]|\W*$)|相关(?:阅读|推荐)|推荐阅读|热门文章|收藏本|往期(?:精彩|回顾|推荐|文章)|"
    r"(?<![有达到约近过\d.,])\d[\d.,]*万?阅读(?![^\W\d])|^\d[\d,.万]*\s*(?:个?人|次)(?:赞同|喜欢|点赞|收藏|关注)了?(?:[该本]|这篇)?(?:文章|回答|专栏|作者)?$|^(?:编辑|发布|发表)于.*IP\s?属地|"
    r"\bVol\. ?\d+,? No\. ?\d+|第\s*\d+\s*卷\W*第\s*\d+\s*期|[字浏][号览]\s*[:：].{0,16}$|"
    rf"^[总第\W]*第?\s*\d+\s*期(?:\s*[·•|｜/—–]\s*(?:.{{1,4}}|{_WHEN}))?$|"
    rf"^issue (?:no\. ?)?\d+(?:\s*[·•|｜/—–]\s*(?:.{{1,10}}|{_WHEN}))?$",
    re.IGNORECASE,
)
_BUTTONS = re.compile(  # as the whole of a line
    r"(?:登[录入]|注册(?:账号)?|广告|转发|点赞|收藏|(?:发表|查看|\d+\s*条)?评论|分享|举报|扫码|二维码|(?:在线)?客服|"
    r"关注(?:他|她|TA|作者|该?专栏)|(?:赞同|喜欢)\s*\d[\d,.万]*|添加评论|申请转载|收起|展开(?:全文|阅读)?|写文章|切换模式|等你来写|"
    r"售前(?:咨询)?|售后(?:咨询|服务)?|联系我们|(?:内文|正文)(?:继续|结束|完)|全文完|完|"
    r"[【\[［(（]?(?:第\s*[\d一二三四五六七八九十百]+\s*自?段|段落?\s*\d+)[】\]］)）]?|"
    r"隐私政策|服务协议|免责声明|\d+|[\W_])+|"
    r"share|tweet|subscribe|sign up|sign in|log in|login|menu|search|home|contact us|back to top|loading\W*|"
    r"read more|related (?:posts|articles)|privacy policy|terms of (?:use|service)|all rights reserved.*|"
    r"copyright\s*(?:©|\(c\)|\d).*|©.*|advertisement|cookie (?:policy|settings|preferences)|follow us.*|"
    r"\[?para(?:graph)?[. ]{1,2}\d+\]?|\d+ (?:views|comments|likes|min read)|\W*(?:the )?end\W*",
    re.IGNORECASE,
)
# As a part of a line of several, beside those.
_LINK = re.compile(r"about(?: us)?|contact|privacy|terms|sitemap|help|careers", re.IGNORECASE)
_BETWEEN_LINKS = re.compile(r"\s*[|｜]\s*")
# What a line is dressed with: "▍背景", "- 第一", "👉 see", "┌ Box". Not ▲, △, ▼, which stand before a caption.
_BULLET = re.compile(
    r"^(?:[-–*•●○◎▪▫■□▸▹►▶◦‣·・※›❯]\s+(?=\S)|"
    r"[▍▎▌▋▊▉█❙■●◆◇◈▶►\u2500-\u257f\U0001f300-\U0001faff\u2600-\u2775\u2794-\u27bf\ufe0f\u200d]+\s*"
    r"(?=\w|[①-⑳“「『（(【]))|\s+[\u2500-\u257f]+$"
)
# Of these what dresses items of a list alone.
_ITEM = re.compile(r"[-–*•‣]\s+(?=\S)")
# Of these what dresses items and headings alike; what is in neither dresses headings mostly.
_DOTS = "●○◎▪▫■□▸▹►▶◦·・※"
# So many lines in a row that are dressed alike are items, whatever their dress: a heading has one in each language.
_ALIKE = 3
# What a chapter of a recording begins with, or an entry of a chronology: of four such, both languages of two, each
# stands within three lines of the others.
_OPENS_WITH_A_TIME = re.compile(
    rf"(?:\d{{1,2}}(?::\d{{2}}){{1,2}}|{_YEAR}{_MONTH}(?:\s*\d{{1,2}}\s*日|年)?|民[國国]\S{{1,5}}年(?:\S{{1,3}}月(?:\S{{1,3}}日)?)?|"
    r"\d{1,2} [A-Z][a-z]{2,8} \d{4}|[A-Z][a-z]{2,8}(?: \d{1,2},)? \d{4})(?!\s*[年月日])(?=[\s:：–—-])"
)
_NEAR = 3
# What opens a line that says who is quoted above it: ——沃伦·巴菲特, — Warren Buffett. Dashes around a line are dress.
_DASH = r"(?:[—―]+|–{2,}|-{2,}(?![a-z]))"
_QUOTED = re.compile(rf"(?:{_DASH}|–(?=\s?[^\W\d_]))\s*[\w《“「『\"].*[^\s—―–-]")
_OPENS_WITH_A_DASH = re.compile(rf"{_DASH}\s*\w")
_NUMBER = re.compile(r"\d(?:[\d:：.,，/–-]*\d)?")
_SENTENCE_END = re.compile(rf"[。！？!?.…；;][{CLOSERS}]*$")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"^\W*(?:\+?\d{1,3}[\s-]?)?\d{3,4}[\s-]?\d{4}[\s-]?\d{3,4}\W*$")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a page marks a line as: a heading of a level, 1 the outermost, or surely none."""

    role: Literal["heading", "text", "caption", "note"]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One line of the page that is not blank. `position` counts blocks from 0, `line` file lines from 1.

    `mark`: None where the page does not mark what it is.
    """

    position: int
    line: int
    text: str
    language: BlockLanguage
    mark: Mark | None = None

    @property
    def level(self) -> int:
        """Of what is marked as a heading, 1 the outermost; else 0."""
        return self.mark.level if self.mark else 0

    @property
    def size(self) -> int:
        """Characters, for comparing lengths."""
        return len(self.text)

    @property
    def is_short(self) -> bool:
        """Too short for a paragraph of prose; titles, headings, labels and captions are."""
        return len(self.text) <= (40 if self.language == "zh" else 100)

    @property
    def links(self) -> list[str]:
        """The parts of a line that bars divide, as menus print theirs; any other line is one part."""
        return _BETWEEN_LINKS.split(self.text)

    @property
    def is_furniture(self) -> bool:
        """An advertisement, a counter, a contact line: short and in the vocabulary of web pages."""
        if len(self.text) > 80:
            return False
        text = simplified(self.text)
        if _CALL.search(text) or _PHONE.match(text) or _ADDRESS.fullmatch(text) or says_how_long(text):
            return True
        links = _BETWEEN_LINKS.split(text)
        is_menu = len(links) > 1 and all(_BUTTONS.fullmatch(link) or _LINK.fullmatch(link) for link in links)
        if self.language and (is_menu or _BUTTONS.fullmatch(text)):
            return True
        return bool(_NOTICE.search(text)) and not _SENTENCE_END.search(text)

    @property
    def is_date(self) -> bool:
        """A line that is only a date or a period, as timelines print above an entry ("2021–2023")."""
        return is_date(self.text)


def read_blocks(text: str, marks: Mapping[int, Mark] | None = None) -> list[Block]:
    """The page's lines that say something, in order. `marks`: {line from 1: what it is marked as}.

    A rule ("* * *") says nothing: between the languages of a pair it must not part them.
    """
    marks = marks or {}
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    kept = [(number, line) for number, line in lines if any(map(str.isalnum, line))]
    are_items = _are_items([line for _, line in kept])
    kept_dashes = _are_dashed_as_others([line for _, line in kept])
    return [
        Block(
            position,
            number,
            own := line if kept_dashes[position] else _BULLET.sub("", line),
            language_of_line(own),
            marks.get(number) or (Mark("text") if is_item else None),
        )
        for position, ((number, line), is_item) in enumerate(zip(kept, are_items, strict=True))
    ]


def renumbered(blocks: Sequence[Block]) -> list[Block]:
    """`blocks`, counted anew from 0."""
    return [replace(block, position=position) for position, block in enumerate(blocks)]


def _are_items(lines: Sequence[str]) -> list[bool]:
    """Which lines of a plain text head nothing, by their dress.

    Those of a list ("- 独立评估:四万欧元"), whatever they are dressed with where three in a row are alike; and chapters
    of a recording or entries of a chronology, "03:10 The first try", "2019 年 春茶遇雨", where several stand together.
    """
    dressed = [line[0] if line[0] in _DOTS and _BULLET.match(line) else "" for line in lines]
    runs = [len(run) for run in (list(own) for _, own in groupby(dressed)) for _ in run]
    timed = [bool(_OPENS_WITH_A_TIME.match(line)) for line in lines]
    return [
        _is_an_item(line)
        or (bool(dressed[i]) and runs[i] >= _ALIKE)
        or (timed[i] and sum(timed[max(0, i - _NEAR) : i + _NEAR + 1]) > _NEAR)
        for i, line in enumerate(lines)
    ]


def _are_dashed_as_others(lines: Sequence[str]) -> list[bool]:
    """Which lines a dash opens that might be a list's, but a longer one does in the other language: – Lin, ——林晚.

    Right beside it, or beyond the quotation that one of the two stands below; several of the short ones are a list.
    """
    longer = [language_of_line(line) if _OPENS_WITH_A_DASH.match(line) else None for line in lines]
    short = [line[0] == "–" and own is None for line, own in zip(lines, longer, strict=True)]
    near = [slice(max(0, i - 2), i + 3) for i in range(len(lines))]
    return [
        is_short and sum(short[own]) == 1 and any(other and other != language_of_line(line) for other in longer[own])
        for line, is_short, own in zip(lines, short, near, strict=True)
    ]


def _is_an_item(line: str) -> bool:
    item = _ITEM.match(line)
    return item is not None and not is_date(line[item.end() :]) and line[-1] != line[0]


def language_of_line(line: str) -> BlockLanguage:
    """The language of a line: one, "both" (`标题 · Title`), or None when it has no words (a number, a rule)."""
    if split_inline(line) or split_dated(line):
        return "both"
    chinese, words = len(_HAN.findall(line)), len(_LATIN_WORD.findall(line))
    if chinese and chinese / (chinese + words) >= _ZH_SHARE:
        return "zh"
    return "en" if words else None


def split_inline(line: str) -> tuple[str, str] | None:
    """(Chinese, English) of a short line that says the same twice around a separator, else None."""
    if len(line) > _LONGEST_INLINE:
        return None
    parts = _INLINE.split(_IN_BRACKETS.sub("", line))
    if len(parts) != 2:
        return None
    first, second = (part.strip() for part in parts)
    if _LABEL_BEHIND.match(second) and not re.search("[:：]", first):  # "Length / 时长： 57:08"
        return None
    for chinese, english in ((first, second), (second, first)):
        if _HAN.search(chinese) and not _HAN.search(english) and _is_words(english) and _is_as_long(chinese, english):
            return chinese, english
    return None


def without_saying_both(title: str) -> str:
    """`title` without what a site adds to it: that both languages stand there."""
    return _BILINGUAL.sub("", title)


def says_who_is_quoted(text: str) -> bool:
    """Whether `text`, a line, opens as one does that says who is quoted above it: ——沃伦·巴菲特, — Warren Buffett."""
    return _QUOTED.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Whether the whole of `text` is a number, a time of the day, or the like: 632, 1,024, 7:00, 3/4."""
    return _NUMBER.fullmatch(text) is not None


def split_dated(line: str) -> tuple[str, tuple[str, str]] | None:
    """(the date, (Chinese, English)) of a timeline's line that has all three, `2023 · 首批开课 · First lessons`."""
    date, *rest = _INLINE.split(line, maxsplit=1)
    title = split_inline(rest[0]) if rest and is_date(date.strip()) else None
    return (date.strip(), title) if title else None


def is_date(text: str) -> bool:
    """Whether the whole of `text` is a date, a period, or a word for the present or the future."""
    parts = split_inline(text) or (text,)
    return all(bool(_DATE.fullmatch(part.strip())) or part.strip().lower() in _NOW_WORDS for part in parts)


def ends_as_a_sentence(text: str) -> bool:
    """Whether a stop ends `text`, before what closes and the marks of notes."""
    return _SENTENCE_END.search(without_mark(text)) is not None


def without_mark(text: str) -> str:
    """`text` without the marks of notes at its end."""
    return _MARK.sub("", text)


def footnote_label(text: str) -> tuple[str, str] | None:
    """("3", "the rest") of a line that begins with a footnote's label, else None."""
    match = _LABEL.match(text)
    return (match.group(1) or match.group(2), text[match.end() :]) if match else None


@lru_cache(maxsize=4096)  # each block is held against many others
def tokens_shared_by_translations(text: str) -> frozenset[str]:
    """What a translation keeps as it is: numbers of two digits or more, and Latin names."""
    numbers = re.findall(r"\d[\d,.]*\d|\d", text)
    names = re.findall(r"[A-Z][A-Za-z]+|[A-Z]{2,}", text)
    return frozenset(n.replace(",", "") for n in numbers) | frozenset(n.lower() for n in names)


def other(language: Language) -> Language:
    """The other one of the two languages."""
    return "en" if language == "zh" else "zh"


def _is_words(text: str) -> bool:
    words = _LATIN_WORD.findall(text)
    return bool(words) and "/" not in text and not re.search(r"\w\.\w{2,}", text)


def _is_as_long(chinese: str, english: str) -> bool:
    """Whether a line's halves can say the same: not the "Windows" of 支持中文和 macOS / Windows."""
    characters, letters = len(_HAN.findall(chinese)), len("".join(_LATIN_WORD.findall(english)))
    is_abbreviated = english.isupper() and english.isalpha() and characters <= _ABBREVIATED
    return is_abbreviated or characters <= letters <= _LETTERS_AT_MOST * max(2, characters)
