"""A conversation to keep: Markdown for people, JSON (the contract's objects) for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from index.build import Index
from index.paragraphs import Language
from rag.answer import Answer, Citation
from ui.answer_view import NEAREST, Counterpart, as_text, instead_of
from ui.conversation import Conversation, Exchange
from ui.wording import WORDING

Format = Literal["markdown", "json"]
_COLON: dict[Language, str] = {"zh": "：", "en": ": "}
_IN_BRACKETS: dict[Language, str] = {"zh": "（{}）", "en": " ({})"}
# What Markdown would read as markup of its own.
_SPECIAL = re.compile(r"()([\\`*_{}\[\]<>#|~&])|^(\s*\d*)([-+.)])(?=\s)", re.MULTILINE)


def export(conversation: Conversation, index: Index, find_match: Counterpart, form: Format) -> dict[str, str] | None:
    """`{"name", "type", "text"}` of the file to save; None where there is no answer yet."""
    answered = [own for own in conversation.exchanges if own.answer is not None and not own.is_undecided]
    if not answered:
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M")
    if form == "json":
        text = json.dumps(to_json(answered, index), ensure_ascii=False, indent=2)
        return {"name": f"duizhao-{stamp}.json", "type": "application/json", "text": text}
    return {"name": f"duizhao-{stamp}.md", "type": "text/markdown", "text": to_markdown(answered, index, find_match)}


def to_json(answered: list[Exchange], index: Index) -> dict[str, Any]:
    """The article's title and digest, and each answer as `python -m rag --json` prints it, with why it is quotes."""
    return {
        "article": {"title": index.manifest.title, "digest": index.manifest.article},
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "answers": [
            {**answer.to_json(), "id": exchange.id, "scope": exchange.scope, "instead": exchange.instead}
            for exchange in answered
            if (answer := exchange.answer)
        ],
    }


def to_markdown(answered: list[Exchange], index: Index, find_match: Counterpart) -> str:
    """Questions as headings, statements with their ¶, and under each answer its quotes in both languages."""
    manifest = index.manifest
    lines = [f"# {_plain(manifest.title)}", "", f"<!-- article {manifest.article[:12]} -->", ""]
    for exchange in answered:
        if exchange.answer:
            lines.extend(_exchange(exchange, exchange.answer, find_match))
    return "\n".join(lines).rstrip() + "\n"


def _exchange(exchange: Exchange, answer: Answer, find_match: Counterpart) -> Iterator[str]:
    own = answer.language
    yield f"## {_one_line(exchange.question)}"
    yield ""
    if exchange.scope:
        yield f"*{WORDING['asked_of'].say(own, n=exchange.scope)}*"
        yield ""
    if answer.rewritten:
        yield f"*{WORDING['understood'].say(own)}{_COLON[own]}{_one_line(answer.rewritten)}*"
        yield ""
    if instead := instead_of(exchange, answer):
        yield f"*{WORDING[instead].say(own)}*"
        yield ""
    yield from _refusal(exchange, answer) if answer.refused else _statements(answer)
    for citation in answer.citations:
        yield from _quote(citation, find_match)


def _statements(answer: Answer) -> Iterator[str]:
    for statement in answer.statements:
        doubt = WORDING[statement.verdict].say(answer.language)
        verdict = "" if statement.verdict == "supported" else _IN_BRACKETS[answer.language].format(doubt)
        yield f"{_one_line(statement.text)} {answer.marks_of(statement)}{verdict}"
        yield ""


def _refusal(exchange: Exchange, answer: Answer) -> Iterator[str]:
    yield as_text(exchange, answer)
    yield ""
    if exchange.scope:
        return
    numbers = {"zh": "、", "en": ", "}[answer.language].join(
        f"¶{r.paragraph.number}" for r in answer.retrieved[:NEAREST]
    )
    yield f"{WORDING['closest'].say(answer.language)}{_COLON[answer.language]}{numbers}"
    yield ""


def _quote(citation: Citation, find_match: Counterpart) -> Iterator[str]:
    section = citation.paragraph.section.path(citation.language)
    yield f"> **¶{citation.paragraph.number}** {_one_line(section)}".rstrip()
    yield ">"
    yield f"> {_one_line(citation.quote)}"
    if match := find_match(citation):
        yield ">"
        yield f"> {_one_line(match.text)}"
    yield ""


def _one_line(text: str) -> str:
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    """`text` with what Markdown would take for markup escaped."""
    return _SPECIAL.sub(lambda m: f"{m[1] or m[3] or ''}\\{m[2] or m[4]}", text)
