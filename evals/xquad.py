"""XQuAD put to an engine: retrieval in every pair of languages, answers, refusals with the gold paragraph withheld.

evals/runs/xquad-<generator>-…/ holds, beside what every run has (see run.py):
    questions.jsonl         what was asked, the paragraph it was asked about, the answer strings of each language,
                            and whether the last command had it answered
    retrieval-<corpus>.jsonl   the first ten paragraph numbers, a line for each question and language
    answers.jsonl           answers from the full index of both languages
    withheld.jsonl          the same questions with the paragraph that answers them taken away
    report.json|md          written by `python -m evals score RUN` too, without a model
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.beds import Bed, make_bed
from evals.bench import asking, build_index
from evals.datasets import SpanQuestion, XQuAD, as_jsonl
from evals.files import json_lines, readable, write_whole
from evals.gold import Question
from evals.metrics import DEPTH
from evals.run import ANSWERS, Ask, RunFolder, RunInfo, answer_all, code_digest, now, sample
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, digest
from index.progress import bar
from index.settings import GeneratorName, Settings

if TYPE_CHECKING:
    from rag.engine import Engine

ENVIRONMENT = "XQUAD"
BED = "xquad"
BOTH = "zh-en"
CORPORA: dict[str, tuple[Language, ...]] = {BOTH: LANGUAGES, "zh": ("zh",), "en": ("en",)}
QUESTIONS = "questions.jsonl"
WITHHELD = "withheld.jsonl"


@dataclass(frozen=True, slots=True)
class XQuADOrder:
    """What is asked: `limit` questions of retrieval, `answers` of them of the generator."""

    dataset: XQuAD
    generator: GeneratorName
    limit: int | None
    answers: int
    corpora: tuple[str, ...] = tuple(CORPORA)
    command: str = "python -m evals xquad"

    @property
    def name(self) -> str:
        """A run name that says what it is of."""
        size = "" if self.limit is None else f"-{self.limit}"
        return f"{BED}-{self.generator}{size}-{code_digest()[:8]}"


def perform(order: XQuADOrder, folder: RunFolder, settings: Settings, *, fresh: bool = False) -> None:
    """Do what `order` says into `folder`, going on where an earlier call stopped.

    Raises UserError for a folder that holds a run of something else.
    """
    spans = sample(order.dataset.spans(), order.limit)
    questions = [span.as_question() for span in spans]
    engine = engine_over(settings, order.dataset, BOTH, order.generator)
    if fresh:
        folder.start_over()
    paragraphs = order.dataset.paragraphs()
    chosen = sample([question for question in questions if question.split == "test"], order.answers)
    folder.begin(_info(order, settings, engine, spans), paragraphs, paragraphs)
    write_whole(folder.path / QUESTIONS, _lines(spans, frozenset(question.id for question in chosen)))
    for corpus in order.corpora:
        if not folder.is_complete(questions, retrieval_file(corpus)):
            own = engine if corpus == BOTH else engine_over(settings, order.dataset, corpus, "quote")
            _fill(folder, questions, retrieving(own), retrieval_file(corpus), f"Retrieving, corpus {corpus}")
    if not all(folder.is_complete(chosen, file) for file in (ANSWERS, WITHHELD)):
        engine.warm()  # or the first question's seconds would be the loading of the weights
        withheld = Bed(WITHHELD, exclude=lambda question: question.gold)
        _fill(folder, chosen, asking(engine, make_bed("plain")), ANSWERS, "Asking, full index")
        _fill(folder, chosen, asking(engine, withheld), WITHHELD, "Asking, gold paragraph withheld")


def retrieval_file(corpus: str) -> str:
    """Where the rankings of a corpus are kept."""
    return f"retrieval-{corpus}.jsonl"


def retrieving(engine: Engine) -> Ask:
    """Retrieves and generates nothing."""

    def retrieve(question: Question, language: Language) -> dict[str, Any]:
        found = engine.retrieve(question.asked[language])[:DEPTH]
        return {"retrieved": [{"paragraph": entry.paragraph.number} for entry in found]}

    return retrieve


def asked_questions(folder: RunFolder) -> dict[str, SpanQuestion]:
    """The questions of a run, by id."""
    with readable(path := folder.path / QUESTIONS):
        return {span.id: span for span in map(SpanQuestion.from_json, json_lines(path))}


def answered_questions(folder: RunFolder) -> set[str]:
    """Which of them the run's last command had answered; all, of a run that does not tell.

    Another number of answers is another sample, and the kept answers to both would be one of neither.
    """
    with readable(path := folder.path / QUESTIONS):
        return {record["id"] for record in json_lines(path) if record.get("answered", True)}


def dataset_folder(path: Path | None) -> Path:
    """XQuAD's folder, as given or as the environment names it. Raises UserError where neither does."""
    named = path or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if named is None:
        raise UserError(f"XQuAD's folder is not named. Give it with --path DIR or in the environment as {ENVIRONMENT}.")
    return named


def _fill(folder: RunFolder, questions: Sequence[Question], ask: Ask, file: str, title: str) -> None:
    with bar(title) as on_progress:
        answer_all(folder, questions, ask, on_progress, file)


def _lines(spans: Sequence[SpanQuestion], answered: frozenset[str] | None = None) -> str:
    told = [asdict(span) | ({} if answered is None else {"answered": span.id in answered}) for span in spans]
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in told)


def index_over(settings: Settings, dataset: XQuAD, corpus: str = BOTH) -> Path:
    """An index of the paragraphs in the languages of `corpus`, in the cache; built where it is not yet."""
    name = f"{BED}-{corpus}"
    with bar(f"Embedding {name}") as on_progress:
        return build_index(settings, name, as_jsonl(dataset.paragraphs(), CORPORA[corpus]), on_progress)


def engine_over(settings: Settings, dataset: XQuAD, corpus: str, generator: GeneratorName) -> Engine:
    """An engine over such an index."""
    from rag.engine import Engine

    return Engine.open(settings, index_over(settings, dataset, corpus), generator)


def _info(order: XQuADOrder, settings: Settings, engine: Engine, spans: Sequence[SpanQuestion]) -> RunInfo:
    return RunInfo(
        bed=BED,
        split="all",  # of retrieval; what is answered is of the test split
        languages=LANGUAGES,
        generator=engine.generator.name,
        model=engine.generator.model,
        article=digest(str(p.to_json()) for p in order.dataset.paragraphs())[:12],
        gold=digest([_lines(spans)])[:12],
        code=code_digest(),
        limit=order.limit,
        questions=tuple(span.id for span in spans),
        started=now(),
        command=order.command,
        embedder=engine.index.embedder.fingerprint,
        evidence_tokens=settings.evidence_tokens,
        answer_tokens=settings.answer_tokens,
    )
