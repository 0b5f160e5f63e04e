"""Questions that ask for several things at once, split into parts that may be answered in different paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from index.characters import HAN
from index.keywords import simplified
from index.paragraphs import Language
from rag.language import QUOTED

_WORDS = "what|who|whom|whose|which|when|where|why|how"
# In front of a subject they ask, behind one they tell.
AUXILIARIES = "is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|may|might|must|shall"
_OF = r"(?:(?:by|in|at|on|for|to|with|from|of|about)\s+)?"
# What asks behind a comma; ", which was founded in 1990, ..." tells of what stands before it.
_ASKED_NEXT = (
    rf"(?:what|when|where|why|how)\b|"
    rf"(?:who|whom|whose|which)\b(?![^,?;]*,\s+(?!(?:and|or|but)\b|{_OF}(?:{_WORDS})\b))"
)
# A part asks something of its own: it has one of these.
_ASKS = {
    "zh": re.compile(
        r"什么|谁|哪|(?:(?<![这那好近前后十头每隔])|(?<=最后))(?<!过去)(?<!未来)几(?![乎十百千万])|多少|多[大长高久快远]|怎|为何|何时|何[处种]|如何|是否|有没有|吗|呢"
    ),
    "en": re.compile(
        rf"\b(?:{_WORDS})\b|(?:^|:\s*)(?:(?:and|but|or|so|then|also)\s+)?(?:{AUXILIARIES})(?:n['’]t)?\b", re.IGNORECASE
    ),
}
# What only says when or whether: "When the price rises, ...", 不管价格多高, ….
_CONDITION = {
    "zh": re.compile(
        r"^(?:如果|假如|要是|既然|无论|不管|自从|哪怕|虽然|尽管|当(?![地时年初天局选代下今])).|(?<![何小])时$|后$|以来$|的话$"
    ),
    "en": re.compile(
        rf"^(?:when|where|if|since|because|after|before|while|although|though|given|as|once|unless)\s+"
        rf"(?!(?:{AUXILIARIES})\b)\w+\s+\w[^?]*\W*$",
        re.IGNORECASE,
    ),
}
# Where one may end and the next begin: behind a question mark or a line, at a comma or an "and" before what asks. In
# Chinese a blank may stand for the comma.
_SEAM = {
    "zh": re.compile(
        rf"(?<=[?？;；])\s*|[,，]\s*|、(?!什么|哪[里个些]|何[处地])|\n+|(?<=[{HAN}])\s+(?=[{HAN}])|"
        r"(?<=[^,，?？])(?=(?:以及|并且|又是|又有|又在|又被|还有)[^,，?？]{2})"
    ),
    "en": re.compile(
        r"(?<=[?;])\s+|\n+|,?\s+(?:and|but|or)\s+(?="
        rf"{_OF}(?:{_WORDS})\b)|,?\s+(?:and|but)\s+(?=(?:{AUXILIARIES})(?:n['’]t)?\s+"
        rf"(?:it|they|he|she|we|you|the|this|that|these|those|there|any|an?)\b)|,\s+(?={_ASKED_NEXT})",
        re.IGNORECASE,
    ),
}
# "When" of "when and where was it signed?" asks nothing by itself.
_BARE = re.compile(
    rf"{_OF}(?:{_WORDS})(?:\s+(?:dates?|days?|years?|months?|times?|city|place|country))?",
    re.IGNORECASE,
)
# What somebody else asked: no seam stands within.
_QUOTED = re.compile(rf"{QUOTED}|‘[^’]*’(?!\w)")
# One thing asked of each of several: "how long did A and B each take?"
_OF_EACH = {
    "zh": re.compile(
        r"分别|各自|[,，]各|各[能有是占花用要需会达为]|两者|二者|区别|差别|差异|分歧|不一样|差在哪|(?:有什么|有何|哪里|哪些)不同"
    ),
    "en": re.compile(
        r"\b(?:each|respectively|both|differ|differences?|different from|disagree|disagreements?|compare)\b",
        re.IGNORECASE,
    ),
}
# Two things held against each other, which no one paragraph has to do: "which is taller, A or B?"
_COMPARES = {
    "zh": re.compile(
        r"(?:哪一?[个种座家条款项边方类]?|谁)更|更.{0,3}的是(?:哪|谁)|还是.*更|更.*还是|异同|区别|差别|差异|分歧|"
        r"有(?:什么|何)不(?:同|一样)|差在哪|"
        r"(?:^|[,，])[^,，]{1,12}比[^,，]{1,12}(?:更.{1,4}|[多高低大长贵快早晚新重强])(?:吗|多少|[?？]*$)"
    ),
    "en": re.compile(
        r"\b(?:which|who|what)\b.*\b(?:is|are|was|were|has|have|costs?|takes?|lasts?)\s+(?:the\s+)?"
        r"(?:\w{2,}er|more|less|worse)\b.*\bor\b|\b(?:compare|differs?|differences?|disagree|disagreements?)\b|"
        r"^\W*(?:is|are|was|were|do|does|did|has|have|can)\b.*\b(?:\w{2,}er|more|less|fewer|worse)\b.*\b(?:than|or)\b",
        re.IGNORECASE,
    ),
}
# What joins two things that are compared, and what ends a run of them; in English they are names.
_JOINT = {
    "zh": re.compile(r"[和与跟同、]"),
    "en": re.compile(r",? (?:and|or|from|with) (?:the )?(?=[A-Z])|, (?=[A-Z])"),
}
_BETWEEN_RUNS = {"zh": re.compile(r"[^\w·、—-]+"), "en": re.compile(r"[?!.;:]\s*")}
_SHORTEST_THING = 2
_NO_THING = re.compile(r"[第前后这那两一二三四五六七八九十\d]")  # 第二种 is named by its heading, if at all
_REASON = re.compile(r"为什么|为何|\bwhy\b", re.IGNORECASE)


def compares(question: str, language: Language) -> bool:
    """Whether the question holds one thing against another."""
    asked = simplified(question)
    return _COMPARES[language].search(asked) is not None and not _REASON.search(asked)


def things_compared(question: str, language: Language, texts: Sequence[str]) -> tuple[str, ...]:
    """What the question holds against each other, as far as `texts`, simplified, name it: the words around its "and".

    "How do Ann Lee and Ben Moe differ over tea?": Ann Lee, Ben Moe; Ben, where only he is named so.
    """
    asked = simplified(question)
    if not (compares(question, language) or _OF_EACH[language].search(asked)):
        return ()
    found: dict[str, None] = {}
    for run in _BETWEEN_RUNS[language].split(asked):
        pieces = _JOINT[language].split(run)
        for before, after in pairwise(pieces):
            ends = (_named_in(before, -1, language, texts), _named_in(after, 1, language, texts))
            found |= dict.fromkeys(filter(None, ends))
    return tuple(found)


def _named_in(run: str, step: int, language: Language, texts: Sequence[str]) -> str | None:
    """The most of a run of words, from its end that is at the "and", that stands in one of `texts`; None if nothing."""
    pieces = _capitalised(run.split(), step) if language == "en" else list(run)
    gap = " " if language == "en" else ""
    for size in range(len(pieces), 0, -1):
        own = gap.join(pieces[:size] if step > 0 else pieces[-size:])
        if len(own) >= _SHORTEST_THING and not _NO_THING.match(own) and any(own in text for text in texts):
            return own
    return None


def _capitalised(words: Sequence[str], step: int) -> list[str]:
    """The words with capitals at the end of `words` (step -1), or at its beginning."""
    own = list(takewhile(lambda word: word[0].isupper(), words[::step]))
    return own[::step]


def parts(question: str, language: Language) -> list[str]:
    """The parts of `question`, simplified, that each ask something, in order; all of it where it asks one thing.

    What stands between the seams and asks nothing ("The text names two tests:") goes with the part that follows it, or
    at the end with the one before.
    """
    gap = "" if language == "zh" else " "
    question = simplified(question)
    found: list[str] = []
    pending: list[str] = []
    pieces = [piece for piece in map(str.strip, _pieces(question, language)) if piece]
    for at, piece in enumerate(pieces, 1):
        pending.append(piece)
        is_half = at < len(pieces) and _BARE.fullmatch(piece)
        if _ASKS[language].search(piece) and not _CONDITION[language].search(piece) and not is_half:
            found.append(gap.join(pending))
            pending = []
    if len(found) < 2:
        return [question]
    return [*found[:-1], gap.join([found[-1], *pending])]


def _pieces(question: str, language: Language) -> Iterator[str]:
    """`question` as it is cut at the seams; none of them stands within quotation marks."""
    hidden = _QUOTED.sub(lambda match: "_" * len(match.group()), question)
    start = 0
    for seam in _SEAM[language].finditer(hidden):
        yield question[start : seam.start()]
        start = seam.end()
    yield question[start:]


def asks_for_several(question: str, language: Language) -> bool:
    """Whether the question has several parts, or asks one thing of each of several."""
    return len(parts(question, language)) > 1 or _OF_EACH[language].search(simplified(question)) is not None
