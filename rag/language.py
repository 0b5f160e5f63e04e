"""Which language a question is asked in: the one it is answered and refused in. And whether an answer is."""

from __future__ import annotations

import re

from index.characters import HAN
from index.paragraphs import Language

_HAN = re.compile(f"[{HAN}]")
_WORD = re.compile(r"[A-Za-z]+")
_SMALL_WORD = re.compile(r"(?<![\w'’-])[a-z]+(?![A-Z\d])")
# Words that carry an English sentence; names of people, models and products do not.
FUNCTION_WORDS = frozenset(
    "what who whom whose when where why which how is are was were do does did has have had can could will would should "
    "the a an this that these those it its they their he his she her we our you your i my there be been being not no "
    "of in on at to for from by with into onto over under between after before during since while through than as if "
    "and or but so because about tell me explain define list give show many much mean".split()
)


QUOTED = r"“[^”]*”|「[^」]*」|『[^』]*』|《[^》]*》|\"[^\"]*\""
_QUOTED = re.compile(QUOTED)
# What asks in Chinese, in either script, whatever terms stand beside it; and how a question in English begins.
_ASKS_ZH = re.compile(
    r"什[么麼]|谁|誰|哪(?!吒)|啥|吗|嗎|呢|怎|[为為]何|多少|[幾几](?![何乎率])|如何|是不是|有[没沒]有|一下|请|請|[区區][别別]"
)
# An English title or name that Chinese goes on about: "When AI builds itself 的主要观点", "Will Smith 是谁".
_TERM_ZH = re.compile(r"[^A-Za-z]*[A-Za-z][\w\s'’:,.&-]*?[A-Za-z\d]\s*[的是][^A-Za-z]*")
_ASKS_EN = re.compile(
    r"\W*(?:what|who|whom|whose|when|where|why|which|how|is|are|was|were|do|does|did|can|could|will|would|should|explain|"
    r"define|list|describe|compare|summari[sz]e|tell|give|name|show)\b",
    re.IGNORECASE,
)


def language_of_question(text: str) -> Language:
    """`zh` for a question with Chinese in it, unless English words carry its grammar ("What does 递归 mean?").

    What it quotes is not asked with. A question with no words at all ("2026?") counts as English.
    """
    if not _HAN.search(text):
        return "en"
    unquoted = _QUOTED.sub(" ", text)
    text = unquoted if _HAN.search(unquoted) or _WORD.search(unquoted) else text
    if _ASKS_ZH.search(text) or _TERM_ZH.fullmatch(text):
        return "zh"
    if _ASKS_EN.match(text):
        return "en"
    chinese = len(_HAN.findall(text))
    words = _WORD.findall(text)
    carried = sum(word.lower() in FUNCTION_WORDS for word in words)
    return "en" if carried >= 2 and len(words) > chinese / 2 else "zh"


def is_written_in(text: str, language: Language) -> bool:
    """Whether running text is in `language`; names and terms of the other are let pass, and bare numbers."""
    chinese, words = len(_HAN.findall(text)), len(_SMALL_WORD.findall(text))
    return chinese >= words if language == "zh" else words >= chinese
