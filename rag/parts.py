"""Questions that ask for several things: each may be answered in another place."""

from __future__ import annotations

import re

from index.keywords import simplified
from index.paragraphs import Language

_WORDS = "what|who|whom|whose|which|when|where|why|how"
_AUXILIARIES = "is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|may|might|must|shall"
# A part asks something of its own: it has one of these.
_ASKS = {
    "zh": re.compile(
        r"什么|谁|哪|(?<![这那好])几(?![乎十百千万])|多少|多[大长高久快远]|怎|为何|何时|何[处种]|如何|是否|有没有|吗|呢"
    ),
    "en": re.compile(
        rf"\b(?:{_WORDS})\b|(?:^|:\s*)(?:(?:and|but|or|so|then|also)\s+)?(?:{_AUXILIARIES})\b", re.IGNORECASE
    ),
}
# What only says when or whether: "When the price rises, ...", 不管价格多高, ….
_CONDITION = {
    "zh": re.compile(r"^(?:如果|假如|要是|既然|无论|不管|自从|哪怕|虽然|尽管|当).|[时后]$|以来$|的话$"),
    "en": re.compile(
        rf"^(?:when|where|if|since|because|after|before|while|although|though|given|as|once|unless)\s+"
        rf"(?!(?:{_AUXILIARIES})\b)\w+\s+\w[^?]*$",
        re.IGNORECASE,
    ),
}
# Where one may end and the next begin: behind a question mark, or at a comma or an "and" before a question word.
_SEAM = {
    "zh": re.compile(r"(?<=[?？;；])\s*|[,，]\s*|(?<=[^,，?？])(?=(?:以及|并且|又是|又有|又在|又被|还有)[^,，?？]{2})"),
    "en": re.compile(
        r"(?<=[?;])\s+|,?\s+(?:and|but|or)\s+(?=(?:(?:by|in|at|on|for|to|with|from|of|about)\s+)?"
        rf"(?:{_WORDS})\b)|,\s+(?=(?:{_WORDS})\b)",
        re.IGNORECASE,
    ),
}
# One thing asked of each of several: "how long did A and B each take?"
_OF_EACH = {
    "zh": re.compile(r"分别|各自|[,，]各|各[能有是占花用要需会达为]|两者|二者|区别|差别"),
    "en": re.compile(r"\b(?:each|respectively|both|differ|differences?|compare)\b", re.IGNORECASE),
}


def parts(question: str, language: Language) -> list[str]:
    """The parts of `question`, simplified, that each ask something, in order; all of it where it asks one thing.

    What stands between the seams and asks nothing ("The text names two tests:") goes with the part that follows it, or
    at the end with the one before.
    """
    gap = "" if language == "zh" else " "
    question = simplified(question)
    found: list[str] = []
    pending: list[str] = []
    for piece in filter(None, (piece.strip() for piece in _SEAM[language].split(question))):
        pending.append(piece)
        if _ASKS[language].search(piece) and not _CONDITION[language].search(piece):
            found.append(gap.join(pending))
            pending = []
    if len(found) < 2:
        return [question]
    return [*found[:-1], gap.join([found[-1], *pending])]


def asks_for_several(question: str, language: Language) -> bool:
    """Whether the question has several parts, or asks one thing of each of several."""
    return len(parts(question, language)) > 1 or _OF_EACH[language].search(simplified(question)) is not None
