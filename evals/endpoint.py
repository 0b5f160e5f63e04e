"""llama.cpp's own server on loopback: an OpenAI-compatible endpoint with the default model, as a deployment has one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from index.settings import Settings
from index.weights import catalogue, require

KEY = "a-key"
_WINDOW = 2048  # tokens a slot


@contextmanager
def llama_server(settings: Settings, slots: int = 1) -> Iterator[str]:
    """The settings' generator_model behind an endpoint with `slots` requests at a time; yields its base URL."""
    import xllamacpp  # type: ignore[import-untyped]

    name = settings.generator_model
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    params: Any = xllamacpp.CommonParams()
    params.model.path = str(require(name, settings) / catalogue()[name].files[0].name)
    params.n_ctx, params.n_parallel = _WINDOW * slots, slots
    params.warmup, params.ui, params.verbosity = False, False, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.cpu_threads
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], port, [KEY]
    server = xllamacpp.Server(params)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        del server
