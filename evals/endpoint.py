"""The servers of a deployment, on loopback: Chroma's, and llama.cpp's as an OpenAI-compatible endpoint."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from index.errors import UserError
from index.settings import Settings
from index.weights import catalogue, require

KEY = "a-key"
_WINDOW = 2048  # tokens a slot


@contextmanager
def llama_server(settings: Settings, slots: int = 1) -> Iterator[str]:
    """The settings' generator_model behind an endpoint with `slots` requests at a time; yields its base URL."""
    import xllamacpp  # type: ignore[import-untyped]

    name, port = settings.generator_model, _free_port()
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


@contextmanager
def behind_endpoint(settings: Settings) -> Iterator[Settings]:
    """`settings` whose `openai` is their own generator_model, behind llama.cpp's server while the context lasts."""
    with llama_server(settings) as url:
        asked = {"openai_base_url": url, "openai_api_key": SecretStr(KEY), "openai_model": settings.generator_model}
        yield settings.model_copy(update={"generator": "openai", **asked})


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """A Chroma server that runs; `pid` is its process."""

    url: str
    pid: int


@contextmanager
def chroma_server(data: Path) -> Iterator[ChromaServer]:
    """`chroma run` over the folder `data`. Raises UserError where it does not come up."""
    port = _free_port()
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603 - the program that chromadb installs
        [*command, "--path", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=data
    ) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/api/v2/heartbeat", process)
            yield ChromaServer(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url, timeout=2).raise_for_status()
            return
        except httpx.HTTPError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise UserError(f"the Chroma server does not answer at {url} ({error}). Try it: chroma run") from None
            time.sleep(0.1)
