"""The embedder: a sentence-transformers model behind llama-index's embedding interface."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from numpy.typing import NDArray

from index import e5, weights
from index.errors import UserError, WeightsMissing
from index.paragraphs import digest
from index.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 16
_REMEMBERED_QUESTIONS = 512


class Embedder(BaseEmbedding):
    """Turns text into unit vectors, with the model's own query and passage prompts.

    The model is loaded at the first text (seconds), not when the object is made. `fingerprint` names the
    exact weights without loading them; an index built with other weights is refused by it.
    """

    fingerprint: str
    folder: str
    threads: int

    _model: SentenceTransformer | None = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=Lock)
    _questions: OrderedDict[str, list[float]] = PrivateAttr(default_factory=OrderedDict)

    @classmethod
    def from_settings(cls, settings: Settings) -> Embedder:
        """The embedder the settings name. Raises WeightsMissing when it is not on this machine."""
        name = settings.embedder
        if name in weights.catalogue():
            folder, fingerprint = _bundled(name, settings)
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
            embed_batch_size=_BATCH,
        )

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
            return self._model

    @property
    def dimension(self) -> int:
        """Length of a vector; loads the model."""
        return int(self.load().get_embedding_dimension() or 0)

    def overflows(self, text: str) -> bool:
        """Whether `text` (with its prompt) is longer than the model's window."""
        model = self.load()
        prompt = model.prompts.get("document") or ""
        return len(model.tokenizer(prompt + text, truncation=False)["input_ids"]) > (model.max_seq_length or 512)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) texts to (n, dimension) unit vectors, with the passage prompt."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        encoded = self.load().encode_document(list(texts), batch_size=_BATCH, show_progress_bar=False)
        return _unit(np.asarray(encoded, np.float32))

    def question(self, text: str) -> NDArray[np.float32]:
        """One question to a (dimension,) unit vector, with the query prompt; recent ones are remembered."""
        return np.asarray(self.get_query_embedding(text), np.float32)

    def _get_query_embedding(self, query: str) -> list[float]:
        remembered = self._questions.get(query)
        if remembered is None:
            encoded = self.load().encode_query(query, show_progress_bar=False)
            remembered = _unit(np.asarray(encoded, np.float32)[None])[0].tolist()
            self._questions[query] = remembered
            while len(self._questions) > _REMEMBERED_QUESTIONS:
                self._questions.popitem(last=False)
        return remembered

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.passages([text])[0].tolist()  # type: ignore[no-any-return]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self.passages(texts).tolist()  # type: ignore[no-any-return]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return unit


def _bundled(name: str, settings: Settings) -> tuple[Path, str]:
    model = weights.catalogue()[name]
    if model.role != "embedder":
        raise UserError(f"the setting embedder is {name}, a {model.role}. Name an embedder of index/weights.toml.")
    folder = weights.require(name, settings)
    expanded = folder / "expanded"
    if model.expand and not expanded.is_dir():
        e5.expand(folder / model.files[0].name, folder / "tokenizer.json", expanded)
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
    return SentenceTransformer(folder, device="cpu", local_files_only=True)
