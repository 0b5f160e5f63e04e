"""A linear layer that learns (LoRA; Hu et al. 2021): how both adapters are fitted, the embedder's and the reader's."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class LowRank(nn.Module):
    """A linear layer to which the product of two thin matrices is added, unless it is `idle`."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self._linear = linear
        self.idle = False
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / math.sqrt(linear.in_features))

    def forward(self, values: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        told: Tensor = self._linear(values)
        if self.idle:
            return told
        thin = functional.linear(values, self.down.to(values.dtype))
        return told + functional.linear(thin, self.up.to(values.dtype))


def adapted(layer: nn.Module, name: str, rank: int) -> LowRank:
    """The matrix of that name, adapted, in its place in the layer."""
    within, _, last = name.rpartition(".")
    holder = layer.get_submodule(within)
    matrix = LowRank(holder.get_submodule(last), rank)  # type: ignore[arg-type] # a linear layer
    setattr(holder, last, matrix)
    return matrix
