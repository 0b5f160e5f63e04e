"""llama-index's LLM interface from one method that yields a reply's pieces, with its log probabilities and usage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LogProb,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a reply, with what the model reports beside it.

    first: {token: log probability} of the likeliest first tokens.
    usage: token counts of the reply so far.
    inside: the activations from which the first token was chosen (rag/activations.py).
    is_cut: the reply ends here because it reached the token limit.
    """

    text: str = ""
    first: Mapping[str, float] | None = None
    usage: Mapping[str, int] | None = None
    inside: NDArray[np.float32] | None = None
    is_cut: bool = False


class ChatLLM(CustomLLM):
    """A chat model whose subclass says how a reply comes, piece by piece; all four llama-index calls follow."""

    @abstractmethod
    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        """The reply's pieces, in order; closing the iterator stops the model."""

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """One answer, whole."""
        return ChatResponse(message=_said("".join(piece.text for piece in self._pieces(messages, **kwargs))))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """One answer as it is written; closing the generator stops the model.

        The first response carries `logprobs` and `additional_kwargs["inside"]` where the model tells them, the last one
        `additional_kwargs["usage"]`, and `["is_cut"]` where it may be no longer.
        """

        def generate() -> ChatResponseGen:
            text = ""
            for piece in self._pieces(messages, **kwargs):
                text += piece.text
                yield ChatResponse(
                    message=_said(text),
                    delta=piece.text,
                    logprobs=[[LogProb(token=t, logprob=p) for t, p in piece.first.items()]] if piece.first else None,
                    additional_kwargs=_told(piece),
                )

        return generate()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """A prompt as a single user message, through the model's chat template."""
        reply = self.chat([_asked(prompt)], **kwargs)
        return CompletionResponse(text=reply.message.content or "")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """As `complete`, streamed."""
        for reply in self.stream_chat([_asked(prompt)], **kwargs):
            yield CompletionResponse(text=reply.message.content or "", delta=reply.delta)


def _told(piece: Piece) -> dict[str, Any]:
    told: dict[str, Any] = {"usage": dict(piece.usage)} if piece.usage else {}
    if piece.inside is not None:
        told["inside"] = piece.inside
    return {**told, "is_cut": True} if piece.is_cut else told


def _said(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def _asked(prompt: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=prompt)
