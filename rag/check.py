"""Check a statement against what it cites, in both languages: figures, dates, names, negation, superlatives and words.

Deterministic, and strict in one direction only: a `supported` statement contains no number that the cited paragraphs do
not state, and no name that neither they nor the question contain. It cannot detect a fluent contradiction that involves
none of the things it checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from index.keywords import fold, plain
from index.sentences import split_sentences
from rag.answer import Evidence, Verdict
from rag.language import FUNCTION_WORDS
from rag.numbers import Period, Value, amounts, months, otherwise_written, periods_meant, quantities, years
from rag.parts import AUXILIARIES
from rag.units import is_remeasured, restated
from rag.words import Rarity, content_tokens, names, negations, superlatives

# Shares of a statement's own words (by weight) that must stand in what it cites. First settings, not yet fitted.
SUPPORTED = 0.5
PARTIAL = 0.25
# The share of the words of a statement that says nothing but the question's that must stand in one cited sentence.
TOGETHER = 0.9
# AIs, and no shorter one: "us" is no more than one U.
_SHORTEST_PLURAL = 3
# In an escaped name; and in a text an iPhone 15, which others write iPhone15.
_BEFORE_NUMBER = re.compile(r"([a-z]+)(?:\\-)?(?=\d)")
_NAME_AND_NUMBER = re.compile(r"(?<![a-z\d-])([a-z]+)[- ](\d+(?:\.\d+)?)(?![a-z\d]|\.\d)")
_ENDS = "。.!！?？ "
# What asks, with the words beside it. "Who", "when" and their like ask where they open a clause and an auxiliary
# follows: "when the war ended" and "the man who built it" tell, and so does 什么都.
_ASKS = re.compile(
    r".{0,2}(?:多少|什么|哪[个家年天些里位种款]|谁|几[个年天次人种]|如何|怎[样么]|为何|是否|多[久长大远高])(?![都也]).{0,2}|"
    r"\b(?:how (?:much|many|long|often|far|old)|what|why)\b(?: [\w'’-]+){2}|"
    r"(?:^|(?<=[.:;?!] )|(?<=\b(?:and|but) )|(?<=\bor ))"
    rf"(?:who|whose|which|where|when)(?= (?:{AUXILIARIES})\b)(?: [\w'’-]+){{2}}",
    re.IGNORECASE,
)
# What only says no to the question: "No, it was closed.", 不，它……
_YES_OR_NO = re.compile(r"^\s*(?:no|不是的?|不[能会可行]以?|不|没有|否)\s*[,，。.;；—-]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one statement in what it cites."""

    verdict: Verdict
    missing_numbers: frozenset[Value]
    missing_names: frozenset[str]
    coverage: float


def check(statement: str, cited: Sequence[Evidence], question: str, rarity: Rarity) -> Check:
    """Check `statement` against the whole paragraphs of `cited`, in both languages.

    A name that occurs in the question is the reader's, not a claim about the article. A number is not excused in that
    way: a statement that repeats one from the question which its sources lack has moved a figure to another year or
    version.
    """
    paragraphs = {e.paragraph.number: e.paragraph for e in cited}.values()
    texts = [text for p in paragraphs for text in (p.zh, p.en, p.section.path("zh"), p.section.path("en")) if text]
    joined = "\n".join(texts)
    missing_numbers, named = unstated(statement, joined)
    missing_names = named - names(question)
    own = content_tokens(statement) - content_tokens(question)
    is_contradicted = (
        bool(missing_numbers or missing_names)
        or is_remeasured(statement, joined)
        or _is_moved(statement, cited, question)
        or _still_asks(statement, joined, question)
    )
    if own:
        coverage = rarity.covered(own, content_tokens(joined)) if texts else 0.0
        verdict = _verdict(is_contradicted, coverage)
    else:
        coverage = _together(statement, cited, rarity)
        is_said = coverage >= TOGETHER and not is_contradicted and not _is_dictated(statement, cited, question)
        verdict = "supported" if is_said else "unsupported"
    if verdict == "supported" and (
        _negation_flipped(statement, cited) or _is_compared_by_nobody(statement, cited, question, joined)
    ):
        verdict = "partial"
    return Check(verdict, missing_numbers, missing_names, coverage)


def _together(statement: str, cited: Sequence[Evidence], rarity: Rarity) -> float:
    """The largest share of the statement's words, weighted by rarity, that a single cited sentence contains.

    For statements made only of the question's words, which claim that these belong together. A whole paragraph, or two
    sentences, may contain all of them without saying so. A statement without any content word that can be looked up (in
    another script: こんにちは) scores 0.
    """
    words = content_tokens(statement)
    return 0.0 if not words else max((rarity.covered(words, words_of(e)) for e in cited), default=0.0)


def words_of(evidence: Evidence) -> frozenset[str]:
    """The words that a sentence holds, with those of the heading that it answers for."""
    return content_tokens(evidence.text) | content_tokens(evidence.heading)


def _is_dictated(statement: str, cited: Sequence[Evidence], question: str) -> bool:
    """Whether the statement stands as it is in the question and in no sentence that it cites.

    Who orders "introduce yourself as Ann" puts the words in the model's mouth; that a text thanks Ann is no support.
    """
    said = fold(statement.strip().rstrip(_ENDS))
    return said in fold(question) and not any(said in fold(e.text) for e in cited)


def _still_asks(statement: str, cited: str, question: str) -> bool:
    """Whether the statement asks what the question does, in its words, and `cited` does not (它一共付了多少钱)."""
    asked = fold(question)
    windows = (match.group().strip(f"{_ENDS}，,") for match in _ASKS.finditer(fold(statement)))
    shared = [window for window in windows if window in asked]
    return bool(shared) and not all(map(fold(cited).__contains__, shared))


def unstated(text: str, among: str) -> tuple[frozenset[Value], frozenset[str]]:
    """The quantities and the names of `text` that do not stand in `among`."""
    stated, typed = quantities(among), plain(among)
    numbers = frozenset(value for value in quantities(text) if not {value, otherwise_written(value)} & stated)
    if numbers:
        numbers -= restated(text, among)
    named = frozenset(name for name in names(text) if not _is_named(name, typed))
    if not numbers and not named:
        return numbers, named
    joined = [m for m in _NAME_AND_NUMBER.finditer(plain(text)) if _is_joined(m, typed)]
    return numbers - {("", Fraction(m[2])) for m in joined}, named - {m[1] for m in joined}


def _is_named(name: str, typed: str) -> bool:
    """Whether a name stands in a text that is typed plainly, in the plural or not: who asks about W-14s means the W-14.

    As a word: "EU" does not stand in "neutral", nor GPT-4 in "GPT-4o" or "GPT-4.1"; but TB does in "5TB".
    """
    singular = name[:-1] if len(name) >= _SHORTEST_PLURAL and name[-1] == "s" else name
    return any(
        re.search(
            rf"(?<![a-z])(?:(?<!\d)|(?=[a-z])){_BEFORE_NUMBER.sub(_as_written, re.escape(own))}(?:['’]?s)?"
            r"(?![a-z\d])(?:(?<!\d)|(?!\.\d))",
            typed,
        )
        for own in {name, singular}
    )


def _is_joined(match: re.Match[str], typed: str) -> bool:
    """Whether a name with its number stands in a text as one word."""
    return re.search(rf"(?<![a-z\d]){match[1]}{re.escape(match[2])}s?(?![a-z\d]|\.\d)", typed) is not None


def _as_written(letters: re.Match[str]) -> str:
    """A name's letters before its number: GPT4, GPT-4 and GPT 4 are one. A4 is not what “a 4-day week” names."""
    is_word = len(letters[1]) == 1 or letters[1] in FUNCTION_WORDS
    return letters[1] + ("[-‐]?" if is_word else "[-‐ ]?")


def _with_neighbours(evidence: Evidence) -> Sequence[str]:
    """The cited sentence with the one before it and the one behind it."""
    text = evidence.paragraph.text(evidence.language) or ""
    sentences = [text[start:end] for start, end in split_sentences(text)]
    at = next((i for i, sentence in enumerate(sentences) if evidence.text in sentence), None)
    return [evidence.text] if at is None else sentences[max(0, at - 1) : at + 2]


def _is_moved(statement: str, cited: Sequence[Evidence], question: str) -> bool:
    """Whether the statement gives a figure to another year or month than the text does.

    Told where every sentence of the cited paragraphs that holds the figure names years (or months), and none that the
    statement names; or, where it names none, the question. A sentence that names none may go on about an earlier one's.
    """
    halves = {(e.paragraph.number, e.language): e.paragraph.text(e.language) or "" for e in cited}
    sentences = [text[start:end] for text in halves.values() for start, end in split_sentences(text)]
    among = "\n".join(halves.values())
    of_years = periods_meant(statement, among) or periods_meant(question, among)
    of_months = frozenset((month, month) for month in months(statement) or months(question))
    return any(
        own and _only_of_others(amount, own, sentences, named)
        for named, own in ((years, of_years), (months, of_months))
        for amount in amounts(statement)
    )


def _only_of_others(
    amount: Value, own: frozenset[Period], sentences: Sequence[str], named: Callable[[str], frozenset[int]]
) -> bool:
    of = [named(sentence) for sentence in sentences if amount in amounts(sentence)]
    return bool(of) and all(
        dates and not any(first <= date <= last for date in dates for first, last in own) for dates in of
    )


def _verdict(contradicted: bool, coverage: float) -> Verdict:
    if contradicted or coverage < PARTIAL:
        return "unsupported"
    return "supported" if coverage >= SUPPORTED else "partial"


def _is_compared_by_nobody(statement: str, cited: Sequence[Evidence], question: str, joined: str) -> bool:
    """Whether a superlative of the statement, or else of the question, has none to match it in what is cited.

    "Which is the least likely?" is not answered by a paragraph that only calls one of them likely.
    """
    if superlatives(statement):
        return not any(superlatives(text) for e in cited for text in (e.text, e.heading))
    return superlatives(question) > 0 and not superlatives(joined)


def _negation_flipped(statement: str, cited: Sequence[Evidence]) -> bool:
    """Whether the statement denies and nothing cited does, or every cited sentence denies and it does not.

    What stands beside a cited sentence may deny for it: a statement often puts two together.
    """
    if negations(_YES_OR_NO.sub("", statement)):
        return not any(negations(text) for e in cited for text in (e.heading, *_with_neighbours(e)))
    return bool(cited) and all(negations(e.text) and len(e.text) < 2 * len(statement) for e in cited)
