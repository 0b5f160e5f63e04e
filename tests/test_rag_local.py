"""The `local` generator's process: begun in the background, talked to over a socket, started anew after a crash.

llama.cpp is played by a few lines that speak its protocol; the real one is asked in test_rag_model.py.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from llama_index.core.llms import ChatMessage, MessageRole

import rag.local
from rag.generators import GeneratorFailed
from rag.local import FIRST_TOKENS, LocalLLM
from rag.prompts import MARK, opening_messages, translating_messages, translation_messages
from tests.test_rag_activations import VALUES, state

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the play speaks over a unix socket")

PLAY = """
import json, os, socketserver, sys, threading
from http.server import BaseHTTPRequestHandler

order = json.loads(sys.stdin.readline())
print(json.dumps(order), file=open(order["model"] + ".order", "w"))

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = asked.get("messages", [{"content": ""}])[-1]["content"]
        print(json.dumps([own["content"] for own in asked.get("messages", [])][-2:]), file=open(order["model"] + ".asked", "a"))
        if self.path.startswith("/slots"):
            print(self.path.rpartition("=")[2], asked["filename"], file=open(order["model"] + ".slots", "a"))
        if self.path.startswith("/slots") and os.path.exists(order["model"] + ".state"):
            kept = open(order["model"] + ".state", "rb").read()
            if self.path.endswith("restore"):
                if os.path.getsize(order["prompts"] + asked["filename"]) < len(kept):
                    os._exit(6)
                return self.say(200, "{}")
            room = len(kept) - os.path.exists(order["model"] + ".full")
            open(order["prompts"] + asked["filename"], "wb").write(kept[:room])
            return self.say(200, json.dumps({"n_written": len(kept)}))
        if self.path.startswith("/slots") or question == "too long":
            return self.say(400, json.dumps({"error": {"message": "exceeds the context"}}))
        said = [{"choices": [{"delta": {"content": word}}]} for word in question.split(",")[:asked.get("max_tokens")]]
        said[0]["timings"] = {"prompt_n": 5, "cache_n": 3, "predicted_n": 1}
        print(asked.get("top_logprobs"), file=open(order["model"] + ".told", "a"))
        if asked.get("logprobs"):
            said[0]["choices"][0]["logprobs"] = {"content": [{"top_logprobs": [{"token": "Not", "logprob": -0.5}]}]}
        said.append({"choices": [], "usage": {"total_tokens": 10}, "timings": {"prompt_n": 5, "cache_n": 3, "predicted_n": 2}})
        events = "".join(f"data: {json.dumps(event)}\\n\\n" for event in said) + "data: [DONE]\\n\\n"
        if question == "crash once" and not os.path.exists(order["model"] + ".crashed"):
            open(order["model"] + ".crashed", "w")
            os._exit(7)
        if question.endswith("crash"):
            self.say(200, events[:events.rindex('data: {"choices": [{')], length=len(events))
            os._exit(7)
        self.say(200, events)

    def say(self, status, text, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, *args):
        pass

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

server = Server(order["host"], Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("unix://", flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture
def llm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalLLM]:
    yield made(tmp_path, monkeypatch, PLAY)
    gc.collect()


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> LocalLLM:
    play = folder / "play.py"
    play.write_text(program, encoding="utf-8")
    (folder / "m.gguf").touch()
    monkeypatch.setattr(rag.local, "_PROGRAM", play)
    return LocalLLM(
        name="m", path=str(folder / "m.gguf"), threads=2, max_tokens=9, prompts=str(folder / "kept"), prompts_room=0
    )


def said(llm: LocalLLM, question: str) -> str:
    return said_to(llm, [ChatMessage(content=question)])


def said_to(llm: LocalLLM, messages: list[ChatMessage]) -> str:
    return str(llm.chat(messages).message.content)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    for _ in range(200):
        if not is_running(pid):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still running")


def test_it_is_begun_in_the_background_and_answers_in_pieces_with_what_they_cost(llm: LocalLLM, tmp_path: Path) -> None:
    assert llm.pid is None
    llm.begin()
    begun = llm.pid
    pieces = list(llm._pieces([ChatMessage(content="one,two")]))
    assert [piece.text for piece in pieces] == ["one", "two", ""]
    assert pieces[-1].usage == {"prompt_tokens": 8, "cached_tokens": 3, "completion_tokens": 2}
    assert llm.pid == begun, "what was begun is what answers"
    order = (tmp_path / "m.gguf.order").read_text(encoding="utf-8")
    assert str(tmp_path / "m.gguf") in order
    assert str(tmp_path / "kept") in order


def test_the_socket_stands_in_a_folder_that_only_this_user_can_enter(llm: LocalLLM) -> None:
    server = llm.load()
    assert server._socket is not None
    assert Path(server._socket).parent.stat().st_mode & 0o777 == 0o700


def test_where_the_path_of_a_socket_would_be_too_long_it_listens_on_loopback_behind_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    llm = made(tmp_path, monkeypatch, "import sys; sys.stdin.read()")
    llm.begin()
    assert llm._server is not None
    assert llm._server._socket is None
    assert len(llm._server._keys[0]) == 64


def test_no_connection_is_kept_for_the_next_request(llm: LocalLLM) -> None:
    assert said(llm, "one") == "one"
    client = llm.load()._client
    assert isinstance(client, httpx.Client)
    pool = client._transport._pool  # type: ignore[attr-defined]
    assert pool.connections == []


def test_what_it_refuses_is_told_and_it_answers_the_next(llm: LocalLLM) -> None:
    with pytest.raises(GeneratorFailed, match="exceeds the context"):
        said(llm, "too long")
    assert said(llm, "one") == "one"
    assert not llm.load().act(0, "restore", "nothing")


def test_a_crash_in_a_reply_loses_that_one_and_not_the_next(llm: LocalLLM) -> None:
    with pytest.raises(GeneratorFailed, match=r"llama\.cpp stopped answering \(it ended with status 7\)"):
        said(llm, "one,crash")
    crashed = llm.pid
    assert said(llm, "one") == "one"
    assert llm.pid != crashed


def test_a_crash_before_the_first_word_costs_no_reply(llm: LocalLLM) -> None:
    before = llm.load().pid
    assert said(llm, "crash once") == "crash once"
    assert llm.pid != before
    with pytest.raises(GeneratorFailed, match=r"llama\.cpp stopped answering"):
        said(llm, "crash")
    assert said(llm, "one") == "one", "one that crashes each time is not asked for ever"


@pytest.mark.parametrize("is_warmed", [True, False])
def test_a_kept_state_that_was_cut_short_is_died_of_once_and_costs_nothing_but_time(
    llm: LocalLLM, tmp_path: Path, is_warmed: bool
) -> None:
    (tmp_path / "m.gguf.state").write_bytes(b"evaluated")
    llm.warm()
    assert llm.prepare(translating_messages("en"))
    for kept in (tmp_path / "kept").iterdir():
        kept.write_bytes(b"evalua")
    before, llm._standing = llm.pid, [None, None]
    if is_warmed:
        llm.warm()
    assert said_to(llm, asked("one")) == "one"
    assert said_to(llm, translation_messages("one", "en")) == "one"
    assert llm.pid != before
    before = llm.pid
    llm._standing = [None, None]
    assert said_to(llm, asked("two")) == "two"
    assert llm.pid == before, "what was kept anew is whole"


def test_a_disk_that_fills_at_the_last_byte_keeps_nothing_and_the_answer_is_given(
    llm: LocalLLM, tmp_path: Path
) -> None:
    (tmp_path / "m.gguf.state").write_bytes(state(VALUES))
    (tmp_path / "m.gguf.full").touch()
    llm.layers = (0,)
    opening, *pieces = llm._pieces(asked("one,two"))
    assert (opening.first, opening.inside) == ({"Not": -0.5}, None)
    assert [piece.text for piece in pieces] == ["one", "two", ""]
    assert list((tmp_path / "kept").iterdir()) == []


def test_where_nothing_can_be_kept_it_is_said_as_a_reply_that_failed(llm: LocalLLM, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    for work in (llm.warm, lambda: said(llm, "one"), lambda: llm.prepare(asked("one"))):
        with pytest.raises(GeneratorFailed, match=r"llama\.cpp cannot be started: .*File exists.*kept"):
            work()


def asked(question: str) -> list[ChatMessage]:
    return [*opening_messages("en"), ChatMessage(role=MessageRole.USER, content=question)]


def test_what_the_model_holds_is_told_before_its_first_word(llm: LocalLLM, tmp_path: Path) -> None:
    (tmp_path / "m.gguf.state").write_bytes(state(VALUES, stream=1))
    llm.layers = (2, 0)
    opening, *pieces = llm._pieces(asked("one,two"))
    assert opening.inside is not None
    assert opening.inside.tolist() == [VALUES[2, -1].tolist(), VALUES[0, -1].tolist()]
    assert (opening.text, opening.first) == ("", {"Not": -0.5})
    assert [piece.text for piece in pieces] == ["one", "two", ""]
    assert all(piece.first is None and piece.inside is None for piece in pieces)


def test_a_reply_begun_about_one_of_several_paragraphs_finds_its_question_read(llm: LocalLLM, tmp_path: Path) -> None:
    (tmp_path / "m.gguf.state").write_bytes(state(VALUES))
    llm.layers, llm.prompts_room = (0,), 10**9

    def actions() -> list[list[str]]:
        return [line.split() for line in (tmp_path / "m.gguf.slots").read_text(encoding="utf-8").splitlines()]

    for question in ("first", "second"):
        list(llm._pieces(asked(question)))
    rests = [name for action, name in actions() if action == "save" and name.startswith("slot")]
    list(llm._pieces([*asked("first"), ChatMessage(role=MessageRole.ASSISTANT, content="one")]))
    assert actions()[-1] == ["restore", rests[0]]
    before = actions()
    list(llm._pieces([*asked("first"), ChatMessage(role=MessageRole.ASSISTANT, content="one")]))
    assert actions() == before, "it still stands there"
    list(llm._pieces([*asked("unread"), ChatMessage(role=MessageRole.ASSISTANT, content="one")]))
    assert actions() == before, "the opening stands there already"


def test_what_stood_in_the_slots_is_kept_of_the_last_paragraphs_and_no_longer_than_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = made(tmp_path, monkeypatch, PLAY)
    (tmp_path / "m.gguf.state").write_bytes(state(VALUES))
    llm.layers = (0,)
    for question in ("one", "two", "three", "one", "four", "five"):
        list(llm._pieces(asked(question)))
    assert len(list((tmp_path / "kept").glob("*.passing"))) == rag.local._RESTS
    del llm
    gc.collect()
    assert list((tmp_path / "kept").glob("*.passing")) == []


def test_what_stood_in_the_slots_of_one_that_crashed_does_not_take_the_next_ones_with_it(
    llm: LocalLLM, tmp_path: Path
) -> None:
    (tmp_path / "m.gguf.state").write_bytes(state(VALUES))
    llm.layers = (0,)
    list(llm._pieces(asked("one")))
    list(llm._pieces(asked("crash once")))
    gc.collect()
    (rest,) = llm._rests.values()
    assert list((tmp_path / "kept").glob("*.passing")) == [rest]


def test_of_a_reply_that_is_begun_and_of_any_other_prompt_nothing_inside_is_told(llm: LocalLLM) -> None:
    llm.layers = (2, 0)
    begun = [*asked("why"), ChatMessage(role=MessageRole.ASSISTANT, content="one,two")]
    for messages in (begun, [ChatMessage(content="one,two")]):
        assert [piece.text for piece in llm._pieces(messages)] == ["one", "two", ""]


@pytest.mark.parametrize("layers", [(2, 0), ()])
def test_the_likeliest_tokens_are_told_once_of_a_question_and_of_nothing_else(
    llm: LocalLLM, tmp_path: Path, layers: tuple[int, ...]
) -> None:
    """Told of every token, they cost speed at every token that is written."""
    llm.layers = layers
    begun = [*asked("why"), ChatMessage(role=MessageRole.ASSISTANT, content="one")]
    for messages, first in (
        (asked("one"), {"Not": -0.5}),
        (begun, None),
        ([ChatMessage(content="one")], None),
    ):
        (tmp_path / "m.gguf.told").write_text("", encoding="utf-8")
        opening, *_ = llm._pieces(messages)
        assert opening.first == first
        told = (tmp_path / "m.gguf.told").read_text(encoding="utf-8").split()
        assert told.count(str(FIRST_TOKENS)) == (first is not None)


def test_a_question_is_read_through_the_adapter_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = made(tmp_path, monkeypatch, PLAY)
    llm.adapter = "adapter.gguf"
    reading = asked("- x\n\nQuestion: why")
    begun = [*reading, ChatMessage(role=MessageRole.ASSISTANT, content="one")]
    for messages in (reading, begun, asked("- x"), translation_messages("why", "en")):
        list(llm._pieces(messages))
    assert json.loads((tmp_path / "m.gguf.order").read_text(encoding="utf-8"))["adapter"] == "adapter.gguf"
    lines = (tmp_path / "m.gguf.asked").read_text(encoding="utf-8").splitlines()
    told = [own for own in map(json.loads, lines) if own and own[-1]]  # what only evaluates an opening asks nothing
    assert told[0][-1] == f"- x\n\n{MARK}Question: why"
    assert told[1] == ["- x\n\nQuestion: why", "one"], "what it writes is the model's own"
    assert told[2][-1] == "- x"
    assert told[3][-1] == "why"


def test_a_model_without_an_adapter_is_asked_as_it_is(llm: LocalLLM, tmp_path: Path) -> None:
    assert MARK not in said_to(llm, asked("- x\n\nQuestion: why"))


def test_what_all_translations_begin_with_is_kept_once_beside_the_opening_of_answers(
    llm: LocalLLM, tmp_path: Path
) -> None:
    (tmp_path / "m.gguf.state").write_bytes(b"evaluated")
    llm.warm()
    assert llm.prepare(translating_messages("en"))
    assert not llm.prepare(translating_messages("en")), "it is kept already"
    assert not llm.prepare([ChatMessage(content="anything else")])
    labels = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "kept").iterdir())
    assert labels == ["en", "translating-en", "zh"]
    assert said_to(llm, translation_messages("one", "en")) == "one"
    assert llm._standing == ["", None], "the next question has its language's opening put back"


def test_without_a_state_the_words_are_all_that_is_told(llm: LocalLLM) -> None:
    llm.layers = (2, 0)
    opening, *pieces = llm._pieces(asked("one,two"))
    assert (opening.first, opening.inside) == ({"Not": -0.5}, None)
    assert [piece.text for piece in pieces] == ["one", "two", ""]


def test_a_state_that_cannot_be_read_is_told(llm: LocalLLM, tmp_path: Path) -> None:
    (tmp_path / "m.gguf.state").write_bytes(state(VALUES)[:-4])
    llm.layers = (2, 0)
    with pytest.raises(GeneratorFailed, match=r"llama\.cpp's saved state cannot be read: the state ends at"):
        list(llm._pieces(asked("one,two")))
    assert said(llm, "one") == "one"


def test_one_that_cannot_load_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = made(tmp_path, monkeypatch, "raise SystemExit('no such architecture')")
    with pytest.raises(GeneratorFailed, match=r"llama\.cpp ended with status 1: no such architecture"):
        said(llm, "one")


def test_the_process_and_its_folder_end_with_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = made(tmp_path, monkeypatch, PLAY)
    server = own.load()
    pid, folder = server.pid, Path(server._socket or "").parent
    del own, server
    gc.collect()
    wait_until_gone(pid)
    assert not folder.exists()


@pytest.mark.parametrize("is_loading", [True, False])
def test_what_serves_for_one_that_is_killed_leaves_no_folder(tmp_path: Path, is_loading: bool) -> None:
    fake = "from unittest.mock import MagicMock as CommonParams\nServer = CommonParams()\n"
    (tmp_path / "xllamacpp.py").write_text(
        f"{fake}llama_load_mode = common_speculative_type = Server\n", encoding="utf-8"
    )
    folder = tmp_path / "duizhao-x"
    folder.mkdir()
    order = {
        "model": "m",
        "adapter": "",
        "slots": 2,
        "context": 9,
        "threads": 1,
        "prompts": "p/",
        "host": f"{folder}/s",
    }
    order["keys"] = []
    with subprocess.Popen(
        [sys.executable, "-P", str(Path(rag.local.__file__).with_name("llama.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if is_loading:
            process.stdout.close()  # nobody is there to be told
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        if not is_loading:
            assert process.stdout.readline()
            assert folder.exists()
        process.stdin.close()
        assert process.wait(20) == 0
    assert not folder.exists()


def test_the_process_ends_with_one_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "play.py").write_text(PLAY, encoding="utf-8")
    code = f"""
import sys, time
import rag.local
from pathlib import Path
rag.local._PROGRAM = Path({str(tmp_path / "play.py")!r})
llm = rag.local.LocalLLM(
    name="m", path={str(tmp_path / "m.gguf")!r}, threads=1, max_tokens=1, prompts={str(tmp_path)!r}, prompts_room=0
)
llm.load()
print(llm.pid, flush=True)
time.sleep(60)
"""
    root = str(Path(__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_running(pid)
        process.send_signal(signal.SIGKILL)
    wait_until_gone(pid)
