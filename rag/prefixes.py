"""The prompt cache: the model's state after the start of a prompt, kept on disk so that it is evaluated only once.

There are two kinds of entry. An *opening* is the start that all questions in a language share (instructions and worked
examples), or all translations from it. (Not to be confused with the opening of a reply, rag/listen.py.) A *lead* is an
opening followed by one whole paragraph: the start of every prompt about that paragraph, so that a question costs only
its own tokens. A lead's state repeats that of its opening, so only the difference is kept (compressed with the
opening's state as zstd's dictionary): some 28 KB a token, decompressed in ten milliseconds.

llama.cpp can write the state of a slot to a file and read it back, but only through its HTTP server. A file is named by
everything that its content depends on. Outdated files are deleted, and one that cannot be read is evaluated again.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

import zstandard
from llama_index.core.llms import ChatMessage

from index.paragraphs import digest

# Raise this whenever what is kept is laid out otherwise: what was kept before is deleted and evaluated again.
_LAYOUT = 2
# The window must hold an opening and a lead; both are some 20 MB.
_WINDOW_LOG = 26
# Room for what is looked up in an opening: with less, four times as much is kept of a lead.
_HASH_LOG = 22
# Bytes of a long lead, and for how many seconds its use keeps what is kept from being deleted.
_A_LEAD = 10**7
_LATELY = 7 * 24 * 3600
_LEAD = ".lead"
_PASSING = ".passing"  # what is not to stay
_LEFT = 3600  # seconds after which nobody is coming back for it


class Slots(Protocol):
    """Where states stand while they are in use: llama.cpp's server."""

    def act(self, slot: int, action: Literal["save", "restore"], name: str) -> bool:
        """Have it write the state of a slot to the file of that name in the folder, or read it back; success."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The states of one model's prompts in `folder`, to which the server of `slots` writes them.

    `room`: how many bytes the leads may take; the longest unused ones go first.
    """

    folder: Path
    model: Path
    slots: Slots
    room: int = 10**9

    def restore(self, slot: int, name: str) -> bool:
        """Whether a state kept earlier for the opening of that name now stands in the slot.

        What cannot be read back is deleted, and may be evaluated and kept again: llama.cpp dies of a state that is cut
        short, and would at every start.
        """
        if not self.has(name):
            return False
        if self.slots.act(slot, "restore", name):
            _use(self.folder / name)
            return True
        _delete(self.folder / name)
        return False

    def has(self, name: str) -> bool:
        """Whether a state is kept for the opening of that name."""
        return (self.folder / name).is_file()

    def save(self, slot: int, name: str) -> bool:
        """Keep the slot's state for the opening of that name; whether that went well.

        Others of its label that nobody used lately go. Another model, or another version of this program, may share
        the folder: what it uses stays.
        """
        with self._passing(name) as passing:
            if not self.slots.act(slot, "save", passing.name):
                return False
            passing.replace(self.folder / name)
        label, _, _ = name.rpartition("-")
        for old in self.folder.glob(f"{label}-*"):
            with suppress(OSError):  # another process has just deleted it
                if not old.name.startswith(name) and time.time() - old.stat().st_mtime > _LATELY:
                    _delete(old)
        return True

    def has_lead(self, opening: str, lead: str) -> bool:
        """Whether the state of `lead` behind the opening of that name is kept."""
        return self._lead(opening, lead).is_file()

    def restore_lead(self, slot: int, opening: str, lead: str) -> bool:
        """Whether the state kept earlier for `lead` now stands in the slot.

        What cannot be unpacked or read back is deleted, and may be evaluated and kept again.
        """
        kept = self._lead(opening, lead)
        try:
            state = self._unpacked(opening, kept.read_bytes())
            with self._passing(opening) as passing:
                passing.write_bytes(state)
                restored = self.slots.act(slot, "restore", passing.name)
        except zstandard.ZstdError:
            restored = False
        except OSError:
            return False
        if not restored:
            _delete(kept)
            return False
        _use(kept)
        _use(self.folder / opening)  # a lead cannot be unpacked without it
        return True

    def save_lead(self, slot: int, opening: str, lead: str) -> bool:
        """Keep the slot's state for `lead`, making room where it is short; whether that went well."""
        try:
            with self._passing(opening) as passing:
                if not self.slots.act(slot, "save", passing.name):
                    return False
                passing.write_bytes(self._packed(opening, passing.read_bytes()))
                passing.replace(self._lead(opening, lead))
        except (OSError, zstandard.ZstdError):
            return False
        self._make_room()
        return True

    def rest(self, slot: int) -> Path | None:
        """Write down what stands in the slot; None where it cannot be (a full disk). Who asks deletes the file."""
        path = self._path_of_own("slot")
        if self.slots.act(slot, "save", path.name):
            return path
        _delete(path)
        return None

    def resume(self, slot: int, rest: Path) -> bool:
        """Whether what `rest` wrote down stands in the slot again."""
        return self.slots.act(slot, "restore", rest.name)

    def sweep(self) -> None:
        """Delete what processes that were killed have left."""
        for path in self.folder.glob(f"*{_PASSING}"):
            with suppress(OSError):  # another process ends just now, or it is another user's
                if time.time() - path.stat().st_mtime > _LEFT:
                    path.unlink()

    def name(self, label: str, messages: Sequence[ChatMessage]) -> str:
        """An opening's file name: of its label, the model's file, the libraries' versions and the messages."""
        stat = self.model.stat()
        parts = [str(self.model), str(stat.st_size), str(stat.st_mtime_ns), version("xllamacpp"), str(_LAYOUT)]
        return f"{label}-{digest([*parts, *(message.content or '' for message in messages)])[:20]}"

    def _lead(self, opening: str, lead: str) -> Path:
        return self.folder / f"{opening}.{digest([lead])[:20]}{_LEAD}"

    def _packed(self, opening: str, state: bytes) -> bytes:
        """`state` without what it repeats of the opening's; with a checksum."""
        parameters = zstandard.ZstdCompressionParameters.from_level(
            1, window_log=_WINDOW_LOG, hash_log=_HASH_LOG, write_checksum=True
        )
        packer = zstandard.ZstdCompressor(dict_data=self._dictionary(opening), compression_params=parameters)
        return packer.compress(state)

    def _unpacked(self, opening: str, packed: bytes) -> bytes:
        """What was packed. Raises ZstdError where it is not whole, or was packed behind another opening's state."""
        unpacker = zstandard.ZstdDecompressor(dict_data=self._dictionary(opening), max_window_size=1 << _WINDOW_LOG)
        return unpacker.decompress(packed)

    def _dictionary(self, opening: str) -> zstandard.ZstdCompressionDict:
        """The opening's state, read anew each time: that takes less time than it would take memory."""
        state = (self.folder / opening).read_bytes()
        return zstandard.ZstdCompressionDict(state, dict_type=zstandard.DICT_TYPE_RAWCONTENT)

    def has_room(self, openings: Collection[str]) -> bool:
        """Whether one more lead would push out none that was used lately; else reading ahead would go in circles.

        Only those behind `openings` count: those of another model or version make room for them.
        """
        lately = time.time() - _LATELY
        own = (size for used, size, path in self._leads() if used > lately and path.name.partition(".")[0] in openings)
        return sum(own) + _A_LEAD <= self.room

    def _make_room(self) -> None:
        taken = 0
        for _, size, path in self._leads():
            taken += size
            if taken > self.room:
                _delete(path)

    def _leads(self) -> list[tuple[float, int, Path]]:
        """(when it was last used, bytes, file) of every lead, the last used first."""
        found = []
        for path in self.folder.glob(f"*{_LEAD}"):
            with suppress(FileNotFoundError):  # another process has just made room
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        return sorted(found, reverse=True)

    @contextmanager
    def _passing(self, name: str) -> Iterator[Path]:
        """A file of this call's own, gone afterwards unless it was renamed."""
        path = self._path_of_own(name)
        try:
            yield path
        finally:
            _delete(path)

    def _path_of_own(self, name: str) -> Path:
        """Of a file that no other call has; several processes share the folder."""
        return self.folder / f"{name}.{os.getpid()}-{secrets.token_hex(4)}{_PASSING}"


def _use(path: Path) -> None:
    """Note that it was used: the longest unused is the first to go."""
    with suppress(OSError):  # it is another user's
        os.utime(path)


def _delete(path: Path) -> None:
    """Delete a file, unless it is gone already, another user's, or on a disk that can only be read."""
    with suppress(OSError):
        path.unlink()
