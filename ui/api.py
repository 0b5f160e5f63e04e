"""What other programs call: `ask_article` and `read_paragraph`, over Gradio's API and as MCP tools."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from index.errors import UserError
from rag.condense import parse_history
from ui.answering import Answering, Busy

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP
    from starlette.requests import Request

MCP_PATH = "/mcp"
# Seconds between looks at whether a caller has hung up.
_LOOK = 0.5


class Tools:
    """The two functions, over one `Answering`. Both raise UserError with a line fit for the caller."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def ask_article(self, question: str, history: list[Any] | None = None) -> dict[str, Any]:
        """Ask the article a question, in Chinese or English, and get an answer in which every statement is cited.

        Args:
            question: The question, at most 2000 characters. It is answered in its own language.
            history: Earlier turns, [{"question": ..., "answer": ...}], so that a follow-up is understood.

        Returns:
            The answer object: `refused`, `answer`, `statements` with verdicts, `citations` with verbatim quotes in
            both languages, `retrieved`. When `refused` is true the article does not say.
        """
        return self.ask(question, history, job=secrets.token_hex(6))

    def ask(self, question: str, history: list[Any] | None, *, job: str) -> dict[str, Any]:
        """`ask_article` under a name that `stop` knows it by."""
        *_, answer = self.asking(question, history, job=job)
        assert answer is not None  # it comes last
        return answer

    def asking(self, question: str, history: list[Any] | None, *, job: str) -> Iterator[dict[str, Any] | None]:
        """`ask` step by step: None several times a second, moments in which a caller can leave; the answer last."""
        if not isinstance(question, str):
            raise UserError(f"the question is a {type(question).__name__}, not text. Send a string.")
        turns = parse_history(history or [])
        try:
            for answer in self._answering.asking(question, turns, job=job):
                yield answer.to_json() if answer else None
        except Busy as busy:
            raise UserError(f"too many questions at once: {busy.waiting} are waiting. Ask again in a moment.") from None
        except UserError:
            raise
        except Exception as error:  # a bug: the terminal has the traceback, the caller is spared it
            traceback.print_exception(error)
            raise UserError("there was an error inside the program; its terminal has the details.") from None

    def stop(self, job: str) -> None:
        """Stop a question that nobody waits for any more."""
        self._answering.stop(job)

    def read_paragraph(self, number: int) -> dict[str, Any]:
        """Read one paragraph of the article in both languages.

        Args:
            number: The paragraph's number, the one that citations give (¶18 is 18).

        Returns:
            `paragraph`, `kind`, `section` and the text as `zh` and `en`; null where it was not published in one.
        """
        paragraphs = self._answering.index.by_number
        if isinstance(number, bool) or not isinstance(number, int | float):  # over gradio nothing checks it
            raise UserError(f"the number is {number!r:.60}, not a whole number like 18.")
        if number not in paragraphs:
            raise UserError(f"there is no ¶{number}; the article has ¶{min(paragraphs)} to ¶{max(paragraphs)}.")
        return paragraphs[int(number)].to_json()


def mcp_server(tools: Tools, title: str) -> FastMCP | None:
    """An MCP server with the two tools; None where the `mcp` package is not installed.

    Gradio's own one is not used: it hands results on as Python's repr, which is not JSON, and calls itself over HTTP.
    """
    try:
        from mcp.server.fastmcp import FastMCP
        from mcp.server.transport_security import TransportSecuritySettings
        from mcp.types import ToolAnnotations
    except ImportError:
        return None
    server = FastMCP(
        "duizhao",
        instructions=f"Answers questions about the bilingual article “{title}”, with checked citations.",
        stateless_http=True,
        json_response=True,
        streamable_http_path="/",
        log_level="WARNING",
        # The page's own guard has looked at the Host header already, for every path.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    for name, function in (("ask_article", _ask(tools, server)), ("read_paragraph", tools.read_paragraph)):
        annotations = ToolAnnotations(readOnlyHint=True, openWorldHint=False)
        description = (getattr(tools, name).__doc__ or "").replace("\n        ", "\n")
        server.add_tool(function, name=name, description=description, annotations=annotations)
    return server


def _ask(tools: Tools, server: FastMCP) -> Callable[..., Any]:
    """`ask_article` off the event loop: an answer takes seconds, and other readers are served meanwhile."""
    from anyio.to_thread import run_sync

    async def ask_article(question: str, history: list[Any] | None = None) -> dict[str, Any]:
        job = secrets.token_hex(6)
        stop = partial(tools.stop, job)
        leaving = asyncio.create_task(_when_gone(server.get_context().request_context.request, stop))
        try:
            return await run_sync(partial(tools.ask, question, history, job=job), abandon_on_cancel=True)
        finally:
            leaving.cancel()
            stop()

    return ask_article


async def _when_gone(request: Request | None, stop: Callable[[], None]) -> None:
    """Call `stop` once the caller has hung up: an answer to nobody would keep the writer from others."""
    while request and not await request.is_disconnected():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(_LOOK)
    stop()


@contextlib.asynccontextmanager
async def running(server: FastMCP | None) -> AsyncIterator[None]:
    """Serve MCP sessions while the page is up."""
    if server is None:
        yield
        return
    async with server.session_manager.run():
        yield
