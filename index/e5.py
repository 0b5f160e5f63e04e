"""Expand the 4-bit copy of multilingual-e5-small into an ordinary sentence-transformers folder.

The container ("E5S1", little-endian): a header, a tokenizer section (not used: the publisher's
tokenizer.json is), a directory of tensors, and their data, either f32 or 4-bit blocks of 32 weights
(an f16 scale, then 16 bytes: byte j holds weight j in its low nibble and weight j + 16 in its high one).
"""

from __future__ import annotations

import errno
import json
import shutil
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Where `expand` writes, beside the 4-bit copy. Renamed whenever what it writes changes: checkouts share the folder.
FOLDER = "expanded-3"
OUTDATED = ("expanded", "expanded-2")

MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 2 + BLOCK // 2
# The model's own prompts (its card: "each input text should start with query: or passage: ").
# sentence-transformers looks a document's prompt up under "document", never under "passage".
PROMPTS = {"query": "query: ", "document": "passage: "}
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class Header:
    """The model's shape, in the container's order."""

    version: int
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float
    block: int


class Container:
    """A parsed E5S1 file: its header, and tensors by name as flat f32 arrays."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        if self._data[:4] != MAGIC:
            raise ValueError(f"{path} does not begin with {MAGIC!r}")
        self._at = 4
        self.header = Header(*self._take("<I7ifi"))
        if self.header.block != BLOCK:
            raise ValueError(f"{path} has blocks of {self.header.block} weights, not {BLOCK}")
        self._skip_tokenizer()
        (count,) = self._take("<i")
        self._directory = dict(self._entry() for _ in range(count))

    def tensor(self, name: str) -> NDArray[np.float32]:
        """The values of `name`, flat, f32."""
        dtype, count, offset, size = self._directory[name]
        raw = np.frombuffer(self._data, np.uint8, size, offset)
        return raw.view("<f4").astype(np.float32) if dtype == 0 else _dequantize(raw)[:count]

    def _take(self, fmt: str) -> tuple[Any, ...]:
        values = struct.unpack_from(fmt, self._data, self._at)
        self._at += struct.calcsize(fmt)
        return values

    def _skip_tokenizer(self) -> None:
        pieces, *_special = self._take("<5i")
        (blob,) = self._take("<Q")
        self._at += (pieces + 1) * 4 + pieces * 4 + blob
        _kind, normalisation = self._take("<iI")
        self._at += normalisation

    def _entry(self) -> tuple[str, tuple[int, int, int, int]]:
        (length,) = self._take("<H")
        name = self._data[self._at : self._at + length].decode()
        self._at += length
        dtype, count, offset, size = self._take("<BIQQ")
        return name, (dtype, count, offset, size)


def _dequantize(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """4-bit blocks to f32: value = (nibble - 8) * scale."""
    blocks = raw.reshape(-1, BLOCK_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=1).astype(np.float32)
    return ((nibbles - 8.0) * scale).reshape(-1)


def expand(source: Path, tokenizer: Path, target: Path) -> None:
    """Write a sentence-transformers folder at `target`; it appears whole or not at all. Raises OSError.

    What earlier versions wrote beside it is deleted then: it is half a gigabyte.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".expanding-", dir=target.parent))
    try:
        _write_bert(Container(source), staging)
        shutil.copyfile(tokenizer, staging / "tokenizer.json")
        _write_configuration(staging, _added_tokens(tokenizer))
        staging.replace(target)
        for outdated in OUTDATED:
            shutil.rmtree(target.parent / outdated, ignore_errors=True)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        if not target.is_dir():  # a second process may have been first; its copy is as good
            raise


def _write_bert(container: Container, folder: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    h = container.header
    tensors = {
        "embeddings.word_embeddings.weight": container.tensor("emb.word").reshape(h.vocabulary, h.hidden),
        "embeddings.position_embeddings.weight": container.tensor("emb.pos").reshape(h.positions, h.hidden),
        "embeddings.token_type_embeddings.weight": container.tensor("emb.type").reshape(h.token_types, h.hidden),
        "embeddings.LayerNorm.weight": container.tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": container.tensor("emb.ln.b"),
    }
    for layer in range(h.layers):
        for short, long in LAYER_NAMES.items():
            weight = container.tensor(f"l{layer}.{short}.w")
            bias = container.tensor(f"l{layer}.{short}.b")
            matrix = weight if short in ("aln", "oln") else weight.reshape(bias.size, -1)
            tensors[f"encoder.layer.{layer}.{long}.weight"] = matrix
            tensors[f"encoder.layer.{layer}.{long}.bias"] = bias
    whole = {k: np.ascontiguousarray(v) for k, v in tensors.items()}
    try:
        save_file(whole, folder / "model.safetensors", {"format": "pt"})
    except SafetensorError as error:  # a full disk, without its number
        raise OSError(errno.ENOSPC, str(error)) from error
    _write_json(
        folder / "config.json",
        {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": h.hidden,
            "num_hidden_layers": h.layers,
            "num_attention_heads": h.heads,
            "intermediate_size": h.feed_forward,
            "vocab_size": h.vocabulary,
            "max_position_embeddings": h.positions,
            "type_vocab_size": h.token_types,
            "layer_norm_eps": h.epsilon,
            "hidden_act": "gelu",
            "pad_token_id": 1,
        },
    )


def _added_tokens(tokenizer: Path) -> dict[str, dict[str, Any]]:
    """{id: token} of those that stand beside the vocabulary, as tokenizer_config.json has them."""
    tokens = json.loads(tokenizer.read_text(encoding="utf-8"))["added_tokens"]
    return {str(token["id"]): {name: value for name, value in token.items() if name != "id"} for token in tokens}


def _write_configuration(folder: Path, added_tokens: Mapping[str, Mapping[str, Any]]) -> None:
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    _write_json(folder / "modules.json", modules)
    _write_json(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}
    )
    (folder / "2_Normalize").mkdir()
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False})
    _write_json(folder / "config_sentence_transformers.json", {"prompts": PROMPTS, "similarity_fn_name": "cosine"})
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "cls_token": "<s>"}
    _write_json(
        folder / "tokenizer_config.json",
        {
            # Reads tokenizer.json as it is; XLM-RoBERTa's own class is built from it anew, for seconds at every start.
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 512,
            "sep_token": "</s>",
            "mask_token": "<mask>",
            # Without them 17 MB of tokenizer.json are read twice at every start, once for these five.
            "added_tokens_decoder": added_tokens,
        }
        | special,
    )


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
