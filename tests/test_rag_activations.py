"""What is read out of a state that llama.cpp has saved, and what is refused; the real one is read in test_rag_model.py."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.activations import Unreadable, last_values

VALUES = np.arange(3 * 5 * 4, dtype=np.float32).reshape(3, 5, 4)  # of 3 layers, 5 tokens


def state(
    values: NDArray[np.float32] = VALUES, *, stream: int = 0, streams: int = 2, transposed: int = 0, kind: int = 1
) -> bytes:
    """A saved state of tokens with those value vectors, (layers, tokens, width), in one of several streams."""
    layers, tokens, width = values.shape
    written = struct.pack("<3I", 0x67677371, 4, tokens + 1) + b"\0" * 4 * (tokens + 1)
    written += struct.pack(f"<I{stream}I", streams, *[0] * stream) + struct.pack("<I", tokens)
    written += b"".join(struct.pack("<iIi", position, 1, stream) for position in range(tokens))
    written += struct.pack("<4I", transposed, layers, 0, 0)
    for part in (-values, values):  # keys, then values
        for layer in part:
            written += struct.pack("<iQ", kind, 2 * width) + layer.astype(np.float16).tobytes()
    return written + b"\0" * 4 * (streams - stream - 1)


@pytest.mark.parametrize("stream", [0, 1])
def test_the_last_tokens_values_are_read_of_the_layers_asked_for(stream: int) -> None:
    read = last_values(state(stream=stream), (2, 0))
    assert read.dtype == np.float32
    assert read.tolist() == [VALUES[2, -1].tolist(), VALUES[0, -1].tolist()]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"", "ends at 0 bytes"),
        (b"GGUF" + state()[4:], r"\(1179993927, 4\) at byte 8, \(1734833009, 4\) was expected"),
        (state()[:-20], "ends at|was expected"),
        (state() + b"\0", "bytes, .* were expected"),
        (state(transposed=1), "transposed: 1"),
        (state(kind=8), r"\(8,\) at byte"),
        (state(VALUES[:2]), r"2 layers .* \[2\] were expected"),
        (state(VALUES[:, :0]), "holds no token"),
    ],
)
def test_a_state_that_is_laid_out_otherwise_is_refused(written: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        last_values(written, (2,))
