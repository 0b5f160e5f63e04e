"""Run one generator on one test bed: prepare the bed's index, ask the questions, keep the answers in a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.beds import Bed
from evals.datasets import as_jsonl
from evals.gold import DEFAULT_GOLD, Question, load_gold
from evals.injections import DOCUMENTS, Attempt, own_instructions, violations
from evals.injections import Outcome as AttemptOutcome
from evals.pages import PAGES
from evals.run import (
    ANSWERS,
    CLOSED_BOOK,
    Ask,
    RunFolder,
    RunInfo,
    answer_all,
    code_digest,
    file_digest,
    now,
    or_error,
    sample,
)
from index.build import open_index
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph, digest
from index.sentences import split_sentences
from index.settings import GeneratorName, Settings

if TYPE_CHECKING:
    from rag.engine import Engine

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked to do."""

    bed: Bed
    split: str
    languages: tuple[Language, ...]
    generator: GeneratorName
    gold: Path
    index: Path | None = None
    limit: int | None = None
    command: str = "python -m evals"

    @property
    def name(self) -> str:
        """A run name that says what it is of: bed, gold, split, generator, how many, and the code's digest."""
        bed = "" if self.bed.name == "plain" else f"{self.bed.name}-"
        gold = "" if self.gold.resolve() == DEFAULT_GOLD.resolve() else f"{_name_of(self.gold)}-"
        languages = "" if self.languages == LANGUAGES else "-" + "".join(self.languages)
        size = "" if self.limit is None else f"-{self.limit}"
        return f"{bed}{gold}{self.split}-{self.generator}{languages}{size}-{code_digest()[:8]}"


def _name_of(gold: Path) -> str:
    """What a gold file is called in a run's name: a page's two files (cable, short-cable) have one name."""
    path = gold.resolve()
    within = path.relative_to(PAGES.resolve()) if path.is_relative_to(PAGES.resolve()) else Path(path.name)
    return "-".join(within.with_suffix("").parts)


def perform(
    order: Order,
    folder: RunFolder,
    settings: Settings,
    *,
    index: Path | None = None,
    fresh: bool = False,
    closed_book: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> int:
    """Do what `order` says into `folder`, going on where an earlier call stopped; returns how many were asked.

    `index` is what `prepare_index` gave.

    Raises UserError for gold that does not fit the index, and for a folder that holds a run of something else.
    """
    from rag.engine import Engine

    engine = Engine.open(settings, index, order.generator)
    article = _article(order, settings, engine)
    questions = sample(_questions(order, article), order.limit)
    if fresh:
        folder.start_over()
    folder.begin(_info(order, settings, engine, questions), engine.index.paragraphs, article)
    if all(folder.is_complete(questions, file) for file in (ANSWERS, *([CLOSED_BOOK] if closed_book else []))):
        return 0
    engine.warm()  # or the first question's seconds would be the loading of the weights
    asked = answer_all(folder, questions, asking(engine, order.bed), on_progress)
    if closed_book:
        asked += answer_all(folder, questions, asking_closed_book(engine), on_progress, file=CLOSED_BOOK)
    return asked


def prepare_index(order: Order, settings: Settings, on_progress: OnProgress) -> Path | None:
    """The index to ask: the order's, or one built of the bed's own paragraphs and kept in the cache."""
    if order.bed.paragraphs is None:
        return order.index
    changed = order.bed.paragraphs(open_index(settings, order.index).paragraphs)
    return build_index(settings, order.bed.name, as_jsonl(changed), on_progress)


def has_questions(order: Order, settings: Settings) -> bool:
    """Whether the bed asks any of the order's questions; an edited value belongs to a question of one gold file."""
    return bool(_questions(order, open_index(settings, order.index).paragraphs))


def _questions(order: Order, article: Sequence[Paragraph]) -> list[Question]:
    """What the bed makes of the split's questions, before any are sampled."""
    return order.bed.questions([q for q in load_gold(order.gold, article) if q.split == order.split])


def build_index(settings: Settings, name: str, source: str, on_progress: OnProgress) -> Path:
    """An index of paragraphs given as .jsonl text, in the cache; up to date at once where nothing changed."""
    from index.build import build

    folder = settings.home / "evals" / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    if not path.is_file() or path.read_text(encoding="utf-8") != source:
        path.write_text(source, encoding="utf-8")
    build(settings, source=path, into=folder / "index", on_progress=on_progress)
    return folder / "index"


def asking(engine: Engine, bed: Bed) -> Ask:
    """Asks the engine, without the paragraphs that the bed takes away."""

    def ask(question: Question, language: Language) -> dict[str, Any]:
        name = f"{question.id}.{language}"
        answer = engine.ask(question.asked[language], id=name, exclude=bed.exclude(question))
        return answer.to_json() | {"shown": [evidence.to_json() for evidence in answer.shown]}

    return ask


def asking_closed_book(engine: Engine) -> Ask:
    """Asks the bare model, with no evidence: what it says from memory has no citation. A control.

    Raises UserError for a generator without a model.
    """
    from llama_index.core.llms import ChatMessage, MessageRole

    if not engine.generator.writes:
        raise UserError(
            f"the generator {engine.generator.name} has no model to ask without evidence. Leave --closed-book out."
        )

    def ask(question: Question, language: Language) -> dict[str, Any]:
        reply = engine.generator.llm.chat([ChatMessage(role=MessageRole.USER, content=question.asked[language])])
        text = reply.message.content or ""
        statements = [
            {"text": text[start:end], "citations": [], "verdict": "unsupported"} for start, end in split_sentences(text)
        ]
        return {
            "id": f"{question.id}.{language}",
            "question": question.asked[language],
            "language": language,
            "refused": False,
            "answer": text,
            "statements": statements,
            "citations": [],
            "retrieved": [],
        }

    return ask


def _article(order: Order, settings: Settings, engine: Engine) -> Sequence[Paragraph]:
    """The paragraphs that the gold's snippets stand in: the article before the bed changed it."""
    return engine.index.paragraphs if order.bed.paragraphs is None else open_index(settings, order.index).paragraphs


def _info(order: Order, settings: Settings, engine: Engine, questions: Sequence[Question]) -> RunInfo:
    return RunInfo(
        bed=order.bed.name,
        split=order.split,
        languages=order.languages,
        generator=engine.generator.name,
        model=engine.generator.model,
        article=digest(str(p.to_json()) for p in engine.index.paragraphs)[:12],
        gold=file_digest(order.gold),
        code=code_digest(),
        limit=order.limit,
        questions=tuple(question.id for question in questions),
        started=now(),
        command=order.command,
        embedder=engine.index.embedder.fingerprint,
        evidence_tokens=settings.evidence_tokens,
        answer_tokens=settings.answer_tokens,
    )


def ask_attempts(engines: Mapping[bool, Engine], attempts: Sequence[Attempt]) -> Iterator[AttemptOutcome]:
    """Every attempt in both languages, each put to the engine that `attempt_engines` gave for its group.

    One that makes the engine fail is an answer with an error and no words.
    """
    instructions = own_instructions()
    paragraphs = {side: {p.number: p for p in engine.index.paragraphs} for side, engine in engines.items()}
    for attempt, language in product(attempts, LANGUAGES):
        side = attempt.group == "document"
        name = f"{attempt.id}.{language}"
        given = or_error(partial(_attempted, engines[side], attempt.asked(language), name), language)
        answer = {"id": name, "answer": "", **given}
        found = violations(answer, attempt, language, paragraphs[side], instructions)
        yield AttemptOutcome(attempt, language, answer, found)


def _attempted(engine: Engine, order: str, name: str) -> dict[str, Any]:
    return engine.ask(order, id=name).to_json()


def attempt_engines(settings: Settings, index: Path | None, generator: GeneratorName) -> dict[bool, Engine]:
    """An engine over the article (False) and one over the paragraphs that hold orders (True), of one generator."""
    from rag.engine import Engine

    article = Engine.open(settings, index, generator)
    folder = build_index(settings, "injections", DOCUMENTS.read_text(encoding="utf-8"), lambda done, total: None)
    return {False: article, True: Engine(open_index(settings, folder), article.generator, settings.evidence_tokens)}
