"""Follow-ups: make "and in 2024?" a question of its own, from the turns before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from index.errors import UserError
from index.paragraphs import Language
from rag.generators import Generator
from rag.language import language_of_question
from rag.parts import parts
from rag.prompts import condense_messages

# Marks of a question that leans on the one before it.
_LEANS = {
    "zh": re.compile(
        r"^(?:那|那么|那它|它|他|她|这|这个|这些|其|还有|另外|为什么呢|然后|呢|所以|具体|比如|再)|"
        r"(?:它|他们|她|它们|这个|这些|那个|那些|上面|刚才|前者|后者|该)|呢[?？]?$"
    ),
    "en": re.compile(
        r"^(?:and|but|so|then|what about|how about|why|why not|how so|how come|also|or|which one|when|where|who|"
        r"how much|how many|in what way|for example)\b.{0,24}$|^(?:and|but|so|what about|how about)\b|"
        r"\b(?:it|its|they|them|their|that|this|those|these|he|she|his|her|"
        r"the former|the latter|the same|above|there)\b",
        re.IGNORECASE,
    ),
}
_LONG = {"zh": 24, "en": 60}
REWRITE_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange; `answer` may be empty."""

    question: str
    answer: str = ""


def condense(question: str, history: Sequence[Turn], generator: Generator) -> str | None:
    """A follow-up as a question of its own, rewritten by a generator that writes; None where it leans on nothing."""
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
    return accept_rewrite(reply, question) or join_with_last(question, history, language)


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
    return tuple(turns)


def leans_on_history(question: str, language: Language) -> bool:
    """Whether the question has marks of a follow-up: a pronoun, an opening "and", a bare "why?".

    Of several parts the first one tells: "how long is the bridge, and who built it?" leans on nothing said before.
    """
    first = parts(question.strip(), language)[0]
    return len(question) <= 3 * _LONG[language] and bool(_LEANS[language].search(first))


def join_with_last(question: str, history: Sequence[Turn], language: Language) -> str:
    """The follow-up behind the question it leans on: no model, nothing lost, right for retrieval."""
    last = history[-1].question.rstrip("?？。. ")
    return f"{last};{question}" if language == "zh" else f"{last}; {question}"


def history_text(history: Sequence[Turn], language: Language) -> str:
    """The last exchange in a few words, for the generator that rewrites a follow-up."""
    last = history[-1]
    limit = 80 if language == "zh" else 200
    return f"{last.question} {last.answer[:limit]}".strip()


def accept_rewrite(rewrite: str, question: str, limit: int = 300) -> str | None:
    """The generator's rewrite when it is one line that asks something, else None."""
    line = rewrite.strip().splitlines()[0].strip().strip('"“”「」') if rewrite.strip() else ""
    return line if 3 <= len(line) <= limit and line != question else None


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
