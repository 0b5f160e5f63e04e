"""Measures how fast everything is, in one run on one machine: commands, starts, the index, questions, the peer.

What is compared is measured side by side: the model's own speed before and after the questions, the peer's answer
right behind ours. Nothing here judges; the rows and their targets are in speed_rows.py.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals import child
from evals.gold import DEFAULT_GOLD, Question, load_gold
from evals.meter import Metered, Speeds, Written, calibrate, resident_mb
from evals.run import now, sample
from index.paragraphs import LANGUAGES, Language
from index.progress import bar

if TYPE_CHECKING:
    from evals.peer import Peer
    from index.build import Index
    from index.embedder import Embedder
    from index.settings import Settings
    from rag.engine import Engine

ROOMS = ("index", "rag", "ui", "evals")
# Of no question in the gold; they leave every cache as it is in use.
WARMING: Mapping[Language, str] = {"zh": "这篇文章的读者是谁?", "en": "Who reads this article?"}
COLD_QUESTION = "What is CORE-Bench?"
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """How much is measured. `limit` and `peer` count question pairs; without `commands` no process is started.

    The article is read ahead first (minutes where nothing is kept) unless `ahead` is false; the pairs of `peer` are
    asked once more without it.
    """

    limit: int | None = 20
    peer: int = 5
    repeats: int = 3
    commands: bool = True
    ahead: bool = True
    gold: Path = DEFAULT_GOLD


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, answered. Seconds since it was asked; `first` is None where the model wrote nothing.

    `heard`: how many of the replies in `written` were begun before the answer's first token, that of the last of them.
    `least_first` and `least` are what the model alone would have needed at its measured speeds; None where a reply
    was cut off, so that its tokens are not known.
    """

    id: str
    language: Language
    evidence: float
    first: float | None
    total: float
    written: tuple[Written, ...]
    answer: Mapping[str, Any]
    heard: int = 1
    least_first: float | None = None
    least: float | None = None

    def against(self, speeds: Speeds) -> Asked:
        """The same, beside what the model alone would have needed."""
        if not self.written or any(reply.usage is None for reply in self.written):
            return self
        return replace(
            self,
            least_first=speeds.seconds(self.new_tokens),
            least=speeds.seconds(sum(w.new_tokens for w in self.written), sum(w.tokens for w in self.written)),
        )

    @property
    def new_tokens(self) -> int:
        """Tokens of prompts that were evaluated before the answer's first token."""
        return sum(reply.new_tokens for reply in self.written[: self.heard])

    def to_json(self) -> dict[str, Any]:
        """Times and tokens, without the answer's text."""
        kept = {name: getattr(self, name) for name in ("id", "language", "evidence", "first", "total")}
        tokens = [w.usage and dict(w.usage) for w in self.written]
        refused = bool(self.answer.get("refused"))
        return {**kept, "least_first": self.least_first, "least": self.least, "usage": tokens, "refused": refused}


@dataclass(frozen=True, slots=True)
class Cold:
    """Starts of fresh processes: seconds to the evidence and to the answer, and of the embedder alone."""

    evidence: tuple[float, ...]
    answer: tuple[float, ...]
    embedder_alone: tuple[float, ...]
    usage: tuple[Mapping[str, int] | None, ...]
    peak_mb: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that one run measured; seconds, tokens a second, megabytes."""

    machine: Mapping[str, Any]
    speeds: Speeds
    asked: tuple[Asked, ...]
    embedding: tuple[float, ...]  # a question embedded alone
    loading: float  # the generator's weights
    resident_mb: float | None
    unread: tuple[Asked, ...] = ()  # some of `asked` again, with nothing read ahead
    help: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    bare: tuple[float, ...] = ()  # a Python that does nothing
    help_mb: float | None = None
    cold: Cold | None = None
    building: tuple[float, ...] = ()
    building_mb: float | None = None
    embedding_all: float | None = None  # the index's texts at the embedder's measured speed
    peer_ready: Mapping[str, Any] | None = None
    peer: Mapping[tuple[str, Language], Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Every raw timing."""
        plain = {
            name: getattr(self, name)
            for name in ("machine", "embedding", "loading", "resident_mb", "help", "bare", "help_mb", "building")
        }
        peer = [
            {"id": key[0], "language": key[1], **{k: v for k, v in reply.items() if k != "answer"}}
            for key, reply in self.peer.items()
        ]
        return {
            **plain,
            "building_mb": self.building_mb,
            "embedding_all": self.embedding_all,
            "speeds": asdict(self.speeds),
            "cold": asdict(self.cold) if self.cold else None,
            "asked": [one.to_json() for one in self.asked],
            "unread": [one.to_json() for one in self.unread],
            "peer_ready": self.peer_ready,
            "peer": peer,
        }


def perform(
    order: Order, settings: Settings, index: Index, on_progress: OnProgress = lambda done, total: None
) -> Measured:
    """Measure all of it. Raises UserError where an index or weights are missing."""
    questions = [q for q in load_gold(order.gold, index.paragraphs) if q.split == "dev"]
    chosen = sample(questions, order.limit)
    beside = {question.id for question in sample(chosen, order.peer)} if order.peer else set()
    commands = _commands(order) if order.commands else {}
    engine, llm, loading = _warm_engine(settings, index)
    with ExitStack() as stack:
        held = resident_mb(llm)
        if order.ahead:
            _read_ahead(engine)
        speeds = calibrate(llm, order.repeats)
        _warm_prompts(engine)
        peer = _open_peer(stack, index) if beside else None
        asked, replies = _ask_all(engine, llm, chosen, peer, beside, on_progress)
        unread = _ask_unread(engine, llm, [question for question in chosen if question.id in beside])
        held = max(filter(None, (held, resident_mb(llm))), default=None)
    speeds += calibrate(llm, order.repeats)
    return Measured(
        machine=_machine(settings, llm),
        speeds=speeds,
        asked=tuple(one.against(speeds) for one in asked),
        unread=tuple(one.against(speeds) for one in unread),
        embedding=_embedding_alone(index.embedder, [q.asked[own] for q in chosen for own in LANGUAGES]),
        loading=loading,
        resident_mb=held,
        embedding_all=_embedding_all(index, order.repeats) if order.commands else None,
        peer_ready=peer.ready if peer else None,
        peer=replies,
        **commands,
    )


# --- fresh processes ----------------------------------------------------------------------------------------


def _commands(order: Order) -> dict[str, Any]:
    bare = [child.python(code="pass") for _ in range(order.repeats)]
    helps = {room: [child.python("-m", room, "--help") for _ in range(order.repeats)] for room in ROOMS}
    with tempfile.TemporaryDirectory(prefix="duizhao-speed-") as folder:
        built = child.python("-m", "index", "--into", str(Path(folder) / "index"))
    return {
        "bare": tuple(one.seconds for one in bare),
        "help": {room: tuple(one.seconds for one in runs) for room, runs in helps.items()},
        "help_mb": max(filter(None, (one.peak_mb for runs in helps.values() for one in runs)), default=None),
        "cold": _cold(order.repeats),
        "building": (built.seconds,),
        "building_mb": built.peak_mb,
    }


def _cold(repeats: int) -> Cold:
    """The weights are in the page cache from the second start on; the first one is not counted."""
    child.python(COLD_QUESTION, code=child.COLD)
    starts = [child.python(COLD_QUESTION, code=child.COLD) for _ in range(repeats)]
    alone = [child.python(COLD_QUESTION, code=child.EMBEDDER_ALONE) for _ in range(repeats)]
    return Cold(
        evidence=tuple(start.at("evidence") for start in starts),
        answer=tuple(start.at("answer") for start in starts),
        embedder_alone=tuple(one.at("embedded") for one in alone),
        usage=tuple(json.loads(start.said("answer")) for start in starts),
        peak_mb=max(filter(None, (json.loads(start.said("most")) for start in starts)), default=None),
    )


# --- questions ----------------------------------------------------------------------------------------------


def _warm_engine(settings: Settings, index: Index) -> tuple[Engine, Metered, float]:
    """The engine as a reader has it after the first question, its model, and the seconds that took to load."""
    from rag.engine import Engine
    from rag.generators import make_generator
    from rag.local import LocalLLM

    shipped = make_generator(settings, "local")
    assert isinstance(shipped.llm, LocalLLM)
    llm = Metered.like(shipped.llm)
    generator = replace(shipped, llm=llm, begin=llm.begin, warm=llm.warm, prepare=llm.prepare)
    engine = Engine(index, generator, settings.evidence_tokens)
    started = time.perf_counter()
    llm.load()
    loading = time.perf_counter() - started
    engine.warm()
    return engine, llm, loading


def _read_ahead(engine: Engine) -> None:
    """As the page has done after some idle minutes; at once where it is kept from an earlier run."""
    with bar("Reading ahead") as on_progress:
        for done, total in engine.prepare():
            on_progress(done, total)


def _ask_unread(engine: Engine, llm: Metered, questions: Sequence[Question]) -> list[Asked]:
    """The questions asked with nothing read ahead, as right after the first start."""
    room, llm.prompts_room = llm.prompts_room, 0
    try:
        return _ask_all(engine, llm, questions, None, set(), lambda done, total: None)[0]
    finally:
        llm.prompts_room = room


def _warm_prompts(engine: Engine) -> None:
    """Calibrating has pushed the kept start of each language's prompt out of its place; a question brings it back."""
    for question in WARMING.values():
        engine.ask(question)


def _open_peer(stack: ExitStack, index: Index) -> Peer:
    from evals import peer

    opened = stack.enter_context(peer.opened(index.folder))
    for language, question in WARMING.items():
        opened.ask(question, language)
    return opened


def _ask_all(
    engine: Engine,
    llm: Metered,
    questions: Sequence[Question],
    peer: Peer | None,
    beside: set[str],
    on_progress: OnProgress,
) -> tuple[list[Asked], dict[tuple[str, Language], Mapping[str, Any]]]:
    asked: list[Asked] = []
    replies: dict[tuple[str, Language], Mapping[str, Any]] = {}
    keys = [(question, language) for question in questions for language in LANGUAGES]
    for done, (question, language) in enumerate(keys):
        on_progress(done, len(keys))
        asked.append(ask(engine, llm, question, language))
        if peer and question.id in beside:
            replies[question.id, language] = peer.ask(question.asked[language], language)
    on_progress(len(keys), len(keys))
    return asked, replies


def ask(engine: Engine, llm: Metered, question: Question, language: Language) -> Asked:
    """Ask one question as the page does, with a stopwatch."""
    from rag.engine import Done, Found

    llm.take()
    evidence = total = 0.0
    answer: Mapping[str, Any] = {}
    started = time.perf_counter()
    for event in engine.stream(question.asked[language]):
        if isinstance(event, Found):
            evidence = time.perf_counter() - started
        elif isinstance(event, Done):
            total = time.perf_counter() - started
            answer = event.answer.to_json()
    written = tuple(llm.take())
    first = answer["timings_ms"]["first_token"] / 1000 if written else None
    heard = sum(first is not None and reply.started - started < first for reply in written)
    return Asked(question.id, language, evidence, first, total, written, answer, heard)


# --- what could not be quicker ------------------------------------------------------------------------------


def _embedding_alone(embedder: Embedder, texts: Sequence[str]) -> tuple[float, ...]:
    """Seconds to embed each question; a blank behind it makes it new to the embedder's memory."""
    seconds = []
    for text in texts:
        started = time.perf_counter()
        embedder.question(f"{text} ")
        seconds.append(time.perf_counter() - started)
    return tuple(seconds)


def _embedding_all(index: Index, repeats: int) -> float:
    """Seconds for all tokens that an index of the article embeds, at the embedder's speed on long passages."""
    from llama_index.core.schema import MetadataMode

    from index.paragraphs import Article
    from index.passages import PassageSplitter
    from index.source import documents_of

    embedder = index.embedder
    documents = documents_of(Article(title="", paragraphs=tuple(index.paragraphs)))
    nodes = [own for own in PassageSplitter(embedder.overflows)(documents) if own.metadata["level"] == "passage"]
    texts = sorted((node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes), key=len, reverse=True)
    counts = [len(ids) for ids in embedder.load().tokenizer(texts)["input_ids"]]
    speeds = []
    for _ in range(repeats):
        started = time.perf_counter()
        embedder.passages(texts[:16])
        speeds.append(sum(counts[:16]) / (time.perf_counter() - started))
    return sum(counts) / max(speeds)


def _machine(settings: Settings, llm: Metered) -> dict[str, Any]:
    return {
        "measured": now(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "threads": settings.cpu_threads,
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "generator": llm.name,
        "embedder": settings.embedder,
        "command": " ".join(["python", "-m", "evals", *sys.argv[1:]]),
    }
