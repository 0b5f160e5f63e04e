"""Files that a kill may have torn or a hand have changed: read whole or refused by name, and written whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.errors import UserError

PART = ".part"  # behind the name of a file that is being written


@contextmanager
def readable(where: object) -> Iterator[None]:
    """Raises UserError naming `where`, a file or a line of one, for what goes wrong in reading it."""
    try:
        yield
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(
            f"{where} cannot be read ({type(error).__name__}: {error}). Mend it, or take it away."
        ) from None


def json_lines(path: Path, *, is_appended: bool = False) -> list[Any]:
    """What each line of a file holds; nothing where there is no file. Raises UserError naming the line that is broken.

    `is_appended`: lines come one by one, and a last one without an end was torn by a kill: it is not counted.
    """
    data = path.read_bytes() if path.is_file() else b""
    if is_appended:  # before anything is decoded: it may have been torn within a character
        data = data[: data.rfind(b"\n") + 1]
    found = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line:
            with readable(f"line {number} of {path}"):
                found.append(json.loads(line.decode("utf-8")))
    return found


def cut_torn_line(path: Path) -> None:
    """Cut off a last line that a kill left unfinished, so that the next one does not continue it."""
    if path.is_file() and not (data := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, whenever the program is killed."""
    part = path.with_name(path.name + PART)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def record_path(path: Path) -> Path:
    """`path`, its folder made. Raises UserError where that cannot be: before minutes are spent, not after."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}: {error.filename}). Name another file.") from None
    if path.is_dir():
        raise UserError(f"{path} is a folder, and a file is needed. Name a file in it.")
    return path
