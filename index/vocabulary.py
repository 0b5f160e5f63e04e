"""The words by which articles label their parts (summary, notes, credits, bylines), in English and Chinese."""

from __future__ import annotations

import re

from index.keywords import simplified

# What may stand before a heading's words, or between them: its number, brackets, bars.
_AROUND = r"(?:[\W\d]|[一二三四五六七八九十]+、)*"
_SUMMARY = re.compile(
    rf"^{_AROUND}(?:(?:本文|全文|文章|内容|中文|英文)*(?:导读|摘要|导语|提要|概要)(?:\W|summary|abstract)*)+$|^\W*(?:编者?按|编者(?:注|的话)|编辑(?:按|手记|按语))\W*$|"
    r"^(?:summary|abstract|tl;?dr|(?:the )?editor(?:['’]?s|s['’])? note|(?:(?:a )?note )?from the editors?)\W*$",
    re.IGNORECASE,
)
_NOTES = re.compile(
    rf"^{_AROUND}(?:本文|原文|文末|作者|译者)?(?:脚注|尾注|注释)(?:[与和及、]参考(?:文献|资料))?(?:\W|(?:foot|end)?notes)*$|"
    rf"^{_AROUND}(?:foot|end)?notes(?: and references)?\W*$|^\W*[附备]?注\W*$",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"\W*(?:(?:参考(?:文献|资料)|引用文献|引文)(?:\W*(?:references|bibliography|works cited|sources))?|"
    r"references|bibliography|works cited)\W*",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:关于(?:本文|本报告|作者|译者).*|(?:作者|译者)(?:简介|介绍)|[鸣致]谢.*|credits|contributors|acknowledge?ments?|"
    r"about (?:this|the) (?:article|essay|report|text|piece|story|authors?|writers?|translators?|contributors))\W*",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"(?:引言|导言|前言|序言?|结语|结论|尾声|后记|附录|参考(?:文献|资料)|introduction|preface|foreword|conclusions?|epilogue|"
    r"afterword|appendix|references)(?:\s*[:：\d].*|\W*)",
    re.IGNORECASE,
)
_CREDITS = re.compile(
    r"(?:共同|联合)(?:撰写|执笔|撰文)|(?:提供|给予).{0,12}(?:编辑|反馈|意见|帮助)|致谢|鸣谢|"
    r"(?:本文|全文|文章|图表|插图|照片|中文版|译文)由.{2,24}(?:撰写|采写|执笔|绘制|校对|摄影|翻译)|"
    r"co-?authored|(?:article|essay|report|text|piece) was written by|editorial support|provided feedback|"
    r"(?:we|authors?) (?:would like to )?thank|(?:^|\n)acknowledge?ments?\b|gratefully acknowledge|"
    r"(?:we|authors?) acknowledges? [^.]{0,60}(?-i:\b[A-Z][a-z]+ [A-Z])|"
    r"(?:charts|figures|drawings|photographs) (?:were|are) (?:drawn|made|taken) by",
    re.IGNORECASE,
)
# Who did what, each behind the name of the work: two of them make a paragraph of makers.
_ROLE = re.compile(
    r"(?:^|(?<=[。.;；]))\s*(?:"
    r"[^\W\d_]{0,4}(?:演讲|讲者|口述|整理|撰文|撰写|作者|译者?|编辑|校对|审校|校订|摄影|插图|图表|采访|记者|制图|设计|文字|图片|"
    r"[中英]文)\s*[:：]|"
    r"(?:(?:chinese|english) )?(?:speakers?|authors?|editors?|translators?|interviewers?|text|words|reporting|"
    r"transcription|translation|editing|proofreading|photos|photographs|photography|illustrations?|charts|figures|graphics|drawings|interviews?|design)\s*(?::|\s+by\b)|"
    r"(?:written|transcribed|translated|edited|illustrated|photographed|designed)\b[^.:;]{0,30}\bby\b)",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"^(?:原文|来源|出处|(?:原文?)?作者|译者?|[撰采]?[文写]|记者|翻译|编译|校对|审校|文\s*[/／、]\s*图)\s*[:：|｜/／]|"
    r"^(?:本文)?由.{1,40}(?:翻译|编译|译)|^本文译自|"
    r"^(?:source|original(?:ly published)?|translated by|translation|translator|author)\b\s*:?|"
    r"^by\b\s*(?::|(?-i:[A-Z]))|"
    r"^(?:words|story|text|photo(?:graph)?s|photography)(?:(?:,| and|,? &) \w+)? by (?-i:[A-Z])",
    re.IGNORECASE,
)
_A_DAY = (
    r"(?:\d{4}\s?[-./年]\s?\d{1,2}\s?[-./月]\s?\d{1,2}\s?日?|"
    r"(?:民[国國])?[\d〇○零一二三四五六七八九十百]{2,4}年[\d一二三四五六七八九十]{1,2}月[\d一二三四五六七八九十]{1,3}日|"
    r"[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}|\d{1,2} [A-Z][a-z]{2,8} \d{4})"
)
# How long a text is, as it stands beside its day: 阅读约需14分钟, 14 min read, 约 3000 字.
_LENGTH = (
    r"(?:(?:预计)?阅读(?:时间|时长|全文)?\W{0,2}(?:约|大约|需要?|约需要?)?\s?\d+\s?分钟|(?:全文)?\W{0,2}约?\s?\d[\d,]*\s?字|"
    r"(?:about |an? )?\d+[ -]min(?:ute)?s?(?: read)?|\d[\d,]* words)"
)
_ISSUE = r"(?:总?第?\s?\d+\s?期|(?:issue|no\.|vol\.)\s?\d+)"
_DAY = re.compile(rf"{_A_DAY}(?:[\s·|｜,，/—–-]*(?:{_A_DAY}|{_LENGTH}|{_ISSUE}))*", re.IGNORECASE)
_LENGTHS = re.compile(rf"{_LENGTH}(?:[\s·|｜,，/—–-]+{_LENGTH})*", re.IGNORECASE)
# As an account on WeChat heads its texts: 原创, who, the account, the day and the minute, the place.
_POSTED = re.compile(
    rf"原创\s.*|.*{_A_DAY}\s\d{{1,2}}:\d{{2}}(?:\s\S{{1,6}})?|"
    r"(?:录制|首播|播出|发布|发表|(?:最后)?更新|recorded|aired|published|posted|(?:last )?updated)(?:于| on)?\s?[:：]?"
    rf"\s?{_A_DAY}.*",
    re.IGNORECASE,
)
# A line of makers, "翻译 Translation：舒一帆 Shu Yifan", or what a text is taken from.
_MAKER = re.compile(
    r"(?:[^\W\d_]{0,4}(?:作者|译者?|编译|翻译|编辑|校对|审校|校订|摄影|插图|图表|采访|记者|制图|设计|排版|文字|图片|责编|监制|制作|剪辑|录音|配乐|音乐|时间轴|字幕|来源|原文)"
    r"(?:\s*[A-Za-z]{3,14}){0,2}|authors?|editors?|translat(?:ors?|ion)|proofreading|photos?|layout|design|source)"
    r"\s*[:：|｜/／]\s*\S.*|"
    r"[^\W\d_]{2,6}\s*[:：][^:：。]{1,16}\s(?:校[订對对]|审校|翻译|编辑|排版|摄影|插图)\s*[:：]\s*\S.*|"
    r"(?:本文|全文)(?:编译|翻译|译|摘|选|转载|节选)自.*",
    re.IGNORECASE,
)
_LONGEST_MAKER = 80
# "Thursday, 18 September 2025, Old Hall": the day, and what parts the places behind it.
_DAY_FIRST = re.compile(rf"(?:[A-Z][a-z]+day,? )?{_A_DAY}\s?(?:[(（][^)）]{{1,8}}[)）])?\s?(?=[,，·|—–])")
_BETWEEN_PLACES = re.compile(r"[,，·|—–]\s?")
_PLACE = re.compile(r"[^\Wa-z][^。！？!?]*|[“\"'‘「《][^。！？!?]+")
_LONGEST_PLACE = 90


# Where a text is found: "docs.example/waxwing", "https://…".
_WEB_ADDRESS = re.compile(r"https?://\S|(?<![\w.@-])[\w-]+(?:\.[a-z]{2,})+/\S", re.IGNORECASE)
LONGEST_ORIGIN = 120
# What stands above the text in one of the languages, or above its column: "English version", 【译文】.
_IN_A_LANGUAGE = re.compile(
    r"\W*(?:(?:以下(?:为|是)?)?[中英汉][文语](?:版本?|[译原全正]文|译本|翻译|对照)?|原文|译文|zh|en|cn|translation|"
    r"(?:the )?(?:full )?(?:chinese|english|original|translated)(?: (?:version|translation|original|text))*)\W*",
    re.IGNORECASE,
)
# Before a line, in which language it is, or that it is the title: 原文：…, 译文：…, EN: …, 【标题】….
_LABELLED = re.compile(
    r"\s*(?:[【\[［(（]\s*(?:中文|英文|中|英|原文|译文|翻译|标题|题目|title|english|chinese|original|translation|en|zh|cn)\s*[】\]］)）]\s*"
    r"[:：]?|(?:中文?|英文?|原文|译文|english|chinese|original|translation|en|zh|cn)\s*[:：])\s*(?=\S)",
    re.IGNORECASE,
)
_FOOT = re.compile(
    r"\W*(?:下[期集周]预告|往期(?:推荐|回顾|精彩|文章)|(?:推荐|相关|延伸|更多)(?:阅读|文章)|精选留言|热门评论|"
    r"(?:next|previous) (?:issue|post|article|week)\b|related (?:posts|articles|stories|reading)\b|read next\b|"
    r"more from\b|you (?:may|might) also like\b|recommended (?:for you|reading)\b)",
    re.IGNORECASE,
)
# A word that a site explains between the paragraphs, and what it puts above such words.
_EXPLAINED = re.compile(
    r"[\W\d]*[A-Za-z][A-Za-z '’-]*(?:\s*(?:\[[^\]]+\]|/[^/]+/))?\s*"
    r"\b(?:n|v|vt|vi|adj?|adv|prep|phr|conj|pron|abbr)\.\s*.*\S"
)
_WORDS_HEAD = re.compile(
    r"\W*(?:(?:重点|核心|关键|生僻|文中|本文|双语)?(?:词汇|单词|生词|词语|词组|短语)(?:[与和及、](?:短语|词组|表达))?"
    r"(?:学习|解析|积累|表|注释)?|vocabulary|words? (?:and|&) (?:phrases|expressions)|word bank|glossary of words)\W*",
    re.IGNORECASE,
)
# What a site that teaches a language puts above its notes on a paragraph, in brackets: 【词组】, 【长难句分析】; and
# what it puts there beside such ones, which others use as well: 【例句】, 【用法】.
_STUDY = (
    r"(?:重点|核心|关键|生僻|文中|本文|高频|必背)?(?:词汇|单词|生词|词组|短语|搭配|句型|句式|长难句|难句|好句|辨析|"
    r"同义词|近义词|反义词|派生词|词根|词缀|考点|双关|仿写|知识点|写作积累)"
)
_BESIDE_STUDY = r"(?:语法|例句|用法|表达|写作|拓展|背景知识)"
_MORE_STUDY = r"(?:[与和及、](?:短语|词组|表达))?(?:学习|解析|分析|积累|讲解|精讲|替换|练习|素材|点拨|拓展|区分)?"
_STUDY_HEAD = re.compile(rf"\s*[【\[［]{_STUDY}{_MORE_STUDY}[】\]］]")
_STUDY_LINE = re.compile(rf"\s*[【\[［](?:{_STUDY}|{_BESIDE_STUDY}){_MORE_STUDY}[】\]］]")
_SUMMARY_INLINE = re.compile(
    r"\W*(?:导读|摘要|导语|提要|编者?按|summary|abstract|tl;?dr|editor['’]s note)\W?\s*[:：]\s*\S", re.IGNORECASE
)
_OF_THE_TRANSLATOR = re.compile(
    r"[\W\d]*(?:译者?[注按]|编者?[注按]|编辑[注按]|(?:translator|editor)['’]?s['’]? note)\W*[:：\s]|"
    r"[①-⑳]\s*(?:此处)?(?:原文|原词|英文|讲者|译者)",
    re.IGNORECASE,
)
_ABOUT_NOTES = re.compile(r"译|编者|编辑|注释|translat|editor|\bnotes?\b", re.IGNORECASE)
# A sentence that speaks of a figure is none: 图 2 显示……, "Figure 2 shows that …".
_CAPTION = re.compile(
    r"^\s*(?:[▲△▼]|◆(?=.*(?:摄影|攝影|供图|供圖|photo))|(?:图|圖|表)[一二三四五六七八九十]{1,2}(?=[\s：:、.|｜])|"
    r"(?:图|圖|表)\s*\d+(?![\d.]*\s*(?:[中里裡]|所示|显示|顯示|列出|说明|說明|表明|展示|给出|給出|反映|比较|比較|可[以见見]))|"
    r"(?:图|圖)(?:片|说|說)?\s*[:：]|"
    r"(?:figure|fig\.|chart|table)\s*\d+(?![\d.]*\s*(?:shows?|lists?|gives?|presents?|compares?|illustrates?|plots?|"
    r"depicts?|displays?|indicates?|reveals?|suggests?|describes?|summari[sz]es?|demonstrates?)\b)|"
    r"photo(?:graph)?s?\s*:(?!\s*\d))",
    re.IGNORECASE,
)


def begins_the_foot(text: str) -> bool:
    """Whether `text`, a line, is what sites print above other texts than the article: 下期预告, Related articles."""
    return len(text) <= _LONGEST_MAKER and _FOOT.match(simplified(text)) is not None


def explains_a_word(text: str) -> bool:
    """Whether `text`, a line, explains a word to learners: "marsh [mɑːʃ] n. 沼泽"."""
    return len(text) <= _LONGEST_MAKER and _EXPLAINED.fullmatch(text) is not None


def heads_words(text: str) -> bool:
    """Whether `text` heads words that are explained to learners: 重点词汇."""
    return _WORDS_HEAD.fullmatch(simplified(text)) is not None


def heads_study_notes(text: str, *, among_others: bool = False) -> bool:
    """Whether `text`, a line, begins with what heads notes for learners: 【词组】…, 【长难句分析】.

    `among_others`: or with what heads one of them where others do: 【例句】.
    """
    return (_STUDY_LINE if among_others else _STUDY_HEAD).match(simplified(text)) is not None


def is_of_the_translator(text: str) -> bool:
    """Whether `text`, a paragraph, is a translator's or an editor's note on the text, and not of it: 译注：…."""
    return _OF_THE_TRANSLATOR.match(simplified(text)) is not None


def asks_about_notes(text: str) -> bool:
    """Whether `text`, a question, is about what was translated, or noted by an editor."""
    return _ABOUT_NOTES.search(simplified(text)) is not None


def is_caption(text: str) -> bool:
    """Whether `text`, a line, begins as the caption of a figure or table does."""
    return _CAPTION.match(text) is not None


def is_labelled_summary(text: str) -> bool:
    """Whether `text` is a summary behind its label, on one line with it: "导读：…"."""
    return _SUMMARY_INLINE.match(simplified(text)) is not None


def language_label(text: str) -> str:
    """What `text`, a line, begins with only to say in which language it is: "原文：", "EN: "; else nothing."""
    found = _LABELLED.match(text)
    return found.group() if found else ""


def is_summary_label(text: str) -> bool:
    """Whether `text`, a short line, is what stands above a summary."""
    return len(text) <= 40 and _SUMMARY.search(simplified(text)) is not None


def names_a_language(text: str) -> bool:
    """Whether `text`, a line or a column's head, says nothing but in which language the text below it is."""
    return _IN_A_LANGUAGE.fullmatch(simplified(text)) is not None


def is_notes_title(text: str) -> bool:
    """Whether `text` heads the notes."""
    return _NOTES.search(simplified(text)) is not None


def heads_what_is_numbered(text: str) -> bool:
    """Whether `text` heads the notes, or the references."""
    return is_notes_title(text) or is_references_title(text)


def is_references_title(text: str) -> bool:
    """Whether `text` heads the references."""
    return _REFERENCES.fullmatch(simplified(text)) is not None


def is_about(text: str) -> bool:
    """Whether `text` heads a word about the article or who made it."""
    return _ABOUT.fullmatch(simplified(text)) is not None


def stands_beside(text: str) -> bool:
    """Whether `text` heads what is no part of any section, whatever their numbers: an introduction, the notes."""
    return (
        _BESIDE.fullmatch(simplified(text.strip())) is not None
        or is_about(text)
        or is_notes_title(text)
        or is_summary_label(text)
    )


def names_makers(text: str) -> bool:
    """Whether `text`, a paragraph with a line in each language, speaks of who made the article."""
    own = simplified(text)
    roles = ({role.group().strip().lower() for role in _ROLE.finditer(half)} for half in own.split("\n"))
    return _CREDITS.search(own) is not None or any(len(several) > 1 for several in roles)


def names_a_maker(text: str) -> bool:
    """Whether `text`, a line below the article, says who made it, or what it was taken from."""
    return (
        len(text) <= _LONGEST_MAKER and text[-1:] not in "。!！?？" and bool(_MAKER.fullmatch(simplified(text.strip())))
    )


def says_how_long(text: str) -> bool:
    """Whether `text`, a line, says nothing but how long it is or takes to read: 全文约 5600 字 · 阅读需要 14 分钟."""
    return _LENGTHS.fullmatch(text.strip()) is not None


def says_who_or_when(text: str) -> bool:
    """Whether `text`, a line, says who made the article, where it comes from, or on what day it appeared.

    Or on what day, and where, it was said: "18 September 2025, Old Hall, Luanting"; or at what address it is found.
    """
    if _WHO.search(simplified(text)) or _DAY.fullmatch(text) or _says_when_and_where(text):
        return True
    if len(text) <= LONGEST_ORIGIN and _POSTED.fullmatch(simplified(text)):
        return True
    return len(text) <= LONGEST_ORIGIN and text[-1:] not in "。.!！?？" and bool(_WEB_ADDRESS.search(text))


def _says_when_and_where(text: str) -> bool:
    """Whether a day is followed by names of places, each in English with a capital, and by nothing that happened."""
    day = _DAY_FIRST.match(text)
    if not day or len(text) > _LONGEST_PLACE or "了" in text or re.search(r"[a-z]{3}\.$", text):
        return False
    parts = [part for part in _BETWEEN_PLACES.split(text[day.end() :]) if part.strip()]
    return bool(parts) and all(_PLACE.fullmatch(part.strip()) for part in parts)
