"""Many readers at once: the page's own event through the real queue of a real server, each reader with a conversation.

A reader asks, waits for the answer, asks again, as the page's script would: it joins gradio's queue with a session of
its own, reads that session's stream, and keeps the conversation that comes back. So what is checked is what a browser
would show: that every question has an answer, and that it is the answer to that question and nobody else's.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from index.errors import UserError
from index.paragraphs import Language

# Seconds one answer may take before it counts as lost.
PATIENCE = 600.0
_TO_LOAD = 300.0
# Of an answer's ranking, so many are held against what its question finds when asked alone; in any order, because a
# small model reorders the first (rag/rerank.py).
_COMPARED = 5
Asked = tuple[str, Language]
# The paragraph numbers of a question's ranking, best first.
RankingOf = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reader saw of one question. Times are seconds from asking; None where there was nothing to see.

    `state` is the page's own (done, busy, failed, …), or "lost" where the stream ended without an answer.
    """

    reader: int
    question: str
    language: Language
    state: str
    quotes: float | None = None
    whole: float | None = None
    answer: Mapping[str, Any] | None = None
    instead: str = ""  # why quotes are the answer although a generator was asked for
    mixed: str = ""  # why it is not this reader's answer to this question


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """What so many readers met. Times are seconds; `throughput` is answers a minute.

    `jain`: Jain's index of the readers' mean waits (Jain, Chiu and Hawe 1984), 1 where all wait alike;
    `spread`: the longest of them over the shortest.
    """

    readers: int
    asked: int
    answered: int
    fallback: int  # of them: quotes, because the generator did not answer
    busy: int
    lost: int
    mixed: int
    throughput: float
    median: float | None
    p95: float | None
    quotes_median: float | None
    quotes_p95: float | None
    jain: float | None
    spread: float | None


class Page:
    """The page at `url`, as its script sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        config = httpx.get(f"{url}config", timeout=60).json()
        events = [d for d in config["dependencies"] if any(target[1] == "ask" for target in d["targets"])]
        self._ask, self._target = events[0]["id"], events[0]["targets"][0][0]

    def updates(self, client: httpx.Client, state: Any, question: str) -> Iterator[Mapping[str, Any]]:
        """The messages of one question's stream, as gradio sends them."""
        session = secrets.token_hex(8)
        body = {
            "data": [state],
            "fn_index": self._ask,
            "trigger_id": self._target,
            "session_hash": session,
            "event_data": {"question": question, "standalone": True},
        }
        client.post(f"{self.url}gradio_api/queue/join", json=body).raise_for_status()
        where = f"{self.url}gradio_api/queue/data"
        with client.stream("GET", where, params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])


class Reader:
    """One reader: a conversation, and the questions it asks one after another."""

    def __init__(self, number: int, page: Page, questions: Sequence[Asked]) -> None:
        self._number, self._page, self._questions = number, page, questions
        self._state: Any = None
        self.replies: list[Reply] = []

    def run(self) -> None:
        """Ask every question; what goes wrong is a lost reply, never an exception."""
        with httpx.Client(timeout=PATIENCE) as client:
            for at, (question, language) in enumerate(self._questions):
                try:
                    self.replies.append(self._ask(client, at, question, language))
                except (httpx.HTTPError, KeyError, IndexError, TypeError, ValueError) as error:
                    print(f"reader {self._number}: {type(error).__name__}: {error}", file=sys.stderr)
                    self.replies.append(Reply(self._number, question, language, "lost"))

    def _ask(self, client: httpx.Client, at: int, question: str, language: Language) -> Reply:
        started, quotes, completed = time.perf_counter(), None, None
        for message in self._page.updates(client, self._state, question):
            if quotes is None and message["msg"] == "process_generating" and _has_quotes(message):
                quotes = time.perf_counter() - started
            if message["msg"] == "process_completed":
                completed = message
                break
        whole = time.perf_counter() - started
        if completed is None or not completed["success"]:
            return Reply(self._number, question, language, "lost")
        self._state = completed["output"]["data"][1]
        exchange = self._state["exchanges"][-1]
        mixed = self._mixed(at, language)
        answer, state = exchange["answer"], exchange["state"]
        if answer is None:
            return Reply(self._number, question, language, state, mixed=mixed)
        instead, seen = exchange["instead"], quotes or whole
        return Reply(self._number, question, language, state, seen, whole, answer, instead, mixed)

    def _mixed(self, at: int, language: Language) -> str:
        """Why the conversation that came back is not this reader's own; "" where it is."""
        own = [question for question, _ in self._questions[: at + 1]]
        held = [exchange["question"] for exchange in self._state["exchanges"]]
        if held != own[-len(held) :] or not held:
            return f"the conversation holds {held[-1:]}"
        answer = self._state["exchanges"][-1]["answer"]
        return f"answered in {answer['language']}" if answer and answer["language"] != language else ""


def _has_quotes(message: Mapping[str, Any]) -> bool:
    """Whether an update shows an answer to the question that was asked last; gradio sends changes after the first."""
    state = message["output"]["data"][1]
    if isinstance(state, dict) and "exchanges" in state:
        return state["exchanges"][-1]["answer"] is not None
    return '"statements"' in json.dumps(state)


def ask_at_once(url: str, questions: Sequence[Asked], readers: int) -> tuple[list[Reply], float]:
    """The replies to `questions`, dealt out to `readers` who ask at once, and the seconds it took.

    Every reader has questions that no other one asks.
    """
    page = Page(url)
    crowd = [Reader(number, page, questions[number::readers]) for number in range(readers)]
    threads = [threading.Thread(target=reader.run) for reader in crowd]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [reply for reader in crowd for reply in reader.replies], time.perf_counter() - started


def figures(replies: Sequence[Reply], readers: int, seconds: float) -> LoadFigures:
    """The figures of one level of readers."""
    answered = [reply for reply in replies if reply.answer is not None]
    waits = [[r.whole for r in answered if r.reader == number and r.whole] for number in range(readers)]
    means = np.asarray([np.mean(own) for own in waits if own])
    whole = [reply.whole for reply in answered if reply.whole is not None]
    quotes = [reply.quotes for reply in answered if reply.quotes is not None]
    return LoadFigures(
        readers=readers,
        asked=len(replies),
        answered=len(answered),
        fallback=sum(bool(reply.instead) for reply in answered),
        busy=sum(reply.state == "busy" for reply in replies),
        lost=sum(reply.answer is None and reply.state != "busy" for reply in replies),
        mixed=sum(bool(reply.mixed) for reply in replies),
        throughput=round(60 * len(answered) / seconds, 2),
        median=_percentile(whole, 50),
        p95=_percentile(whole, 95),
        quotes_median=_percentile(quotes, 50),
        quotes_p95=_percentile(quotes, 95),
        jain=round(float(means.sum() ** 2 / (len(means) * (means**2).sum())), 3) if len(means) else None,
        spread=round(float(means.max() / means.min()), 2) if len(means) else None,
    )


def compared(replies: Sequence[Reply], ranking_of: RankingOf) -> list[Reply]:
    """The replies, each also marked as mixed up where it does not rest on the ranking its question has asked alone."""
    return [_compared(reply, ranking_of) for reply in replies]


def _compared(reply: Reply, ranking_of: RankingOf) -> Reply:
    if reply.answer is None or reply.mixed:
        return reply
    found = [number for number, _ in reply.answer["retrieved"]][:_COMPARED]
    alone = list(ranking_of(reply.question))[:_COMPARED]
    return reply if set(found) == set(alone) else replace(reply, mixed=f"ranked {found}, alone {alone}")


def _percentile(values: Sequence[float], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 3) if values else None


def to_json(levels: Sequence[LoadFigures], **told: Any) -> dict[str, Any]:
    """A run's record: what it was of, and a line for each level."""
    return {**told, "levels": [asdict(level) for level in levels]}


# --- the server -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def page_server(generator: str, index: Path | None = None, **settings: str) -> Iterator[str]:
    """`python -m ui` on a free port of loopback, its models loaded; yields its URL. `settings` by their names.

    Raises UserError, with what it said, where it does not come up.
    """
    own = {f"DUIZHAO_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "ui", "--port", "0", "--host", "127.0.0.1", "--generator", generator]
    if index:
        command += ["--index", str(index)]
    with subprocess.Popen(  # noqa: S603 - this very program
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **own}
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            url = re.search(r"http://\S+/", said)
            if url is None:
                raise UserError(f"the page did not start; it said {said.strip()!r}. Try it: python -m ui")
            _wait_for_models(url[0], process)
            yield url[0]
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_for_models(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _TO_LOAD
    while (models := _models(url)) != "ready":
        if models in ("failed", "search_failed") or process.poll() is not None or time.monotonic() > deadline:
            raise UserError(f"the page's models are {models!r}, not ready. The lines above say why.")
        time.sleep(0.2)


def _models(url: str) -> str:
    try:
        return str(httpx.get(f"{url}healthz", timeout=30).json()["models"])
    except httpx.TimeoutException:  # a busy machine, on which loading leaves nothing for anything else
        return "silent"


def deal(pool: Sequence[Asked], levels: Sequence[int], questions: int) -> list[list[Asked]]:
    """`questions` of the pool for each level, none asked twice. Raises UserError where there are too few."""
    wanted = [max(level, questions) for level in levels]
    if sum(wanted) > len(pool):
        raise UserError(f"{sum(wanted)} distinct questions are needed, there are {len(pool)}. Ask fewer: --questions.")
    starts = [sum(wanted[:at]) for at in range(len(wanted))]
    stride = _coprime(len(pool))
    spread = [pool[i * stride % len(pool)] for i in range(len(pool))]
    return [spread[start : start + count] for start, count in zip(starts, wanted, strict=True)]


def _coprime(total: int) -> int:
    """A stride that visits every question once, so that each level has some of every kind."""
    return next(stride for stride in range(max(2, total // 3), total * 2 + 3) if math.gcd(stride, total) == 1)
