"""Questions from many readers to one engine: quotes while models load, a bounded fair queue, and cancellation."""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from index.build import Index, open_index
from index.errors import UserError
from index.settings import Settings
from rag.answer import Answer
from rag.condense import Turn, leans_on_history
from rag.engine import Delta, Done, Engine, Found
from rag.generators import Generator, make_generator
from rag.language import language_of_question
from ui.turns import Turns

# Questions being answered or waiting, in all; the next one is told that it is busy. Each holds one of the 40 threads
# that gradio has for the page's events, and a stop needs one too.
MOST_AT_ONCE = 24
# Answers written at the same time: one where the model runs on this machine, more where it is someone else's.
WRITERS = {"local": 1}
WRITERS_ELSEWHERE = 4
# Seconds between looks at whether the reader has stopped or gone.
_TICK = 0.2
# Seconds a call over the API waits for the models before quotes are its answer.
PATIENCE = 120.0

# Why no generator's answer stands where one was asked for: it loads, could not be loaded, or wrote none that holds.
Instead = Literal["", "loading", "failed", "fallback"]
Status = Literal["starting", "quotes", "ready", "failed", "search_failed"]


class SearchFailed(UserError):
    """The search model could not be loaded: nothing can be asked."""


class Busy(Exception):
    """Too many questions at once. `waiting` is how many."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} questions are waiting")
        self.waiting = waiting


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to show yet: the search model is loading, or `ahead` other answers are being written first."""

    reason: Literal["models", "turn"]
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Still:
    """Nothing new: a moment in which whoever reads the events can leave."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The checked answer. `instead` says why it is quotes although a generator was asked for."""

    answer: Answer
    instead: Instead = ""


Progress = Waiting | Still | Found | Delta | Finished
# Opens an engine with a generator over the index; the engine itself is made in the background.
MakeEngine = Callable[[Index, Generator], Engine]


class Answering:
    """One index, a generator, and the quotes that answer until the generator is there. Safe between threads."""

    def __init__(self, index: Index, generator: Generator, quotes: Generator, make_engine: MakeEngine) -> None:
        self.index = index
        self.generator = generator
        self._quotes = quotes
        self._make_engine = make_engine
        self._quoting: Engine | None = None
        self._writing: Engine | None = None
        self._status: Status = "starting"
        self._changed = threading.Condition()
        self._turns = Turns(WRITERS.get(generator.name, WRITERS_ELSEWHERE))
        self._jobs: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._last_asked = 0.0

    @property
    def status(self) -> Status:
        """What can be answered now: nothing yet, quotes, or everything; or what failed to load."""
        return self._status

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being loaded any more."""
        return self._status not in ("starting", "quotes")

    def wait_until_settled(self, patience: float | None = None) -> bool:
        """Wait, at most `patience` seconds, until nothing is being loaded any more; whether it is so."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_settled or self._closed, patience)
        return self.is_settled

    @property
    def is_idle(self) -> bool:
        """Whether nobody is waiting for an answer."""
        return not self._jobs

    @property
    def last_asked(self) -> float:
        """When a question last came, was being written or was done with, on `time.monotonic`'s clock."""
        return self._last_asked

    def expect(self) -> None:
        """A reader is writing a question: the machine is kept free for it."""
        with self._lock:
            self._last_asked = time.monotonic()

    def prepare(self) -> Iterator[tuple[int, int]]:
        """Have the generator read ahead, a paragraph at a time; nothing before it is loaded, nor once all is closed."""
        for step in self._writing.prepare() if self._writing else ():
            if self._closed:
                return
            yield step

    def quotes(self, question: str) -> Answer:
        """The answer in quotes alone, at once. Raises UserError while the search model is not loaded."""
        if self._quoting is None or self._status == "search_failed":
            raise UserError("the search model is not loaded, so nothing can be searched. Ask again later.")
        return self._quoting.find(question).quotes

    def start(self) -> threading.Thread:
        """Load the models in the background: the search model first, then the generator."""
        thread = threading.Thread(target=self._load, name="loading", daemon=True)
        thread.start()
        return thread

    def stream(
        self,
        question: str,
        history: Sequence[Turn],
        *,
        job: str,
        exclude: frozenset[int] = frozenset(),
        patience: float = 0.0,
    ) -> Iterator[Progress]:
        """What happens to a question, as it happens; `Finished` last. Something comes several times a second.

        While the generator loads, quotes are the answer, at once or once it was waited for `patience` seconds.

        Raises Busy at once when too many wait, UserError for a question that cannot be asked or a search model
        that failed to load. Ends without `Finished` when `stop(job)` is called or the iterator is closed.
        """
        stopped = self._admit(job)
        try:
            yield from self._wait_for_models(stopped, patience)
            if stopped.is_set():
                return
            writing = self._writing
            engine = writing or self._quoting
            assert engine is not None  # the search model is loaded, so the quoting engine stands
            if engine.generator.writes and self._quoting and _may_be_completed(question, history):
                # The generator completes a follow-up first, which takes a second; the quotes need not wait.
                yield self._quoting.find(question, history, exclude)
            yield from self._follow(engine, question, history, exclude, stopped=stopped)
        finally:
            stopped.set()
            with self._lock:
                self._jobs.pop(job, None)
                self._last_asked = time.monotonic()

    def ask(self, question: str, history: Sequence[Turn] = (), *, job: str) -> Answer:
        """The checked answer, for programs: waits for the generator while it loads. Raises as `stream` does."""
        *_, answer = self.asking(question, history, job=job)
        assert answer is not None  # it comes last
        return answer

    def asking(self, question: str, history: Sequence[Turn] = (), *, job: str) -> Iterator[Answer | None]:
        """`ask` step by step: None several times a second, moments in which a caller can leave; the answer last."""
        for event in self.stream(question, history, job=job, patience=PATIENCE):
            if isinstance(event, Finished):
                yield event.answer
                return
            yield None
        raise UserError("the question was stopped before it was answered. Ask again.")

    def stop(self, job: str) -> None:
        """Stop a question; its model stops at the next token. Does nothing for one that is over."""
        with self._lock:
            stopped = self._jobs.get(job)
        if stopped:
            stopped.set()

    def close(self) -> None:
        """Stop every question; nothing is answered after."""
        with self._lock:
            self._closed = True
            for stopped in self._jobs.values():
                stopped.set()
        with self._changed:
            self._changed.notify_all()

    # --- loading ----------------------------------------------------------------------------------------

    def _load(self) -> None:
        with suppress(OSError):  # told where it is waited for
            self.generator.begin()
        try:
            self._quoting = self._make_engine(self.index, self._quotes)
            self._quoting.warm()
        except Exception as error:
            self._report("the search model could not be loaded", error)
            self._set("search_failed")
            return
        if self.generator.name == "quote":
            self._writing = self._quoting
            self._set("ready")
            return
        self._set("quotes")
        try:
            engine = self._make_engine(self.index, self.generator)
            engine.warm()
        except Exception as error:
            self._report(f"the generator {self.generator.name} could not be loaded; quotes are the answers", error)
            self._set("failed")
            return
        self._writing = engine
        self._set("ready")

    def _set(self, status: Status) -> None:
        with self._changed:
            self._status = status
            self._changed.notify_all()

    @staticmethod
    def _report(what: str, error: Exception) -> None:
        print(f"duizhao: {what}: {error}", file=sys.stderr)
        if not isinstance(error, UserError):
            traceback.print_exception(error)

    # --- one question -----------------------------------------------------------------------------------

    def _admit(self, job: str) -> threading.Event:
        with self._lock:
            if len(self._jobs) >= MOST_AT_ONCE:
                raise Busy(len(self._jobs))
            stopped = self._jobs[job] = threading.Event()
            self._last_asked = time.monotonic()
            if self._closed:
                stopped.set()
        return stopped

    def _wait_for_models(self, stopped: threading.Event, patience: float) -> Iterator[Progress]:
        """Wait for the search model, and for the generator as long as there is `patience`."""
        until = time.monotonic() + patience
        while (now := self._status) == "starting" or (now == "quotes" and time.monotonic() < until):
            if stopped.is_set():
                return
            yield Waiting("models")
            with self._changed:
                self._changed.wait_for(lambda seen=now: self._status != seen, _TICK)  # type: ignore[misc]
        if self._status == "search_failed":
            raise SearchFailed("the search model could not be loaded. The terminal says why.")

    def _follow(
        self,
        engine: Engine,
        question: str,
        history: Sequence[Turn],
        exclude: frozenset[int],
        *,
        stopped: threading.Event,
    ) -> Iterator[Progress]:
        """Run the engine in a thread of its own, so that a reader who stops never waits for the model."""
        events: queue.Queue[Any] = queue.Queue()
        runner = _Run(engine, question, history, exclude, events=events, stopped=stopped)
        threading.Thread(target=runner.run, args=(self._turn(engine, events, stopped),), daemon=True).start()
        while not stopped.is_set():
            try:
                event = events.get(timeout=_TICK)
            except queue.Empty:
                yield Still()
                continue
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Done):
                yield Finished(event.answer, self._instead(engine, event.answer))
                return
            yield event

    def _instead(self, engine: Engine, answer: Answer) -> Instead:
        if engine.generator.name == "quote" and self.generator.name != "quote":
            return "failed" if self._status == "failed" else "loading"
        return "fallback" if answer.fallback else ""

    def _turn(
        self, engine: Engine, events: queue.Queue[Any], stopped: threading.Event
    ) -> Callable[[], Callable[[], None]]:
        """Waits for a writer's place; returns what gives it back. Quotes need no place."""

        def wait() -> Callable[[], None]:
            if not engine.generator.writes:
                return lambda: None
            is_taken = self._turns.take(stopped, lambda ahead: events.put(Waiting("turn", ahead)), _TICK)
            return self._turns.give_back if is_taken else lambda: None

        return wait


class _Run:
    """One pass of an engine over one question, in a thread; closes the engine's stream whatever happens."""

    def __init__(
        self,
        engine: Engine,
        question: str,
        history: Sequence[Turn],
        exclude: frozenset[int],
        *,
        events: queue.Queue[Any],
        stopped: threading.Event,
    ) -> None:
        self._stream = engine.stream(question, history, None, exclude)
        self._events = events
        self._stopped = stopped

    def run(self, wait_for_turn: Callable[[], Callable[[], None]]) -> None:
        give_back: Callable[[], None] = lambda: None  # noqa: E731 - replaced by what the turn returns
        try:
            for event in self._stream:
                self._events.put(event)
                if self._stopped.is_set():
                    return
                if isinstance(event, Found):
                    give_back = wait_for_turn()
                    if self._stopped.is_set():
                        return
        except Exception as error:  # raised again where the reader waits
            self._events.put(error)
        finally:
            self._stream.close()  # type: ignore[attr-defined]  # a generator: closing it stops the model
            give_back()


def _may_be_completed(question: str, history: Sequence[Turn]) -> bool:
    return bool(history) and leans_on_history(question, language_of_question(question))


def open_answering(settings: Settings) -> Answering:
    """An `Answering` over the settings' index and generator; nothing is loaded yet.

    Raises UserError for a missing or mismatched index, missing weights, or a missing key.
    """
    index = open_index(settings)
    generator, quotes = make_generator(settings), make_generator(settings, "quote")

    def make_engine(over: Index, writer: Generator) -> Engine:
        return Engine(over, writer, settings.evidence_tokens)

    return Answering(index, generator, quotes, make_engine)


def everything_but(index: Index, number: int) -> frozenset[int]:
    """The paragraphs to leave out when a question is asked of one paragraph alone."""
    return frozenset(index.by_number) - {number}
