"""Questions and answers as HTML. Only a checked Answer is ever drawn as an answer; a draft is drawn as a draft."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from markupsafe import Markup

from index.build import Index
from rag.answer import Answer, Citation, Evidence, Retrieved, Statement
from rag.compose import split_statements
from rag.counterpart import counterpart
from rag.evidence import shown_language
from ui.conversation import Conversation, Exchange
from ui.markup import render
from ui.wording import WORDING

NEAREST = 3
# Why there is no answer: keys of the wording.
FAILURES = ("failed_search", "failed_question", "failed_told", "failed_inside")
# A question is folded that has more characters, or more lines.
_LONG, _LINES = 240, 5
_EXCERPT = {"zh": 72, "en": 150}
# The end of a draft that may turn out to be a marker, a bullet or bold: kept back until it is known.
_UNDECIDED = re.compile(r"(?:\[[^\]]{0,16}|\*{1,2}|\n\s*(?:[-*•]|\d{1,2}[.)、]?)?\s*)$")

_CUT_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,'’-]*$")
_CUT_NUMBER = re.compile(r"[$€¥]?[0-9][0-9.,%]*\s*$")
_BEFORE_ELLIPSIS = " \n,.;:<>~≈+，。；：、—"

Counterpart = Callable[[Citation], Evidence | None]
Stage = Literal["models", "searching", "judging", "waiting", "writing"]


@dataclass(frozen=True, slots=True)
class Underway:
    """How far the exchange that is being answered has come. `ahead` counts the questions before it."""

    id: str
    stage: Stage = "searching"
    draft: str = ""
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Chip:
    """One ¶ of a statement: its citation, where that stands in the answer, and the sentence that matches it."""

    at: int
    citation: Citation
    match: Evidence | None


def render_conversation(
    conversation: Conversation, find_match: Counterpart, underway: Underway | None = None
) -> Markup:
    """Every exchange, oldest first; the one that `underway` names as far as it has come."""
    return Drawing(find_match).draw(conversation, underway)


class Drawing:
    """Draws one conversation many times while an answer grows; what has not changed since is not drawn anew."""

    def __init__(self, find_match: Counterpart) -> None:
        self._find_match = find_match
        self._settled: dict[str, tuple[Exchange, tuple[int, bool], Markup]] = {}

    def draw(self, conversation: Conversation, underway: Underway | None = None) -> Markup:
        """As `render_conversation` does."""
        many = len(conversation.exchanges)
        return Markup("").join(
            self._exchange(exchange, (n, n == many), underway if underway and underway.id == exchange.id else None)
            for n, exchange in enumerate(conversation.exchanges, start=1)
        )

    def _exchange(self, exchange: Exchange, place: tuple[int, bool], underway: Underway | None) -> Markup:
        known = self._settled.get(exchange.id)
        # The very same object: comparing two long answers takes as long as drawing one.
        if known and not underway and known[0] is exchange and known[1] == place:
            return known[2]
        n, is_last = place
        drawn = render("exchange", view=ExchangeView(exchange, n, self._find_match, underway), last=is_last)
        if not underway:
            self._settled[exchange.id] = exchange, place, drawn
        return drawn


def matcher(index: Index) -> Counterpart:
    """`counterpart` over one index, remembering what it found: a conversation is drawn many times."""
    known: dict[tuple[int, str, int, int], Evidence | None] = {}

    def find(citation: Citation) -> Evidence | None:
        key = citation.paragraph.number, citation.language, citation.start, citation.end
        if key not in known:
            known[key] = counterpart(index, citation)
        return known[key]

    return find


def clean_draft(written: str) -> str:
    """What is shown of a text still being written: no markers, bullets or bold of its own, whole or half-written."""
    text = _UNDECIDED.sub("", written)
    joined = ""
    for statement in split_statements(text):
        gap = " " if joined and joined[-1].isascii() else ""
        joined += gap + statement
    return joined


@dataclass(frozen=True)
class ExchangeView:
    """What the template needs to know of one exchange."""

    exchange: Exchange
    n: int
    find_match: Counterpart
    underway: Underway | None = None

    @property
    def answer(self) -> Answer | None:
        """The checked answer, if there is one."""
        return self.exchange.answer

    @property
    def draft(self) -> str:
        """The text being written, fit to be shown."""
        return clean_draft(self.underway.draft) if self.underway else ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will change by itself."""
        return self.underway is None

    @property
    def instead(self) -> str:
        """The wording that says why no model's answer stands there, if none does."""
        return instead_of(self.exchange, self.answer) if self.answer else ""

    @property
    def is_long(self) -> bool:
        """Whether the question would push its own answer out of a phone's view."""
        return len(self.exchange.question) > _LONG or self.exchange.question.count("\n") > _LINES

    @property
    def failure(self) -> str:
        """The wording that says why there is no answer."""
        return self.exchange.reason if self.exchange.reason in FAILURES else "failed_inside"

    @property
    def copied(self) -> str:
        """The answer as text."""
        return as_text(self.exchange, self.answer) if self.answer else ""

    @cached_property
    def chips(self) -> list[Chip]:
        """Every citation of the answer."""
        if self.answer is None:
            return []
        return [Chip(at, citation, self.find_match(citation)) for at, citation in enumerate(self.answer.citations)]

    def chips_of(self, indices: tuple[int, ...]) -> list[Chip]:
        """The citations of one statement, one for each paragraph: its first."""
        chips = self.chips
        by_number: dict[int, Chip] = {}
        for i in indices:
            by_number.setdefault(chips[i].citation.paragraph.number, chips[i])
        return list(by_number.values())

    def is_verbatim(self, statement: Statement) -> bool:
        """Whether a statement is a sentence of the article: a quote, or one put where the model's failed its check."""
        cited = self.answer.citations if self.answer else ()
        return any(statement.text.strip() in (cited[i].quote.strip(), cited[i].headed) for i in statement.citations)

    @property
    def nearest(self) -> list[tuple[Retrieved, str, str]]:
        """The nearest paragraphs, each with its language and the beginning of its text; for a refusal."""
        if self.answer is None:
            return []
        return [(r, *_excerpt(r, self.answer)) for r in self.answer.retrieved[:NEAREST]]

    @property
    def seconds(self) -> str:
        """How long the answer took, for people."""
        total = self.answer.timings.total if self.answer else None
        return f"{total / 1000:.1f}" if total is not None else ""

    @property
    def is_quotes(self) -> bool:
        """Whether the answer is quotes by design or for want of another; not whether the model happened to quote."""
        if self.answer is None or self.answer.refused:
            return False
        return bool(self.exchange.instead) or self.answer.generator == "quote" or self.exchange.state != "done"


def instead_of(exchange: Exchange, answer: Answer) -> str:
    """The wording that says why no model's answer stands there; empty where one does, or none was asked for."""
    return f"{'judged' if answer.refused else 'quotes'}_{exchange.instead}" if exchange.instead else ""


def as_text(exchange: Exchange, answer: Answer) -> str:
    """The answer as text. What one paragraph does not say the article may."""
    if answer.refused and exchange.scope:
        return WORDING["paragraph_does_not_say"].say(answer.language, n=exchange.scope)
    return answer.text


def _excerpt(retrieved: Retrieved, answer: Answer) -> tuple[str, str]:
    paragraph = retrieved.paragraph
    language = shown_language(paragraph, answer.language)
    text = paragraph.text(language) or ""
    limit = _EXCERPT[language]
    if len(text) <= limit:
        return language, text
    # Never half a Latin word, and never a number without what it counts.
    cut = _CUT_WORD.sub("", text[:limit]) if text[limit].isalnum() and text[limit].isascii() else text[:limit]
    return language, (_CUT_NUMBER.sub("", cut) or text[:limit]).rstrip(_BEFORE_ELLIPSIS) + "…"
