"""A model's activations at the end of a prompt: the last token's value vectors, parsed from llama.cpp's saved state.

A layer's value vector is a linear map of the hidden state that enters it (256 numbers from 1,536 in the default model),
so it shows what the middle layers have made of the prompt. llama.cpp exposes no hidden states, but it can save the
state of a slot, the keys and values of every token, to a file.

The layout is that of llama.cpp's `llama_state_seq_save_file` and `llama_kv_cache::state_write`. It is not stable, so a
file that does not add up to the last byte is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x67677371  # "ggsq"
_VERSION = 4
_F16 = 1  # of ggml_type


class Unreadable(Exception):
    """A saved state that is laid out in another way."""


class _Reader:
    def __init__(self, state: bytes | memoryview) -> None:
        self.state = memoryview(state)
        self.at = 0

    def take(self, layout: str) -> tuple[int, ...]:
        try:
            values = struct.unpack_from(f"<{layout}", self.state, self.at)
        except struct.error as error:
            raise Unreadable(f"the state ends at {len(self.state)} bytes, more were expected") from error
        self.at += struct.calcsize(f"<{layout}")
        return values

    def expect(self, layout: str, *wanted: int) -> None:
        if (found := self.take(layout)) != wanted:
            raise Unreadable(f"the state has {found} at byte {self.at}, {wanted} was expected")


def last_values(state: bytes | memoryview, layers: Sequence[int]) -> NDArray[np.float32]:
    """The value vectors of the last token at `layers`, (layers, width), from a saved state of one sequence.

    Raises Unreadable for a layout that is not known, and for layers that the model does not have.
    """
    reader = _Reader(state)
    reader.expect("II", _MAGIC, _VERSION)
    (tokens,) = reader.take("I")
    reader.at += 4 * tokens
    (streams,) = reader.take("I")
    for at in range(streams):  # a stream a slot; those of the others are empty
        (cells,) = reader.take("I")
        if cells:
            values = _values(reader, cells, layers)
            reader.expect(f"{streams - at - 1}I", *[0] * (streams - at - 1))
            break
    else:
        raise Unreadable("the state holds no token")
    if reader.at != len(reader.state):
        raise Unreadable(f"the state has {len(reader.state)} bytes, {reader.at} were expected")
    return values


def _values(reader: _Reader, cells: int, layers: Sequence[int]) -> NDArray[np.float32]:
    positions = []
    for _ in range(cells):
        position, sequences = reader.take("iI")
        reader.at += 4 * sequences
        positions.append(position)
    last = int(np.argmax(positions))
    transposed, count = reader.take("II")
    if transposed or any(not 0 <= layer < count for layer in layers):
        raise Unreadable(f"the state has {count} layers (transposed: {transposed}), {list(layers)} were expected")
    reader.expect("II", 0, 0)  # neither keys nor values are rotated
    for _ in range(count):  # the keys, which depend on the place in the prompt
        row = _row(reader)
        reader.at += cells * row
    rows = [_vector(reader, cells, last) for _ in range(count)]
    return np.stack([rows[layer] for layer in layers])


def _row(reader: _Reader) -> int:
    reader.expect("i", _F16)
    (row,) = reader.take("Q")
    return row


def _vector(reader: _Reader, cells: int, last: int) -> NDArray[np.float32]:
    row = _row(reader)
    start = reader.at + last * row
    reader.at += cells * row
    if reader.at > len(reader.state):
        raise Unreadable(f"the state ends at {len(reader.state)} bytes, {reader.at} were expected")
    return np.frombuffer(reader.state[start : start + row], np.float16).astype(np.float32)
