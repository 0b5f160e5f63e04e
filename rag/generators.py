"""The four generators behind llama-index's LLM interface, and the one extra thing asked of them: a yes or no.

`local`      Qwen2.5-Coder through llama.cpp, in this process
`quote`      no model: the best sentences, verbatim
`openai`     any OpenAI-compatible endpoint
`anthropic`  Claude
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata, MessageRole
from llama_index.core.llms import LLM
from llama_index.core.llms.callbacks import llm_chat_callback

from index.errors import UserError
from index.settings import GeneratorName, Settings
from rag.llm import ChatLLM
from rag.prompts import Wording

# Asked a question that a yes or a no answers; gives log p(yes) - log p(no), or None where it cannot tell.
Judge = Callable[[Sequence[ChatMessage], Wording], float | None]
# Given the messages that ask for the answer; gives the log odds that the reply is an answer and not the word
# for "not stated", or None where it cannot tell. Costs nothing: it is the answer's own first token.
Opening = Callable[[Sequence[ChatMessage], Wording], float | None]

# What a plain "yes" or "no" in words counts as, where an endpoint gives no probabilities.
WORD_LOGIT = 2.5


@dataclass(frozen=True, slots=True)
class Generator:
    """A named generator: the LLM that writes, and the judge of answerability (None: retrieval alone decides)."""

    name: GeneratorName
    model: str
    llm: LLM
    judge: Judge | None
    opening: Opening | None = None
    warm: Callable[[], None] = lambda: None


class GeneratorFailed(Exception):
    """The generator did not answer (down, out of context, timed out); the quotes are the answer then."""


def make_generator(settings: Settings, name: GeneratorName | None = None) -> Generator:
    """The generator the settings name. Raises UserError for missing weights or keys; loads nothing yet."""
    chosen = name or settings.generator
    return _MAKERS[chosen](settings)


class QuoteLLM(ChatLLM):
    """Answers with the sentences it was handed as quotes; behind the LLM interface so that the road is the same.

    The quotes travel in the last message's `additional_kwargs["quotes"]`, not in the prompt.
    """

    @property
    def metadata(self) -> LLMMetadata:
        """No model, no window."""
        return LLMMetadata(model_name="quote", is_chat_model=True)

    def _deltas(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[str]:
        yield "\n".join(messages[-1].additional_kwargs.get("quotes", ()))


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

    def _deltas(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[str]:
        with self._client().messages.stream(**self._request(messages, **kwargs)) as stream:
            yield from stream.text_stream

    def _client(self) -> Any:
        import anthropic

        return anthropic.Anthropic(api_key=self.api_key, timeout=self.timeout)

    def _request(self, messages: Sequence[ChatMessage], **kwargs: Any) -> dict[str, Any]:
        system = "\n".join(m.content or "" for m in messages if m.role == MessageRole.SYSTEM)
        turns = [{"role": m.role.value, "content": m.content or ""} for m in messages if m.role != MessageRole.SYSTEM]
        limit = kwargs.get("max_tokens", self.max_tokens)
        return {"model": self.model, "max_tokens": limit, "temperature": 0.0, "system": system, "messages": turns}


def judge_by_words(llm: LLM) -> Judge:
    """A judge for endpoints without probabilities: the reply's first word, as ±WORD_LOGIT."""

    def judge(messages: Sequence[ChatMessage], wording: Wording) -> float | None:
        reply = (llm.chat(list(messages), max_tokens=5).message.content or "").strip()
        if reply.startswith(wording.no):
            return -WORD_LOGIT
        return WORD_LOGIT if reply.startswith(wording.yes) else None

    return judge


def yes_no_logit(top: dict[str, float], wording: Wording) -> float | None:
    """Log p(yes) - log p(no) from the first token's {token: log probability}; None when neither is among them."""
    yes = [p for token, p in top.items() if token.strip().startswith(wording.yes)]
    no = [p for token, p in top.items() if token.strip().startswith(wording.no)]
    if not yes and not no:
        return None
    least = min(top.values())  # an absent word is at most as likely as the least one listed
    return _log_sum(yes or [least]) - _log_sum(no or [least])


def opening_logit(top: dict[str, float], wording: Wording) -> float:
    """Log odds that the reply opens as an answer, from the first token's {token: log probability}.

    Tokens not listed count as an answer's; where the word for "not stated" is not listed, it is taken to be
    as likely as the least one that is.
    """
    silent = [p for token, p in top.items() if token.strip().startswith(wording.silent)]
    logarithm = min(_log_sum(silent or [min(top.values())]), -1e-6)
    return math.log1p(-math.exp(logarithm)) - logarithm


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def _quote(_: Settings) -> Generator:
    return Generator("quote", "quote", QuoteLLM(), judge=None)


def _local(settings: Settings) -> Generator:
    from rag.local import LocalLLM

    llm = LocalLLM.from_settings(settings)
    return Generator("local", llm.name, llm, judge=llm.judge, opening=llm.opening, warm=llm.load)


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

    def judge(messages: Sequence[ChatMessage], wording: Wording) -> float | None:
        reply = llm.chat(list(messages), max_tokens=1, logprobs=True, top_logprobs=10)
        logprobs = getattr(reply.raw.choices[0], "logprobs", None) if reply.raw else None
        if logprobs and logprobs.content:
            return yes_no_logit({entry.token: entry.logprob for entry in logprobs.content[0].top_logprobs}, wording)
        return judge_by_words(llm)(messages, wording)

    return Generator("openai", settings.openai_model, llm, judge)


def _anthropic(settings: Settings) -> Generator:
    if settings.anthropic_api_key is None:
        raise UserError("the generator anthropic needs a key and none is set. Set DUIZHAO_ANTHROPIC_API_KEY.")
    llm = AnthropicLLM(
        model=settings.anthropic_model,
        api_key=settings.anthropic_api_key.get_secret_value(),
        max_tokens=settings.answer_tokens,
        timeout=settings.request_timeout,
    )
    return Generator("anthropic", settings.anthropic_model, llm, judge_by_words(llm))


_MAKERS: dict[GeneratorName, Callable[[Settings], Generator]] = {
    "local": _local,
    "quote": _quote,
    "openai": _openai,
    "anthropic": _anthropic,
}
