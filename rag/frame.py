"""The search query of a question: without the words that only refer to the article itself.

Searched as they are, "according to the authors" finds the credits, and "what does the article list?" finds whatever
speaks of articles and lists.
"""

from __future__ import annotations

import re
from functools import lru_cache

from index.keywords import simplified
from index.paragraphs import Language
from rag.language import language_of_question
from rag.words import content_tokens, is_shouted

_VERBS = (
    "say|think|believe|argue|claim|suggest|recommend|want|expect|propose|mention|warn|consider|list|describe|call|compare|"
    "give|use|name|have|offer|draw|tell|report|state|note|see|explain|cite|quote|define|make|put|mean|advise|predict|"
    "conclude"
)
_TELLING = "say|list|mention|describe|give|name|report|state|tell us|note"
_SOURCE = (
    r"(?:the|this) (?:article|text|essay|report|post|piece|passage|paper|document|story|interview|speech|"
    r"authors?|writers?)(?!['’\w])"
)
_ASKS = (
    r"(?=\s*(?:[,?.]|$|(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|has|have)\b))"
)
_TEXT_ZH = r"(?:这篇|该|此|整篇|本)?(?:文章|原文|全文|短文|文)(?:的?内容)?"
_INSIDE_ZH = r"(?:里面?|中|内|里头)(?![化件档学字本心献物容])"
_FRAMES: dict[Language, tuple[re.Pattern[str], ...]] = {
    "zh": (
        # 文章里提到的, 根据本文, 在文中: at the start of a clause, or behind a word that says where.
        re.compile(
            rf"(?:(?:^|(?<=[,，。;；?？:：]))(?:请问)?|在|根据|按照|依照)\s*{_TEXT_ZH}(?:{_INSIDE_ZH}|(?=提到|列出|给出|举出|提及|引用|讨论)|"
            r"(?=[,，]))(?:所?说到?的?|(?:提到|提及|介绍|描述|讲到|列出|给出|举出|讨论)了?的?|的(?!作者|标题|题目|译者))?[,，]?"
        ),
        re.compile(
            rf"(?:^|(?<=[,，。;；?？:：]))\s*请?问?(?:根据|依据|基于|按照?|依照?|从){_TEXT_ZH}"
            r"(?:的?(?:描述|说法|介绍)|所[述说]|来看|回答|可以看出)[,，:：]?"
        ),
        re.compile(r"(?:在(?:几位|两位)?作者们?看来|(?:根据|按照)作者们?的(?:说法|看法|观点))[,，]?"),
        re.compile(r"(?:(?:^|(?<=[,，。;；?？:：]))\s*(?:根据|按照?|依照?|据))本文(?![化件档学字本])的?[,，]?"),
        re.compile(
            r"(?<![写译创合工原协操制著编的据])(?:几位|两位|各位)?作者们?(?=(?:最后|最终|还|又|都|也)?(?:认为|说|建议|劝|主张|指出|提到|"
            r"觉得|提出|列|承认|希望|担心|预测|预计|强调|呼吁|设想|想象|相信))"
        ),
    ),
    "en": (
        re.compile(rf"(?:^|,)\s*(?:according to|based on|as per|per|in|by|from) {_SOURCE}{_ASKS},?", re.IGNORECASE),
        re.compile(r"(?:^|,)\s*in (?:the|this) (?:authors?|writers?)['’]s? (?:opinion|view|words)\b,?", re.IGNORECASE),
        re.compile(rf"\s+(?:according to|in) {_SOURCE}(?=\s*(?:[,?.]|$))", re.IGNORECASE),
        re.compile(rf"\b(?:do|does|did) {_SOURCE} (?:{_TELLING})\b", re.IGNORECASE),
        re.compile(rf"\b(?:do|does|did|would|will|can|could) {_SOURCE} (?=(?:{_VERBS})\b)", re.IGNORECASE),
    ),
}
# "What does it mean?" asks what it is; texts that say "means" mostly mean something else.
_MEANING: dict[Language, tuple[re.Pattern[str], str]] = {
    "zh": (re.compile(r"(?:具体)?是?(?:什么|啥)意思|(?:意味着|指的是|是指)(?:什么|啥)"), "是什么"),
    "en": (
        re.compile(r"^\s*what (?:do|does|did) (.+?) (?:mean|stand for|refer to)\s*\?*$", re.IGNORECASE),
        r"what is \1?",
    ),
}
_MEANT_BY = re.compile(r"^\s*what\s+(?:(?:do|does|did) .+? )?mean by (.+?)\s*\?*$", re.IGNORECASE)
# So many words must be left to be looked for; else the question is about the article itself.
LEFT = 2


@lru_cache(maxsize=1024)
def sought(question: str) -> str:
    """The search query for `question`; the question itself if fewer than LEFT content words would remain."""
    language = language_of_question(question)
    whole = simplified(question) if language == "zh" else question
    found = whole.lower() if is_shouted(whole) else whole  # an embedder knows few words in capitals
    for pattern in _FRAMES[language]:
        found = pattern.sub("" if language == "zh" else " ", found)
    found = _MEANT_BY.sub(r"what is \1?", found)
    pattern, meaning = _MEANING[language]
    found = pattern.sub(meaning, found)
    if found == whole:
        return question
    found = re.sub(r"\s+(?=[?.,])", "", " ".join(found.split())).lstrip(",，、 ")
    return found if len(content_tokens(found)) >= LEFT else question
