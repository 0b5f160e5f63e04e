"""The embedder: a sentence-transformers model behind llama-index's embedding interface."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from numpy.typing import NDArray

from index import e5, weights
from index.adapter import adapt
from index.errors import UserError, WeightsMissing
from index.keywords import simplified
from index.paragraphs import digest
from index.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 16
_REMEMBERED_QUESTIONS = 512
# What is read of the model's output.
_READ = ("token_embeddings", "attention_mask", "sentence_embedding")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text's unit vector (dimension,), and its tokens' (n, dimension) with their (n, 2) character offsets."""

    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    offsets: NDArray[np.int32]


class Embedder(BaseEmbedding):
    """Turns text into unit vectors, with the model's own query and passage prompts.

    Chinese is embedded in simplified characters: a question typed in traditional ones is the same question, and the
    model has seen far fewer of them.

    The model is loaded at the first text (seconds), not when the object is made. `fingerprint` names the
    exact weights without loading them; an index built with other weights is refused by it. Safe to share between
    threads, which are served one after another: a tokenizer's truncation is a setting of the tokenizer, and a thread
    that changes it would cut another one's text.
    """

    fingerprint: str
    folder: str
    threads: int
    adapter: Path | None = None

    _model: SentenceTransformer | None = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=Lock)
    _encoding: Any = PrivateAttr(default_factory=Lock)
    _questions: OrderedDict[str, Embedded] = PrivateAttr(default_factory=OrderedDict)

    @classmethod
    def from_settings(cls, settings: Settings) -> Embedder:
        """The embedder the settings name. Raises WeightsMissing when it is not on this machine."""
        name = settings.embedder
        adapter = None
        if name in weights.catalogue():
            folder, fingerprint = _bundled(name, settings)
            if adapter := weights.catalogue()[name].adapter:
                fingerprint = digest([fingerprint, weights.sha256_of(adapter)])
        elif Path(name).expanduser().is_dir():
            folder = Path(name).expanduser()
            fingerprint = _folder_fingerprint(folder)
        else:
            folder = _from_hub(name)
            fingerprint = folder.name[:12]  # a hub snapshot's folder is named by its commit
        return cls(
            model_name=name,
            folder=str(folder),
            fingerprint=fingerprint,
            threads=settings.cpu_threads,
            adapter=adapter,
            embed_batch_size=_BATCH,
        )

    def without_adapter(self) -> Embedder:
        """The model as its publisher left it, for fitting an adapter."""
        plain = self.model_copy(update={"adapter": None, "fingerprint": f"{self.fingerprint}-plain"})
        plain._model, plain._questions = None, OrderedDict()
        return plain

    @classmethod
    def class_name(cls) -> str:
        """llama-index's name for this component."""
        return "DuizhaoEmbedder"

    @property
    def label(self) -> str:
        """Name and weights, for people: `multilingual-e5-small@1571fc98`."""
        return f"{self.model_name}@{self.fingerprint[:8]}"

    def load(self) -> SentenceTransformer:
        """The model, loaded once; safe to call from several threads."""
        with self._lock:
            if self._model is None:
                self._model = _load(self.folder, self.threads)
                if self.adapter:
                    adapt(self._model, self.adapter)
            return self._model

    @property
    def dimension(self) -> int:
        """Length of a vector; loads the model."""
        return int(self.load().get_embedding_dimension() or 0)

    @property
    def pools_by_mean(self) -> bool:
        """Whether a text's vector is the mean of its tokens', so that a sentence's can be told from its passage's."""
        poolings = [getattr(module, "pooling_mode", None) for module in self.load()]
        return "mean" in poolings

    def overflows(self, text: str) -> bool:
        """Whether `text` (with its prompt) is longer than the model's window."""
        model = self.load()
        prompt = model.prompts.get("document") or ""
        with self._encoding:
            length = len(model.tokenizer(prompt + simplified(text), truncation=False)["input_ids"])
        return length > (model.max_seq_length or 512)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) texts to (n, dimension) unit vectors, with the passage prompt."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        model = self.load()
        plain = [simplified(text) for text in texts]
        with self._encoding:
            encoded = model.encode_document(plain, batch_size=_BATCH, show_progress_bar=False)
        return unit(np.asarray(encoded, np.float32))

    def passages_with_tokens(self, texts: Sequence[str]) -> list[Embedded]:
        """As `passages`, with every token's vector; special tokens and the prompt's are left out."""
        model = self.load()
        prompt = model.prompts.get("document") or ""
        plain = [simplified(text) for text in texts]
        with self._encoding:
            outputs: Any = model.encode_document(plain, batch_size=_BATCH, show_progress_bar=False, output_value=None)
            pairs = zip(plain, outputs, strict=True)
            return [_embedded(model.tokenizer, prompt, text, output) for text, output in pairs]

    def question(self, text: str) -> NDArray[np.float32]:
        """One question to a (dimension,) unit vector, with the query prompt; recent ones are remembered."""
        return self._question(text).vector

    def question_tokens(self, text: str) -> NDArray[np.float32]:
        """One question to its tokens' (n, dimension) vectors; costs nothing beside `question`."""
        return self._question(text).tokens

    def _question(self, text: str) -> Embedded:
        remembered = self._questions.get(text)
        if remembered is None:
            remembered = self._embedded_question(text)
            self._questions[text] = remembered
            while len(self._questions) > _REMEMBERED_QUESTIONS:
                self._questions.popitem(last=False)
        return remembered

    def _embedded_question(self, text: str) -> Embedded:
        """What `encode_query` gives for one text, without walking all modules of the model for it (4 of 28 ms)."""
        import torch

        model = self.load()
        prompt, plain = model.prompts.get("query") or "", simplified(text)
        with self._encoding, torch.inference_mode():
            output = model(model.preprocess([plain], prompt=prompt, task="query"), task="query")
            return _embedded(model.tokenizer, prompt, plain, {name: output[name][0] for name in _READ})

    def _get_query_embedding(self, query: str) -> list[float]:
        return self.question(query).tolist()  # type: ignore[no-any-return]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.passages([text])[0].tolist()  # type: ignore[no-any-return]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self.passages(texts).tolist()  # type: ignore[no-any-return]


def _embedded(tokenizer: Any, prompt: str, text: str, output: dict[str, Any]) -> Embedded:
    """One text's vectors from what sentence-transformers says of it, its tokens placed in `text`."""
    vectors = output["token_embeddings"][output["attention_mask"].bool()].float().numpy()
    offsets, own = places_of_tokens(tokenizer, prompt, text, len(vectors))
    sentence = output["sentence_embedding"].float().numpy()
    return Embedded(unit(sentence[None])[0], vectors[own], offsets[own])


def places_of_tokens(
    tokenizer: Any, prompt: str, text: str, longest: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Where the tokens of `text` behind `prompt` stand in it, (n, 2), `longest` at most; which are its own, (n,)."""
    whole = prompt + text
    places = tokenizer(whole, truncation=True, max_length=longest, return_offsets_mapping=True)["offset_mapping"]
    offsets = np.asarray([_past_blanks(whole, *span) for span in places], np.int32) - len(prompt)
    # Special tokens have no characters of their own; a token of the prompt begins before the text.
    return np.maximum(offsets, 0), (offsets[:, 1] > offsets[:, 0]) & (offsets[:, 1] > 0)


def _past_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """A token's span without the blanks it begins with; one of blanks alone stands at the character behind them."""
    first = start
    while first < len(text) and start < end and text[first].isspace():
        first += 1
    return first, max(end, min(first + 1, len(text))) if start < end else end


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(…, dimension) vectors scaled to length 1; a zero vector stays zero."""
    scaled: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return scaled


def _bundled(name: str, settings: Settings) -> tuple[Path, str]:
    model = weights.catalogue()[name]
    if model.role != "embedder":
        raise UserError(f"the setting embedder is {name}, a {model.role}. Name an embedder of index/weights.toml.")
    folder = weights.require(name, settings)
    expanded = folder / e5.FOLDER
    if model.expand and not expanded.is_dir():
        try:
            e5.expand(folder / model.files[0].name, folder / "tokenizer.json", expanded)
        except OSError as error:
            raise weights.disk_error(error, folder) from error
    return (expanded if model.expand else folder), model.files[0].sha256


def _from_hub(name: str) -> Path:
    """The snapshot folder of a hub model that is already in the hub's local cache."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except Exception as error:  # its errors are many; all mean that the model is not here
        raise WeightsMissing(
            f"the embedder {name!r} is neither in index/weights.toml ({', '.join(weights.catalogue())}), nor a folder, "
            f"nor in the local hub cache ({type(error).__name__}). Fetch it with: {weights.FETCH_COMMAND} {name}"
        ) from None


def _folder_fingerprint(folder: Path) -> str:
    parts = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors", ".bin", ".onnx"))
    if not parts:
        raise UserError(f"the embedder folder {folder} holds 0 model files. Give a sentence-transformers folder.")
    return digest(weights.sha256_of(path) for path in parts)


def _load(folder: str, threads: int) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    # The checkpoint has no pooler because pooling is the mean; the report about it only frightens people.
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(folder, device="cpu", local_files_only=True, model_kwargs={"dtype": torch.bfloat16})
        return _computing_fast(model).eval()
    except (OSError, ValueError) as error:  # a file that is missing, or that is none of such a model
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"the embedder in {folder} cannot be loaded ({reason[:200]}). Give a whole sentence-transformers folder."
        ) from error


def _computing_fast(model: SentenceTransformer) -> SentenceTransformer:
    """`model`, loaded in bfloat16, computing in the numbers that this processor multiplies fastest.

    Matrix units (AMX) multiply bfloat16 in half the time of 32 bits. Without them 32 bits are faster by half, even
    where the processor knows bfloat16 (AVX-512); the words' vectors, four fifths of the weights, are only looked up,
    and stay. Cosine between the two above 0.9999.
    """
    import torch

    if torch.cpu.get_capabilities().get("amx_bf16"):
        return model
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            module.register_forward_hook(lambda _module, _ids, vectors: vectors.float())
        else:
            for values in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                values.data = values.data.float() if values.is_floating_point() else values.data
    return model
