"""How retrieval grows with the corpus: each stage built and asked at several sizes, by the program's own code.

Every part runs in a process of its own, so that its memory is its own. What a question costs besides (embedding it,
some 20 ms) does not depend on the corpus and is left out.
"""

from __future__ import annotations

import json
import pickle
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from evals.child import held_bytes
from evals.made import Base, MadeTokens, Vectors
from index import interaction
from index.build import FORMAT_VERSION, Index, Manifest
from index.embedder import Embedder
from index.keywords import KeywordIndex, tokenize
from index.paragraphs import LANGUAGES, Language
from index.store import LEVELS, Level, StoreClient
from rag.retrieve import CANDIDATES, COMPARED, SENTENCES_PER_CANDIDATE, HybridRetriever

COLLECTION = "scale"
TOP = 10
_SHOWN = 5  # paragraphs whose sentences an answer is aligned with
_MIB = 2**20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """What asking Chroma took.

    Times are milliseconds a question: for the retriever's four queries, and for reading the sentence vectors of five
    paragraphs. `recall`: by level. `grown`: MiB, after the queries.
    """

    queries: list[float]
    sentences: list[float]
    recall: dict[str, float]
    grown: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its vectors, embedded once."""

    text: str
    vector: Vectors
    tokens: Vectors


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of retrieval at one size. Rates are pairs a second, times milliseconds, sizes MiB; None: not measured.

    `built_with`: what the building process grew by at most. `memory`: what the asking process grew by; of a server, all
    it has. Both count mapped files, which the system takes back when it needs to.
    """

    stage: str
    pairs: int
    rate: float | None = None
    disk: float | None = None
    built_with: float | None = None
    memory: float | None = None
    p50: float | None = None
    p95: float | None = None
    recall: float | None = None  # of passages, among the ten nearest of a language
    recall_sentences: float | None = None


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """What `function` gives in a fresh process, whose memory is only its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


# --- building, each in a process of its own ---------------------------------------------------------------------


def build_vectors(folder: Path, pairs: int) -> tuple[float, float, dict[str, list[float]]]:
    """(seconds, peak MiB, exact) for the store of `pairs` paragraphs; only the adding is timed.

    `exact`: for each level and language, as "level.language", the cosine of each question's tenth nearest vector.
    """
    base, questions = load(folder)
    before = resident()
    client = StoreClient(folder / "chroma")
    store = client.create(COLLECTION, base.vectors.shape[1], pairs)
    asked = np.stack([question.vector for question in questions])
    best: dict[str, Vectors] = {}
    seconds = 0.0
    for nodes in base.batches(pairs):
        started = time.perf_counter()
        store.add(nodes)
        seconds += time.perf_counter() - started
        _keep_best(best, asked, nodes)
    client.close()
    return seconds, _peak(before), {place: scores[:, -1].tolist() for place, scores in best.items()}


def _keep_best(best: dict[str, Vectors], asked: Vectors, nodes: Sequence[Any]) -> None:
    places = [f"{node.metadata['level']}.{node.metadata['language']}" for node in nodes]
    for place in set(places):
        own = [node.embedding for node, at in zip(nodes, places, strict=True) if at == place]
        scores = asked @ np.asarray(own, np.float32).T
        joined = np.concatenate([best[place], scores], axis=1) if place in best else scores
        best[place] = -np.sort(-joined, axis=1)[:, :TOP]


def build_keywords(folder: Path, pairs: int) -> tuple[float, float]:
    """(seconds, peak MiB) for the keyword index."""
    base, _ = load(folder)
    paragraphs = [base.paragraph(number) for number in range(1, pairs + 1)]
    before = resident()
    started = time.perf_counter()
    KeywordIndex.build(paragraphs).save(folder / "keywords")
    return time.perf_counter() - started, _peak(before)


def build_fts(folder: Path, pairs: int) -> tuple[float, float]:
    """(seconds, peak MiB) for the same words in SQLite's full-text index, which stays on disk."""
    base, _ = load(folder)
    before = resident()
    started = time.perf_counter()
    with closing(sqlite3.connect(folder / "fts.sqlite3")) as database:
        for language in LANGUAGES:
            database.execute(f"CREATE VIRTUAL TABLE {language} USING fts5(words, content='', tokenize='unicode61')")
            rows = ((n, _words(base.paragraph(n).text(language) or "")) for n in range(1, pairs + 1))
            database.executemany(f"INSERT INTO {language}(rowid, words) VALUES (?, ?)", rows)  # noqa: S608
            database.execute(f"INSERT INTO {language}({language}) VALUES ('optimize')")  # noqa: S608
        database.commit()
    return time.perf_counter() - started, _peak(before)


def build_tokens(folder: Path, pairs: int) -> tuple[float, float]:
    """(seconds, peak MiB) for the token vectors of late interaction."""
    base, _ = load(folder)
    before = resident()
    started = time.perf_counter()
    with closing(interaction.TokenWriter(folder / "tokens", base.vectors.shape[1])) as writer:
        writer.add(MadeTokens(base, pairs))
    return time.perf_counter() - started, _peak(before)


# --- asking -----------------------------------------------------------------------------------------------------


def ask_vectors(folder: Path, pairs: int, count: int, url: str | None, exact: Mapping[str, Sequence[float]]) -> Asking:
    """What a store of `count` vectors answers; `exact` is what `build_vectors` gave."""
    _, questions = load(folder)
    before = resident()
    client = StoreClient(folder / "chroma", url)
    store = client.open(COLLECTION, expected=count)
    found: dict[str, list[float]] = {}

    def ask(at: int) -> None:
        for level, language in _places():
            scores = [
                score for _, score in store.nearest(questions[at].vector, level=level, language=language, k=_k(level))
            ]
            found.setdefault(level, []).append(_recalled(scores, exact[f"{level}.{language}"][at]))

    queries = _timed(ask, range(len(questions)))
    grown = resident() - before
    rng = np.random.default_rng(1)
    shown = [(1 + rng.integers(pairs, size=_SHOWN)).tolist() for _ in questions]
    sentences = _timed(store.sentence_vectors, shown)
    client.close()
    return Asking(queries, sentences, _means(found), grown)


def _means(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {level: float(np.mean(values)) for level, values in found.items()}


def _k(level: Level) -> int:
    return CANDIDATES * (1 if level == "passage" else SENTENCES_PER_CANDIDATE)


def _recalled(scores: Sequence[float], tenth: float) -> float:
    """The share of the ten nearest that are among what was found; by cosine, since equal ones change places."""
    return sum(score >= tenth - 1e-5 for score in scores[:TOP]) / TOP


def ask_keywords(folder: Path) -> tuple[list[float], float]:
    """(milliseconds a question, both languages; MiB grown)."""
    _, questions = load(folder)
    before = resident()
    keywords = KeywordIndex.load(folder / "keywords")

    def ask(question: Question) -> None:
        for language in LANGUAGES:
            keywords.worth(question.text, language)
            keywords.scores(question.text, language, CANDIDATES)

    return _timed(ask, questions), resident() - before


def ask_fts(folder: Path) -> tuple[list[float], float]:
    """(milliseconds a question, both languages; MiB grown)."""
    _, questions = load(folder)
    before = resident()
    database = sqlite3.connect(folder / "fts.sqlite3")

    def ask(question: Question) -> None:
        words = " OR ".join(f'"{word}"' for word in set(tokenize(question.text)))
        for language in LANGUAGES:
            order = f"SELECT rowid, rank FROM {language} WHERE {language} MATCH ? ORDER BY rank LIMIT ?"  # noqa: S608
            database.execute(order, (words, CANDIDATES)).fetchall()

    with closing(database):
        return _timed(ask, questions), resident() - before


def ask_tokens(folder: Path, pairs: int) -> tuple[list[float], float]:
    """(milliseconds a question for what the retriever compares, drawn from all over the corpus; MiB grown)."""
    _, questions = load(folder)
    before = resident()
    tokens = interaction.TokenVectors(folder / "tokens")
    rng = np.random.default_rng(1)

    def ask(question: Question) -> None:
        near = (1 + rng.integers(pairs, size=COMPARED)).tolist()
        for language in LANGUAGES:
            tokens.maxsims(tokens.centred(question.tokens, language), near, language)

    return _timed(ask, questions), resident() - before


def ask_whole(folder: Path, pairs: int, count: int) -> tuple[list[float], float]:
    """(milliseconds a question for the retriever as it is: every leg, fused; MiB grown)."""
    base, questions = load(folder)
    known = {question.text: question for question in questions}
    with (folder / "paragraphs.jsonl").open("w", encoding="utf-8") as sink:
        for number in range(1, pairs + 1):
            sink.write(json.dumps(base.paragraph(number).to_json(), ensure_ascii=False) + "\n")
    before = resident()
    index = Index(folder, _manifest(pairs, count, base), folder, cast(Embedder, _Known(known)))
    retriever = HybridRetriever(index)
    with closing(index):
        retriever.rank(questions[0].text)
        return _timed(lambda question: retriever.rank(question.text), questions[1:]), resident() - before


@dataclass(frozen=True)
class _Known:
    """The embedder of questions that are embedded already."""

    questions: Mapping[str, Question]

    def question(self, text: str) -> Vectors:
        return self.questions[text].vector

    def question_tokens(self, text: str) -> Vectors:
        return self.questions[text].tokens


def _manifest(pairs: int, count: int, base: Base) -> Manifest:
    return Manifest(
        format=FORMAT_VERSION,
        splitter=0,
        keywords=0,
        interaction=0,
        title="scale",
        source="",
        source_digest="",
        article="",
        embedder="",
        fingerprint="",
        dimension=base.vectors.shape[1],
        paragraphs=pairs,
        vectors=count,
        collection=COLLECTION,
        chroma_url=None,
        built_at="",
    )


# --- helpers ----------------------------------------------------------------------------------------------------


def keep(folder: Path, base: Base, questions: Sequence[Question]) -> None:
    """Put what every process needs into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.pickle").write_bytes(pickle.dumps((base, tuple(questions))))


def load(folder: Path) -> tuple[Base, tuple[Question, ...]]:
    """What `keep` put there."""
    kept: tuple[Base, tuple[Question, ...]] = pickle.loads((folder / "base.pickle").read_bytes())  # noqa: S301 - our own
    return kept


def resident(pid: int | str = "self", field: str = "VmRSS") -> float:
    """The resident memory of a process in MiB (with "VmHWM" the most it had); 0 where the system does not say."""
    return (held_bytes(pid, field) or 0) / _MIB


def disk(path: Path) -> float:
    """The size of a file, or of all files in a folder, in MiB."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / _MIB


def extrapolate(sizes: Sequence[int], values: Sequence[float], to: int) -> tuple[float, float]:
    """(slope of the last two on log axes, the value at `to` on the straight line through them, at least the last)."""
    (n0, n1), (v0, v1) = sizes[-2:], values[-2:]
    slope = float(np.log(max(v1, 1e-9) / max(v0, 1e-9)) / np.log(n1 / n0))
    return slope, max(v1, v1 + (v1 - v0) / (n1 - n0) * (to - n1))


def to_json(stages: Sequence[Stage], **told: Any) -> dict[str, Any]:
    """A run's record."""
    return {**told, "stages": [asdict(stage) for stage in stages]}


def _places() -> list[tuple[Level, Language]]:
    return [(level, language) for level in LEVELS for language in LANGUAGES]


def _words(text: str) -> str:
    return " ".join(tokenize(text))


def _timed(ask: Callable[[T], Any], asked: Iterable[T]) -> list[float]:
    times = []
    for one in asked:
        started = time.perf_counter()
        ask(one)
        times.append(1000 * (time.perf_counter() - started))
    return times


def _peak(since: float) -> float:
    """The most memory this process ever had resident, in MiB, above `since`."""
    return max(0.0, resident(field="VmHWM") - since)
