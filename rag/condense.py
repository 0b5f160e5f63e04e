"""Follow-ups: make "and in 2024?" a question of its own, from the turns before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from index.characters import HAN
from index.errors import UserError, has_half_a_character
from index.paragraphs import Language
from rag.generators import Generator
from rag.language import language_of_question
from rag.overview import asks_about_the_whole
from rag.parts import parts
from rag.prompts import condense_messages
from rag.words import content_tokens, names

# Marks of a question that leans on the one before it.
_LEANS = {
    "zh": re.compile(
        r"^(?:那(?![不曲英达么])|它|他(?!汀)|她|这(?!篇|份|个?(?:文章|报告|报道))|其|还有|另外|然后|呢|所以|具体|比如|再(?!生|见|次))|"
        r"他们|[它她]|这个(?!文章|报告|报道)|这些|那个|那些|上面(?![积临对向])|刚才|前者|后者|呢[?？]?$|"
        r"(?:^|(?<=[,，。;；?？:：在对由从与和为被据向于的了过是])(?<!还是|不是|到了)|(?<=评价|介绍|解释|描述|说明|分析))"
        r"该(?![怎如不做去用在是选给把由向被]|.{1,8}的时候)|"
        r"^(?:(?!像|诸如)[^,，。;；:：])*(?<![A-Za-z\d成])(?<![A-Za-z\d] )"
        r"(?:这样|这么(?=[说做想讲看认干])|如此(?=[?？]?$))|"
        r"^(?:为什么|为何|怎么)会?(?:这么|如此)|"
        r"此(?=[事举后外])|对此|上述|(?:^|(?<=[,，在对由从与和为被据除向于结]))以上|"
        r"^(?:(?![和与跟同及、]).)*(?<!第)[两二三]者|"
        r"^(?:为什么|为何|原因(?:是什么)?|请?(?:详细|展开|举例|举个例子)(?:[说讲]说?|讲讲|一点|介绍|解释|说明)?(?:一下)?|请?继续[说讲]?|"
        r"什么意思|怎么说|(?:怎么|如何)做(?:到)?的?|(?:是?真的|是|对)吗|多少(?:钱|年|人|个)?|什么时候|何时|何地|[是在]?哪一?[年天]|几[年月时]|在?(?:哪里?|哪儿|什么地方)|谁|"
        r"第[一二三四五六七八九十\d]+[个种条点项]|(?:还)?有(?:别的|其他|其它|更多)(?:的?(?:原因|例子|办法|方法))?吗?|\d{4}\s?年)"
        r"[?？。!！]?$"
    ),
    "en": re.compile(
        r"^(?:and|but|so|then|what about|how about|also|or|for example)\b|"
        r"^(?:why|how|why not|how so|how come|which one|when|where|who|how much|how many|in what way)"
        r"(?: (?:exactly|else|then|so|though|not))?\W*$|"
        r"^(?:please )?(?:tell me more|(?:(?:can|could) you )?(?:elaborate|explain|expand|say more|be more specific)|"
        r"go on|continue|more details?|really|such as|like what|(?:what|anything) else|(?:any|an) examples?)"
        r"(?: please)?\W*$|"
        r"^(?:in \d{4}|the [a-z]+(?: one)?|(?:any |more )?(?:other |more )?(?:examples?|reasons?|ideas?|details?))\W*$|"
        r"^(?:(?:in|on|by|at|for|since|until|from|to|with|of|about) )?(?:what|which|how|when|where|whom|why) "
        r"(?:year|month|day|date|time|country|city|place|company|ones?|old|long|big|far|many|much|often|soon|reason|kind)"
        r"\W*$|"
        r"^(?:since|until|from) when\W*$|^(?:by|to|with|for|from|about) (?:whom|who|what|where)\W*$|"
        r"^what (?:happened|happens|comes|came|is|was) (?:next|then|after|afterwards|later)\W*$|"
        r"\b(?:(?-i:it|its|It|Its)|they|them|their|those|these|he|she|his|her|the former|the latter|the same|"
        r"above(?! (?:the|a|an|all|sea)\b|-)|"
        r"this(?! (?:article|text|page|report|essay|document|paper|piece|study|story)\b)|"
        r"(?:between|of) the two(?=\W*$| (?:is|are|was|were|do|does|did|has|have|had)\b)|"
        r"that(?=(?: so)?\W*$| (?:one|time|year|happen|work|mean|change|number|figure|case|point|is|was|will|would)\b)|"
        r"there(?=\W*$)|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )there(?! (?:is|are|was|were)\b))\b",
        re.IGNORECASE,
    ),
}
# What is always of something else. A question that has one of these words, and beside them only such as are said in
# passing, asks for more of what was said: "what's the difference?"
_OF_WHAT_WAS_SAID = (
    "example instance detail elaborate clarify explain specific concrete reason cause result outcome difference "
    "evidence proof basis next true correct sure first second third fourth fifth last "
    "例子 举例 实例 详细 详情 细节 具体 展开 说明 解释 原因 理由 结果 区别 差别 差异 不同 证据 依据 "
    "接下来 后来 之后 随后 接着 属实 真"
)
_IN_PASSING = (
    "give tell say show more other another further any some one two please add bit little main key biggest exactly "
    "really case happen point step 给 提供 说 讲 说说 讲讲 举 举个 再举 个 来 一下 一点 一些 些 得 更 更多 多 再 还 "
    "还有 别的 其他 其它 发生 主要 最大 怎么样 有何 能否 可否 是否 没有 要点"
)
_ORDINAL = re.compile(r"第[一二三四五六七八九十\d]+[个种点项步]")
# A word or a name, and a question mark: "Germany?", "South Korea?", 德国?
_FRAGMENT = {
    "zh": re.compile(rf"([{HAN}]{{2,6}})[?？]"),
    "en": re.compile(r"([A-Za-z][\w'’-]*(?: [A-Z][\w'’-]*){0,2}) ?\?"),
}
# "It" that stands for what the sentence goes on to say: "how long did it take to build the bridge?", "is it true that
# the bridge fell?". In "is it safe to use?" and "what does it mean for workers?" it is a thing said before.
_TO_DO_SOMETHING = (
    r" to (?!(?:the|an?|its|their|his|her|our|us|them|me|you)\b)\w+ "
    r"(?!(?:in|on|at|by|for|with|to|from|of|as|now|today|again|yet|and|or)\b)\w"
)
_FOR_SOMEBODY = rf"(?: for (?:(?! to ).)+)?{_TO_DO_SOMETHING}"
_HOW_IT_IS = (
    "(?:im)?possible|easy|easier|hard|harder|difficult|safe|dangerous|legal|illegal|necessary|important|essential|better|"
    "best|wise|right|wrong|fair|good|bad|useful"
)
_DUMMY = re.compile(
    rf"\bit(?= (?:takes?|took|costs?|means?|feels?|requires?)\b.*{_TO_DO_SOMETHING}|"
    rf"(?:['’]s| is| was| be)?(?: (?:really|still|always|so|not|more|even|too))* (?:{_HOW_IT_IS}){_FOR_SOMEBODY}|"
    r"(?:['’]s| is| was)(?: not| so)? \w+ that\b| (?:seems?|appears?|happens?) that\b)|"
    r"(?:(?<=\bis )|(?<=\bwas )|(?<=n['’]t ))it"
    rf"(?= (?:not |really |so )?(?!something|anything)(?:a )?\w+ that\b|{_FOR_SOMEBODY})",
    re.IGNORECASE,
)
# What may stand for a name in the same question: "what did Musk say about his companies?". In "what did Musk say of
# it?" the pronoun is something else.
_MAY_STAND_FOR_A_NAME = {
    "zh": re.compile(r"(?:它|她|他)们?的"),
    "en": re.compile(
        r"(?:he|she|they|its|his|their)\b|her (?!(?:about|to|in|on|at|for|when|that|by|with)\b)\w|"
        r"it (?:is|was|has|had|will|would|can|could|may|might|should|does|did)\b",
        re.IGNORECASE,
    ),
}
# Where and when are not who: "in Germany, what do they say?"
_WHERE = re.compile(
    r"(?:\b(?i:in|at|on|since|from|during|before|after|until) (?:the )?|在\s?)[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*"
)
_LONG = {"zh": 24, "en": 60}
REWRITE_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange; `answer` may be empty."""

    question: str
    answer: str = ""


def condense(question: str, history: Sequence[Turn], generator: Generator) -> str | None:
    """A follow-up as a question of its own, rewritten by a generator that writes; None where it leans on nothing.

    That is so, too, where the generator repeats the question: there was nothing to complete.
    """
    language = language_of_question(question)
    if not history or not leans_on_history(question, language):
        return None
    if not generator.writes:
        return join_with_last(question, history, language)
    messages = condense_messages(question, history_text(history, language), language)
    try:
        reply = generator.llm.chat(messages, max_tokens=REWRITE_TOKENS).message.content or ""
    except Exception:  # a follow-up is never lost to a generator that is down
        reply = ""
    rewrite = accept_rewrite(reply)
    return None if rewrite == question.strip() else rewrite or join_with_last(question, history, language)


def parse_history(history: Any) -> tuple[Turn, ...]:
    """Turns from what callers send: [{"question", "answer"}], [[question, answer]], [question] or chat messages.

    Raises UserError, naming the entry, for anything else.
    """
    if not isinstance(history, Sequence) or isinstance(history, str | bytes):
        raise UserError(f"history is a {type(history).__name__}, not a list of turns. Send [{{question, answer}}, …].")
    turns: list[Turn] = []
    for n, entry in enumerate(history, start=1):
        role, text = _role(entry)
        if role == "assistant":
            if turns:
                turns[-1] = Turn(turns[-1].question, text)
        elif role == "user":
            turns.append(Turn(text))
        else:
            turns.append(_turn(n, entry))
    for n, turn in enumerate(turns, start=1):
        if has_half_a_character(turn.question + turn.answer):
            raise UserError(f"turn {n} of history holds half a character (a lone surrogate). Send it again.")
    return tuple(turns)


def leans_on_history(question: str, language: Language) -> bool:
    """Whether the question has marks of a follow-up: a pronoun, an opening "and", a bare "why?"; or no word of its own.

    Of several parts the first one tells: "how long is the bridge, and who built it?" leans on nothing said before.
    """
    if len(question) > 3 * _LONG[language]:
        return False
    first = parts(question.strip(), language)[0]
    return _has_mark(first, language) or (
        not asks_about_the_whole(first) and (_asks_of_what_was_said(first) or _is_fragment(first, language))
    )


def _has_mark(question: str, language: Language) -> bool:
    """Whether a word of `question` stands for something that it does not name itself."""
    said = _DUMMY.sub("", question)
    return any(not _stands_for_a_name(said, mark.start(), language) for mark in _LEANS[language].finditer(said))


def _stands_for_a_name(question: str, at: int, language: Language) -> bool:
    is_pronoun = _MAY_STAND_FOR_A_NAME[language].match(question, at) is not None
    return is_pronoun and bool(names(_WHERE.sub("", question[:at])))


def _asks_of_what_was_said(question: str) -> bool:
    asked = content_tokens(_ORDINAL.sub(" ", question))
    of_what_was_said, in_passing = content_tokens(_OF_WHAT_WAS_SAID), content_tokens(_IN_PASSING)
    is_of_it = bool(asked & of_what_was_said) or _ORDINAL.search(question) is not None
    return is_of_it and asked <= of_what_was_said | in_passing


def _is_fragment(question: str, language: Language) -> bool:
    found = _FRAGMENT[language].fullmatch(question)
    if not found:
        return False
    named = found.group(1)
    return named in content_tokens(named) if language == "zh" else all(map(content_tokens, named.split()))


def join_with_last(question: str, history: Sequence[Turn], language: Language) -> str:
    """The follow-up behind the question it leans on: no model, nothing lost, right for retrieval."""
    return _joined(_last_question(history, language), question, language)


def _last_question(history: Sequence[Turn], language: Language) -> str:
    """The last question, behind the one that it leaned on itself."""
    last = history[-1].question
    if len(history) > 1 and leans_on_history(last, language):
        return _joined(history[-2].question, last, language)
    return last


def _joined(first: str, second: str, language: Language) -> str:
    between = ";" if language == "zh" else "; "
    return f"{first.rstrip('?？。. ')}{between}{second}"


def history_text(history: Sequence[Turn], language: Language) -> str:
    """The last exchange in a few words, for the generator that rewrites a follow-up."""
    limit = 80 if language == "zh" else 200
    return f"{_last_question(history, language)} {history[-1].answer[:limit]}".strip()


def accept_rewrite(rewrite: str, limit: int = 300) -> str | None:
    """The generator's rewrite when it is one line that asks something, else None."""
    line = rewrite.strip().splitlines()[0].strip().strip('"“”「」') if rewrite.strip() else ""
    return line if 3 <= len(line) <= limit else None


def _role(entry: Any) -> tuple[str | None, str]:
    if isinstance(entry, Mapping) and isinstance(entry.get("role"), str):
        content = entry.get("content")
        return entry["role"], content if isinstance(content, str) else ""
    return None, ""


def _turn(n: int, entry: Any) -> Turn:
    if isinstance(entry, str):
        return Turn(entry)
    if isinstance(entry, Mapping) and isinstance(entry.get("question"), str):
        return Turn(entry["question"], str(entry.get("answer") or ""))
    if isinstance(entry, Sequence) and entry and all(isinstance(part, str) for part in entry):
        return Turn(entry[0], entry[1] if len(entry) > 1 else "")
    raise UserError(f'entry {n} of history is {entry!r:.60}, not a turn. Send {{"question": …, "answer": …}}.')
