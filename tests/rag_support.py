"""Stand-ins for the room rag: a scripted model and an engine over an index that needs no weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    LogProb,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from pydantic import Field, PrivateAttr

from index.build import Index, build, open_index
from index.settings import load_settings
from rag.engine import Engine
from rag.gate import Signals
from rag.generators import Generator
from rag.prompts import translated_from
from tests.fakes import HashingEmbedder


class ScriptedLLM(CustomLLM):
    """Replies with what it was given, in pieces, and keeps every prompt it saw.

    `logit`: what the first tokens say, of every reply, or of each in turn. `translation`: what a question becomes in
    the other language; asked for in `translated`, not in `prompts`. `is_cut`: each reply ends because it may be no longer.
    """

    is_cut: bool = False

    translation: str = ""
    translated: list[str] = Field(default_factory=list)

    _replies: list[str] = PrivateAttr(default_factory=list)
    _prompts: list[str] = PrivateAttr(default_factory=list)
    _fails: bool = PrivateAttr(default=False)
    _logits: list[float] = PrivateAttr(default_factory=list)

    def __init__(self, *replies: str, fails: bool = False, logit: float | Sequence[float] | None = None) -> None:
        super().__init__()
        self._replies, self._fails = list(replies), fails
        self._logits = [] if logit is None else [logit] if isinstance(logit, int | float) else list(logit)

    @property
    def prompts(self) -> list[str]:
        """Every prompt seen so far, messages joined."""
        return self._prompts

    @property
    def metadata(self) -> LLMMetadata:
        """A name."""
        return LLMMetadata(model_name="scripted", is_chat_model=True)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The next reply, whole."""
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=self._next(messages)))

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The next reply, three characters at a time; its first token says `logit`, where there is one."""
        if translated_from(messages):
            self.translated.append(messages[-1].content or "")
            cost = {"prompt_tokens": 20, "cached_tokens": 12, "completion_tokens": 8}
            said = ChatResponse(
                message=ChatMessage(content=self.translation),
                delta=self.translation,
                additional_kwargs={"usage": cost},
            )
            return (response for response in [said])
        reply = self._next(messages)
        logit = self._logits.pop(0) if len(self._logits) > 1 else self._logits[0] if self._logits else None
        opening = [] if logit is None else [("Stated", 0.0), ("有", 0.0), ("Not", -logit), ("没有", -logit)]

        def generate() -> ChatResponseGen:
            for at in range(0, len(reply), 3):
                message = ChatMessage(role=MessageRole.ASSISTANT, content=reply[: at + 3])
                told = [[LogProb(token=token, logprob=p) for token, p in opening]] if opening and at == 0 else None
                yield ChatResponse(message=message, delta=reply[at : at + 3], logprobs=told)
            if self.is_cut:
                yield ChatResponse(message=message, delta="", additional_kwargs={"is_cut": True})

        return generate()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Not used on the road."""
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Not used on the road."""
        raise NotImplementedError

    def _next(self, messages: Sequence[ChatMessage]) -> str:
        self._prompts.append("\n".join(message.content or "" for message in messages))
        if self._fails:
            raise ConnectionError("the model is down")
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


def make_index(
    folder: Path,
    records: Sequence[Mapping[str, str]],
    title: str = "article",
    embedder: HashingEmbedder | None = None,
) -> Index:
    """An index of `records` in `folder`, opened; it needs no weights."""
    source = folder / f"{title}.jsonl"
    source.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")
    embedder = embedder or HashingEmbedder()
    build(load_settings(), source=source, into=folder / "index", embedder=embedder)
    return open_index(load_settings(), folder / "index", embedder)


def scripted_generator(llm: ScriptedLLM) -> Generator:
    """A generator that follows the script."""
    return Generator("openai", "scripted", llm)


def scripted_engine(index: Index, *replies: str, logit: float = 6.0, fails: bool = False) -> tuple[Engine, ScriptedLLM]:
    """An engine over `index` whose model says `replies` in turn; the model too, to see what it was asked."""
    llm = ScriptedLLM(*replies, fails=fails, logit=logit)
    return Engine(index, scripted_generator(llm), evidence_tokens=220), llm


def small_engine(index: Index, *replies: str, logits: Sequence[float]) -> tuple[Engine, ScriptedLLM]:
    """As `scripted_engine`, with a model too small to be shown several paragraphs at once; each reply has its logit."""
    llm = ScriptedLLM(*replies, logit=logits)
    return Engine(index, replace(scripted_generator(llm), is_small=True), evidence_tokens=220), llm


# What answers it is read third only where the question is looked for in both languages' words.
PRESSED = "How long should leaves that are pressed be kept?"
PRESSED_IN_CHINESE = "茶饼要存放多少年最好?"


def pressed_engine(folder: Path) -> tuple[Engine, ScriptedLLM]:
    """A small engine over four pairs, unsure of the first two that PRESSED finds and sure of the next it reads."""
    pairs = [
        {"zh": "绿茶要炒。", "en": "Leaves that are kept hot in the pan."},
        {"zh": "红茶要烤。", "en": "Leaves that are kept on the rack."},
        {"zh": "茶饼存放十年以上最好。", "en": "A pressed brick is best after a decade."},
        {"zh": "白茶要晾。", "en": "Leaves that are kept in the shade."},
    ]
    replies = ("Not stated.", "Not stated.", "Stated: It is best after a decade.")
    engine, llm = small_engine(make_index(folder, pairs), *replies, logits=[-6.0, -1.0, 6.0])
    llm.translation = PRESSED_IN_CHINESE
    return engine, llm


def open_gate() -> dict[str, Any]:
    """A gate.json for engines without real embeddings: the reply's opening decides, and without one all passes."""
    names = ["bias", *(f.name for f in fields(Signals))]
    heard = {"weights": [1.0 if name == "opening" else 0.0 for name in names], "threshold": 0.5}
    alone = {"weights": [9.0 if name == "bias" else 0.0 for name in names], "threshold": 0.5}
    model = {"question": alone, "opening": heard}
    return {"features": names, "zh": model, "en": model}
