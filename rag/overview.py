"""Questions about the whole article: recognised by their words, answered from the summary and the first paragraphs.

"What is this article about?" shares no word and little meaning with any one paragraph, so retrieval has nothing to
go by. An article tells what it is about in its summary, where it has one, and in its first paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.keywords import simplified
from index.paragraphs import Language, Paragraph
from rag.answer import Evidence
from rag.evidence import sentences_of, shown_language
from rag.retrieve import Ranking
from rag.words import content_tokens

# How many paragraphs lead the ranking then.
LEADING = 3

_THE_WHOLE = (
    "文章 这篇文章 这篇 本文 全文 原文 文中 通篇 短文 报道 报告 "
    "passage article text piece essay post paper page document report story"
)
_ITS_GIST = (
    "讲 讲述 讲什么 讲啥 谈 主要 内容 主题 主旨 大意 概括 总结 概述 概要 摘要 梗概 中心 中心思想 要点 重点 核心 观点 "
    "论点 论述 表达 summary summarise summarize overview gist main key point takeaway topic subject theme thesis "
    "message argue argument claim cover discuss idea tl dr tldr central highlight 讨论 探讨 简述 关键"
)
# Words that such a question may also hold, and that say nothing of a part of the article.
_IN_PASSING = (
    "作者 想 说 说明 介绍 一下 简单 简要 简短 用 关于 整体 啥 告诉 帮 请 "
    "author writer give tell say sentence brief briefly short quick quickly overall whole entire general please sum up "
    "list outline bullet point 讲讲 说说 聊聊 给 列出 列 列举 字 以内 好 "
    "all one talk try word three four five ten two explain describe find result whats 些 大概 问题 信息 写 "
    "英文 中文 里 这是 一篇 什么样 简介 解读 分析"
)
# And what a figure or a footnote does.
_SHOWS = (
    "show state explain mean contain read 显示 展示 表示 写 写到 提到 解释 解释一下 意思 看 看出 画 标题 caption title"
)
# Words about how it is to be told, and no words about the article, where they stand so: "in Chinese", 用三句话.
_HOW_TOLD = re.compile(
    r"\bin (?:(?:plain|simple|simplified|traditional) )?(?:chinese|english)\b|"
    r"用(?:中文|英文|汉语|英语)|(?<![第一二三四五六七八九十\d])[一二三四五六七八九十两几\d]+(?:个字?|字|条|点|句话?|段话?)",
    re.IGNORECASE,
)
_SUM_UP = r"\bsum(?:ming)?\s+(?:(?:it|this|that)\s+)?(?:all\s+)?up\b"
_SAYS_WHAT = "[说讲写谈][的了]?[些是]?(?:什么|啥)"
_ABOUT = re.compile(
    rf"{_SUM_UP}|\b(?:about|say|explain|describe|outline|findings|(?:do|does|did) (?:the|this) \w+ find)\b|"
    rf"关于|讲|{_SAYS_WHAT}|"
    r"(?:介绍|讨论|探讨|论述|解读|分析)[的了]?一?[些下]?|简介|是(?:一篇)?(?:什么|怎)样?的?(?:一篇)?(?:文章|报道|报告|短文)",
    re.IGNORECASE,
)
# Who is meant stands in a conversation, or is asked for: no question about the article.
_SOMEBODY = re.compile(r"\b(?:he|she|they|his|her|their|who|whose)\b|他|她|谁", re.IGNORECASE)
# Who wrote it is no question about what it says.
_ABOUT_ITS_AUTHOR = re.compile(
    r"\b(?:about|describe) (?:the|its) (?:authors?|writers?)\b(?!['’])|作者的?(?:简介|介绍)|介绍.{0,6}作者\W*$",
    re.IGNORECASE,
)
# With no word of its own at all: "What is this about?", and not "what about it?"; "what does it say?".
_BARE = re.compile(
    rf"{_SUM_UP}|^(?!\W*(?:what|how)\s+about\b).*\babout\b|"
    r"\bwhat\b.*\b(?:it|this|that|authors?|writers?)\b.*\bsay(?:ing)?\b|\bfindings\b|"
    rf"作者[^,，]{{0,3}}{_SAYS_WHAT}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")


def asks_about_the_whole(question: str) -> bool:
    """Whether the question has no word of its own: it asks what the article says, not what it says of something."""
    question = simplified(question)
    if _SOMEBODY.search(question) or _ABOUT_ITS_AUTHOR.search(question):
        return False
    asked = frozenset(word for word in _words(question) if not _NUMBER.fullmatch(word))
    the_whole, its_gist, in_passing = (content_tokens(words) for words in (_THE_WHOLE, _ITS_GIST, _IN_PASSING))
    if asked <= in_passing and _BARE.search(question):
        return True
    if not asked <= the_whole | its_gist | in_passing:
        return False
    return bool(asked & its_gist) or bool(asked & the_whole and _ABOUT.search(question))


def asks_for_no_more(question: str) -> bool:
    """Whether no word of its own is left in what a question says beside the place that it names."""
    allowed = (content_tokens(words) for words in (_THE_WHOLE, _ITS_GIST, _IN_PASSING, _SHOWS))
    return _words(simplified(question)) <= frozenset().union(*allowed)


def _words(question: str) -> frozenset[str]:
    """What `question` says beside how it is to be told; 文章内容 is 文章 and 内容."""
    words = content_tokens(_HOW_TOLD.sub(" ", question))
    return words - {first + second for first in words for second in words}


def leading(paragraphs: Sequence[Paragraph], language: Language) -> list[Paragraph]:
    """Where the article says what it is about: its summary, then its first paragraphs; those in `language` first."""
    ordered = [p for kind in ("summary", "body") for p in paragraphs if p.kind == kind]
    return sorted(ordered[: 2 * LEADING], key=lambda p: p.text(language) is None)[:LEADING]


def led_by(ranking: Ranking, first: Sequence[Paragraph]) -> Ranking:
    """`ranking` with `first` before all others, each as likely to answer as the other."""
    return ranking.led_by(first, {p.number: 1 / len(first) for p in first})


def sentences_first(first: Sequence[Paragraph], ranked: Sequence[Evidence], language: Language) -> tuple[Evidence, ...]:
    """`ranked` behind the sentences of `first`, which come in reading order, one as good as the next."""
    own = [replace(e, score=1.0) for p in first for e in sentences_of(p, shown_language(p, language))]
    keys = {e.key for e in own}
    return (*own, *(replace(e, score=min(e.score, 0.0)) for e in ranked if e.key not in keys))
