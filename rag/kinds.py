"""What kind of answer a question asks for, and whether a sentence holds one.

Of the sentences of a paragraph that answers, the nearest to the question is often the one that asks it again in other
words; the answer to "how many?" holds a number. Told by words of both languages that mean the same in any article.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from index.keywords import simplified
from index.paragraphs import Language
from index.sentences import without_notes
from rag.numbers import quantities

Kind = Literal["number", "time", "reason", "several", "way"]

_ASKS: dict[Language, dict[Kind, re.Pattern[str]]] = {
    "zh": {
        "number": re.compile(
            r"多少|几(?!乎|经)|(?<![许很更太最])多(?:[长久快远重深宽]|[大高](?![学校家楼中人]))|百分之|比例|占比|倍"
        ),
        "time": re.compile(r"何[时年]|什么时[候间]|啥时|几时|哪一?个?[年天月日季世]|几[月号日年]|年份|日期"),
        "reason": re.compile(
            r"为什么|为何|为啥|怎会|怎么(?=会|没|不|就|还|又|反|偏|这么|那么|老|总)|凭什么|(?<![如任])何以|"
            r"干[嘛吗](?![?？]|$)|靠什么|原因|缘故|理由"
        ),
        "several": re.compile(r"哪些|哪几|哪[两二三四五六七八九]|列出|列举|分别|几[种类个项条]"),
        "way": re.compile(
            r"如何|怎样|怎么(?!会|没|不|就|还|又|反|偏|这么|那么|老|总|说|叫|回事)|什么[办方]法|[用靠]什么|通过什么"
        ),
    },
    "en": {
        "number": re.compile(
            r"\bhow (?:many|much|long|often|far|old|large|big|fast|high|deep|tall|heavy|late|soon|wide|few)\b|"
            r"\bwhat (?:percentage|share|proportion|fraction|number|size|price|cost|score|odds)\b",
            re.IGNORECASE,
        ),
        "time": re.compile(
            r"(?:^|[,;]\s*|\b(?:and|or|but|since|until|by)\s+)when\b|\b(?:what|which) (?:year|day|date|month|time)\b",
            re.IGNORECASE,
        ),
        "reason": re.compile(
            r"\bwhy\b|\bhow come\b|\breasons?\b|\bcauses?\b|\bwhat (?:made|makes|drove|led|caused|explains|prompted)\b",
            re.IGNORECASE,
        ),
        "several": re.compile(
            r"\bwh(?:at|ich) (?:two|three|four|five|six)\b|\bwhat (?:are|were) (?:the|all)\b|"
            r"\bwhich (?!(?:is|was|has|does|this|process)\b)\w+s\b|\bname (?:the|all|two|three)\b|"
            r"(?:^|\b(?:please|to|and|you)\s+)list\b",
            re.IGNORECASE,
        ),
        "way": re.compile(
            r"\bhow (?:do|does|did|is|are|was|were|can|could|will|would|might|has|have)\b|\bby what means\b|"
            r"\bin what way\b",
            re.IGNORECASE,
        ),
    },
}
_HOLDS: dict[Language, dict[Kind, re.Pattern[str]]] = {
    "zh": {
        "time": re.compile(r"\d\s*[年月日]|世纪|[一二三四五六七八九十〇](?:[年日号]|月(?!饼|子))"),
        "reason": re.compile(
            r"因为|由于|因此|所以|因而|于是|原因|缘故|才能|以便|为了|既然|理由|使得|导致|致使|正因|起因|归功|归因"
        ),
        "several": re.compile(r"、.*、|[；;].*[；;]|一是|其一|首先|以及"),
        "way": re.compile(r"通过|借助|利用|依?靠|以.{1,12}方式|使用|用"),
    },
    "en": {
        "time": re.compile(
            r"\b(?:1\d|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|"
            r"December)\b|\bcentur"
        ),
        "reason": re.compile(
            r"\b(?:because|since|therefore|thus|hence|so|reasons?|caus\w+|explain\w*|which is why)\b|"
            r"\b(?:due|thanks|owing|in order) to\b",
            re.IGNORECASE,
        ),
        "several": re.compile(r",[^,]+,[^,]*\band\b|;.*;|\bfirst\b.*\bsecond\b", re.IGNORECASE),
        "way": re.compile(r"\bby \w+ing\b|\b(?:through|using|with|via)\b", re.IGNORECASE),
    },
}


@lru_cache(maxsize=1024)
def asked_kinds(question: str, language: Language) -> frozenset[Kind]:
    """The kinds of answer that `question` asks for; none where any sentence may answer it."""
    question = simplified(question).replace("甚么", "什么")
    return frozenset(kind for kind, pattern in _ASKS[language].items() if pattern.search(question))


def holds(sentence: str, kind: Kind, language: Language, question: str) -> bool:
    """Whether `sentence`, in `language`, holds what an answer of `kind` must; a number that is not the question's."""
    if kind == "number":
        return bool(quantities(without_notes(sentence)) - quantities(question))
    return _HOLDS[language][kind].search(simplified(sentence)) is not None
