"""A low-rank adapter of the embedder (LoRA; Hu et al. 2021): what its upper layers learnt from questions.

The embedder was trained to tell passages of the whole web apart. Here all candidates are paragraphs of one article,
and the questions are people's, often in quite other words. To a matrix of a layer, (out, in), the product of two thin
ones is added, (out, rank) and (rank, in). `python -m evals calibrate embedder` fits them, on development questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Matrices = Mapping[str, NDArray[np.float32]]

FILE = Path(__file__).with_name("adapter.safetensors")
# The matrices of a layer that it adds to, by their names in the model.
ADAPTED = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
UP, DOWN = ".up", ".down"


def adapt(model: SentenceTransformer, path: Path) -> None:
    """Add the adapter at `path` to the matrices of `model`, a BERT, in place."""
    import torch
    from safetensors.numpy import load_file

    matrices = load_file(path)
    bert: Any = model[0].auto_model
    parameters = dict(bert.encoder.named_parameters())
    with torch.no_grad():
        for name in sorted({key.removesuffix(UP) for key in matrices if key.endswith(UP)}):
            weight = parameters[f"{name}.weight"]
            added = matrices[name + UP].astype(np.float32) @ matrices[name + DOWN].astype(np.float32)
            weight.copy_((weight.float() + torch.from_numpy(added)).to(weight.dtype))


def write(matrices: Matrices, path: Path = FILE) -> None:
    """Write an adapter, {"layer.6.attention.self.query.up": (out, rank), "….down": (rank, in)}, in 16 bits."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(matrix, np.float16) for name, matrix in matrices.items()}, path)
