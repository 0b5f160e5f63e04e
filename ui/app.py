"""The gradio page, put together: what is on it, and what each of its events does."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from index.errors import UserError, has_half_a_character
from rag.engine import LONGEST_QUESTION, Delta, Found
from ui.answer_view import Drawing, Stage, Underway, matcher, render_conversation
from ui.answering import Answering, Busy, Finished, SearchFailed, Still, Waiting, everything_but
from ui.api import Tools
from ui.article_pane import render_article
from ui.conversation import Conversation, Exchange, read_conversation
from ui.export import Format, export
from ui.feedback import Feedback, FeedbackStore
from ui.markup import render
from ui.wording import WORDING

ASSETS = Path(__file__).parent / "assets"
# Seconds between two drawings of a draft.
_BEAT = 0.08
# Characters of a conversation that a browser is sent in a second of a draft: it draws them all, each time.
_CHARACTERS_A_SECOND = 1_000_000
# Seconds after which gradio is handed something in any case: only then can it find that the reader has gone.
_PULSE = 1.0
# gradio encrypts what it keeps in the browser; a key of its own for every start would lose it at every restart.
_BROWSER_KEY = "duizhao"
# Events after which gradio computes figures for its monitoring page, which is not served: it loads pandas under the
# first question for that, and warns. The queue reads this when it is made; there is no other switch.
_NEVER = str(sys.maxsize)
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_EVENTS = ("ask", "expect", "stop", "undo", "renew", "rate", "note", "export")

# (transcript, memory)
Drawn = tuple[Any, Any]
# (transcript, memory, parcel)
Rated = tuple[Any, Any, Any]


class Page:
    """What the page's events do. Keeps nothing of any reader: conversations come from the browser and go back."""

    def __init__(self, answering: Answering, feedback: FeedbackStore) -> None:
        self.answering = answering
        self.index = answering.index
        self._feedback = feedback
        self._find_match = matcher(self.index)

    def restore(self, state: Any) -> Drawn:
        """The conversation the browser kept, as it stood when the page was left."""
        conversation = read_conversation(state, self.index).settled()
        return self._draw(conversation), conversation.to_state()

    def ask(self, state: Any, event: gr.EventData) -> Iterator[Drawn]:
        """Answer a question step by step. The browser keeps the quotes as soon as there are any."""
        question = str(getattr(event, "question", "")).strip()
        if not question or len(question) > LONGEST_QUESTION:
            yield gr.skip(), gr.skip()
            return
        conversation = read_conversation(state, self.index).settled().before(getattr(event, "replaces", None))
        scope, is_alone = self._paragraph(getattr(event, "scope", None)), bool(getattr(event, "standalone", False))
        exchange = Exchange.new(question, scope, standalone=is_alone)
        if has_half_a_character(question):  # it could not even be drawn
            whole = question.encode(errors="replace").decode()
            conversation = conversation.with_exchange(
                replace(exchange, question=whole, state="failed", reason="failed_question")
            )
            yield self._draw(conversation), conversation.to_state()
            return
        yield from self._answer(conversation, exchange)

    def expect(self) -> None:
        """A question is being written."""
        self.answering.expect()

    def stop(self, event: gr.EventData) -> None:
        """Stop the exchange the reader names; `ask` then ends by itself."""
        self.answering.stop(str(getattr(event, "id", "")))

    def undo(self, state: Any, event: gr.EventData) -> Drawn:
        """Take an exchange, and what follows it, back."""
        conversation = read_conversation(state, self.index).before(str(getattr(event, "id", "")))
        return self._draw(conversation), conversation.to_state()

    def renew(self) -> Drawn:
        """Begin a new conversation."""
        return self._draw(Conversation()), Conversation().to_state()

    def rate(self, state: Any, event: gr.EventData) -> Rated:
        """Keep a thumb; the note comes after it, if at all."""
        return self._rated(state, event, noted=False)

    def note(self, state: Any, event: gr.EventData) -> Rated:
        """Keep the note on a rated answer."""
        return self._rated(state, event, noted=True)

    def export(self, state: Any, event: gr.EventData) -> str:
        """The file to save, as JSON; "null" where there is nothing to save yet."""
        form: Format = "json" if getattr(event, "format", "") == "json" else "markdown"
        parcel = export(read_conversation(state, self.index), self.index, self._find_match, form)
        return _parcel(parcel=parcel)

    # --- how they do it ---------------------------------------------------------------------------------

    def _answer(self, conversation: Conversation, exchange: Exchange) -> Iterator[Drawn]:
        history = conversation.history_of(exchange)
        drawing = Drawing(self._find_match)
        beat = max(_BEAT, len(drawing.draw(conversation)) / _CHARACTERS_A_SECOND)
        try:
            for step in self._steps(exchange, history, beat):
                if step is None:
                    yield gr.skip(), gr.skip()
                    continue
                exchange, underway = step
                conversation = conversation.with_exchange(exchange)
                kept = gr.skip() if underway and underway.draft else conversation.to_state()
                yield drawing.draw(conversation, underway), kept
            return
        except Busy as busy:
            exchange = replace(exchange, state="busy", reason=str(busy.waiting))
        except SearchFailed:
            exchange = replace(exchange, state="failed", reason="failed_search")
        except UserError as error:
            print(f"duizhao: {error}", file=sys.stderr)
            exchange = replace(exchange, state="failed", reason="failed_told")
        except Exception as error:  # a bug: the reader is told, the terminal has the traceback
            traceback.print_exception(error)
            exchange = replace(exchange, state="failed", reason="failed_inside")
        conversation = conversation.with_exchange(exchange)
        yield drawing.draw(conversation), conversation.to_state()

    def _steps(
        self, exchange: Exchange, history: Any, beat: float
    ) -> Iterator[tuple[Exchange, Underway | None] | None]:
        """How things stand whenever that has changed, a draft every `beat`; None, once a second, where it has not."""
        shown = exchange, Underway(exchange.id)
        yield shown
        exclude = everything_but(self.index, exchange.scope) if exchange.scope else frozenset[int]()
        now, drawn = shown, time.monotonic()
        for event in self.answering.stream(exchange.question, history, job=exchange.id, exclude=exclude):
            if isinstance(event, Finished):
                yield replace(exchange, state="done", answer=event.answer, instead=event.instead), None
                return
            now = _advance(*now, event)
            since = time.monotonic() - drawn
            if now != shown and not (isinstance(event, Delta) and since < beat):
                shown, drawn = now, time.monotonic()
                yield shown
            elif since > _PULSE:
                drawn = time.monotonic()
                yield None
        yield replace(now[0], state="stopped"), None

    def _draw(self, conversation: Conversation) -> str:
        if not conversation.exchanges:
            return render("welcome", waiting=False)
        return render_conversation(conversation, self._find_match)

    def _paragraph(self, number: Any) -> int | None:
        try:
            return self.index.by_number[int(number)].number
        except (KeyError, TypeError, ValueError):
            return None

    def _rated(self, state: Any, event: gr.EventData, *, noted: bool) -> Rated:
        conversation = read_conversation(state, self.index)
        exchange = conversation.find(str(getattr(event, "id", "")))
        if exchange is None or exchange.answer is None:
            return gr.skip(), gr.skip(), gr.skip()
        rating = exchange.rating if noted else str(getattr(event, "rating", ""))
        if rating not in ("up", "down"):
            return gr.skip(), gr.skip(), gr.skip()
        history = conversation.history_of(exchange)
        try:
            self._feedback.add(
                Feedback(
                    exchange=exchange.id,
                    rating="up" if rating == "up" else "down",
                    note=str(getattr(event, "note", "")) if noted else "",
                    article=self.index.manifest.article,
                    question=exchange.question,
                    scope=exchange.scope,
                    history=tuple((turn.question, turn.answer) for turn in history),
                    answer=exchange.answer.to_json(),
                )
            )
        except UserError as error:
            print(f"duizhao: {error}", file=sys.stderr)
            return gr.skip(), gr.skip(), _parcel(notice="feedback_lost")
        rated = replace(exchange, rating="up" if rating == "up" else "down", noted=noted)
        conversation = conversation.with_exchange(rated)
        return self._draw(conversation), conversation.to_state(), gr.skip()


def _advance(exchange: Exchange, now: Underway, event: Found | Waiting | Still | Delta) -> tuple[Exchange, Underway]:
    """How things stand after `event`."""
    if isinstance(event, Still):
        return exchange, now
    if isinstance(event, Found):
        return replace(exchange, state="quotes", answer=event.quotes), replace(now, stage="judging")
    if isinstance(event, Waiting):
        stage: Stage = "models" if event.reason == "models" else "waiting"
        return exchange, replace(now, stage=stage, ahead=event.ahead)
    return exchange, replace(now, stage="writing", draft=now.draft + event.text)


def _parcel(**contents: Any) -> str:
    """What the page's script takes up: a file to save, or the key of words to say; never twice the same."""
    return json.dumps({**contents, "at": time.time()}, ensure_ascii=False)


def build_page(answering: Answering, feedback: FeedbackStore, tools: Tools) -> gr.Blocks:
    """The page over `answering`. Reads the article; loads no model."""
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = _NEVER
    page = Page(answering, feedback)
    manifest, paragraphs = page.index.manifest, page.index.paragraphs
    with gr.Blocks(title=_title(manifest.title), fill_width=True, fill_height=True, analytics_enabled=False) as blocks:
        memory = gr.BrowserState(None, storage_key=f"duizhao-{manifest.article[:16]}", secret=_BROWSER_KEY)
        _html(render("masthead", title=manifest.title, wording=WORDING), "masthead")
        with gr.Row(elem_id="panes"):
            with gr.Column(elem_id="talk"):
                # Marked as waiting for what the browser kept: `restore` draws it anew without the mark.
                transcript = _html(render("welcome", waiting=True), "transcript")
                desk = _html(render("composer", limit=LONGEST_QUESTION), "desk", events=_EVENTS)
            with gr.Column(elem_id="read"):
                _html(render_article(manifest.title, paragraphs), "article")
        parcel = gr.HTML("", elem_id="parcel", html_template="", js_on_load=_mount("parcel", ()), padding=False)
        drawn = [transcript, memory]
        blocks.load(page.restore, [memory], drawn, queue=False, **_QUIET)
        # "multiple": the next question may come in before the queue has put the last answer away.
        desk.ask(page.ask, [memory], drawn, concurrency_limit=None, trigger_mode="multiple", **_QUIET)
        desk.expect(page.expect, None, None, queue=False, **_QUIET)
        desk.stop(page.stop, None, None, queue=False, **_QUIET)
        desk.undo(page.undo, [memory], drawn, queue=False, **_QUIET)
        desk.renew(page.renew, None, drawn, queue=False, **_QUIET)
        desk.rate(page.rate, [memory], [*drawn, parcel], queue=False, **_QUIET)
        desk.note(page.note, [memory], [*drawn, parcel], queue=False, **_QUIET)
        desk.export(page.export, [memory], [parcel], queue=False, **_QUIET)
        for function in (_asking(tools), _reading(tools)):
            api(function, api_name=function.__name__, concurrency_limit=None)
    blocks.queue(max_size=64, default_concurrency_limit=16)
    return blocks  # type: ignore[no-any-return]  # gradio wraps its own context managers


def head() -> str:
    """What goes into the page's head: our style sheets and scripts, all from this server."""
    boot = (ASSETS / "boot.js").read_text(encoding="utf-8")
    styles = "".join(f'<link rel="stylesheet" href="page/{name}?v={_version(name)}">' for name in STYLES)
    return f'<script>{boot}</script>{styles}<script type="module" src="page/main.js?v={_version("main.js")}"></script>'


STYLES = ("tokens.css", "frame.css", "talk.css", "article.css")


def _version(name: str) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:10]


def _title(title: str) -> str:
    return f"{title} · 对照 Duizhao"


def _html(value: str, name: str, events: tuple[str, ...] = ()) -> gr.HTML:
    """A component whose value is HTML that our templates made; `events` are those its script may trigger."""
    return gr.HTML(
        value, elem_id=f"{name}-block", js_on_load=_mount(name, events), apply_default_css=False, padding=False
    )


def _mount(name: str, events: tuple[str, ...]) -> str:
    triggers = ", ".join(f"'{event}': (data) => trigger('{event}', data)" for event in events)
    return f"window.duizhaoMount('{name}', element, {{{triggers}}}, watch, props);"


def _asking(tools: Tools) -> Any:
    """`ask_article` for gradio: handed something every second, it finds that a caller has hung up, and closes it."""

    @wraps(tools.ask_article)
    def ask_article(question: str, history: list[Any] | None = None) -> Iterator[Any]:
        told = time.monotonic()
        with _word_for_word():
            for answer in tools.asking(question, history, job=secrets.token_hex(6)):
                if answer is not None:
                    yield answer
                elif time.monotonic() - told > _PULSE:
                    told = time.monotonic()
                    yield None

    return ask_article


def _reading(tools: Tools) -> Any:
    @wraps(tools.read_paragraph)
    def read_paragraph(number: int) -> dict[str, Any]:
        with _word_for_word():
            return tools.read_paragraph(number)

    return read_paragraph


@contextmanager
def _word_for_word() -> Iterator[None]:
    """A user's mistake as gradio's own error, which callers see word for word."""
    try:
        yield
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from None
