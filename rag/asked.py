"""What a question's words ask for, held against a text before an answer is written: what the gate is told of them.

A text that has nothing of the kind that is asked for, or tells of another year, does not state the answer. Which
sentence of one that does is quoted is another matter (rag/kinds.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from index.keywords import simplified
from index.paragraphs import Language
from rag.language import language_of_question
from rag.numbers import Period, periods, periods_meant

_FLAGS = re.IGNORECASE
_NUMBER_WORDS = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|dozens?|scores?|hundreds?|thousands?|millions?|billions?|half|third|quarter"
)
_HAN_NUMBERS = "一二三四五六七八九十百千万亿两半零"
_DATED = (
    rf"\d{{3,4}}|\d\d?[/:]\d|[\d{_HAN_NUMBERS}] ?[日号天点]|[年月春夏秋冬节夜晚晨朝代]|周[一二三四五六日]|星期|"
    rf"[昨今明后次翌][天日]|世纪|初[{_HAN_NUMBERS}]|腊|清明|端午|重阳|除夕|黎明|天亮|天黑|正午|中午|上午|下午|时分|刻钟|三刻|一刻|"
    r"\b(?:januar|februar|march|april|may\b|june|july|august|september|october|november|december|spring|summer|"
    r"autumn|winter|today|tomorrow|yesterday|year|month|week|decade|centur|dawn|dusk|noon|midnight|morning|"
    r"afternoon|evening|night|christmas|easter|festival|dynasty|reign|war\b|ad\b|bc\b|nineties|eighties)|"
    r"day\b|days\b|\d ?[ap]\.?m\b|o.clock"
)
# "When?" is answered by what happened then, or by how old somebody was; "in which year?" is not.
_TOLD_BY_AN_EVENT = (
    r"岁|从小|小时候|童年|(?<![落背最幕先随])后(?![果来面悔台边者门方备勤])|[之此]前|以前[,，]|期间|直到|随即|(?<![%％])的时候|"
    r"最近|不久|(?<!look )(?<!looks )(?<!named )\bafter(?! all)\b|(?<!\bas )\bbefore\b|"
    r"\b(?:until|till|during|as soon as|ago|recently|aged?|child(?:hood)?|as an? (?:boy|girl|youth|student))\b|"
    r"\b(?:once|since|when|while) (?:the|an?|his|her|its|their|he|she|it|they|we|i)\b|"
    rf"\bat (?:\d\d?|{_NUMBER_WORDS})(?=[.,;]|$| (?:he|she|they|and)\b)"
)
# {kind: (how a question asks for it, what a text has that can state it)}. The former are narrow: “什么时候该给人看” and
# "when must it be seen" ask for a condition, "how long is the bridge" for a length. The latter are wide: whatever a
# reader might take for such an answer.
_KINDS: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "a date": (
        re.compile(
            r"哪一?年|哪一?天|哪个月|几月|何年|何月|何日|什么日期|日期[?？]?$|"
            r"\b(?:what|which) (?:exact )?(?:day|date|year|month)\b|"
            r"\b(?:launch|release|start|opening|founding|closing|end|expiry|publication|completion|birth) date\W*$",
            _FLAGS,
        ),
        re.compile(_DATED, _FLAGS),
    ),
    "a time": (
        re.compile(
            r"什么时候(?=.*(?:[了的]|开始|结束|成立|发布|上线|出版)(?:[?？]|$))|"
            r"^(?:(?:and|so|but|ok),? )*when (?:exactly )?(?:did|was|were|will|had|has)\b|since when",
            _FLAGS,
        ),
        re.compile(rf"{_DATED}|{_TOLD_BY_AN_EVENT}", _FLAGS),
    ),
    "a duration": (
        re.compile(
            r"(?<!没过)(?<!过了)(?<!不)多久|多长时间|几个?小时|(?<![前后头过这那好])几(?:天|周|个月)(?=[?？]|$)|"
            r"how long (?:did|does|do|will|has|had|can|before|until)\b|"
            r"how many (?:hours|minutes|seconds|days|weeks|months|years)",
            _FLAGS,
        ),
        re.compile(
            r"[年月日天周时秒分夜晚季]|星期|世纪|一辈子|一生|半晌|一会儿|炷香|学期|永远|立刻|马上|以来|至今|直到|从小|"
            r"hour|minute|second|day|week|fortnight|month|year|decade|centur|generation|semester|term|season|spring|"
            r"summer|autumn|winter|morning|afternoon|evening|night|dawn|moment|forever|life|immediately|at once|"
            r"\d:\d\d|o.clock|\b(?:since|until|till)\b|\b[12]\d{3} ?(?:[-–—]|to|and) ?(?:[12]\d{3}|\d\d)\b",
            _FLAGS,
        ),
    ),
    "an age": (
        re.compile(
            r"多大(?:年纪|岁数|年龄)|几岁|年龄[?？]?$|how old (?:is|was|are|were) (?!the|this|that|it\b)|['’]s age\W*$|"
            r"^(?-i:[A-Z])\S+(?: (?-i:[A-Z])\S+)+ age\W*$",
            _FLAGS,
        ),
        re.compile(
            r"[岁旬龄]|享年|花甲|古稀|耄耋|年过|年近|months? old|years? old|\baged?\b|elderly|infant|teenage|"
            r"(?:[,，]|at|only|just|turned|is|was|now|died at) ?\d\d\b(?! ?[%％月日年])|\d\d-year|"
            r"\b(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)(?:y|ies)|\b(?:\w+teen|eleven|twelve)\b|"
            # How long there has been, or since when.
            rf"(?<!\d)\d{{1,3}}(?:,\d{{3}})* ?年|[{_HAN_NUMBERS[1:]}] ?年|(?:\d|{_NUMBER_WORDS}) years|"
            r"(?:生|立|建|始|办|成|造)于.{0,8}\d{3}|\d{3} ?年.{0,12}(?:[出诞]生|[成创建设]立|建[成造]|开[业办])|"
            r"\b(?:born|founded|established|dat(?:es?|ing)|(?:was|were) (?:built|opened|created))\b.{1,40}"
            r"(?<![\d,.])[12]\d{3}(?![\d,])",
            _FLAGS,
        ),
    ),
    "a share": (
        re.compile(
            r"百分之几|百分之多少|占多少(?=[?？]|$)|占几成|what (?:percentage|proportion|fraction)|what share of",
            _FLAGS,
        ),
        re.compile(
            rf"[%％成半个每全]|百分|分之|只有|大部|多数|少数|大多|几乎|十之|十有|比一|per ?cent|half|third|"
            rf"quarter|fifth|sixth|eighth|tenth|share|of (?:every|each)|out of|in (?:{_NUMBER_WORDS})|\d of \d|"
            r"majority|minority|\b(?:all|none|much|most|hardly|nearly|every|few)\b",
            _FLAGS,
        ),
    ),
    "an amount": (
        re.compile(
            r"多少(?!有)|how many\b|how much (?:money|did .{2,60} (?:cost|pay|spend|raise|earn))\b",
            _FLAGS,
        ),
        re.compile(
            rf"\d|[{_HAN_NUMBERS}几数全无每]|不少|许多|很多|大量|若干|没有|"
            rf"\b(?:{_NUMBER_WORDS}|once|twice|no|none|nothing|nobody|never|all|every|single|both|several|couple|few|"
            r"handful|many|most|double[ds]?|tripled|free)\b",
            _FLAGS,
        ),
    ),
}
_HOW_MANY = re.compile(
    r"多少|几[个次人成家]|百分之几|how (?:many|much)\b|what (?:percentage|proportion|fraction|share)\b", _FLAGS
)
_OTHER_CALENDAR = re.compile(r"民[國国]")
# Who or what may be asked for by its name alone. Of, 的 or 's makes it an attribute, which a text that tells who
# somebody is need not tell.
_NAME_EN = (
    r"(?:an? |the )?(?:(?!(?:of|by|in|for|on|about|from|to|at|with|and|or|that|which|who|is|are|was|were|it|this|these|"
    r"those|there|he|she|they|you|your|i|we|first|last|only|most|least|after|before|like|called|worth|paid)\b)"
    r"[^\s,;:'’]+(?: |$)){1,4}?"
)
_NAME_ZH = r"(?:《[^》]+》|[^的你您我，,；;：:？?]){1,24}?"
_DEFINITION: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(
        rf"(?:who|what)(?:['’]?s| is| are| was| were) {_NAME_EN}|"
        rf"(?:explain|define|describe|introduce|tell me about) (?:(?:who|what) )?{_NAME_EN}(?:is|are|was|means)?|"
        rf"{_NAME_EN}(?:who|what)(?:['’]?s| is| was)?(?: (?:that|it|he|she|this|they))?|"
        rf"what does {_NAME_EN}(?:mean|do|stand for)",
        _FLAGS,
    ),
    "zh": re.compile(
        rf"请?(?:介绍|解释|说明|描述|讲)(?:一?下|讲)?{_NAME_ZH}|(?:什么是|什么叫|何谓|谁是){_NAME_ZH}|"
        rf"{_NAME_ZH}(?:到底|究竟)?(?:是谁|是个?什么(?:人|东西|机构|组织|公司)?|是啥|指(?:的是)?(?:什么|谁)|"
        r"是?[做干]什么的|是?什么意思)",
        _FLAGS,
    ),
}


def lacks_what_is_asked(question: str, text: str) -> bool:
    """Whether the question asks for a time, a duration, an age, a share or an amount, and `text` has none at all.

    Such a text does not state the answer, however much else it says about the matter. Of what may be asked for in two
    ways, either will do. Characters may be traditional.
    """
    asked = simplified(question)
    wanted = [tells for asks, tells in _KINDS.values() if asks.search(asked)]
    told = simplified(text) if wanted else ""
    return bool(wanted) and not any(tells.search(told) for tells in wanted)


def asks_who_or_what(question: str) -> bool:
    """Whether the question asks who or what something is, and nothing further of it. Characters may be traditional."""
    language = language_of_question(question)
    bare = simplified(question).strip(" \n?？!！.。")
    asked = bare if language == "en" else re.sub(r"\s", "", bare)
    return _DEFINITION[language].fullmatch(asked) is not None


def is_of_another_year(question: str, text: str) -> bool:
    """Whether the question names a year, or several at once, and `text` none of them."""
    # How many there were by 2020 is told as of that year.
    by = () if _HOW_MANY.search(simplified(question)) else ("by",)
    asked = periods_meant(question, text, ("after", "before", *by))
    if not asked or _OTHER_CALENDAR.search(text):
        return False
    told = periods(text)
    return not any(_share_years(own, other) for own in asked for other in told)


def _share_years(one: Period, other: Period) -> bool:
    """Whether the two have a year in common; of two seasons, 2019–20 and 2020–21, one alone is none."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared >= min(1, one[1] - one[0], other[1] - other[0])
