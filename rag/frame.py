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
_SAYING = rf"(?:(?:{_VERBS})(?:s|d|ed)?|said|thought|gave|told|drew|made|saw|has|had)"
_SOURCE = r"(?:the|this) (?:articles?|text|essay|report|post|piece|paper|story|passage|authors?|writers?)"
_FRAMES: dict[Language, tuple[re.Pattern[str], ...]] = {
    "zh": (
        re.compile(
            r"(?<![写译读看发编登刊])(?:根据|按照?|依照?|据)?(?:这篇|该|此|整篇|本)?(?:文章|文中|本文|全文|原文)"
            r"(?!的?(?:作者|标题|题目|出处|译者))[里中内上]?(?:面|头)?"
            r"(?:所?说|提到|指出|认为|提及|介绍|描述|讲到|列出|给出|举出|讨论)?的?"
        ),
        re.compile(
            r"(?:几位|两位|各位)?作者们?(?=(?:最后|最终|还|又|都|也)?(?:认为|说|建议|劝|主张|指出|提到|觉得|提出|列|把|承认|希望|"
            r"担心|预测|预计|强调|呼吁|设想|想象|相信|举|给))"
        ),
    ),
    "en": (
        re.compile(rf",?\s*\b(?:according to|in|by) {_SOURCE}\b,?", re.IGNORECASE),
        re.compile(rf"\b(?:do|does|did) {_SOURCE} (?:{_TELLING})\b", re.IGNORECASE),
        re.compile(rf"\b(?:do|does|did|would|will|can|could) {_SOURCE} (?={_SAYING}\b)", re.IGNORECASE),
        re.compile(rf"\b{_SOURCE} (?={_SAYING}\b)", re.IGNORECASE),
    ),
}
# "What does it mean?" asks what it is; texts that say "means" mostly mean something else.
_MEANING: dict[Language, tuple[re.Pattern[str], str]] = {
    "zh": (re.compile(r"(?:具体)?是?(?:什么|啥)意思|[指意]味?的?是(?:什么|啥)|[指意]味?着?(?:什么|啥)"), "是什么"),
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
    return (
        " ".join(found.split()).lstrip(",，、 ") if found != whole and len(content_tokens(found)) >= LEFT else question
    )
