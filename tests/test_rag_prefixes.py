"""The evaluated start of a prompt, kept on disk: what names it, and what happens when it cannot be had."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from llama_index.core.llms import ChatMessage

from rag.prefixes import Prefixes
from rag.prompts import opening_messages

ZH = opening_messages("zh")


class Server:
    """llama.cpp's slots: writes what it is told to save, restores what is there."""

    def __init__(self, folder: Path, *, works: bool = True) -> None:
        self.folder, self.works = folder, works
        self.asked: list[tuple[str, str]] = []
        self.state = b"state"

    def act(self, slot: int, action: Literal["save", "restore"], name: str) -> bool:
        self.asked.append((f"{slot} {action}", name))
        if action == "save" and self.works:
            (self.folder / name).write_bytes(self.state)
        if action == "restore" and self.works:
            self.state = (self.folder / name).read_bytes()
        return self.works


def kept_by(server: Server, model: Path) -> Prefixes:
    return Prefixes(server.folder, model, server)


def named(server: Server, model: Path) -> str:
    return kept_by(server, model).name("zh", ZH)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (tmp_path / "prompts").mkdir()
    return Server(tmp_path / "prompts")


def test_what_was_saved_is_restored_by_the_next_process(server: Server, model: Path) -> None:
    assert not kept_by(server, model).restore(0, named(server, model)), "nothing is kept yet"
    assert server.asked == []
    assert kept_by(server, model).save(0, named(server, model))
    assert kept_by(server, model).restore(0, named(server, model))
    assert [asked for asked, _ in server.asked] == ["0 save", "0 restore"]


@pytest.mark.parametrize("change", ["model", "words"])
def test_a_state_of_another_model_or_other_words_is_not_restored_and_goes_once_nobody_uses_it(
    server: Server, model: Path, change: str
) -> None:
    older = named(server, model)
    kept_by(server, model).save(0, older)
    messages = ZH
    if change == "model":
        model.write_bytes(b"GGUF and more")
    else:
        messages = [*ZH, ChatMessage(content="one more")]
    prefixes = kept_by(server, model)
    assert not prefixes.restore(0, prefixes.name("zh", messages))
    newer = prefixes.name("zh", messages)
    prefixes.save(0, newer)
    assert {path.name for path in server.folder.iterdir()} == {older, newer}, "whose it is may still use it"
    os.utime(server.folder / older, (0, 0))
    prefixes.save(0, newer)
    assert [path.name for path in server.folder.iterdir()] == [newer]


def test_a_state_that_was_used_lately_stays_however_old_it_is(server: Server, model: Path) -> None:
    prefixes, used = kept_by(server, model), named(server, model)
    prefixes.save(0, used)
    os.utime(server.folder / used, (0, 0))
    assert prefixes.restore(0, used)
    prefixes.save(0, prefixes.name("zh", [*ZH, ChatMessage(content="more")]))
    assert (server.folder / used).is_file()


def test_a_server_that_cannot_save_leaves_the_older_state(server: Server, model: Path) -> None:
    kept_by(server, model).save(0, named(server, model))
    before = sorted(server.folder.iterdir())
    server.works = False
    prefixes = kept_by(server, model)
    assert not prefixes.save(0, prefixes.name("zh", [*ZH, ChatMessage(content="more")]))
    assert sorted(server.folder.iterdir()) == before


def test_a_state_that_cannot_be_read_is_only_evaluated_again(server: Server, model: Path) -> None:
    kept_by(server, model).save(0, named(server, model))
    server.works = False
    assert not kept_by(server, model).restore(0, named(server, model))
    assert list(server.folder.iterdir()) == [], "llama.cpp may have died of it, and would again"


def test_a_lead_that_llama_cpp_cannot_read_is_evaluated_again(server: Server, opened: tuple[Prefixes, str]) -> None:
    prefixes, opening = opened
    server.state = state_behind(OPENING, seed=2)[:-9]  # cut short before it was packed
    prefixes.save_lead(0, opening, LEAD)
    server.works = False
    assert not prefixes.restore_lead(0, opening, LEAD)
    assert not prefixes.has_lead(opening, LEAD), "it would never be kept anew"


def test_where_nothing_can_be_deleted_what_is_kept_is_of_use_all_the_same(
    server: Server, opened: tuple[Prefixes, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that can only be read says so of a file that is not there, too; another user's file is not to be touched."""
    prefixes, opening = opened
    server.state = whole = state_behind(OPENING, seed=2)
    prefixes.save_lead(0, opening, LEAD)
    server.state = b"another question's"

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    monkeypatch.setattr(os, "utime", refuse)
    assert prefixes.restore_lead(0, opening, LEAD)
    assert server.state == whole
    server.works = False
    assert not prefixes.save(0, "zh-other")
    assert prefixes.rest(0) is None


LEAD = "资料:\n- [渡口] 冬天河面结冰。"
OPENING = np.random.default_rng(5).bytes(200_000)  # nothing in it can be packed


def state_behind(opening: bytes, seed: int, size: int = 20_000) -> bytes:
    """As llama.cpp lays it out: each half of the opening's state with something new behind it."""
    new, half = np.random.default_rng(seed).bytes(size), len(opening) // 2
    return opening[:half] + new[: size // 2] + opening[half:] + new[size // 2 :]


@pytest.fixture
def opened(server: Server, model: Path) -> tuple[Prefixes, str]:
    server.state = OPENING
    prefixes = kept_by(server, model)
    prefixes.save(0, prefixes.name("zh", ZH))
    return prefixes, prefixes.name("zh", ZH)


def test_a_lead_comes_back_to_the_byte_and_takes_only_what_it_adds(
    server: Server, model: Path, opened: tuple[Prefixes, str]
) -> None:
    prefixes, opening = opened
    server.state = whole = state_behind(OPENING, seed=1)
    assert not prefixes.has_lead(opening, LEAD)
    assert prefixes.save_lead(0, opening, LEAD)
    server.state = b"another question's"
    after = kept_by(server, model)  # the next process
    assert after.has_lead(opening, LEAD)
    assert after.restore_lead(0, opening, LEAD)
    assert server.state == whole
    (kept,) = server.folder.glob("*.lead")
    assert kept.stat().st_size < 0.11 * len(whole)
    assert not list(server.folder.glob("*.passing"))


def test_leads_of_an_opening_that_nobody_uses_are_deleted(server: Server, opened: tuple[Prefixes, str]) -> None:
    prefixes, opening = opened
    prefixes.save_lead(0, opening, LEAD)
    prefixes.save(0, prefixes.name("zh", [*ZH, ChatMessage(content="another version")]))
    assert prefixes.has_lead(opening, LEAD), "it was used lately"
    for path in server.folder.iterdir():
        os.utime(path, (0, 0))
    prefixes.save(0, prefixes.name("zh", [*ZH, ChatMessage(content="one more")]))
    assert not prefixes.has_lead(opening, LEAD)
    assert not list(server.folder.glob("*.lead"))


def test_an_opening_whose_leads_are_used_stays(server: Server, opened: tuple[Prefixes, str]) -> None:
    prefixes, opening = opened
    prefixes.save_lead(0, opening, LEAD)
    os.utime(server.folder / opening, (0, 0))
    assert prefixes.restore_lead(0, opening, LEAD)
    prefixes.save(0, prefixes.name("zh", [*ZH, ChatMessage(content="another version")]))
    assert (server.folder / opening).is_file()


def test_a_lead_behind_another_state_of_its_opening_is_deleted_and_can_be_kept_again(
    server: Server, opened: tuple[Prefixes, str]
) -> None:
    prefixes, opening = opened
    server.state = whole = state_behind(OPENING, seed=2)
    prefixes.save_lead(0, opening, LEAD)
    (server.folder / opening).write_bytes(np.random.default_rng(6).bytes(len(OPENING)))
    assert not prefixes.restore_lead(0, opening, LEAD)
    assert not prefixes.has_lead(opening, LEAD), "it would never be kept anew"
    assert prefixes.save_lead(0, opening, LEAD)
    assert server.state == whole
    server.state = b"another question's"
    assert prefixes.restore_lead(0, opening, LEAD)
    assert server.state == whole


@pytest.mark.parametrize("left", [b"", b"\x00" * 50, None], ids=["empty", "other bytes", "cut short"])
def test_a_lead_that_cannot_be_unpacked_is_only_evaluated_again(
    server: Server, opened: tuple[Prefixes, str], left: bytes | None
) -> None:
    prefixes, opening = opened
    server.state = state_behind(OPENING, seed=2)
    prefixes.save_lead(0, opening, LEAD)
    (path,) = server.folder.glob("*.lead")
    path.write_bytes(path.read_bytes()[:-9] if left is None else left)
    assert not prefixes.restore_lead(0, opening, LEAD)
    assert not path.exists()
    assert not prefixes.restore_lead(0, opening, LEAD)
    server.works = False
    assert not prefixes.save_lead(0, opening, LEAD)


def test_a_lead_without_its_opening_stays_and_is_not_restored(server: Server, opened: tuple[Prefixes, str]) -> None:
    prefixes, opening = opened
    server.state = state_behind(OPENING, seed=2)
    prefixes.save_lead(0, opening, LEAD)
    (server.folder / opening).unlink()
    assert not prefixes.restore_lead(0, opening, LEAD)
    assert prefixes.has_lead(opening, LEAD), "the opening is evaluated next, to the same bytes"
    assert not prefixes.save_lead(0, opening, "another")


def test_the_longest_unused_lead_makes_room(server: Server, model: Path, opened: tuple[Prefixes, str]) -> None:
    opening = opened[1]
    prefixes = Prefixes(server.folder, model, server, room=50_000)  # for two of 20,000
    for seed, lead in enumerate(("first", "second")):
        server.state = state_behind(OPENING, seed)
        prefixes.save_lead(0, opening, lead)
        os.utime(next(p for p in server.folder.glob("*.lead") if p.stat().st_mtime > 2000), (1000 + seed, 1000 + seed))
    assert prefixes.restore_lead(0, opening, "first"), "used again: now the second is the older one"
    server.state = state_behind(OPENING, seed=3)
    prefixes.save_lead(0, opening, "third")
    assert [prefixes.has_lead(opening, lead) for lead in ("first", "second", "third")] == [True, False, True]


def test_nothing_used_lately_is_pushed_out_by_reading_ahead(
    server: Server, model: Path, opened: tuple[Prefixes, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = opened[1]
    other = Prefixes(server.folder, model, server).name("en", ZH)
    monkeypatch.setattr("rag.prefixes._A_LEAD", 30_000)
    prefixes = Prefixes(server.folder, model, server, room=50_000)
    assert prefixes.has_room([opening])
    for seed, lead in enumerate(("first", "second")):
        server.state = state_behind(OPENING, seed)
        prefixes.save_lead(0, opening, lead)
    assert not prefixes.has_room([opening])
    assert prefixes.has_room([other]), "what another model read makes room"
    for path in server.folder.glob("*.lead"):
        os.utime(path, (1000, 1000))
    assert prefixes.has_room([opening]), "these were used long ago"
    assert not Prefixes(server.folder, model, server, room=0).has_room([opening])


def test_what_a_killed_process_left_is_swept_away_and_what_is_in_use_stays(
    server: Server, model: Path, opened: tuple[Prefixes, str]
) -> None:
    prefixes, opening = opened
    prefixes.save_lead(0, opening, LEAD)
    left, used = prefixes.rest(0), prefixes.rest(1)
    assert left is not None
    assert used is not None
    os.utime(left, (1000, 1000))
    prefixes.sweep()
    assert (left.exists(), used.exists()) == (False, True)
    assert prefixes.has_lead(opening, LEAD)
    assert prefixes.resume(1, used)
    server.works = False
    assert prefixes.rest(0) is None
    assert [path.name for path in server.folder.glob("*.passing")] == [used.name]
