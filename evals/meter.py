"""The local model, timed: when each reply came, how many tokens it took, and how fast the machine reads and writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import PrivateAttr

from evals.child import held_bytes
from rag.llm import Piece
from rag.local import LocalLLM

# How much of a calibrating prompt is new, and how much is written behind it; about what a question costs.
_PROMPT_WORDS = 160
_WRITTEN_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Written:
    """One reply of the model. Times are of `time.perf_counter`; `usage` is None where the reply was cut off."""

    started: float
    first: float | None  # when the first token came
    ended: float
    usage: Mapping[str, int] | None

    @property
    def new_tokens(self) -> int:
        """Tokens of the prompt that were evaluated, not kept from before."""
        usage = self.usage or {}
        return usage.get("prompt_tokens", 0) - usage.get("cached_tokens", 0)

    @property
    def tokens(self) -> int:
        """Tokens that were written."""
        return (self.usage or {}).get("completion_tokens", 0)


@dataclass(frozen=True, slots=True)
class Speeds:
    """What the machine can do with this model, in tokens a second: each repeat's figure."""

    prefill: tuple[float, ...]
    decode: tuple[float, ...]

    def __add__(self, other: Speeds) -> Speeds:
        return Speeds(self.prefill + other.prefill, self.decode + other.decode)

    def seconds(self, new_tokens: int, written: int = 0) -> float:
        """The least time in which a prompt's new tokens are evaluated and an answer is written."""
        return new_tokens / median(self.prefill) + written / median(self.decode)


class Metered(LocalLLM):
    """The `local` model; `take` hands out what it has written since the last call."""

    _written: list[Written] = PrivateAttr(default_factory=list)

    @classmethod
    def like(cls, llm: LocalLLM) -> Metered:
        """The same model with all that is set of it, as what is heard inside; not yet loaded."""
        return cls(**{name: getattr(llm, name) for name in LocalLLM.model_fields})

    def take(self) -> list[Written]:
        """Every reply since the last call, in order."""
        taken, self._written = self._written, []
        return taken

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        started, first, usage = time.perf_counter(), None, None
        try:
            for piece in super()._pieces(messages, **kwargs):
                if first is None and piece.text:
                    first = time.perf_counter()
                usage = piece.usage or usage
                yield piece
        finally:
            self._written.append(Written(started, first, time.perf_counter(), usage))


def calibrate(llm: Metered, repeats: int) -> Speeds:
    """Measure how fast the model reads and writes. Every prompt is new, so that nothing of it is in a cache."""
    return Speeds(tuple(_prefill_speed(llm) for _ in range(repeats)), tuple(_decode_speed(llm) for _ in range(repeats)))


def _prefill_speed(llm: Metered) -> float:
    reply = _reply(llm, f"{_new_words()}\nIs this a text?", 1)
    return reply.new_tokens / ((reply.first or reply.ended) - reply.started)


def _decode_speed(llm: Metered) -> float:
    reply = _reply(llm, f"{time.perf_counter_ns()}. Count from one to one hundred, in words.", _WRITTEN_TOKENS)
    return max(1, reply.tokens - 1) / (reply.ended - (reply.first or reply.started))


def _reply(llm: Metered, prompt: str, max_tokens: int) -> Written:
    llm.take()
    llm.chat([ChatMessage(role=MessageRole.USER, content=prompt)], max_tokens=max_tokens)
    return llm.take()[-1]


def _new_words() -> str:
    """Words in an order that no earlier prompt had."""
    import random

    vowels, stems = "aeiou", "bdfgklmnprstvz"
    draw = random.Random(time.perf_counter_ns())  # noqa: S311 - nothing here is secret
    return " ".join(draw.choice(stems) + draw.choice(vowels) + draw.choice(stems) for _ in range(_PROMPT_WORDS))


def resident_mb(llm: LocalLLM | None = None, field: str = "VmRSS") -> float | None:
    """Megabytes of memory that this process holds, and the one that `llm` runs in; None where the system does not say.

    `field`: "VmHWM" for the most that each of them ever held.
    """
    held = [held_bytes(pid, field) for pid in ("self", llm and llm.pid) if pid]
    return None if None in held else sum(filter(None, held)) / 1e6
