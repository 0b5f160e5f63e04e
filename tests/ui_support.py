"""Stand-ins for the room ui: a small bilingual article, an engine that follows a script, a page served in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from index.build import Index
from index.paragraphs import Language, Paragraph
from index.settings import Settings
from rag.answer import Answer, Citation, Retrieved, Statement, Timings, Verdict
from rag.condense import Turn
from rag.engine import Delta, Done, Engine, Event, Found
from rag.evidence import sentences_of
from rag.generators import Generator, QuoteLLM
from rag.language import language_of_question
from rag.retrieve import Ranking
from tests import rag_support
from tests.fakes import HashingEmbedder
from ui.answering import Answering
from ui.listening import address, listen

# What a page must never run; `fired` is looked for in the page by the browser tests.
HOSTILE = (
    '<img src=x onerror="window.fired=1"><script>window.fired=2</script>${window.fired=3}{{constructor}}`'
    '</textarea><a href="javascript:window.fired=4">x</a>[¶1](x) **bold** \u202edlrow'
)

PARAGRAPHS: list[dict[str, str]] = [
    {"kind": "front", "zh": "竹桥\n一座桥的两岸", "en": "The bamboo bridge\nTwo banks of one bridge"},
    {"kind": "summary", "zh": "本文讲述一座竹桥的修建。桥在 1987 年落成。", "section_zh": "导读"},
    {
        "zh": "村民用三百根竹子造了这座桥。它横跨清溪,长四十米。没有用一颗钉子。",
        "en": "The villagers built the bridge from three hundred bamboo poles. It spans the Qing stream and is forty metres long. Not one nail was used.",
        "section_zh": "桥的来历",
        "section_en": "HOW THE BRIDGE CAME TO BE",
    },
    {
        "zh": "桥在 1987 年春天落成。每年雨季之后都要更换十分之一的竹子。",
        "en": "The bridge was finished in the spring of 1987. A tenth of the bamboo is replaced after every rainy season.",
        "section_zh": "桥的来历",
        "section_en": "HOW THE BRIDGE CAME TO BE",
    },
    {
        "kind": "figure",
        "zh": "▲ 桥的侧面图。",
        "en": "The bridge from the side.",
        "section_zh": "桥的来历 › 侧面图",
        "section_en": "HOW THE BRIDGE CAME TO BE › Side view",
    },
    {
        "kind": "timeline",
        "zh": "第一座桥被洪水冲走。",
        "en": "A flood carried the first bridge away.",
        "section_zh": "年表 › 1956 洪水",
        "section_en": "A TIMELINE › 1956 The flood",
    },
    {
        "kind": "timeline",
        "zh": "如今的桥开放通行。",
        "en": "The bridge of today was opened.",
        "section_zh": "年表 › 1987 重建",
        "section_en": "A TIMELINE › 1987 Rebuilding",
    },
    {
        "zh": "谁来照看这座桥?两岸的人家轮流,一家一年。",
        "en": "Who looks after the bridge? The families of both banks take turns, a year each.",
        "section_zh": "谁来照看它?",
        "section_en": "WHO LOOKS AFTER IT?",
    },
    {
        "kind": "footnote",
        "zh": "1. 长度按主跨计算。",
        "en": "Measured along the main span.",
        "section_zh": "脚注 › 注 1",
        "section_en": "Footnotes › Note 1",
    },
    {"kind": "credits", "zh": "文字:林溪。", "en": "Text: Lin Xi."},
]


class QuietEmbedder(HashingEmbedder):
    """The hashing embedder with nothing to load: the page loads its models in the background."""

    def load(self) -> Any:
        return None


def make_index(folder: Path, records: Sequence[dict[str, str]] = PARAGRAPHS, title: str = "竹桥") -> Index:
    """An index of `records` in `folder`, opened."""
    return rag_support.make_index(folder, records, title, QuietEmbedder())


def cite(paragraph: Paragraph, language: Language, sentence: int = 0) -> Citation:
    """The citation of a paragraph's sentence."""
    return Citation.of(sentences_of(paragraph, language)[sentence])


def an_answer(
    index: Index,
    question: str,
    *said: tuple[str, int, int, Verdict],
    rewritten: str | None = None,
    generator: str = "local",
) -> Answer:
    """An answer of statements, each (text, paragraph, sentence, verdict); a refusal where there is none."""
    language = language_of_question(question)
    by_number = index.by_number
    citations = tuple(cite(by_number[p], language if by_number[p].text(language) else "zh", s) for _, p, s, _ in said)
    return Answer(
        question=question,
        language=language,
        refused=not said,
        statements=tuple(Statement(text, (i,), verdict) for i, (text, _, _, verdict) in enumerate(said)),
        citations=citations,
        retrieved=tuple(Retrieved(p, round(0.9 - i / 50, 4)) for i, p in enumerate(index.paragraphs[2:8])),
        gate=0.9 if said else 0.1,
        generator=generator,
        model="scripted",
        timings=Timings(10, 20, 1234),
        rewritten=rewritten,
    )


FAILED = "ConnectionError: the model is down"


@dataclass
class Script:
    """What happens to one question. `quotes` at once; `pieces` one at a time, each after `gate` is set; `final` last."""

    quotes: Answer
    final: Answer | None = None
    pieces: Sequence[str] = ()
    gate: threading.Event | None = None
    pause: float = 0.0
    error: Exception | None = None
    closed: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, tuple[Turn, ...], frozenset[int]]] = field(default_factory=list)


class ScriptedEngine:
    """An Engine that follows a script a question; one without a script is refused."""

    def __init__(self, index: Index, generator: Generator, scripts: dict[str, Script]) -> None:
        self.index, self.generator, self.scripts = index, generator, scripts
        self.leads, self.prepared = 0, list[float]()

    def warm(self) -> None:
        self.generator.warm()

    def prepare(self) -> Iterator[tuple[int, int]]:
        for done in range(1, self.leads + 1):
            self.prepared.append(time.monotonic())
            yield done, self.leads

    def find(self, question: str, history: Sequence[Turn] = (), exclude: frozenset[int] = frozenset()) -> Found:
        quotes = self._script(question).quotes
        nothing = Ranking((), {}, {}, exclude)
        return Found(
            question=question,
            rewritten=quotes.rewritten,
            language=quotes.language,
            ranking=nothing,
            ranked=(),
            shown=(),
            milliseconds=1.0,
            places=(),
            whole=False,
            quotes=quotes,
        )

    def stream(
        self, question: str, history: Sequence[Turn] = (), id: str | None = None, exclude: frozenset[int] = frozenset()
    ) -> Iterator[Event]:
        script = self._script(question)
        script.asked.append((question, tuple(history), exclude))
        try:
            yield self.find(question, history, exclude)
            if script.error:
                raise script.error
            if not self.generator.writes:
                yield Done(script.quotes)
                return
            for piece in script.pieces:
                if script.gate:
                    script.gate.wait(20)
                time.sleep(script.pause)
                yield Delta(piece)
            yield Done(script.final or replace(script.quotes, fallback=FAILED))
        finally:
            script.closed.set()

    def _script(self, question: str) -> Script:
        return self.scripts.get(question) or Script(an_answer(self.index, question))


def writer(warm: threading.Event | None = None, name: Any = "local") -> Generator:
    """A generator that is only a name; loading it waits for `warm`, which the test sets."""

    def wait() -> None:
        if warm is not None:
            warm.wait(30)

    return Generator(name, "scripted", QuoteLLM(), warm=wait)


QUOTING = Generator("quote", "quote", QuoteLLM(), writes=False)


def answering_over(index: Index, scripts: dict[str, Script], generator: Generator | None = None) -> Answering:
    """An Answering whose engines follow `scripts`; not started yet."""

    def make_engine(over: Index, own: Generator) -> Engine:
        engine: Any = ScriptedEngine(over, own, scripts)
        return engine  # type: ignore[no-any-return]

    return Answering(index, generator or writer(), QUOTING, make_engine)


def wait_until(true: Any, seconds: float = 20) -> None:
    """Wait for something another thread does."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s")
        time.sleep(0.01)


@contextmanager
def served(settings: Settings, answering: Answering, port: int = 0) -> Iterator[str]:
    """The page over `answering`, served in a thread on `port`, or a free one; yields its URL."""
    from ui.server import make_app

    servers: list[uvicorn.Server] = []

    async def serve(listening: Any) -> None:
        # Made where an event loop runs: elsewhere gradio makes several of its own and leaves them open.
        app = make_app(settings, answering)
        servers.append(uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none")))
        await servers[0].serve(sockets=[listening])

    with listen("127.0.0.1", port) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(serve(listening)), daemon=True)
        thread.start()
        wait_until(lambda: servers and servers[0].started, 60)
        try:
            yield address(listening)
        finally:
            servers[0].should_exit = True
            thread.join(20)
