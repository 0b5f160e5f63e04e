"""The evaluated start of a prompt, kept on disk: what names it, and what happens when it cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from llama_index.core.llms import ChatMessage

from rag.prefixes import Prefixes
from rag.prompts import opening_messages

ZH = opening_messages("zh")


class Server:
    """llama.cpp's slots: writes what it is told to save, restores what is there."""

    def __init__(self, folder: Path, status: int = 200) -> None:
        self.folder, self.status = folder, status
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        action, name = request.url.params["action"], json.loads(request.content)["filename"]
        self.asked.append((f"{request.url.path} {action}", name))
        if action == "save" and self.status == 200:
            (self.folder / name).write_bytes(b"state")
        return httpx.Response(self.status)


def kept_by(server: Server, model: Path) -> Prefixes:
    return Prefixes(server.folder, model, httpx.MockTransport(server), {})


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
    assert not kept_by(server, model).restore(0, "zh", ZH), "nothing is kept yet"
    assert server.asked == []
    assert kept_by(server, model).save(0, "zh", ZH)
    assert kept_by(server, model).restore(0, "zh", ZH)
    assert [asked for asked, _ in server.asked] == ["/slots/0 save", "/slots/0 restore"]


@pytest.mark.parametrize("change", ["model", "words"])
def test_a_state_of_another_model_or_other_words_is_not_restored_but_replaced(
    server: Server, model: Path, change: str
) -> None:
    kept_by(server, model).save(0, "zh", ZH)
    messages = ZH
    if change == "model":
        model.write_bytes(b"GGUF and more")
    else:
        messages = [*ZH, ChatMessage(content="one more")]
    prefixes = kept_by(server, model)
    assert not prefixes.restore(0, "zh", messages)
    prefixes.save(0, "zh", messages)
    assert [path.name for path in server.folder.iterdir()] == [prefixes.name("zh", messages)]


def test_a_server_that_cannot_save_leaves_the_older_state(server: Server, model: Path) -> None:
    kept_by(server, model).save(0, "zh", ZH)
    before = sorted(server.folder.iterdir())
    server.status = 500
    assert not kept_by(server, model).save(0, "zh", [*ZH, ChatMessage(content="more")])
    assert sorted(server.folder.iterdir()) == before


def test_a_state_that_cannot_be_read_is_only_evaluated_again(server: Server, model: Path) -> None:
    kept_by(server, model).save(0, "zh", ZH)
    server.status = 400
    assert not kept_by(server, model).restore(0, "zh", ZH)

    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no such socket")

    assert not Prefixes(server.folder, model, httpx.MockTransport(gone), {}).restore(0, "zh", ZH)
