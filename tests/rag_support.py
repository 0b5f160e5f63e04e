"""Stand-ins for the room rag: a scripted model and an engine over an index that needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from pydantic import PrivateAttr

from index.build import Index
from rag.engine import Engine
from rag.gate import Signals
from rag.generators import Generator
from rag.prompts import Wording


class ScriptedLLM(CustomLLM):
    """Replies with what it was given, in pieces, and keeps every prompt it saw."""

    _replies: list[str] = PrivateAttr(default_factory=list)
    _prompts: list[str] = PrivateAttr(default_factory=list)
    _fails: bool = PrivateAttr(default=False)

    def __init__(self, *replies: str, fails: bool = False) -> None:
        super().__init__()
        self._replies, self._fails = list(replies), fails

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
        """The next reply, three characters at a time."""
        reply = self._next(messages)

        def generate() -> ChatResponseGen:
            for at in range(0, len(reply), 3):
                message = ChatMessage(role=MessageRole.ASSISTANT, content=reply[: at + 3])
                yield ChatResponse(message=message, delta=reply[at : at + 3])

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


def scripted_generator(llm: ScriptedLLM, logit: float = 6.0) -> Generator:
    """A generator whose judge always gives `logit`."""
    return Generator("openai", "scripted", llm, judge=constant_judge(logit))


def constant_judge(logit: float) -> Callable[[Sequence[ChatMessage], Wording], float]:
    """A judge that does not look."""
    return lambda messages, wording: logit


def scripted_engine(index: Index, *replies: str, logit: float = 6.0, fails: bool = False) -> tuple[Engine, ScriptedLLM]:
    """An engine over `index` whose model says `replies` in turn; the model too, to see what it was asked."""
    llm = ScriptedLLM(*replies, fails=fails)
    return Engine(index, scripted_generator(llm, logit), evidence_tokens=220), llm


def open_gate() -> dict[str, Any]:
    """A gate.json for engines without real embeddings: the judge decides, and without one everything passes."""
    names = ["bias", *(f.name for f in fields(Signals))]
    judged = {"weights": [1.0 if name == "judge" else 0.0 for name in names], "threshold": 0.5}
    alone = {"weights": [9.0 if name == "bias" else 0.0 for name in names], "threshold": 0.5}
    model = {"with_judge": judged, "without_judge": alone}
    return {"features": names, "zh": model, "en": model}
