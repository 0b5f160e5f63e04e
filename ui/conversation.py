"""A conversation as the browser keeps it: questions, and answers as pointers into the article.

The server keeps none of it. What comes back from the browser is as untrusted as anything a person types: each
exchange is rebuilt through the same checks that made it, and one that does not hold together is left out.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from index.build import Index
from index.paragraphs import LANGUAGES, Language, Paragraph
from rag.answer import Answer, Citation, Retrieved, Statement, Timings
from rag.condense import Turn
from rag.engine import LONGEST_QUESTION
from ui.answering import Instead

VERSION = 1
# Exchanges kept in a conversation; the oldest go first.
LONGEST = 40
# Earlier exchanges that a follow-up may lean on.
REMEMBERED = 4

# asked: nothing found yet. quotes: the answer is quotes and may still be replaced. done: final.
# stopped: the reader stopped it. busy, failed: no answer is written, `reason` says why: how many wait, or a key of
# the wording. What was found before stays.
State = Literal["asked", "quotes", "done", "stopped", "busy", "failed"]
Rating = Literal["", "up", "down"]
_UNDER_WAY: tuple[State, ...] = ("asked", "quotes")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what became of it. `scope` is the one paragraph it was asked of, if any.

    `standalone`: it was asked on its own, whatever stands before it.
    """

    id: str
    question: str
    state: State = "asked"
    answer: Answer | None = None
    scope: int | None = None
    standalone: bool = False
    instead: Instead = ""
    reason: str = ""
    rating: Rating = ""
    noted: bool = False

    @classmethod
    def new(cls, question: str, scope: int | None = None, *, standalone: bool = False) -> Exchange:
        """A question just asked, with an id of its own."""
        return cls(secrets.token_hex(6), question, scope=scope, standalone=standalone)

    @property
    def is_undecided(self) -> bool:
        """Whether nothing was found to quote and it was not judged yet whether the article answers: no refusal."""
        return self.answer is not None and self.answer.refused and self.state in (*_UNDER_WAY, "stopped", "failed")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Exchanges, oldest first. Never changed in place."""

    exchanges: tuple[Exchange, ...] = ()

    def before(self, identity: str | None) -> Conversation:
        """The conversation up to, and without, the exchange `identity`; all of it where there is no such exchange."""
        ids = [exchange.id for exchange in self.exchanges]
        return Conversation(self.exchanges[: ids.index(identity)]) if identity in ids else self

    def with_exchange(self, exchange: Exchange) -> Conversation:
        """With `exchange` at the end, or in place of the one with its id."""
        if any(own.id == exchange.id for own in self.exchanges):
            return Conversation(tuple(exchange if own.id == exchange.id else own for own in self.exchanges))
        return Conversation((*self.exchanges, exchange)[-LONGEST:])

    def find(self, identity: str) -> Exchange | None:
        """The exchange with that id."""
        return next((exchange for exchange in self.exchanges if exchange.id == identity), None)

    def settled(self) -> Conversation:
        """With whatever was under way when the page was left or stopped as it stands: quotes stay, searches stop."""
        return Conversation(
            tuple(replace(own, state="stopped") if own.state in _UNDER_WAY else own for own in self.exchanges)
        )

    def history_of(self, exchange: Exchange) -> tuple[Turn, ...]:
        """What `exchange`, one of these or the next, was asked after; nothing where it was asked on its own."""
        return () if exchange.standalone else self.before(exchange.id).history()

    def history(self) -> tuple[Turn, ...]:
        """The last exchanges as the engine takes them, each question as it was understood."""
        answered = [exchange for exchange in self.exchanges if exchange.answer is not None]
        return tuple(_turn(exchange) for exchange in answered[-REMEMBERED:])

    def to_state(self) -> dict[str, Any]:
        """What the browser keeps: plain JSON, with pointers for paragraphs."""
        return {"version": VERSION, "exchanges": [_exchange_to_state(exchange) for exchange in self.exchanges]}


def read_conversation(state: Any, index: Index) -> Conversation:
    """The conversation that `to_state` wrote, against `index`. Never raises: what does not fit is left out."""
    if (
        not isinstance(state, Mapping)
        or state.get("version") != VERSION
        or not isinstance(state.get("exchanges"), list)
    ):
        return Conversation()
    read: list[Exchange] = []
    for record in state["exchanges"][-LONGEST:]:
        try:
            read.append(_exchange_from_state(record, index.by_number))
        except (KeyError, TypeError, ValueError, IndexError, OverflowError):
            continue
    return Conversation(tuple(read))


def _turn(exchange: Exchange) -> Turn:
    answer = exchange.answer
    assert answer is not None  # only answered exchanges are remembered
    text = " ".join(statement.text for statement in answer.statements)
    return Turn(answer.rewritten or exchange.question, text)


# --- as plain JSON ------------------------------------------------------------------------------------------


def _exchange_to_state(exchange: Exchange) -> dict[str, Any]:
    answer = exchange.answer
    return {
        "id": exchange.id,
        "question": exchange.question,
        "state": exchange.state,
        "scope": exchange.scope,
        "standalone": exchange.standalone,
        "instead": exchange.instead,
        "reason": exchange.reason,
        "rating": exchange.rating,
        "noted": exchange.noted,
        "answer": _answer_to_state(answer) if answer else None,
    }


def _answer_to_state(answer: Answer) -> dict[str, Any]:
    return {
        "language": answer.language,
        "refused": answer.refused,
        "statements": [[s.text, list(s.citations), s.verdict] for s in answer.statements],
        "citations": [[c.paragraph.number, c.language, c.start, c.end] for c in answer.citations],
        "retrieved": [[r.paragraph.number, round(r.score, 4)] for r in answer.retrieved],
        "gate": round(answer.gate, 4),
        "generator": answer.generator,
        "model": answer.model,
        "timings": answer.timings.to_json(),
        "rewritten": answer.rewritten,
        "fallback": answer.fallback,
        "usage": dict(answer.usage) if answer.usage else None,
        "asks_nothing": answer.asks_nothing,
    }


def _exchange_from_state(record: Mapping[str, Any], by_number: Mapping[int, Paragraph]) -> Exchange:
    answer, scope, question = record["answer"], record["scope"], _text(record["question"], LONGEST_QUESTION)
    return Exchange(
        id=_text(record["id"], 40),
        question=question,
        state=_one_of(record["state"], get_args(State)),
        answer=_answer_from_state(question, answer, by_number) if answer is not None else None,
        scope=by_number[int(scope)].number if scope is not None else None,
        standalone=bool(record.get("standalone")),
        instead=_one_of(record["instead"], get_args(Instead)),
        reason=_text(record["reason"], 500),
        rating=_one_of(record["rating"], get_args(Rating)),
        noted=bool(record["noted"]),
    )


def _answer_from_state(question: str, record: Mapping[str, Any], by_number: Mapping[int, Paragraph]) -> Answer:
    timings = record["timings"]
    rewritten, fallback, usage = record["rewritten"], record.get("fallback"), record.get("usage")
    return Answer(
        question=question,
        language=_language(record["language"]),
        refused=bool(record["refused"]),
        statements=tuple(
            Statement(_text(text, 4000), tuple(int(i) for i in cited), _one_of(verdict, _VERDICTS))
            for text, cited, verdict in record["statements"]
        ),
        citations=tuple(
            Citation(by_number[int(number)], _language(language), int(start), int(end))
            for number, language, start, end in record["citations"]
        ),
        retrieved=tuple(Retrieved(by_number[int(number)], float(score)) for number, score in record["retrieved"]),
        gate=float(record["gate"]),
        generator=_text(record["generator"], 40),
        model=_text(record["model"], 200),
        timings=Timings(*(_milliseconds(timings[key]) for key in ("retrieve", "first_token", "total"))),
        rewritten=_text(rewritten, LONGEST_QUESTION) if rewritten is not None else None,
        fallback=_text(fallback, 500) if fallback is not None else None,
        usage={_text(name, 40): int(tokens) for name, tokens in dict(usage).items()} if usage is not None else None,
        asks_nothing=bool(record.get("asks_nothing")),
    )


_VERDICTS = ("supported", "partial", "unsupported")


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value[:limit]


def _one_of(value: Any, choices: Sequence[str]) -> Any:
    if value not in choices:
        raise ValueError(f"{value!r} is none of {choices}")
    return value


def _language(value: Any) -> Language:
    language: Language = _one_of(value, LANGUAGES)
    return language


def _milliseconds(value: Any) -> float | None:
    return None if value is None else float(value)
