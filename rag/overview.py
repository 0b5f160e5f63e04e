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
    "message argue argument claim cover discuss idea tl dr central 讨论 探讨"
)
# Words that such a question may also hold, and that say nothing of a part of the article.
_IN_PASSING = (
    "作者 想 说 说明 介绍 一下 简单 简要 简短 几句话 一句话 一句 句 话 用 关于 整体 啥 告诉 帮 请 "
    "author writer give tell say sentence brief briefly short quick quickly overall whole entire general please sum up "
    "list outline bullet point 讲讲 说说 聊聊 给 列出 列 列举 字 以内 好 "
    "all one talk try word three five two three 些 大概 问题 写 英文 中文 三 五 两 三句 三句话 两句话 五句话"
)
# And what a figure or a footnote does.
_SHOWS = (
    "show state explain mean contain read 显示 展示 表示 写 写到 提到 解释 解释一下 意思 看 看出 画 标题 caption title"
)
_SUM_UP = r"\bsum(?:ming)?\s+(?:(?:it|this|that)\s+)?(?:all\s+)?up\b"
_ABOUT = re.compile(
    rf"{_SUM_UP}|\babout\b|\bsay\b|关于|讲|[说写][的了]?些?什么|(?:介绍|讨论|探讨|论述)[的了]?一?[些下]?",
    re.IGNORECASE,
)
# Who is meant stands in a conversation, or is asked for: no question about the article.
_SOMEBODY = re.compile(r"\b(?:he|she|they|his|her|their|who|whose)\b|他|她|谁", re.IGNORECASE)
# With no word of its own at all: "What is this about?", and not "what about it?".
_BARE = re.compile(rf"{_SUM_UP}|^(?!\W*(?:what|how)\s+about\b).*\babout\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


def asks_about_the_whole(question: str) -> bool:
    """Whether the question has no word of its own: it asks what the article says, not what it says of something."""
    if _SOMEBODY.search(simplified(question)):
        return False
    asked = frozenset(token for token in content_tokens(question) if not _NUMBER.fullmatch(token))
    the_whole, its_gist, in_passing = (content_tokens(words) for words in (_THE_WHOLE, _ITS_GIST, _IN_PASSING))
    if asked <= in_passing and _BARE.search(question):
        return True
    if not asked <= the_whole | its_gist | in_passing:
        return False
    return bool(asked & its_gist) or bool(asked & the_whole and _ABOUT.search(simplified(question)))


def asks_for_no_more(question: str) -> bool:
    """Whether no word of its own is left in what a question says beside the place that it names."""
    allowed = (content_tokens(words) for words in (_THE_WHOLE, _ITS_GIST, _IN_PASSING, _SHOWS))
    return content_tokens(question) <= frozenset().union(*allowed)


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
