"""The `local` generator: a GGUF model through llama.cpp (xllamacpp), in a process of its own, with no open port.

llama.cpp's server always listens; here it listens on a unix socket in a private folder (or, where the
system has none, or none with a path so long, on loopback behind a random key), and nobody is told.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import httpx
from llama_index.core.base.llms.types import ChatMessage, LLMMetadata, MessageRole
from llama_index.core.bridge.pydantic import PrivateAttr

from index import weights
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, digest
from index.settings import Settings
from rag.activations import Unreadable, last_values
from rag.generators import GeneratorFailed
from rag.llm import ChatLLM, Piece
from rag.prefixes import Prefixes
from rag.prompts import marked, opened_by, opening_messages, translated_from, translating_messages

CONTEXT = 4096  # tokens of a slot
# How many of the likeliest first tokens are told, for the log odds of two of them. llama.cpp tells them of every token
# or of none, which costs a twelfth of the speed at which it writes.
FIRST_TOKENS = 400
_TELLING_TOKENS = {"logprobs": True, "top_logprobs": FIRST_TOKENS}
_PROGRAM = Path(__file__).with_name("llama.py")
_EVENT = "data: "
_SECONDS = 600  # without a word of a reply
_SLOT_SECONDS = 30
_ENDING_SECONDS = 2
_LONGEST_SOCKET = 103  # bytes of its path: what every system has room for
# Questions read lately whose state is kept: as many as paragraphs are read for one, of which the best is gone on with.
_RESTS = 4


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
    # The layers whose value vectors are told with the first piece of a reply to a question (rag/activations.py).
    layers: tuple[int, ...] = ()
    # What it reads a question through (rag/opening.py); "" for none.
    adapter: str = ""

    _server: _Server | None = PrivateAttr(default=None)
    _prefixes: Prefixes = PrivateAttr()
    # What each slot begins with: the excerpt behind its language's opening, "" for the opening alone, None for neither.
    _standing: list[str | None] = PrivateAttr(default_factory=_nothing_stands)
    _names: dict[str, str] = PrivateAttr(default_factory=dict)
    # What stood in a slot once a question had been read, by the prompt; the last _RESTS of them.
    _rests: dict[str, Path] = PrivateAttr(default_factory=dict)
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

    def begin(self) -> None:
        """Have the weights loaded in the background, again where llama.cpp has crashed; returns at once."""
        with self._loading:
            if self._server is not None and self._server.is_running:
                return
            prompts = Path(self.prompts)
            prompts.mkdir(parents=True, exist_ok=True)
            self._server = _Server(Path(self.path), self.adapter, self.threads, prompts)
            self._prefixes = Prefixes(prompts, Path(self.path), self._server, self.prompts_room)
            self._prefixes.sweep()
            self._rests = {}  # those of one that has crashed go with it, which may be later
            weakref.finalize(self._server, _delete_all, self._rests)
            self._standing = _nothing_stands()

    def load(self) -> _Server:
        """Wait until the weights are loaded (seconds). Raises GeneratorFailed where llama.cpp cannot load them."""
        try:
            self.begin()
        except OSError as error:  # a folder that cannot be made, no room for the socket's
            raise GeneratorFailed(f"llama.cpp cannot be started: {error}") from error
        server = self._server
        assert server is not None
        server.wait()
        return server

    @property
    def pid(self) -> int | None:
        """The process that llama.cpp runs in; None before `begin`."""
        return self._server.pid if self._server else None

    def warm(self) -> None:
        """Load, and evaluate what all questions of a language share, where no earlier process has kept it."""
        for slot, language in enumerate(LANGUAGES):
            with self._turn:
                for _ in self._asked_again(partial(self._warmed, slot, language)):
                    pass

    def _warmed(self, slot: int, language: Language) -> Iterator[Piece]:
        """No piece, as nothing is asked. The turn must be held."""
        self.load()
        self._stand(slot, language)
        yield from ()

    def prepare(self, messages: Sequence[ChatMessage]) -> bool:
        """Evaluate the start of a prompt ahead and keep it on disk; whether there was anything to do.

        `messages` are an opening and a first excerpt (`prompts.leading_messages`), or what every translation begins
        with. Nothing is done where the disk that is allowed for it is full. Raises UserError where it cannot be kept.
        """
        opened = opened_by(messages)
        if opened is None:
            return self._prepared_to_translate(messages)
        self.load()
        language, excerpt = opened
        opening = self._opening(language)
        with self._turn:
            if self._prefixes.has_lead(opening, excerpt) or not self._has_room():
                return False
            for _ in self._asked_again(lambda: self._replied(messages, 1)):
                pass
            if not self._prefixes.save_lead(LANGUAGES.index(language), opening, excerpt):
                raise UserError(
                    f"what the model has read ahead cannot be kept in {self.prompts}. Make room there, or set "
                    f"prompts_megabytes = 0 (now {self.prompts_room // 10**6}) so that nothing is read ahead."
                )
        return True

    def _has_room(self) -> bool:
        return self._prefixes.has_room([self._opening(language) for language in LANGUAGES])

    def _prepared_to_translate(self, messages: Sequence[ChatMessage]) -> bool:
        language = translated_from(messages)
        if language is None:
            return False
        self.load()
        with self._turn:
            if self._prefixes.has(self._name(_translating(language), messages)):
                return False
            self._placed_to_translate(language)
        return True

    def _opening(self, language: Language) -> str:
        """The name of the language's opening."""
        return self._name(language, opening_messages(language))

    def _name(self, label: str, opening: Sequence[ChatMessage]) -> str:
        """The name of an opening, one for each label; nothing that it depends on changes in a process."""
        if label not in self._names:
            self._names[label] = self._prefixes.name(label, opening)
        return self._names[label]

    def _placed(self, messages: Sequence[ChatMessage]) -> int:
        """The slot for `messages`, brought to the longest start of them that is kept. The turn must be held."""
        opened = opened_by(messages)
        if opened is None:
            return self._placed_behind_no_opening(messages)
        language, excerpt = opened
        slot = LANGUAGES.index(language)
        if self._standing[slot] != excerpt and not (
            self._resumed(slot, messages) or self._lead_restored(slot, language, excerpt)
        ):
            self._stand(slot, language)
        self._standing[slot] = excerpt
        return slot

    def _resumed(self, slot: int, messages: Sequence[ChatMessage]) -> bool:
        """Whether a reply that is begun finds its paragraph read: another one was read since."""
        rest = self._rests.get(_key(messages[:-1])) if _is_begun(messages) else None
        return rest is not None and self._prefixes.resume(slot, rest)

    def _placed_behind_no_opening(self, messages: Sequence[ChatMessage]) -> int:
        language = translated_from(messages)
        if language:
            return self._placed_to_translate(language)
        self._standing[0] = None
        return 0

    def _placed_to_translate(self, language: Language) -> int:
        """The slot in which a translation from `language` goes on. The turn must be held."""
        slot = LANGUAGES.index(language)
        self._standing[slot] = None
        self._begin_with(translating_messages(language), _translating(language), slot)
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
        self._begin_with(opening_messages(language), language, slot)
        self._standing[slot] = ""

    def _begin_with(self, opening: Sequence[ChatMessage], label: str, slot: int) -> None:
        """Have the slot begin with `opening`, kept under `label`. The turn must be held."""
        name = self._name(label, opening)
        if not self._prefixes.restore(slot, name):
            self._evaluate([*opening, ChatMessage(role=MessageRole.USER, content="")], slot)
            self._prefixes.save(slot, name)

    def _evaluate(self, messages: Sequence[ChatMessage], slot: int) -> None:
        """Have llama.cpp read `messages` in that slot. The turn must be held."""
        for _ in self._serve({**_request(messages), "max_tokens": 1, "id_slot": slot}):
            pass

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        limit = kwargs.get("max_tokens", self.max_tokens)
        with self._turn:
            yield from self._asked_again(lambda: self._replied(messages, limit))

    def _asked_again(self, reply: Callable[[], Iterator[Piece]]) -> Iterator[Piece]:
        """The reply's pieces. What breaks off before its first is asked once more, of llama.cpp loaded anew."""
        is_begun = False
        try:
            for piece in reply():
                is_begun = True
                yield piece
        except BrokenOff:
            if is_begun:
                raise
            yield from reply()

    def _replied(self, messages: Sequence[ChatMessage], limit: int) -> Iterator[Piece]:
        """The reply of a slot that stands where the prompt begins. The turn must be held."""
        self.load()
        slot = self._placed(messages)
        is_listened_to = listens(messages)
        request = {**_request(self._marked(messages) if is_listened_to else messages), "id_slot": slot}
        opening = self._opened(request, slot, _key(messages)) if is_listened_to and self.layers and limit > 1 else None
        if opening:
            yield opening
        if is_listened_to and not (opening and opening.first):
            request |= _TELLING_TOKENS
        for piece in self._serve({**request, "max_tokens": limit}):
            yield _behind(opening, piece) if opening else piece

    def _marked(self, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """What asks a question, as the adapter reads it. What is written then is the model's own, without it."""
        opened = opened_by(messages) if self.adapter else None
        return marked(messages, opened[0]) if opened else messages

    def _opened(self, request: dict[str, Any], slot: int, key: str) -> Piece:
        """What the model holds before its first word: no text, the likeliest tokens, and the state of `layers`.

        One token is written, and then nothing, because a slot is saved only where it rests. It is not the model's word:
        that is asked for behind the prompt that is evaluated now, and costs one token more. What is saved is kept
        under `key`: of the paragraphs that are read for a question a reply goes on about the best.
        """
        heard = Piece()
        for piece in self._serve({**request, **_TELLING_TOKENS, "max_tokens": 1}):
            heard = Piece(first=heard.first or piece.first, usage=piece.usage or heard.usage)
        rest = self._rested(slot, key)
        if rest is None:
            return heard
        try:
            return replace(heard, inside=last_values(rest.read_bytes(), self.layers))
        except OSError:
            return heard
        except Unreadable as error:
            raise GeneratorFailed(f"llama.cpp's saved state cannot be read: {error}") from error

    def _rested(self, slot: int, key: str) -> Path | None:
        """The file of what stands in the slot, in place of the one that was kept longest."""
        rest = self._prefixes.rest(slot)
        outdated = [self._rests.pop(key)] if key in self._rests else []
        if rest is not None:
            self._rests[key] = rest
        while len(self._rests) > _RESTS:
            outdated.append(self._rests.pop(next(iter(self._rests))))
        for path in outdated:
            path.unlink(missing_ok=True)
        return rest

    def _serve(self, request: dict[str, Any]) -> Iterator[Piece]:
        """What llama.cpp replies; closing the iterator stops it."""
        assert self._server is not None
        yield from _read(self._server.chunks(request))


def listens(messages: Sequence[ChatMessage]) -> bool:
    """Whether `messages` ask a question whose answer the model has not begun: what it holds then is worth telling."""
    return opened_by(messages) is not None and not _is_begun(messages)


def _translating(language: Language) -> str:
    """What the opening of translations from a language is kept under, beside that of its answers."""
    return f"translating-{language}"


def _key(messages: Sequence[ChatMessage]) -> str:
    """What a prompt is known by."""
    return digest([message.content or "" for message in messages])


def _delete_all(rests: dict[str, Path]) -> None:
    for rest in rests.values():
        rest.unlink(missing_ok=True)
    rests.clear()


def _is_begun(messages: Sequence[ChatMessage]) -> bool:
    """Whether the last message is a reply to go on with; its first word is chosen already."""
    return messages[-1].role == MessageRole.ASSISTANT


class BrokenOff(GeneratorFailed):
    """llama.cpp ended, or stopped answering, in the middle of a reply."""


class _Server:
    """llama.cpp in a process of its own (rag/llama.py), being loaded from the moment this is made.

    It ends with this object, and with this process, however that ends.
    """

    def __init__(self, model: Path, adapter: str, threads: int, prompts: Path) -> None:
        folder = tempfile.mkdtemp(prefix="duizhao-")  # mode 0700: only this user can reach the socket
        path = str(Path(folder) / "llama.sock")
        self._socket = path if hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) <= _LONGEST_SOCKET else None
        self._keys = [] if self._socket else [secrets.token_hex(32)]
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        # A session of its own: what stops this process in a terminal leaves it to come to an end by itself.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        weakref.finalize(self, _end, self._process, self._errors, folder)
        self._prompts = prompts
        self._waiting = threading.Lock()
        self._client: httpx.Client | None = None
        order = {
            "model": str(model),
            "adapter": adapter,
            "threads": threads,
            "slots": len(LANGUAGES),  # each keeps the part of the prompt that all questions of a language share
            "context": CONTEXT,
            "prompts": f"{prompts}{os.sep}",
            "host": self._socket or "127.0.0.1",
            "keys": self._keys,
        }
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended already; `wait` says why
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it is loading or serving."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Wait until it serves. Raises GeneratorFailed where it has ended instead."""
        with self._waiting:
            if self._client is None:
                self._client = self._connected()

    def _connected(self) -> httpx.Client:
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        if not address:
            self._process.wait()
            self._errors.seek(0)
            last = (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]
            raise GeneratorFailed(f"llama.cpp ended with status {self._process.returncode}: {last}")
        # Each request connects anew: the server closes idle connections, and one closed just now is no crash. The
        # limits are the transport's; the client's own are for a transport that it makes itself.
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(
            transport=httpx.HTTPTransport(uds=self._socket, limits=limits),
            base_url="http://llama" if self._socket else address,  # any name will do for a socket
            headers={"Authorization": f"Bearer {self._keys[0]}"} if self._keys else {},
            timeout=_SECONDS,
        )
        weakref.finalize(self, client.close)
        return client

    def chunks(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The chunks of a streamed chat completion. Raises GeneratorFailed for a refusal, BrokenOff for a crash."""
        assert self._client is not None
        if not self.is_running:
            raise BrokenOff(f"llama.cpp stopped answering ({self._ended()})")
        try:
            with self._client.stream("POST", "/v1/chat/completions", json=request) as reply:
                if reply.status_code != httpx.codes.OK:
                    reply.read()
                    raise GeneratorFailed(_reason(reply.json()) or reply.text)
                for line in reply.iter_lines():
                    if line.startswith(_EVENT + "{"):
                        yield json.loads(line.removeprefix(_EVENT))
        except httpx.HTTPError as error:
            raise BrokenOff(
                f"llama.cpp stopped answering ({self._ended()}): {error or type(error).__name__}"
            ) from error

    def _ended(self) -> str:
        """How the process ended; one that has not is ended: it is stuck, and would be asked again."""
        try:
            return f"it ended with status {self._process.wait(_ENDING_SECONDS)}"
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return "it was still running"

    def act(self, slot: int, action: str, name: str) -> bool:
        """Have it save or restore a slot's state in a file of the prompts' folder; whether that went well."""
        assert self._client is not None
        try:
            reply = self._client.post(
                f"/slots/{slot}", params={"action": action}, json={"filename": name}, timeout=_SLOT_SECONDS
            )
        except httpx.TimeoutException:
            return False
        except httpx.HTTPError:
            self._ended()  # so that nothing more is asked of it
            return False
        if reply.status_code != httpx.codes.OK:
            return False
        # llama.cpp does not see that a disk is full where only the last bytes find no room.
        return action == "restore" or (self._prompts / name).stat().st_size == reply.json()["n_written"]


def _end(process: subprocess.Popen[str], errors: IO[str], folder: str) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it has ended before
        process.stdin.close()
    process.stdout.close()
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # still loading: nothing is lost
        process.wait()
    errors.close()
    shutil.rmtree(folder, ignore_errors=True)


def _read(chunks: Iterator[dict[str, Any]]) -> Iterator[Piece]:
    asked_first = False
    for chunk in chunks:
        if reason := _reason(chunk):
            raise GeneratorFailed(reason)
        if chunk.get("usage"):  # the last
            yield Piece(usage=_usage(chunk))
        for choice in chunk.get("choices", ()):
            if delta := choice.get("delta", {}).get("content"):
                # The cost with the first piece too: a reply that is stopped there has no last chunk.
                yield Piece(delta) if asked_first else Piece(delta, _first(choice), _usage(chunk))
                asked_first = True
            if choice.get("finish_reason") == "length":
                yield Piece(is_cut=True)


def _behind(opening: Piece, piece: Piece) -> Piece:
    """A piece of a reply whose opening is told: of the prompt, no more was kept from before than the opening says."""
    kept = {name: count for name, count in (opening.usage or {}).items() if name == "cached_tokens"}
    first = None if opening.first else piece.first  # a token that is part of a character is told with the whole
    return replace(piece, first=first, usage={**piece.usage, **kept} if piece.usage else None)


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
    }


def _reason(reply: dict[str, Any]) -> str | None:
    """What llama.cpp says is wrong; None where nothing is."""
    error = reply.get("error")
    return str(error.get("message", error) if isinstance(error, dict) else error) if error else None


def _gguf(path: Path) -> Path:
    if not path.is_file():
        known = ", ".join(name for name, model in weights.catalogue().items() if model.role == "generator")
        raise UserError(f"the setting generator_model is {str(path)!r}: neither a GGUF file nor one of {known}.")
    with path.open("rb") as source:
        magic = source.read(4)
    if magic != b"GGUF":
        raise UserError(f"{path} begins with {magic!r}, a GGUF file begins with b'GGUF'. Give another file.")
    return path
