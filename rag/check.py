"""Check a statement against what it cites: numbers, dates, names, negation, and words, in both languages.

Deterministic, and strict in one direction only: what the check passes as `supported` states no number or
name that the cited paragraphs do not state. It cannot tell a fluent contradiction without either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.keywords import fold
from rag.answer import Evidence, Verdict
from rag.numbers import Value, quantities
from rag.words import Rarity, content_tokens, names, negations

# Shares of a statement's own words (by weight) that must stand in what it cites. First settings, not yet fitted.
SUPPORTED = 0.5
PARTIAL = 0.25


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one statement in what it cites."""

    verdict: Verdict
    missing_numbers: frozenset[Value]
    missing_names: frozenset[str]
    coverage: float


def check(statement: str, cited: Sequence[Evidence], question: str, rarity: Rarity) -> Check:
    """Check `statement` against the paragraphs of `cited`, whole and in both languages.

    A number or name that the question brought in counts as the reader's, not as a claim of the article's; but a
    statement that repeats a number which what it cites does not hold is not supported in full (another year's figure).
    """
    paragraphs = {e.paragraph.number: e.paragraph for e in cited}.values()
    texts = [text for p in paragraphs for text in (p.zh, p.en, p.section.path("zh"), p.section.path("en")) if text]
    joined = "\n".join(texts)
    numbers, named = unstated(statement, joined)
    missing_numbers, missing_names = numbers - quantities(question), named - names(question)
    coverage = rarity.covered(*_claimed(statement, cited, question, joined)) if texts else 0.0
    verdict = _verdict(bool(missing_numbers or missing_names), coverage)
    if verdict == "supported" and (numbers or _negation_flipped(statement, cited, joined)):
        verdict = "partial"
    return Check(verdict, missing_numbers, missing_names, coverage)


def _claimed(
    statement: str, cited: Sequence[Evidence], question: str, joined: str
) -> tuple[frozenset[str], frozenset[str]]:
    """The statement's own words, and the words among which they must stand.

    A statement made of the question's words alone claims that they belong together: one place must hold them, the
    sentences it cites, not the paragraphs around them.
    """
    words = content_tokens(statement)
    if own := words - content_tokens(question):
        return own, content_tokens(joined)
    return words, content_tokens("\n".join(e.text for e in cited))


def unstated(text: str, among: str) -> tuple[frozenset[Value], frozenset[str]]:
    """The quantities and the names of `text` that do not stand in `among`."""
    folded = fold(among)
    return quantities(text) - quantities(among), frozenset(n for n in names(text) if n not in folded)


def _verdict(contradicted: bool, coverage: float) -> Verdict:
    if contradicted or coverage < PARTIAL:
        return "unsupported"
    return "supported" if coverage >= SUPPORTED else "partial"


def _negation_flipped(statement: str, cited: Sequence[Evidence], joined: str) -> bool:
    """Whether the statement denies and nothing cited does, or every cited sentence denies and it does not."""
    if negations(statement):
        return negations(joined) == 0
    return bool(cited) and all(negations(e.text) and len(e.text) < 2 * len(statement) for e in cited)
