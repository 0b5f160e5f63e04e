"""A generator whose replies are cached on disk, so that refitting after a change elsewhere asks no model."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ChatResponseGen, LLMMetadata
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import LLM
from numpy.typing import NDArray

from evals.files import cut_torn_line
from index.errors import UserError
from index.paragraphs import digest
from index.weights import sha256_of
from rag.generators import Generator, first_tokens
from rag.llm import ChatLLM, Piece
from rag.local import FIRST_TOKENS, listens

ReadAhead = Callable[[Sequence[ChatMessage]], bool]


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What was heard of a reply: the likeliest first tokens, what the model held before them, and the text.

    None where it was not told, and where nobody listened to the end.
    """

    first: Mapping[str, float] | None
    text: str | None
    inside: NDArray[np.float32] | None = None

    @classmethod
    def from_json(cls, record: Mapping[str, Any], layers: Sequence[int]) -> KeptReply:
        """What `to_json` made, without what was held in other layers; KeyError or ValueError for another record."""
        inside = record.get("inside")
        held = None
        if inside and inside["layers"] == list(layers):
            held = np.frombuffer(base64.b64decode(inside["f16"]), np.float16).reshape(len(layers), -1)
        return cls(record["first"], record["text"], None if held is None else held.astype(np.float32))

    def to_json(self, layers: Sequence[int]) -> dict[str, Any]:
        """One line of the file; llama.cpp's own values are of 16 bits."""
        record: dict[str, Any] = {"first": self.first, "text": self.text}
        if self.inside is not None:
            half = base64.b64encode(self.inside.astype(np.float16).tobytes()).decode("ascii")
            record["inside"] = {"layers": list(layers), "f16": half}
        return record


class KeptLLM(ChatLLM):
    """Gives a reply that `path` holds; else asks `inner` and keeps what it said.

    A reply is known by who gives it, by the messages that it answers and by how many of its first tokens are told. One
    that was stopped is kept as far as its opening: where the caller stops there again, the model is not asked.
    """

    inner: LLM
    path: str
    of: str = ""  # whose the replies are
    read_ahead: ReadAhead | None = None
    # The layers that are heard of a reply to a question; one that is kept without them is asked for its opening again.
    layers: tuple[int, ...] = ()

    _kept: dict[str, KeptReply] = PrivateAttr(default_factory=dict)
    _start: Sequence[ChatMessage] | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Read what is kept; a line torn by an interruption is asked again."""
        super().model_post_init(context)
        cut_torn_line(Path(self.path))
        for line in _lines(Path(self.path)):
            try:
                record = json.loads(line)
                self._kept[record["key"]] = KeptReply.from_json(record, self.layers)
            except (ValueError, KeyError, TypeError):
                continue

    @property
    def metadata(self) -> LLMMetadata:
        """The model's own."""
        return self.inner.metadata

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        key = f"{self.of}:{FIRST_TOKENS}:{digest(message.content or '' for message in messages)}"
        known = self._kept.get(key)
        if known and self.layers and listens(messages) and known.inside is None:
            known = self._heard_anew(key, messages, known)
        if known:
            yield Piece(known.text or "", first=known.first, inside=known.inside)
        if known is None or known.text is None:
            yield from self._asked(key, messages, is_opened=known is not None, **kwargs)

    def _heard_anew(self, key: str, messages: Sequence[ChatMessage], known: KeptReply) -> KeptReply:
        with closing(self._responses(messages)) as responses:
            opening = next(responses)
        self._keep(key, replace(known, first=_first(opening), inside=opening.additional_kwargs.get("inside")))
        return self._kept[key]

    def prepare(self, messages: Sequence[ChatMessage]) -> bool:
        """Have the start of a prompt read ahead, but only once the model is asked: a reply that is kept needs none."""
        self._start = messages
        return False

    def _asked(self, key: str, messages: Sequence[ChatMessage], *, is_opened: bool, **kwargs: Any) -> Iterator[Piece]:
        first: Mapping[str, float] | None = None
        inside: NDArray[np.float32] | None = None
        text = ""
        ended = False
        try:
            for response in self._responses(messages, **kwargs):
                first, told = first or _first(response), _first(response)
                inside = response.additional_kwargs.get("inside") if inside is None else inside
                text += response.delta or ""
                delta = response.delta or ""
                yield Piece(delta) if is_opened else Piece(delta, told, inside=inside)
            ended = True
        finally:
            if ended or (first and not is_opened):
                self._keep(key, KeptReply(first, text if ended else None, inside))

    def _responses(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        if self.read_ahead and self._start:
            with suppress(UserError):  # a full disk costs time, and no reply
                self.read_ahead(self._start)
            self._start = None
        return self.inner.stream_chat(messages, **kwargs)

    def _keep(self, key: str, reply: KeptReply) -> None:
        self._kept[key] = reply
        line = json.dumps({"key": key, **reply.to_json(self.layers)}, ensure_ascii=False)
        with Path(self.path).open("a", encoding="utf-8") as sink:
            sink.write(line + "\n")


def keeping(generator: Generator, path: Path) -> Generator:
    """`generator`, its replies kept in `path`. A reply that is kept needs no model loaded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = getattr(generator.llm, "layers", ())
    of = f"{generator.name}/{generator.model}"
    if adapter := getattr(generator.llm, "adapter", ""):
        of += f"/{sha256_of(Path(adapter))[:12]}"
    llm = KeptLLM(inner=generator.llm, path=str(path), of=of, read_ahead=generator.prepare, layers=layers)
    return replace(generator, llm=llm, begin=lambda: None, prepare=llm.prepare if generator.prepare else None)


def _first(response: ChatResponse) -> Mapping[str, float] | None:
    return dict(first_tokens(response)) or None


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n") if path.is_file() else []
