"""llama.cpp's server, run as a program of its own: `python -P rag/llama.py`, with its order as JSON on stdin.

Its constructor holds Python's lock for as long as it loads the weights. In a process of its own it does so while the
asking one imports its libraries, and no page stands still; and the asking process outlives a crash of the model.
It says where it listens in one line on stdout, and ends when stdin does, so that it never outlives who started it.
Nothing of this project is imported here: it has to be loading before that is there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from typing import Any


def _parameters(order: dict[str, Any]) -> Any:
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = order["model"]
    params.n_parallel = order["slots"]
    params.n_ctx = order["context"] * order["slots"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = order["threads"]
    params.cache_ram_mib = 0  # what is worth keeping is kept on disk (rag/prefixes.py)
    # Read, not mapped: llama.cpp repacks the weights, and a mapped file would stay resident beside the copy.
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.warmup = False
    params.ui = False
    params.endpoint_slots = True
    params.slot_save_path = order["prompts"]
    params.verbosity = -1
    _guess(params, xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE)
    params.hostnames, params.api_keys = [order["host"]], order["keys"]
    if order["keys"]:
        params.port = 0  # any free one
    return params


def _guess(params: Any, how: Any) -> None:
    """Have the next tokens guessed from what followed the last two where they stood before, and checked at once.

    An answer copies what it cites, and reading four tokens takes less than twice as long as writing one: llama.cpp's
    kernels for repacked weights take four at a time. What is written stays the model's own choice, token by token.
    """
    params.speculative.types = [how]
    guesses = params.speculative.ngram_simple
    guesses.size_n, guesses.size_m, guesses.min_hits = 2, 3, 1


def main() -> None:
    """Load the weights, say so, and serve until stdin ends."""
    import xllamacpp

    order = json.loads(sys.stdin.readline())
    server = xllamacpp.Server(_parameters(order))
    with suppress(BrokenPipeError):  # who started it has been killed
        print(server.listening_address, flush=True)
    sys.stdin.read()
    if not order["keys"]:  # the folder of the socket, which one that is killed leaves
        shutil.rmtree(os.path.dirname(order["host"]), ignore_errors=True)  # noqa: PTH120 - it starts sooner without
    os._exit(0)  # llama.cpp may be in the middle of a reply that nobody reads


if __name__ == "__main__":
    main()
