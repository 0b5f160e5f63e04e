"""The default model in torch, as far as it is listened to, with an adapter to be fitted in it (evals/teaching.py).

llama.cpp only runs a model; transformers reads the same GGUF file and can differentiate it. Of a prompt, the opening
and the evidence are read by the model as it is, and only the question, from `prompts.MARK` on, through the adapter, as
llama.cpp does it (an activated LoRA; Greenewald et al. 2025). So an evidence is read once, and its state kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from llama_index.core.llms import ChatMessage
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from evals.low_rank import LowRank, adapted
from rag.opening import LAYERS
from rag.prompts import MARK

RANK = 8
# The layers that are adapted: those below are left as they are, those above are not listened to.
ADAPTED_LAYERS = range(6, LAYERS[-1])
# What is adapted of a layer, and what llama.cpp calls it.
ADAPTED = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_GROUPED = "grouped"
_BATCH = 600  # tokens of evidence that are read in one pass

Tokens = tuple[int, ...]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's tokens: what all questions share, the evidence, and the question from MARK on."""

    opening: Tokens
    evidence: Tokens
    question: Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A prompt whose evidence has been read: `state` holds its keys and values, (layers, 2, heads, tokens, width)."""

    prompt: Prompt
    state: Tensor


class Reader:
    """The model's layers up to the last one that is listened to, `matrices` by llama.cpp's names, and its tokens."""

    def __init__(self, gguf: Path) -> None:
        from transformers import AttentionInterface, AutoModelForCausalLM, AutoTokenizer, GgufConfig

        folder, name = str(gguf.parent), gguf.name
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
        ).model
        AttentionInterface.register(_GROUPED, _grouped)
        model.set_attn_implementation(_GROUPED)
        model.layers = model.layers[: LAYERS[-1] + 1]
        model.config.num_hidden_layers = len(model.layers)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        torch.manual_seed(0)
        self._model, self._tokenizer = model, tokenizer
        self.matrices: Mapping[str, LowRank] = {
            f"blk.{number}.{theirs}": adapted(model.layers[number], ours, RANK)
            for number in ADAPTED_LAYERS
            for ours, theirs in ADAPTED.items()
        }
        self.mark: int = tokenizer.convert_tokens_to_ids(MARK)
        self._openings: dict[Tokens, Tensor] = {}

    def prompt(self, messages: Sequence[ChatMessage]) -> Prompt:
        """The tokens of messages that are marked (`prompts.marked`); the last one holds evidence and question."""
        turns = [{"role": message.role.value, "content": message.content or ""} for message in messages]
        opening, whole = self._tokens(turns[:-1], ask=False), self._tokens(turns, ask=True)
        at = len(whole) - 1 - whole[::-1].index(self.mark)
        return Prompt(opening, whole[len(opening) : at], whole[at:])

    def _tokens(self, turns: Sequence[Mapping[str, str]], *, ask: bool) -> Tokens:
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask)
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def begin(self, prompts: Sequence[Prompt]) -> Iterator[Text]:
        """The prompts with their evidence read, in the order in which that goes fastest; each evidence once."""
        with torch.no_grad(), self._idle():
            for opening in dict.fromkeys(prompt.opening for prompt in prompts):
                if opening not in self._openings:
                    self._openings[opening] = self._read(None, [opening])[0]
                asked: dict[Tokens, list[Prompt]] = {}
                for prompt in (own for own in prompts if own.opening == opening):
                    asked.setdefault(prompt.evidence, []).append(prompt)
                for batch in filled(sorted(asked, key=len), _padded, _BATCH):
                    for evidence, state in zip(batch, self._read(self._openings[opening], batch), strict=True):
                        yield from (Text(prompt, state) for prompt in asked[evidence])

    def values(self, texts: Sequence[Text]) -> Tensor:
        """(texts, layers, width): the last token's value vectors in LAYERS; of texts that share an opening."""
        opening = self._openings[texts[0].prompt.opening]
        evidences = pad_sequence([text.state.movedim(-2, 0) for text in texts], batch_first=True).movedim(1, -2)
        questions = [text.prompt.question for text in texts]
        cache = self._run(questions, opening, evidences, [text.state.shape[-2] for text in texts])
        last = torch.tensor([opening.shape[-2] + evidences.shape[-2] + len(question) - 1 for question in questions])
        told = [cache.layers[layer].values[torch.arange(len(texts)), :, last] for layer in LAYERS]
        return torch.stack(told, 1).flatten(2).float()

    def _read(self, opening: Tensor | None, texts: Sequence[Tokens]) -> list[Tensor]:
        """The states of texts, each behind the opening by itself."""
        cache = self._run(texts, opening, None, [0] * len(texts))
        begins = 0 if opening is None else opening.shape[-2]
        layers = [torch.stack([layer.keys, layer.values]) for layer in cache.layers]
        whole = torch.stack(layers)[..., begins:, :]  # (layers, 2, texts, heads, tokens, width)
        return [whole[:, :, at, :, : len(text)].clone() for at, text in enumerate(texts)]

    def _run(
        self, texts: Sequence[Tokens], opening: Tensor | None, evidences: Tensor | None, lengths: Sequence[int]
    ) -> Any:
        """The cache of keys and values once `texts` have been read, each behind the opening and its own evidence."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self._model.config)
        begins = 0 if opening is None else opening.shape[-2]
        for layer in range(len(self._model.layers)):
            parts = [] if opening is None else [opening[layer][:, None].expand(-1, len(texts), -1, -1, -1)]
            parts += [] if evidences is None else [evidences[:, layer].transpose(0, 1)]
            if parts:
                keys, values = torch.cat(parts, -2)
                cache.update(keys, values, layer)
        longest = 0 if evidences is None else evidences.shape[-2]
        ids = pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
        tokens = torch.arange(ids.shape[1])
        before = torch.arange(longest) < torch.tensor(lengths)[:, None]  # (texts, longest), each text's own evidence
        seen = [
            torch.ones(len(texts), len(tokens), begins, dtype=torch.bool),
            before[:, None].expand(-1, len(tokens), -1),
            (tokens[:, None] >= tokens).expand(len(texts), -1, -1),
        ]
        self._model(
            input_ids=ids,
            attention_mask={"full_attention": torch.cat(seen, -1)[:, None]},
            position_ids=begins + torch.tensor(lengths)[:, None] + tokens,
            past_key_values=cache,
            use_cache=True,
        )
        return cache

    @contextmanager
    def _idle(self) -> Iterator[None]:
        """The model as it is, without the adapter."""
        for matrix in self.matrices.values():
            matrix.idle = True
        try:
            yield
        finally:
            for matrix in self.matrices.values():
                matrix.idle = False


def _grouped(
    _: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, scaling: float, **__: Any
) -> tuple[Tensor, None]:
    """Attention of queries that share keys in groups, without repeating these: twice as fast to differentiate."""
    texts, heads, tokens, width = query.shape
    shared = key.shape[1]
    scores = query.reshape(texts, shared, -1, width) @ key.transpose(2, 3) * scaling
    scores = scores.float().view(texts, heads, tokens, -1).masked_fill(~attention_mask, -torch.inf)
    weights = scores.softmax(-1).to(query.dtype).view(texts, shared, -1, key.shape[2])
    return (weights @ value).view(texts, heads, tokens, width).transpose(1, 2), None


def filled(items: Iterable[Item], size: Callable[[Sequence[Item]], int], most: int) -> Iterator[list[Item]]:
    """Items in order, as many together as `size` holds to be no more than `most`; one that is more by itself alone."""
    batch: list[Item] = []
    for item in items:
        if batch and size([*batch, item]) > most:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _padded(evidences: Sequence[Tokens]) -> int:
    """How many tokens are read where all are filled up to the last, which is the longest."""
    return len(evidences) * len(evidences[-1])
