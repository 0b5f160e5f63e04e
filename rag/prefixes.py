"""The evaluated start of each language's prompt, kept on disk: seconds of work, done once a machine.

llama.cpp can write the state of a slot to a file and read it back in milliseconds, but only its HTTP server does it.
A file is named by everything its content depends on; what is outdated is deleted, and one that cannot be read is
only something to evaluate again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
from llama_index.core.llms import ChatMessage

from index.paragraphs import Language, digest

_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The states of one model's prompts in `folder`, through the server at the end of `transport`."""

    folder: Path
    model: Path
    transport: httpx.BaseTransport
    headers: dict[str, str]
    address: str = "http://llama"  # any name will do for a socket

    def restore(self, slot: int, language: Language, messages: Sequence[ChatMessage]) -> bool:
        """Whether a state kept earlier for these messages now stands in the slot."""
        name = self.name(language, messages)
        return (self.folder / name).is_file() and self._ask(slot, "restore", name)

    def save(self, slot: int, language: Language, messages: Sequence[ChatMessage]) -> bool:
        """Keep the slot's state for these messages, in place of an older one; whether that went well."""
        name = self.name(language, messages)
        if not self._ask(slot, "save", f"{name}.new"):
            return False
        (self.folder / f"{name}.new").replace(self.folder / name)
        for old in self.folder.glob(f"{language}-*"):
            if old.name != name:
                old.unlink(missing_ok=True)
        return True

    def name(self, language: Language, messages: Sequence[ChatMessage]) -> str:
        """The file's name: of the language, the model's file, llama.cpp's version and the messages."""
        stat = self.model.stat()
        parts = [str(self.model), str(stat.st_size), str(stat.st_mtime_ns), version("xllamacpp")]
        return f"{language}-{digest([*parts, *(message.content or '' for message in messages)])[:20]}"

    def _ask(self, slot: int, action: str, name: str) -> bool:
        with httpx.Client(transport=self.transport, base_url=self.address, timeout=_SECONDS) as client:
            try:
                reply = client.post(
                    f"/slots/{slot}", params={"action": action}, json={"filename": name}, headers=self.headers
                )
            except httpx.HTTPError:
                return False
        return reply.status_code == httpx.codes.OK
