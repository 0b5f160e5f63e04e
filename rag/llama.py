"""llama.cpp's server in a process of its own: `python -P rag/llama.py`, with its configuration as JSON on stdin.

The server's constructor holds Python's GIL while it loads the weights. In a separate process it can load while the
parent imports its libraries, the page never freezes, and the parent survives a crash of the model. It prints the
address it listens on as one line on stdout, and exits when stdin closes, so that it never outlives its parent. Nothing
of this project is imported here, so that loading starts at once.
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
    if order["adapter"]:
        adapter = xllamacpp.CommonAdapterLoraInfo()
        adapter.path, adapter.scale = order["adapter"], 1.0
        params.lora_adapters = [adapter]  # at work behind the token that it names, and nowhere else
    _guess(params, xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE)
    params.hostnames, params.api_keys = [order["host"]], order["keys"]
    if order["keys"]:
        params.port = 0  # any free one
    return params


def _guess(params: Any, how: Any) -> None:
    """Speculative decoding by n-grams: guess three tokens from what followed the last two earlier, and verify them.

    An answer copies what it cites, and evaluating four tokens takes less than twice as long as one: llama.cpp's kernels
    for repacked weights take four at a time. The text is still the model's own choice, token by token.
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
