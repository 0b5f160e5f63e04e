"""The page behind its guard, on a socket of its own: health, assets, MCP, and gradio for the rest."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from index.settings import Settings
from ui.answering import Answering
from ui.api import MCP_PATH, Tools, mcp_server, running
from ui.app import ASSETS, build_page, head
from ui.feedback import FeedbackStore
from ui.guard import HEALTH, Guard, own_hosts
from ui.listening import address
from ui.outline import outline
from ui.preparing import Preparing
from ui.suggesting import Suggesting
from ui.suggestions import suggestions


def make_app(settings: Settings, answering: Answering) -> ASGIApp:
    """The whole application as ASGI; nothing of it is reachable but through the guard."""
    tools = Tools(answering)
    mcp = mcp_server(tools, answering.index.manifest.title)
    mcp_app = mcp.streamable_http_app() if mcp else None

    suggesting = Suggesting(answering, suggestions(outline(answering.index.paragraphs)))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        suggesting.start()
        Preparing(answering).start()
        async with running(mcp):
            yield

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.get(HEALTH)
    async def health() -> JSONResponse:  # on the event loop: it answers also while every thread is taken
        return JSONResponse({"status": "ok", "models": answering.status}, headers={"cache-control": "no-store"})

    @app.get("/suggestions")
    async def suggested() -> JSONResponse:
        return JSONResponse(suggesting.to_json(), headers={"cache-control": "no-store"})

    app.mount("/page", _Assets(directory=ASSETS), name="page")
    if mcp_app:
        app.mount(MCP_PATH, mcp_app)
    gr.mount_gradio_app(
        app,
        build_page(answering, FeedbackStore(settings.home), tools),
        path="/",
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        show_error=True,
        footer_links=[],
        max_file_size="1kb",
        theme=_theme(),
        head=head(),
    )
    auth = settings.auth.get_secret_value() if settings.auth else None
    return Guard(app, hosts=own_hosts(settings.host, settings.further_hosts), auth=auth)


class _Assets(StaticFiles):
    """Scripts import each other by plain names: a browser has to ask whether they changed, or it mixes two versions."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def serve(app: ASGIApp, listening: socket.socket, on_stop: Callable[[], None] = lambda: None) -> None:
    """Serve until Ctrl-C; says where, once it can be opened. `on_stop` is called when Ctrl-C comes."""
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, server_header=False, ws="none")
    _Server(config, on_stop).run(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn, without a traceback at the end: it raises the signal again when it has stopped."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets:
            print(f"Duizhao is at {address(sockets[0])} (Ctrl-C stops it)", flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Requests that are cut off now are no news.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)
        # Not here: a signal may find this thread holding a lock that stopping needs.
        threading.Thread(target=self._on_stop, daemon=True).start()


def _theme() -> gr.themes.Base:
    sans = ["system-ui", "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", "sans-serif"]
    theme = gr.themes.Base(font=sans, font_mono=["ui-monospace", "monospace"])
    return theme.set(
        body_background_fill="#faf8f3",
        body_background_fill_dark="#171614",
        body_text_color="#24211c",
        body_text_color_dark="#e8e2d6",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
    )
