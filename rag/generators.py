"""The four generators behind llama-index's LLM interface, and the log odds read off the first token of a reply.

`local`      Qwen2.5-Coder through llama.cpp, on this machine
`quote`      no model: the best sentences, verbatim
`openai`     any OpenAI-compatible endpoint
`anthropic`  Claude
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata, MessageRole
from llama_index.core.llms import LLM
from llama_index.core.llms.callbacks import llm_chat_callback
from numpy.typing import NDArray

from index.errors import UserError
from index.paragraphs import LANGUAGES, Language
from index.settings import GeneratorName, Settings
from rag.llm import ChatLLM, Piece
from rag.opening import LAYERS, READER_FILE, probe
from rag.prompts import Wording

# How many of the likeliest first tokens are asked for; an endpoint gives no more than 20.
FIRST_TOKENS = 20
# What a reply's opening counts as, in log odds, where an endpoint gives no probabilities.
WORD_LOGIT = 2.5
_A_KEY = 8  # characters
_LONGEST_REASON = 500

Hears = Callable[[NDArray[np.float32], Language], float]


@dataclass(frozen=True, slots=True)
class Generator:
    """A named generator: an LLM and what the pipeline needs to know about it.

    writes: whether it writes text of its own; `quote` does not.
    begin: starts loading its weights in the background.
    warm: waits until it can answer.
    prepare: evaluates the start of a prompt ahead and caches it; returns whether there was anything to do. None if the
        generator has no prompt cache.
    options: further arguments of every request.
    continues: whether it can continue a reply that the last message has begun.
    is_small: whether it reads one paragraph at a time and the nearest sentences are quoted after what it writes,
        because it is too small to be trusted with choosing them.
    hears: (activations, language) -> log odds that the answer is stated; None for a model without a fitted probe
        (rag/opening.py).
    """

    name: GeneratorName
    model: str
    llm: LLM
    writes: bool = True
    begin: Callable[[], None] = lambda: None
    warm: Callable[[], None] = lambda: None
    prepare: Callable[[Sequence[ChatMessage]], bool] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    continues: bool = False
    is_small: bool = False
    hears: Hears | None = None


class GeneratorFailed(Exception):
    """The generator did not answer (down, out of context, timed out); the quotes are the answer then."""


def why_it_failed(error: Exception, llm: LLM) -> str:
    """What a remote client's error says, in one line and without the key, which an endpoint may repeat."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    key = getattr(llm, "api_key", None) or ""
    # A shorter one ("none") guards nothing, and may be a word.
    return (said.replace(key, "(hidden)") if len(key) >= _A_KEY else said)[:_LONGEST_REASON]


def make_generator(settings: Settings, name: GeneratorName | None = None) -> Generator:
    """The generator the settings name. Raises UserError for missing weights or keys; loads nothing yet."""
    chosen = name or settings.generator
    return _MAKERS[chosen](settings)


class QuoteLLM(ChatLLM):
    """Answers with the sentences it was handed as quotes; an LLM so that every generator has the same interface.

    The quotes travel in the last message's `additional_kwargs["quotes"]`, not in the prompt.
    """

    @property
    def metadata(self) -> LLMMetadata:
        """No model, no window."""
        return LLMMetadata(model_name="quote", is_chat_model=True)

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        yield Piece("\n".join(messages[-1].additional_kwargs.get("quotes", ())))


class AnthropicLLM(ChatLLM):
    """Claude through Anthropic's own SDK (llama-index's integration pulls two cloud vendors' SDKs with it)."""

    model: str
    api_key: str
    max_tokens: int
    timeout: float

    @property
    def metadata(self) -> LLMMetadata:
        """The model's name; the window is far beyond our budgets."""
        return LLMMetadata(model_name=self.model, is_chat_model=True, context_window=200_000)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """One answer, whole."""
        message = self._client().messages.create(**self._request(messages, **kwargs))
        text = "".join(getattr(block, "text", "") for block in message.content)
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), raw=message)

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        with self._client().messages.stream(**self._request(messages, **kwargs)) as stream:
            for text in stream.text_stream:
                yield Piece(text)
            if stream.get_final_message().stop_reason == "max_tokens":
                yield Piece(is_cut=True)

    def _client(self) -> Any:
        import anthropic

        return anthropic.Anthropic(api_key=self.api_key, timeout=self.timeout)

    def _request(self, messages: Sequence[ChatMessage], **kwargs: Any) -> dict[str, Any]:
        system = "\n".join(m.content or "" for m in messages if m.role == MessageRole.SYSTEM)
        turns = [{"role": m.role.value, "content": m.content or ""} for m in messages if m.role != MessageRole.SYSTEM]
        limit = kwargs.get("max_tokens", self.max_tokens)
        return {"model": self.model, "max_tokens": limit, "temperature": 0.0, "system": system, "messages": turns}


def stated_logit(reply: ChatResponse, wording: Wording) -> float | None:
    """Log odds of stated over silent, log p(stated) - log p(silent), of a reply's first token.

    None if the endpoint gives no log probabilities. A token counts for the word (`Wording.stated` or `.silent`) that it
    is the beginning of. A word that no listed token begins is taken to be as likely as the least likely token listed.
    """
    # A word may come twice, with and without a space.
    top = [(token.strip(), p) for token, p in first_tokens(reply)]
    stated = [p for token, p in top if token and wording.stated.startswith(token)]
    silent = [p for token, p in top if token and wording.silent.startswith(token)]
    if not stated and not silent:
        return None
    least = min(p for _, p in top)
    return _log_sum(stated or [least]) - _log_sum(silent or [least])


def first_tokens(reply: ChatResponse) -> list[tuple[str, float]]:
    """(token, log probability) of the likeliest first tokens; none where the endpoint does not tell."""
    if reply.logprobs:
        return [(entry.token, entry.logprob) for entry in reply.logprobs[0]]
    choices = getattr(reply.raw, "choices", None) or []  # an OpenAI chunk, which llama-index hands on as it came
    content = getattr(getattr(choices[0], "logprobs", None), "content", None) if choices else None
    listed = getattr(content[0], "top_logprobs", None) or [] if content else []
    return [(entry.token, entry.logprob) for entry in listed if entry.logprob is not None]  # null: none at all


def is_cut(reply: ChatResponse) -> bool:
    """Whether a reply ends here because it may be no longer."""
    choices = getattr(reply.raw, "choices", None) or []
    return bool(
        reply.additional_kwargs.get("is_cut") or any(getattr(c, "finish_reason", None) == "length" for c in choices)
    )


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def _quote(_: Settings) -> Generator:
    return Generator("quote", "quote", QuoteLLM(), writes=False)


def _local(settings: Settings) -> Generator:
    from rag.local import LocalLLM

    llm = LocalLLM.from_settings(settings)
    hears = _hearing(llm.name)
    llm.layers, llm.adapter = (LAYERS, str(READER_FILE)) if hears else ((), "")
    return Generator(
        "local",
        llm.name,
        llm,
        begin=llm.begin,
        warm=llm.warm,
        prepare=llm.prepare,
        continues=True,
        is_small=True,
        hears=hears,
    )


def _hearing(model: str) -> Hears | None:
    if not all(probe(model, language) for language in LANGUAGES):
        return None

    def heard(inside: NDArray[np.float32], language: Language) -> float:
        own = probe(model, language)
        assert own is not None
        return own.heard(inside)

    return heard


def _openai(settings: Settings) -> Generator:
    from llama_index.llms.openai_like import OpenAILike

    llm = OpenAILike(
        model=settings.openai_model,
        api_base=settings.openai_base_url,
        api_key=settings.openai_api_key.get_secret_value(),
        is_chat_model=True,
        context_window=8192,
        max_tokens=settings.answer_tokens,
        temperature=0.0,
        timeout=settings.request_timeout,
        max_retries=1,
    )

    return Generator("openai", settings.openai_model, llm, options={"logprobs": True, "top_logprobs": FIRST_TOKENS})


def _anthropic(settings: Settings) -> Generator:
    if settings.anthropic_api_key is None:
        raise UserError("the generator anthropic needs a key and none is set. Set DUIZHAO_ANTHROPIC_API_KEY.")
    llm = AnthropicLLM(
        model=settings.anthropic_model,
        api_key=settings.anthropic_api_key.get_secret_value(),
        max_tokens=settings.answer_tokens,
        timeout=settings.request_timeout,
    )
    return Generator("anthropic", settings.anthropic_model, llm)


_MAKERS: dict[GeneratorName, Callable[[Settings], Generator]] = {
    "local": _local,
    "quote": _quote,
    "openai": _openai,
    "anthropic": _anthropic,
}
