"""`python -m evals calibrate`: which questions each part is fitted on, and what it prints.

The embedder's adapter: all dev questions that there are, but for evals/weighing. The retriever: the article's dev
questions and, where its folder is named, XQuAD's own. The reader's adapter: these, those of most dev pages of
evals/captured, of the articles in evals/reading, and ours about XQuAD's paragraphs; then, in a second course, those of
the articles in evals/lessons. XQuAD's own are all answered, so each is asked twice, once with the paragraph that states
it taken away; of all others many are near misses. The reranker and the gate: what the reader's adapter has not learnt
from, which is evals/weighing, four dev pages, and the rest of the article's dev questions. What tells orders: messages
written for it, and some of all dev questions but those of evals/weighing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evals import asking, calibrate, fusion
from evals.calibrate import OnProgress
from evals.datasets import PARAGRAPHS_OF_ONE_ARTICLE, XQuAD
from evals.gold import ASKED_OF_XQUAD, Question, load_gold
from evals.kept import keeping
from evals.pages import (
    LESSONS,
    READING,
    UNTAUGHT,
    WEIGHING,
    dev_pages,
    golds_of_page,
    index_over_lesson,
    index_over_page,
    lesson_name,
    lessons,
    page_of,
)
from evals.run import sample
from evals.xquad import BOTH, engine_over, index_over
from index.adapter import write as write_adapter
from index.build import open_index
from index.embedder import Embedder
from index.paragraphs import LANGUAGES, Language
from index.progress import bar
from index.settings import GeneratorName, Settings
from index.source import BUNDLED_ARTICLE, ArticleReader
from rag import rerank
from rag.engine import Engine
from rag.gate import Moment
from rag.local import LocalLLM
from rag.opening import READER_FILE, Probe, probe, write_probes
from rag.retrieve import HybridRetriever

if TYPE_CHECKING:
    from evals.reader import Reader

T = TypeVar("T")
_Bed = tuple[str, Engine, list[calibrate.Asked]]  # its name, what answers, what is asked

REPLIES = "replies.jsonl"
_ARTICLES_A_PART = 6
# As many answerable as unanswerable questions of each file are in the reader's first course: an hour on two cores.
_TAUGHT, _TAUGHT_OF_LESSON, _TAUGHT_OF_XQUAD = 20, 12, 24
# How many of either kind the gate is fitted on, of each article that is there for it: more articles teach more than
# more questions of each.
_WEIGHED = 6
# How much a question of XQuAD counts in the gate's regression. With a paragraph withheld it is easier to refuse than a
# near miss; counted whole, they would teach the gate to trust shared words (evals/NOTES.md).
XQUAD_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How many answerable questions of each gold file, as many unanswerable ones, and how many of XQuAD are fitted on.

    None for all.
    """

    gold: int | None = None
    xquad: int | None = None


def calibrate_fusion(settings: Settings, index: Path | None, gold: Path, xquad: Path | None) -> None:
    """Fit and write rag/fusion.json; prints recall on questions that the weights had not seen."""
    engine = Engine.open(settings, index, "quote")
    own = [question for question in _dev(gold, engine) if question.answerable]
    beds = {"article": _tables(engine, [(question, i) for i, question in enumerate(own)], "the article")}
    if xquad:
        grouped = [(span.as_question(), span.article) for span in XQuAD(xquad).spans()]
        beds["xquad"] = _tables(engine_over(settings, XQuAD(xquad), BOTH, "quote"), grouped, "XQuAD")
    fitted = fusion.fit(beds)
    fusion.write_fusion(fitted.fusion)
    for (bed, language), (first, five) in sorted(fitted.recall.items()):
        print(f"retrieval, {bed}, {language}: recall@1 {first:.3f}, recall@5 {five:.3f} (cross-validated)")


def calibrate_embedder(settings: Settings, gold: Sequence[Path], xquad: Path | None) -> None:
    """Fit and write index/adapter.safetensors on the dev questions; indexes are built anew at their next use."""
    from evals.tuning import Tuner  # here: it imports torch, which no other command waits for

    embedder = Embedder.from_settings(settings)
    tuner, reader = Tuner(embedder), ArticleReader(embedder.passages)
    sources = [(BUNDLED_ARTICLE, gold), *((page_of(name), golds_of_page(name)) for name in dev_pages())]
    sources += [(article, [questions]) for article, questions in lessons(LESSONS, READING)]
    taught = []
    for source, files in sources:
        paragraphs = reader.read(source).paragraphs
        taught.append(tuner.lesson(paragraphs, [own for path in files for own in load_gold(path, paragraphs)]))
    if xquad:
        dataset = XQuAD(xquad)
        paragraphs = tuple(dataset.paragraphs())
        whole = tuner.lesson(paragraphs, [*dataset.questions(), *load_gold(ASKED_OF_XQUAD, paragraphs)])
        taught += [whole.of(part) for part in _parts_of_xquad(whole.numbers)]
    write_adapter(tuner.fit([lesson for lesson in taught if lesson.asked], print))


def calibrate_reader(settings: Settings, gold: Sequence[Path], xquad: Path | None) -> None:
    """Fit and write rag/reader.gguf and rag/opening.json; all but the UNTAUGHT dev pages are learnt from.

    In two courses, the second of other articles, of which most that is asked is a near miss or the twin of one.
    """
    from evals import teaching  # here: it imports torch, as the embedder's tuner does
    from evals.reader import Reader

    engine = Engine.open(settings, None, "quote")
    model = LocalLLM.from_settings(settings)
    reader = Reader(Path(model.path))
    pages = [page for page in dev_pages() if page not in UNTAUGHT]
    beds = _beds(settings, engine, gold, pages, _TAUGHT)
    beds += _beds_of_lessons(settings, engine, READING, _TAUGHT_OF_LESSON)
    beds += _beds_of_xquad(settings, engine, xquad, Limits(_TAUGHT, _TAUGHT_OF_XQUAD))
    probes = _taught(reader, beds, None)
    probes = _taught(reader, _beds_of_lessons(settings, engine, LESSONS, None), probes)
    teaching.write_adapter(reader, READER_FILE)
    write_probes(model.name, probes)


def _taught(reader: Reader, beds: Sequence[_Bed], probes: Mapping[Language, Probe] | None) -> dict[Language, Probe]:
    """The probes once the reader has learnt from `beds`; its adapter is then in its matrices."""
    from evals import teaching

    taught = [own for _, over, asked in beds for own in teaching.lessons(over, reader, asked)]
    print(f"reader: {sum(len(own.read) for own in taught)} paragraphs to read for {len(taught)} questions", flush=True)
    return teaching.Course(reader, taught, probes).fit(partial(print, flush=True))


def _beds_of_lessons(settings: Settings, engine: Engine, folder: Path, limit: int | None) -> list[_Bed]:
    """The articles of a folder that is only fitted on; what is asked about one is held out together."""
    beds = []
    for article, questions in lessons(folder):
        name = lesson_name(article)
        over = _engine_on(settings, index_over_lesson(settings, article), engine)
        beds.append((name, over, [replace(own, group=name) for own in _of_gold(questions, over, limit)]))
    return beds


def calibrate_asking(settings: Settings, gold: Sequence[Path]) -> None:
    """Fit and write rag/asking.json, on questions of as many articles as there are."""
    embedder = Embedder.from_settings(settings)
    pages = [path for name in dev_pages() for path in golds_of_page(name)]
    questions = asking.asked([*gold, *pages, *(path for _, path in lessons(LESSONS, READING))])
    with bar("Embedding messages") as on_progress:
        told = asking.fit(embedder, [*asking.written(), *questions], on_progress)
    print(
        f"orders and small talk: area under the curve {told.auc:.3f} of {told.count} messages, {told.found:.0%} found, "
        f"{told.mistaken:.1%} of what asks something taken for them (cross-validated)"
    )


def calibrate_gate(
    settings: Settings,
    index: Path | None,
    gold: Sequence[Path],
    xquad: Path | None,
    generator: GeneratorName | None,
    limits: Limits,
) -> None:
    """Fit and write rag/rerank.json, then of rag/gate.json the moment at which a model was heard.

    With a generator that writes nothing only the gate's moment before that, in minutes. With one that reads through an
    adapter only on what this was not taught on: of the rest it knows more than of what readers will ask. The same facts
    asked obliquely and plainly (two files of `gold`) are held out together.
    """
    engine = Engine.open(settings, index, generator)
    if engine.generator.writes:  # one model for all articles
        engine = engine.with_generator(keeping(engine.generator, settings.home / "evals" / REPLIES))
    if engine.generator.hears:
        beds = _untaught_beds(settings, engine, gold, limits)
    else:
        beds = _beds(settings, engine, gold, dev_pages(), limits.gold)
        beds += _beds_of_xquad(settings, engine, xquad, limits)
    if engine.generator.writes and engine.generator.is_small:
        readings = _over_all(beds, calibrate.collect_readings)
        if engine.generator.hears:
            readings = _calibrate_probe(readings, engine.generator.model)
        _calibrate_reranker(readings)
    # Each moment on its own signals: once paragraphs were read, their order and their shares are others.
    moment: Moment = "opening" if engine.generator.writes else "question"
    fits = calibrate.fit(_over_all(beds, partial(calibrate.collect, moment=moment)), moment)
    calibrate.write_gate({moment: fits})
    for language, fit in fits.items():
        print(
            f"gate at the {moment}, {language}: area under the curve {fit.auc:.3f}, refuses "
            f"{fit.refusal_recall:.0%} of what it should and {fit.over_refusal:.0%} of what it should not "
            f"(cross-validated, {sum(len(asked) for _, _, asked in beds)} questions)"
        )


def _untaught_beds(settings: Settings, engine: Engine, gold: Sequence[Path], limits: Limits) -> list[_Bed]:
    """What the reader did not learn from: 12 articles, four pages, and of the bundled article what it was not asked.

    Of the last twice as many that are answered, and all that nothing answers: many are no near misses but orders, small
    talk, other matters, of which the others have none.
    """
    taught = {asked.group for path in gold for asked in _of_gold(path, engine, _TAUGHT)}
    many = None if limits.gold is None else 2 * limits.gold
    beds = _beds_of_lessons(settings, engine, WEIGHING, _WEIGHED)
    beds += [_of_page(settings, name, engine, limits.gold) for name in sorted(UNTAUGHT)]
    for path in gold:
        left = [question for question in _dev(path, engine) if _group_of(question) not in taught]
        unanswered = _sampled([q for q in left if not q.answerable], None)
        answered = _sampled([q for q in left if q.answerable], many)
        beds.append((path.stem, engine, [*unanswered, *answered]))
    return beds


def _beds(
    settings: Settings, engine: Engine, gold: Sequence[Path], pages: Sequence[str], limit: int | None
) -> list[_Bed]:
    """The article's questions and the pages'."""
    own = [(path.stem, engine, _of_gold(path, engine, limit)) for path in gold]
    return [*own, *(_of_page(settings, name, engine, limit) for name in pages)]


def _beds_of_xquad(settings: Settings, engine: Engine, xquad: Path | None, limits: Limits) -> list[_Bed]:
    """XQuAD's own questions and ours about it; none where its folder is not named."""
    if xquad is None:
        return []
    over = _engine_on(settings, index_over(settings, XQuAD(xquad)), engine)
    return [
        ("XQuAD", over, _of_xquad(xquad, limits.xquad)),
        ("XQuAD, our questions", over, _of_gold(ASKED_OF_XQUAD, over, limits.gold)),
    ]


def _calibrate_probe(readings: Sequence[calibrate.Reading], model: str) -> list[calibrate.Reading]:
    """Write the probe so that its log odds are what they say, of what it was not fitted on; the readings as it is then.

    It was fitted with the adapter, and is surer of what both have seen than it should be of anything else.
    """
    scales = calibrate.fit_scale(readings)
    probes = {language: own for language in LANGUAGES if (own := probe(model, language))}
    write_probes(model, {language: own.scaled(*scales[language]) for language, own in probes.items()})
    for language, (slope, intercept) in scales.items():
        print(f"probe, {language}: its log odds times {slope:.3f}, and {intercept:+.3f}")
    scaled = []
    for reading in readings:
        slope, intercept = scales[reading.language]
        scaled.append(replace(reading, opening=reading.opening * slope + intercept))
    return scaled


def _calibrate_reranker(readings: Sequence[calibrate.Reading]) -> None:
    reranking = calibrate.fit_rerank(readings)
    states = {language: side.states for language, side in reranking.sides.items()}
    rerank.write_rerank(rerank.Coefficients(states, reranking.compared))
    for language, side in reranking.sides.items():
        print(
            f"reranking, {language}: area under the curve {side.auc:.3f} of {len(readings)} paragraphs read; of the "
            f"questions whose evidence is among what was read, recall@1 {side.before:.3f} before, {side.after:.3f} "
            "after (cross-validated)"
        )


def _of_gold(path: Path, engine: Engine, limit: int | None) -> list[calibrate.Asked]:
    return _sampled(_dev(path, engine), limit)


def _sampled(dev: Sequence[Question], limit: int | None) -> list[calibrate.Asked]:
    """As many that nothing answers as are answered, or as there are."""
    asked = [*sample([q for q in dev if not q.answerable], limit), *sample([q for q in dev if q.answerable], limit)]
    return [calibrate.Asked(question, _group_of(question)) for question in asked]


def _engine_on(settings: Settings, folder: Path, engine: Engine) -> Engine:
    """Who answers from another index with the same embedder and generator; neither is loaded twice."""
    index = open_index(settings, folder, engine.index.embedder)
    return Engine(index, engine.generator, settings.evidence_tokens)


def _of_page(settings: Settings, name: str, engine: Engine, limit: int | None) -> _Bed:
    """The questions about a page of evals/captured, held out together; `engine`: who is asked about other texts."""
    over = _engine_on(settings, index_over_page(settings, name), engine)
    files = golds_of_page(name)
    return name, over, [replace(asked, group=name) for path in files for asked in _of_gold(path, over, limit)]


def _group_of(question: Question) -> str:
    """What it is held out together with.

    The question that asks the same plainly (q017 and q017p); of our questions about XQuAD (a7.12), all that is asked
    about the article.
    """
    article = re.match(r"a(\d+)\.", question.id)
    return _group_of_article(int(article[1])) if article else question.id.removesuffix("p")


def _group_of_article(article: int) -> str:
    """What all questions about one of XQuAD's articles, its own and ours, are held out together as."""
    return f"{calibrate.OF_XQUAD}{article}"


def _of_xquad(folder: Path, limit: int | None) -> list[calibrate.Asked]:
    """Each twice, as it is and with the paragraph that answers it left out; an article is held out as a whole."""
    spans = [(span, span.as_question()) for span in XQuAD(folder).spans()]
    chosen = sample([pair for pair in spans if pair[1].split == "dev"], limit)
    return [
        calibrate.Asked(question, _group_of_article(span.article), exclude, XQUAD_WEIGHT)
        for withheld in (False, True)
        for span, question in chosen
        for exclude in [question.gold if withheld else frozenset()]
    ]


def _dev(gold: Path, engine: Engine) -> list[Question]:
    return [question for question in load_gold(gold, engine.index.paragraphs) if question.split == "dev"]


def _parts_of_xquad(numbers: Sequence[int]) -> list[frozenset[int]]:
    """XQuAD's paragraphs in parts of some thirty, as many as an article has; each of articles that lie far apart."""
    articles = [
        numbers[at : at + PARAGRAPHS_OF_ONE_ARTICLE] for at in range(0, len(numbers), PARAGRAPHS_OF_ONE_ARTICLE)
    ]
    parts = -(-len(articles) // _ARTICLES_A_PART)
    return [frozenset(number for article in articles[first::parts] for number in article) for first in range(parts)]


def _tables(engine: Engine, questions: Sequence[tuple[Question, int]], where: str) -> list[fusion.Example]:
    with bar(f"Asking {where}") as on_progress:
        return fusion.collect(HybridRetriever(engine.index), questions, on_progress)


def _over_all(
    beds: Sequence[_Bed], collect: Callable[[Engine, Sequence[calibrate.Asked], OnProgress], list[T]]
) -> list[T]:
    found: list[T] = []
    for where, engine, asked in beds:
        with bar(f"Asking {where}") as on_progress:
            found += collect(engine, asked, on_progress)
    return found
