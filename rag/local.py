"""The `local` generator: a GGUF model through llama.cpp (xllamacpp), in this process, with no open port.

llama.cpp's server always listens; here it listens on a unix socket in a private folder (or, where the
system has none, on loopback behind a random key), and nobody is told.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from llama_index.core.base.llms.types import ChatMessage, LLMMetadata, MessageRole
from llama_index.core.bridge.pydantic import PrivateAttr

from index import weights
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language
from index.settings import Settings
from rag.generators import GeneratorFailed
from rag.llm import ChatLLM, Piece
from rag.prefixes import Prefixes
from rag.prompts import opened_by, opening_messages

CONTEXT = 4096  # tokens of a slot
# How many of the likeliest first tokens are told: for rag/opening.py. Costs nothing that can be measured.
FIRST_TOKENS = 400
_END = object()


def _nothing_stands() -> list[str | None]:
    return [None] * len(LANGUAGES)


class LocalLLM(ChatLLM):
    """A GGUF model behind llama-index's LLM interface. Loaded at first use or by `load`; safe across threads.

    One request is served at a time: two cores give two requests half the speed each, and the first reader
    would wait for the second.
    """

    name: str
    path: str
    threads: int
    max_tokens: int
    prompts: str
    prompts_room: int  # bytes

    _server: Any = PrivateAttr(default=None)
    _prefixes: Prefixes = PrivateAttr()
    # What each slot begins with: the excerpt behind its language's opening, "" for the opening alone, None for neither.
    _standing: list[str | None] = PrivateAttr(default_factory=_nothing_stands)
    _openings: dict[Language, str] = PrivateAttr(default_factory=dict)
    _loading: Any = PrivateAttr(default_factory=threading.Lock)
    _turn: Any = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def from_settings(cls, settings: Settings) -> LocalLLM:
        """The model the settings name. Raises WeightsMissing or UserError when it is not there."""
        name = settings.generator_model
        if name in weights.catalogue():
            model = weights.catalogue()[name]
            if model.role != "generator":
                raise UserError(
                    f"the setting generator_model is {name}, an {model.role}. Name a generator or a GGUF file."
                )
            path = weights.require(name, settings) / model.files[0].name
        else:
            path = _gguf(Path(name).expanduser())
            name = path.stem
        return cls(
            name=name,
            path=str(path),
            threads=settings.cpu_threads,
            max_tokens=settings.answer_tokens,
            prompts=str(settings.home / "prompts"),
            prompts_room=settings.prompts_megabytes * 10**6,
        )

    @property
    def metadata(self) -> LLMMetadata:
        """The model's name and window."""
        return LLMMetadata(context_window=CONTEXT, num_output=self.max_tokens, is_chat_model=True, model_name=self.name)

    def load(self) -> None:
        """Load the weights (seconds); does nothing when they are loaded."""
        with self._loading:
            if self._server is None:
                Path(self.prompts).mkdir(parents=True, exist_ok=True)
                self._server, self._prefixes = _start(Path(self.path), self.threads, Path(self.prompts))
                self._prefixes = replace(self._prefixes, room=self.prompts_room)

    def warm(self) -> None:
        """Load, and evaluate what all questions of a language share, where no earlier process has kept it."""
        self.load()
        for slot, language in enumerate(LANGUAGES):
            with self._turn:
                self._stand(slot, language)

    def prepare(self, messages: Sequence[ChatMessage]) -> bool:
        """Evaluate the start of a prompt ahead and keep it on disk; whether there was anything to do.

        `messages` are an opening and a first excerpt (`prompts.leading_messages`). Nothing is done where the disk that
        is allowed for it is full. Raises UserError where it cannot be kept.
        """
        opened = opened_by(messages)
        if opened is None:
            return False
        self.load()
        language, excerpt = opened
        opening = self._opening(language)
        with self._turn:
            if self._prefixes.has_lead(opening, excerpt) or not self._prefixes.has_room():
                return False
            slot = self._placed(messages)
            self._evaluate(messages, slot)
            if not self._prefixes.save_lead(slot, opening, excerpt):
                raise UserError(
                    f"what the model has read ahead cannot be kept in {self.prompts}. Make room there, or set "
                    f"prompts_megabytes = 0 (now {self.prompts_room // 10**6}) so that nothing is read ahead."
                )
        return True

    def _opening(self, language: Language) -> str:
        """The name of the language's opening; nothing that it depends on changes in a process."""
        if language not in self._openings:
            self._openings[language] = self._prefixes.name(language, opening_messages(language))
        return self._openings[language]

    def _placed(self, messages: Sequence[ChatMessage]) -> int:
        """The slot for `messages`, brought to the longest start of them that is kept. The turn must be held."""
        opened = opened_by(messages)
        if opened is None:
            self._standing[0] = None
            return 0
        language, excerpt = opened
        slot = LANGUAGES.index(language)
        if self._standing[slot] != excerpt and not self._lead_restored(slot, language, excerpt):
            self._stand(slot, language)
        self._standing[slot] = excerpt
        return slot

    def _lead_restored(self, slot: int, language: Language, excerpt: str) -> bool:
        if not self.prompts_room:
            return False
        opening = self._opening(language)
        return self._prefixes.has_lead(opening, excerpt) and self._prefixes.restore_lead(slot, opening, excerpt)

    def _stand(self, slot: int, language: Language) -> None:
        """Have the slot begin with the language's opening. The turn must be held."""
        if self._standing[slot] is not None:
            return  # it does already; llama.cpp keeps what two prompts share
        opening = opening_messages(language)
        if not self._prefixes.restore(slot, language, opening):
            self._evaluate([*opening, ChatMessage(role=MessageRole.USER, content="")], slot)
            self._prefixes.save(slot, language, opening)
        self._standing[slot] = ""

    def _evaluate(self, messages: Sequence[ChatMessage], slot: int) -> None:
        """Have llama.cpp read `messages` in that slot. The turn must be held."""
        for _ in self._serve({**_request(messages), "max_tokens": 1, "id_slot": slot}):
            pass

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        """The reply's pieces."""
        self.load()
        with self._turn:
            slot = self._placed(messages)
            limit = kwargs.get("max_tokens", self.max_tokens)
            yield from self._serve({**_request(messages), "max_tokens": limit, "id_slot": slot})

    def _serve(self, request: dict[str, Any]) -> Iterator[Piece]:
        """What llama.cpp replies.

        It calls back from its own thread and swallows what the callback raises, so the callback only passes chunks
        on through a queue; returning True stops the model.
        """
        chunks: queue.Queue[Any] = queue.Queue()
        stop = threading.Event()

        def on_chunk(chunk: Any) -> bool:
            chunks.put(chunk)
            return stop.is_set()

        def serve() -> None:
            try:
                self._server.handle_chat_completions(request, on_chunk)
            except Exception as error:  # handed to the reader of the queue, which raises it
                chunks.put(error)
            finally:
                chunks.put(_END)

        worker = threading.Thread(target=serve, name="llama.cpp", daemon=True)
        worker.start()
        try:
            yield from _read(chunks)
        finally:
            stop.set()
            worker.join()


def _read(chunks: queue.Queue[Any]) -> Iterator[Piece]:
    asked_first = False
    while (chunk := chunks.get()) is not _END:
        if isinstance(chunk, Exception):
            raise GeneratorFailed(str(chunk)) from chunk
        _refuse_error(chunk)
        if chunk.get("usage"):  # the last
            yield Piece(usage=_usage(chunk))
        for choice in chunk.get("choices", ()):
            if delta := choice.get("delta", {}).get("content"):
                # The cost with the first piece too: a reply that is stopped there has no last chunk.
                yield Piece(delta) if asked_first else Piece(delta, _first(choice), _usage(chunk))
                asked_first = True


def _first(choice: dict[str, Any]) -> dict[str, float] | None:
    content = (choice.get("logprobs") or {}).get("content") or []
    return {entry["token"]: entry["logprob"] for entry in content[0]["top_logprobs"]} if content else None


def _usage(chunk: dict[str, Any]) -> dict[str, int] | None:
    """llama.cpp's counts so far: the whole prompt, how much of it was kept from before, and what was written."""
    if not (timings := chunk.get("timings")):
        return None
    kept = int(timings.get("cache_n", 0))
    return {
        "prompt_tokens": kept + int(timings.get("prompt_n", 0)),
        "cached_tokens": kept,
        "completion_tokens": int(timings.get("predicted_n", 0)),
    }


def _request(messages: Sequence[ChatMessage]) -> dict[str, Any]:
    return {
        "messages": [{"role": message.role.value, "content": message.content or ""} for message in messages],
        "temperature": 0.0,
        "seed": 1,
        "cache_prompt": True,
        "stream": True,
        "stream_options": {"include_usage": True},
        "timings_per_token": True,
        "logprobs": True,
        "top_logprobs": FIRST_TOKENS,
    }


def _refuse_error(reply: Any) -> None:
    if isinstance(reply, dict) and "error" in reply:
        raise GeneratorFailed(str(reply["error"].get("message", reply["error"])))


def _gguf(path: Path) -> Path:
    if not path.is_file():
        known = ", ".join(name for name, model in weights.catalogue().items() if model.role == "generator")
        raise UserError(f"the setting generator_model is {str(path)!r}: neither a GGUF file nor one of {known}.")
    with path.open("rb") as source:
        magic = source.read(4)
    if magic != b"GGUF":
        raise UserError(f"{path} begins with {magic!r}, a GGUF file begins with b'GGUF'. Give another file.")
    return path


def _start(path: Path, threads: int, prompts: Path) -> tuple[Any, Prefixes]:
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    # A slot a language: each keeps the part of the prompt that all its questions share.
    params.n_parallel = len(LANGUAGES)
    params.n_ctx = CONTEXT * params.n_parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0  # what is worth keeping is kept on disk (rag/prefixes.py)
    # Read, not mapped: llama.cpp repacks the weights, and a mapped file would stay resident beside the copy.
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.warmup = False
    params.ui = False
    params.endpoint_slots = True
    params.slot_save_path = f"{prompts}{os.sep}"
    params.verbosity = -1
    folder = tempfile.mkdtemp(prefix="duizhao-")  # mode 0700: only this user can reach the socket
    atexit.register(shutil.rmtree, folder, True)
    if hasattr(socket, "AF_UNIX"):
        params.hostnames = [str(Path(folder) / "llama.sock")]
    else:
        params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [secrets.token_hex(32)]
    with _quiet():
        server = xllamacpp.Server(params)
    return server, _prefixes(server, path, prompts, params)


def _prefixes(server: Any, path: Path, prompts: Path, params: Any) -> Prefixes:
    if hasattr(socket, "AF_UNIX"):
        return Prefixes(prompts, path, httpx.HTTPTransport(uds=params.hostnames[0]), {})
    address = str(server.listening_address).rstrip("/")
    return Prefixes(prompts, path, httpx.HTTPTransport(), {"Authorization": f"Bearer {params.api_keys[0]}"}, address)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep llama.cpp's own loading report off the terminal; it writes past Python, to descriptor 2."""
    sys.stderr.flush()
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
