"""What `python -m evals scale` does: makes the corpora, measures each stage at each size, prints, extrapolates."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from evals import scale
from evals.datasets import XQuAD
from evals.endpoint import chroma_server
from evals.files import record_path
from evals.made import Base, base_of
from evals.run import sample
from evals.scale import Asking, Stage, apart
from evals.tables import wide_console
from evals.xquad import BOTH, dataset_folder, engine_over
from index.errors import UserError
from index.paragraphs import LANGUAGES
from index.settings import load_settings

FAR = 1_000_000
NOTE = (
    "XQuAD's paragraph pairs are embedded once; the rest are copies of them with noise added to the vectors and "
    "words renamed and reordered in the text. Good for cost, not for quality."
)


def measure(args: argparse.Namespace, command: str) -> int:
    """Every stage at every size."""
    sizes = sorted({_size(text) for text in args.sizes.split(",")})
    if args.questions < 1:
        raise UserError(f"--questions is {args.questions}; at least 1 is needed.")
    dataset = XQuAD(dataset_folder(args.xquad))
    out = record_path(args.out) if args.out else None
    base, questions = _base(dataset, args.questions)
    stages: list[Stage] = []
    for pairs in sizes:
        with _folder(base, questions) as folder:
            stages += _vectors(folder, pairs, base, server=args.server)
            stages += _others(folder, pairs, base)
    _print(stages)
    if out:
        record = scale.to_json(stages, command=command, note=NOTE, noise=base.noise, questions=len(questions))
        out.write_text(json.dumps(record, indent=2), encoding="utf-8")
    return 0


def _size(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"--sizes has {text!r}; numbers with commas between them are needed, like 1000,10000.")
    return int(text)


def _base(dataset: XQuAD, count: int) -> tuple[Base, list[scale.Question]]:
    engine = engine_over(load_settings(), dataset, BOTH, "quote")
    embedder = engine.index.embedder
    texts = [span.asked[LANGUAGES[i % len(LANGUAGES)]] for i, span in enumerate(sample(dataset.spans(), count))]
    asked = [scale.Question(text, embedder.question(text), embedder.question_tokens(text)) for text in texts]
    return base_of(engine.index), asked


@contextmanager
def _folder(base: Base, questions: Sequence[scale.Question]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="duizhao-scale-"))
    try:
        scale.keep(folder, base, questions)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _vectors(folder: Path, pairs: int, base: Base, *, server: bool) -> list[Stage]:
    """Chroma built and asked in a process; then, where there is to be a `server`, one over the same files."""
    (folder / "chroma").mkdir()
    _say("Chroma embedded", pairs)
    count = vectors_of(base, pairs)
    seconds, peak, exact = apart(scale.build_vectors, folder, pairs)
    size = scale.disk(folder / "chroma")
    asked = apart(scale.ask_vectors, folder, pairs, count, None, exact)
    stages = _asked("Chroma embedded", pairs, asked, asked.grown, rate=pairs / seconds, disk=size, built_with=peak)
    if server:
        _say("Chroma server", pairs)
        with chroma_server(folder / "chroma") as running:
            asked = apart(scale.ask_vectors, folder, pairs, count, running.url, exact)
            stages += _asked("Chroma server", pairs, asked, scale.resident(running.pid))
    return stages


def _asked(name: str, pairs: int, asked: Asking, memory: float, **built: float) -> list[Stage]:
    times = _percentiles(asked.queries)
    return [
        Stage(name, pairs, memory=memory, **built, **_recall(asked.recall), **times),
        Stage(f"{name}, sentences read", pairs, **_percentiles(asked.sentences)),
    ]


def _recall(found: Mapping[str, float]) -> dict[str, float]:
    return {"recall": found["passage"], "recall_sentences": found["sentence"]}


def vectors_of(base: Base, pairs: int) -> int:
    """How many vectors `pairs` paragraphs have."""
    whole, rest = divmod(pairs, len(base.paragraphs))
    return whole * len(base.nodes) + len([node for node in base.nodes if node.metadata["paragraph"] <= rest])


def _others(folder: Path, pairs: int, base: Base) -> list[Stage]:
    stages = []
    parts: tuple[tuple[str, str, Any, Any, tuple[int, ...]], ...] = (
        ("keywords, in memory", "keywords", scale.build_keywords, scale.ask_keywords, ()),
        ("keywords, SQLite FTS5", "fts.sqlite3", scale.build_fts, scale.ask_fts, ()),
        ("interaction", "tokens", scale.build_tokens, scale.ask_tokens, (pairs,)),
    )
    for name, place, build, ask, more in parts:
        _say(name, pairs)
        seconds, peak = apart(build, folder, pairs)
        times, grown = apart(ask, folder, *more)
        size = scale.disk(folder / place)
        stages.append(Stage(name, pairs, pairs / seconds, size, built_with=peak, memory=grown, **_percentiles(times)))
    _say("whole retrieval", pairs)
    times, grown = apart(scale.ask_whole, folder, pairs, vectors_of(base, pairs))
    return [*stages, Stage("whole retrieval", pairs, memory=grown, **_percentiles(times))]


def _percentiles(times: Sequence[float]) -> dict[str, float]:
    return {"p50": float(np.percentile(times, 50)), "p95": float(np.percentile(times, 95))}


def _say(what: str, pairs: int) -> None:
    print(f"{what}, {pairs:,} pairs", file=sys.stderr)


# --- printing ---------------------------------------------------------------------------------------------------


def _print(stages: Sequence[Stage]) -> None:
    table = Table(title="Retrieval by size", title_justify="left", caption=NOTE, caption_justify="left")
    table.add_column("stage")
    for head in (
        "pairs",
        "built, pairs/s",
        "disk MiB",
        "built with MiB",
        "memory MiB",
        "p50 ms",
        "p95 ms",
        "recall@10",
        "of sentences",
    ):
        table.add_column(head, justify="right")
    names = list(dict.fromkeys(stage.stage for stage in stages))
    for name in names:
        own = [stage for stage in stages if stage.stage == name]
        for stage in own:
            table.add_row(name, f"{stage.pairs:,}", *_cells(stage))
        if len(own) > 1:
            table.add_row(f"{name}, on paper", f"{FAR:,}", *_cells(_far(own)), style="dim")
    wide_console().print(table)


def _far(own: Sequence[Stage]) -> Stage:
    """The stage at a million pairs, on the straight line through the last two sizes."""
    values: dict[str, float | None] = {}
    for name in ("disk", "built_with", "memory", "p50", "p95"):
        measured = [value for stage in own if (value := getattr(stage, name)) is not None]
        complete = len(measured) == len(own)
        values[name] = scale.extrapolate([s.pairs for s in own], measured, FAR)[1] if complete else None
    return Stage(own[0].stage, FAR, **values)


def _cells(stage: Stage) -> list[str]:
    whole = (stage.rate, stage.disk, stage.built_with, stage.memory)
    exact = (stage.p50, stage.p95)
    return [
        *("-" if value is None else f"{value:,.0f}" for value in whole),
        *("-" if value is None else f"{value:,.1f}" for value in exact),
        *("-" if value is None else f"{value:.3f}" for value in (stage.recall, stage.recall_sentences)),
    ]
