"""A generator whose replies are kept on disk: fitting again, after a change elsewhere, asks no model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import LLM

from index.errors import UserError
from index.paragraphs import digest
from rag.generators import Generator
from rag.llm import ChatLLM, Piece
from rag.local import FIRST_TOKENS

ReadAhead = Callable[[Sequence[ChatMessage]], bool]


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What was heard of a reply: the likeliest first tokens, and its text; None where nobody listened to the end."""

    first: Mapping[str, float] | None
    text: str | None


class KeptLLM(ChatLLM):
    """Gives a reply that `path` holds; else asks `inner` and keeps what it said.

    A reply is known by the messages that it answers and by how many of its first tokens are told. One that was stopped
    is kept as far as its opening: where the caller stops there again, the model is not asked.
    """

    inner: LLM
    path: str
    read_ahead: ReadAhead | None = None

    _kept: dict[str, KeptReply] = PrivateAttr(default_factory=dict)
    _start: Sequence[ChatMessage] | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Read what is kept; a line torn by an interruption is asked again."""
        super().model_post_init(context)
        for line in _lines(Path(self.path)):
            try:
                record = json.loads(line)
                self._kept[record["key"]] = KeptReply(record["first"], record["text"])
            except (json.JSONDecodeError, KeyError):
                continue

    @property
    def metadata(self) -> LLMMetadata:
        """The model's own."""
        return self.inner.metadata

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        key = f"{FIRST_TOKENS}:{digest(message.content or '' for message in messages)}"
        known = self._kept.get(key)
        if known:
            yield Piece(known.text or "", first=known.first)
        if known is None or known.text is None:
            yield from self._asked(key, messages, is_opened=known is not None, **kwargs)

    def prepare(self, messages: Sequence[ChatMessage]) -> bool:
        """Have the start of a prompt read ahead, but only once the model is asked: a reply that is kept needs none."""
        self._start = messages
        return False

    def _asked(self, key: str, messages: Sequence[ChatMessage], *, is_opened: bool, **kwargs: Any) -> Iterator[Piece]:
        first: Mapping[str, float] | None = None
        text = ""
        ended = False
        if self.read_ahead and self._start:
            with suppress(UserError):  # a full disk costs time, and no reply
                self.read_ahead(self._start)
            self._start = None
        try:
            for response in self.inner.stream_chat(messages, **kwargs):
                first = first or _first(response)
                text += response.delta or ""
                yield Piece(response.delta or "", first=None if is_opened else _first(response))
            ended = True
        finally:
            if ended or (first and not is_opened):
                self._keep(key, KeptReply(first, text if ended else None))

    def _keep(self, key: str, reply: KeptReply) -> None:
        self._kept[key] = reply
        line = json.dumps({"key": key, "first": reply.first, "text": reply.text}, ensure_ascii=False)
        with Path(self.path).open("a", encoding="utf-8") as sink:
            sink.write(line + "\n")


def keeping(generator: Generator, path: Path) -> Generator:
    """`generator`, its replies kept in `path`. A reply that is kept needs no model loaded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    llm = KeptLLM(inner=generator.llm, path=str(path), read_ahead=generator.prepare)
    return replace(generator, llm=llm, begin=lambda: None, prepare=llm.prepare if generator.prepare else None)


def _first(response: ChatResponse) -> Mapping[str, float] | None:
    return {entry.token: entry.logprob for entry in response.logprobs[0]} if response.logprobs else None


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
