"""What is looked for: a question without the words that only say where its answer stands.

"According to the authors" finds the credits, and "what does the article list?" whatever speaks of articles and lists.
"""

from __future__ import annotations

import re
from functools import lru_cache

from index.keywords import simplified
from index.paragraphs import Language
from rag.language import language_of_question
from rag.words import content_tokens

_VERBS = (
    "say|think|believe|argue|claim|suggest|recommend|want|expect|propose|mention|warn|consider|list|describe|call|compare|"
    "give|use|name|have|offer|draw|tell|report|state|note|see|explain|cite|quote|define|make|put|mean|advise|predict|"
    "conclude"
)
_TELLING = "say|list|mention|describe|give|name|report|state|tell us|note"
_SOURCE = r"(?:the|this) (?:article|text|essay|report|post|piece|authors?|writers?)(?!['’\w])"
_ASKS = (
    r"(?=\s*(?:[,?.]|$|(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|has|have)\b))"
)
_TEXT_ZH = r"(?:这篇|该|此|整篇|本)?(?:文章|文)"
_INSIDE_ZH = r"(?:里面?|中|内|里头)(?![化件档学字本心献物])"
_FRAMES: dict[Language, tuple[re.Pattern[str], ...]] = {
    "zh": (
        # 文章里提到的, 根据本文, 在文中: at the start of a clause, or behind a word that says where.
        re.compile(
            rf"(?:(?:^|(?<=[,，。;；?？:：]))|在|根据|按照|依照)\s*{_TEXT_ZH}(?:{_INSIDE_ZH}|(?=提到|列出|给出|举出|提及|引用|讨论)|"
            r"(?=[,，]))(?:所?说到?的?|(?:提到|提及|介绍|描述|讲到|列出|给出|举出|讨论)了?的?|的(?!作者|标题|题目|译者))?[,，]?"
        ),
        re.compile(r"(?:(?:^|(?<=[,，。;；?？:：]))\s*(?:根据|按照?|依照?|据))本文(?![化件档学字本])的?[,，]?"),
        re.compile(
            r"(?<![写译创合工原协操制著编])(?:几位|两位|各位)?作者们?(?=(?:最后|最终|还|又|都|也)?(?:认为|说|建议|劝|主张|指出|提到|"
            r"觉得|提出|列|承认|希望|担心|预测|预计|强调|呼吁|设想|想象|相信))"
        ),
    ),
    "en": (
        re.compile(rf"(?:^|,)\s*(?:according to|in|by) {_SOURCE}{_ASKS},?", re.IGNORECASE),
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
# So many words must be left to be looked for; else the question is about the article itself.
LEFT = 2


@lru_cache(maxsize=1024)
def sought(question: str) -> str:
    """`question` as it is looked for; as it was where nothing much would be left."""
    language = language_of_question(question)
    whole = simplified(question) if language == "zh" else question
    found = whole
    for pattern in _FRAMES[language]:
        found = pattern.sub("" if language == "zh" else " ", found)
    pattern, meaning = _MEANING[language]
    found = pattern.sub(meaning, found)
    if found == whole:
        return question
    found = re.sub(r"\s+(?=[?.,])", "", " ".join(found.split())).lstrip(",，、 ")
    return found if len(content_tokens(found)) >= LEFT else question
