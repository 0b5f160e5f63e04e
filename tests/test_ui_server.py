"""What other programs and other hosts meet: the guard, the API, MCP, health."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from index.build import Index
from index.settings import Settings, load_settings
from tests.ui_support import Script, an_answer, answering_over, make_index, served, wait_until
from ui.answering import Answering
from ui.api import Tools
from ui.app import build_page
from ui.feedback import FeedbackStore
from ui.guard import LARGEST_BODY, is_own_host, own_hosts

QUESTION, SLOW, BROKEN = "桥有多长?", "慢慢说?", "出错吗?"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = make_index(tmp_path_factory.mktemp("served"))
    assert index.vectors  # opened here: what a test opens is closed after it
    return index


@pytest.fixture(scope="module")
def answering(index: Index) -> Answering:
    quotes = an_answer(index, QUESTION, ("它横跨清溪,长四十米。", 3, 1, "supported"))
    final = an_answer(index, QUESTION, ("桥长四十米。", 3, 1, "supported"))
    scripts = {QUESTION: Script(quotes, final, pieces=("桥长四十米。",))}
    scripts[SLOW] = Script(quotes, final, pieces=("桥长四十米。",), gate=threading.Event())
    scripts[BROKEN] = Script(quotes, error=RuntimeError("not for callers"))
    answering = answering_over(index, scripts)
    answering.start().join()
    return answering


@pytest.fixture(scope="module")
def url(answering: Answering) -> Iterator[str]:
    with served(load_settings(), answering) as url:
        yield url


@pytest.fixture
def locked(answering: Answering) -> Iterator[str]:
    settings = Settings(auth="reader:secret")  # type: ignore[arg-type]
    with served(settings, answering) as url:
        yield url


# --- the guard


def test_every_reply_forbids_other_hosts_frames_and_guessing(url: str) -> None:
    for path in ("", "healthz", "page/main.js", "gradio_api/info", "nowhere"):
        headers = httpx.get(url + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_a_page_elsewhere_that_resolves_to_this_machine_is_refused(url: str) -> None:
    reply = httpx.get(url, headers={"host": "evil.example"})
    assert reply.status_code == 400
    assert "evil.example" in reply.text
    assert "allowed_hosts" in reply.text


@pytest.mark.parametrize(
    ("bound", "header", "own"),
    [
        ("127.0.0.1", "127.0.0.1:7860", True),
        ("127.0.0.1", "localhost:7860", True),
        ("127.0.0.1", "[::1]:7860", True),
        ("127.0.0.1", "192.168.1.5:7860", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.5:7860", True),
        ("0.0.0.0", "evil.example:7860", False),
        ("reader.example", "reader.example", True),
    ],
)
def test_the_page_answers_to_its_own_names_and_to_no_others(bound: str, header: str, own: bool) -> None:
    assert is_own_host(header, own_hosts(bound)) is own


def test_a_proxys_host_name_is_answered_to_once_it_is_allowed() -> None:
    allowed = own_hosts("127.0.0.1", ("Read.example",))
    assert is_own_host("read.example", allowed)
    assert is_own_host("READ.EXAMPLE:443", allowed)
    assert not is_own_host("other.read.example", allowed)
    assert not is_own_host("evil.example", allowed)


def test_with_a_password_nothing_but_health_is_open_without_it(locked: str) -> None:
    for path in ("", "config", "theme.css", "page/main.js", "gradio_api/info", "gradio_api/startup-events", "mcp/"):
        reply = httpx.get(locked + path)
        assert reply.status_code == 401, path
        assert reply.headers["www-authenticate"].startswith("Basic")
    assert httpx.get(locked + "healthz").status_code == 200
    assert httpx.get(locked, auth=("reader", "wrong")).status_code == 401
    assert httpx.get(locked, headers={"authorization": "Basic !!"}).status_code == 401
    assert httpx.get(locked, auth=("reader", "secret")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/upload",
        "gradio_api/file=/etc/passwd",
        "gradio_api/proxy=http://x",
        "gradio_api/runs",
        "gradio_api/vibe-edit",
        "monitoring",
        "gradio_api/deep_link",
        "docs",
        "openapi.json",
    ],
)
def test_gradios_files_uploads_proxies_and_monitors_are_not_served(url: str, path: str) -> None:
    assert httpx.get(url + path).status_code == 404
    assert httpx.post(url + path).status_code in (404, 405)


def test_a_request_that_is_too_large_is_refused(url: str) -> None:
    assert httpx.post(url + "gradio_api/queue/join", content=b"0" * (LARGEST_BODY + 1)).status_code == 413


def test_health_says_what_the_models_are_doing(url: str) -> None:
    assert httpx.get(url + "healthz").json() == {"status": "ok", "models": "ready"}


# --- the page as it is sent


def test_the_page_names_no_other_host_for_anything_it_loads(url: str) -> None:
    page = httpx.get(url).text
    loaded = [
        part.split('"')[0] for mark in (' src="', '<link rel="stylesheet" href="') for part in page.split(mark)[1:]
    ]
    assert loaded
    assert not [name for name in loaded if name.startswith(("http", "//"))]


def test_only_the_two_tools_are_public(url: str) -> None:
    info = httpx.get(url + "gradio_api/info").json()
    assert set(info["named_endpoints"]) == {"/ask_article", "/read_paragraph"}
    assert info["unnamed_endpoints"] == {}


# --- the API


def test_gradio_computes_no_figures_of_its_own_under_a_question(answering: Answering, tmp_path: Path) -> None:
    async def page() -> Any:  # made where an event loop runs: elsewhere gradio leaves one of its own open
        return build_page(answering, FeedbackStore(tmp_path), Tools(answering))

    queue = asyncio.run(page())._queue
    queue.events_recorded = 1_000_000
    record = {"function": "ask", "status": "success", "process_time": 1.0}
    assert queue.compute_analytics_summary([record]) == {"functions": {}}


def _call(url: str, name: str, *data: Any) -> tuple[str, Any]:
    event = httpx.post(f"{url}gradio_api/call/{name}", json={"data": list(data)}).json()["event_id"]
    lines = httpx.get(f"{url}gradio_api/call/{name}/{event}", timeout=30).text.splitlines()
    last = [line for line in lines if line.startswith("event: ") and line != "event: heartbeat"][-1]
    return last.removeprefix("event: "), json.loads(lines[lines.index(last) + 1].removeprefix("data: "))


def test_ask_article_gives_the_contracts_object(url: str) -> None:
    event, (answer,) = _call(url, "ask_article", QUESTION, None)
    assert event == "complete"
    assert answer["answer"] == "桥长四十米[¶3]。"
    citation = answer["citations"][0]
    assert citation["text"][citation["start"] : citation["end"]] == citation["quote"]


def test_ask_article_takes_history_and_says_what_is_wrong_with_a_bad_one(url: str) -> None:
    event, (answer,) = _call(url, "ask_article", "没有写的?", [{"question": QUESTION, "answer": "四十米"}])
    assert (event, answer["refused"]) == ("complete", True)
    event, error = _call(url, "ask_article", QUESTION, "nonsense")
    assert event == "error"
    assert "history" in json.dumps(error)


def test_read_paragraph_gives_both_languages_and_names_the_range_for_a_wrong_number(url: str) -> None:
    event, (paragraph,) = _call(url, "read_paragraph", 3)
    assert event == "complete"
    assert paragraph["paragraph"] == 3
    assert paragraph["zh"].startswith("村民")
    assert paragraph["en"].startswith("The villagers")
    event, error = _call(url, "read_paragraph", 99)
    assert event == "error"
    assert "¶1 to ¶10" in json.dumps(error, ensure_ascii=False)


def test_the_same_tools_answer_over_mcp_as_structured_json(url: str) -> None:
    mcp = pytest.importorskip("mcp", reason="the mcp package is not installed")
    from mcp.client.streamable_http import streamable_http_client

    async def talk() -> tuple[list[str], Any, Any]:
        async with streamable_http_client(url + "mcp/") as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            tools = await session.list_tools()
            asked = await session.call_tool("ask_article", {"question": QUESTION})
            missing = await session.call_tool("read_paragraph", {"number": 99})
            return [tool.name for tool in tools.tools], asked, missing

    names, asked, missing = asyncio.run(talk())
    assert names == ["ask_article", "read_paragraph"]
    assert asked.structuredContent["answer"] == "桥长四十米[¶3]。"
    assert missing.isError
    assert "¶1 to ¶10" in missing.content[0].text


def _call_tool(url: str, name: str, timeout: float = 30, **arguments: Any) -> Any:
    params = {"name": name, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"accept": "application/json, text/event-stream"}
    return httpx.post(url + "mcp/", json=body, headers=headers, timeout=timeout).json()["result"]


def test_a_caller_over_gradio_who_hangs_up_leaves_the_writers_line(url: str, answering: Answering) -> None:
    event = httpx.post(f"{url}gradio_api/call/ask_article", json={"data": [SLOW, None]}).json()["event_id"]
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}gradio_api/call/ask_article/{event}", timeout=0.5)
    wait_until(lambda: answering.is_idle, 5)


def test_a_caller_over_mcp_who_hangs_up_leaves_the_writers_line(url: str, answering: Answering) -> None:
    pytest.importorskip("mcp", reason="the mcp package is not installed")
    with pytest.raises(httpx.ReadTimeout):
        _call_tool(url, "ask_article", timeout=1, question=SLOW)
    wait_until(lambda: answering.is_idle, 5)
    gate = answering._writing.scripts[SLOW].gate  # type: ignore[union-attr]
    gate.set()
    wait_until(lambda: answering._turns.free == 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_inside_is_told_to_callers_without_its_details(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    event, error = _call(url, "ask_article", BROKEN, None)
    assert event == "error"
    said = [json.dumps(error)]
    if importlib.util.find_spec("mcp"):
        result = _call_tool(url, "ask_article", question=BROKEN)
        assert result["isError"]
        said.append(json.dumps(result))
    assert all("terminal has the details" in words for words in said)
    assert not any("not for callers" in words for words in said)
    assert "not for callers" in capfd.readouterr().err


@pytest.mark.parametrize("number", ["3", None, True, [3]])
def test_a_number_that_is_none_is_told_as_such(url: str, number: Any) -> None:
    event, error = _call(url, "read_paragraph", number)
    assert event == "error"
    assert "not a whole number" in json.dumps(error)


@pytest.mark.parametrize("question", [None, 5, ["x"]])
def test_a_question_that_is_no_text_is_told_as_such(url: str, question: Any) -> None:
    event, error = _call(url, "ask_article", question, None)
    assert event == "error"
    assert "not text" in json.dumps(error)


def test_the_page_holds_no_state_between_requests(url: str, answering: Answering) -> None:
    _call(url, "ask_article", QUESTION, None)
    assert answering._jobs == {}
    assert answering._turns.waiting == 0


def test_assets_are_files_and_nothing_else(url: str) -> None:
    assert httpx.get(url + "page/tokens.css").status_code == 200
    assert httpx.get(url + "page/article.js").headers["cache-control"] == "no-cache"  # its name never changes
    assert httpx.get(url + "page/../app.py").status_code == 404
    assert httpx.get(url + "page/%2e%2e/app.py").status_code == 404
    assert not (Path(__file__).parent.parent / "ui" / "assets" / "app.py").exists()
