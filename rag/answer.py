"""The data types of the pipeline: evidence, citations, statements, and the Answer with its JSON contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from index.characters import CLOSERS
from index.paragraphs import Language, Paragraph
from index.sentences import without_notes

REFUSAL: dict[Language, str] = {"zh": "文章没有提到这一点。", "en": "The article does not say."}
# What is added for a message that asks nothing an article could state: a greeting, an order, who are you.
PURPOSE: dict[Language, str] = {
    "zh": "我只回答关于这篇文章的问题，并注明每句话出自哪一段。",
    "en": " I only answer questions about it, each statement with the paragraph that says so.",
}
ENDED = re.compile(rf"[。.!！?？;；:：…][{CLOSERS}]*$")
Verdict = Literal["supported", "partial", "unsupported"]
_COLON: dict[Language, str] = {"zh": "：", "en": ": "}


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A paragraph and its score for a question, in [0, 1]; higher is nearer, comparable within one question."""

    paragraph: Paragraph
    score: float

    def to_json(self) -> dict[str, Any]:
        """The contract's `retrieved` entry."""
        p = self.paragraph
        return {"paragraph": p.number, "score": round(self.score, 4), "zh": p.zh, "en": p.en}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a paragraph in one language: `paragraph.text(language)[start:end]`."""

    paragraph: Paragraph
    language: Language
    start: int
    end: int
    score: float = 0.0

    @property
    def text(self) -> str:
        """The sentence, verbatim."""
        return (self.paragraph.text(self.language) or "")[self.start : self.end]

    @property
    def heading(self) -> str:
        """The innermost heading, if this is the paragraph's first sentence, which cites it; else empty."""
        opens = not (self.paragraph.text(self.language) or "")[: self.start].strip()
        return self.paragraph.section.innermost(self.language) if opens else ""

    @property
    def key(self) -> tuple[int, Language, int]:
        """What identifies the sentence."""
        return self.paragraph.number, self.language, self.start

    def to_json(self) -> dict[str, Any]:
        """Where it stands, and its text."""
        return {
            "paragraph": self.paragraph.number,
            "language": self.language,
            "start": self.start,
            "end": self.end,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim quote and where it stands. The only way to make one is from a paragraph and two offsets."""

    paragraph: Paragraph
    language: Language
    start: int
    end: int

    def __post_init__(self) -> None:
        text = self.paragraph.text(self.language)
        if text is None or not 0 <= self.start < self.end <= len(text):
            raise ValueError(f"¶{self.paragraph.number} has no {self.language} text [{self.start}:{self.end}]")

    @classmethod
    def of(cls, sentence: Evidence | Citation) -> Citation:
        """The citation of a sentence."""
        return cls(sentence.paragraph, sentence.language, sentence.start, sentence.end)

    @property
    def text(self) -> str:
        """The whole paragraph in the quote's language."""
        return self.paragraph.text(self.language) or ""

    @property
    def quote(self) -> str:
        """`text[start:end]`."""
        return self.text[self.start : self.end]

    @property
    def heading(self) -> str:
        """The innermost heading in the quote's own language, which is not part of any quote; empty if there is none."""
        return next(reversed(self.paragraph.section.own(self.language)), "")

    @property
    def headed(self) -> str:
        """The quote behind its heading; the quote alone where it has none."""
        return f"{self.heading}{_COLON[self.language]}{self.quote}" if self.heading else self.quote

    def to_json(self) -> dict[str, Any]:
        """The contract's `citations` entry."""
        p = self.paragraph
        return {
            "paragraph": p.number,
            "kind": p.kind,
            "section": p.section.to_json(),
            "language": self.language,
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "quote": self.quote,
            "zh": p.zh,
            "en": p.en,
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer, the indices of its citations in `Answer.citations`, and the check's verdict."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """The contract's `statements` entry."""
        return {"text": self.text, "citations": list(self.citations), "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the question arrived; None for what did not happen.

    first_token: the first piece of the answer that a reader sees; of a refusal, when it was decided; of quotes, when
    they were chosen.
    """

    retrieve: float | None = None
    first_token: float | None = None
    total: float | None = None

    def to_json(self) -> dict[str, int | None]:
        """Whole milliseconds."""
        values = {"retrieve": self.retrieve, "first_token": self.first_token, "total": self.total}
        return {key: None if value is None else round(value) for key, value in values.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer. A refusal says so in `refused`, has no citations, and shows the nearest paragraphs."""

    question: str
    language: Language
    refused: bool
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    retrieved: tuple[Retrieved, ...]
    gate: float
    generator: str
    model: str
    timings: Timings = field(default_factory=Timings)
    id: str | None = None
    # The question as it was understood, where a follow-up was completed from the history.
    rewritten: str | None = None
    # Why quotes stand in for a model that was asked and did not answer; None where they do not.
    fallback: str | None = None
    # Tokens of the prompt, of those how many were kept from before, and tokens written; None without a model.
    usage: Mapping[str, int] | None = None
    # The sentences that the generator was shown, in that order.
    shown: tuple[Evidence, ...] = ()
    # Whether it was taken for a message that asks nothing an article could state; a refusal then says what is answered.
    asks_nothing: bool = False

    def __post_init__(self) -> None:
        if self.refused and self.citations:
            raise ValueError("a refusal cites nothing")
        used = {index for statement in self.statements for index in statement.citations}
        if not used <= set(range(len(self.citations))):
            raise ValueError(f"statements cite {sorted(used)}, there are {len(self.citations)} citations")

    @property
    def text(self) -> str:
        """The answer for reading, each statement followed by its paragraphs: `…[¶18]。`; a refusal says so."""
        if self.refused:
            return REFUSAL[self.language] + (PURPOSE[self.language] if self.asks_nothing else "")
        gap, pause = ("", "；") if self.language == "zh" else (" ", ";")
        parts = [self._with_marks(statement) for statement in self.statements]
        # The items of a list come without full stops of their own.
        are_ended = [ENDED.search(without_notes(statement.text)) for statement in self.statements]
        ended = [part if own else part + pause for part, own in zip(parts[:-1], are_ended, strict=False)]
        return gap.join([*ended, *parts[-1:]])

    def marks_of(self, statement: Statement) -> str:
        """The paragraphs a statement cites, each once, in order: `[¶18][¶5]`; empty where it cites none."""
        numbers = dict.fromkeys(self.citations[i].paragraph.number for i in statement.citations)
        return "".join(f"[¶{number}]" for number in numbers)

    def _with_marks(self, statement: Statement) -> str:
        marks = self.marks_of(statement)
        if not marks:
            return statement.text
        body = without_notes(statement.text).rstrip("。.!！?？;；")
        ending = statement.text[len(body) :]
        space = "" if self.language == "zh" else " "
        return f"{body}{space}{marks}{ending}"

    def to_json(self) -> dict[str, Any]:
        """The object that `python -m rag --json` prints."""
        record: dict[str, Any] = {
            "id": self.id,
            "question": self.question,
            "language": self.language,
            "refused": self.refused,
            "answer": self.text,
            "statements": [statement.to_json() for statement in self.statements],
            "citations": [citation.to_json() for citation in self.citations],
            "retrieved": [retrieved.to_json() for retrieved in self.retrieved],
            "gate": round(self.gate, 4),
            "generator": self.generator,
            "model": self.model,
            "timings_ms": self.timings.to_json(),
        }
        optional = {"rewritten": self.rewritten, "fallback": self.fallback, "usage": self.usage}
        record |= {name: value for name, value in optional.items() if value}
        return record
