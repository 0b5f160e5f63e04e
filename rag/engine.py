"""The question-answering pipeline, end to end, as a stream of events: start reading the code here.

`Engine.stream` retrieves and yields the quotes (`Found`), has the generator read the evidence and gates its reply
(rag/listen.py, rag/gate.py), yields the text as it is written (`Delta`), then cites, checks and repairs it (`Done`).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import chain, islice
from pathlib import Path

from llama_index.core import instrumentation
from llama_index.core.base.response.schema import Response
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent

from index.build import Index, open_index
from index.errors import UserError, has_half_a_character
from index.keywords import simplified
from index.outline import opens_a_list
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.settings import GeneratorName, Settings
from rag.align import Aligner
from rag.answer import Answer, Evidence, Retrieved, Timings
from rag.asking import asks_nothing
from rag.compose import (
    Weighed,
    compose,
    in_reading_order,
    nearest,
    quote_statements,
    quoting,
    refusal,
    split_statements,
    weigh,
    with_headings,
    with_nearest,
    with_what_is_announced,
    without_half_a_sentence,
)
from rag.condense import Turn, condense
from rag.evidence import ALONE, DEPTH, EvidenceSelector, can_be_quoted, fits_whole, reweighed, telling
from rag.find import Finder, Looked
from rag.frame import sought
from rag.gate import Gate, Moment, Signals, decide, signals
from rag.generators import Generator as TextGenerator
from rag.generators import GeneratorFailed, make_generator
from rag.listen import Heard, Listener
from rag.lists import asks_for_list, asks_for_others, may_ask_for_list, with_whole_list
from rag.parts import asks_for_several, compares, parts, things_compared
from rag.places import without
from rag.prompts import leading_messages, translating_messages
from rag.rerank import SEVERAL, stating_too
from rag.words import Rarity

LONGEST_QUESTION = 2000
_dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Found(Looked):
    """What is known before a word is generated. `quotes` answers at once, without a model."""

    quotes: Answer


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer as it is written; not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The checked answer, last of all."""

    answer: Answer


Event = Found | Delta | Done


class Engine:
    """Answers questions from one index with one generator. Safe to share between threads."""

    def __init__(self, index: Index, generator: TextGenerator, evidence_tokens: int) -> None:
        self.index = index
        self._generator = generator
        self._budget = evidence_tokens
        self._rarity = Rarity(index)
        self._selector = EvidenceSelector(index, self._rarity)
        self._aligner = Aligner(index.embedder, self._rarity)
        self._finder = Finder(index, self._selector, evidence_tokens)
        self.listener = Listener(generator, self._finder, self._selector, ALONE * evidence_tokens)

    @classmethod
    def open(cls, settings: Settings, index_dir: Path | None = None, generator: GeneratorName | None = None) -> Engine:
        """An engine over the index in `index_dir` (default: the settings'). Loads no weights yet.

        Raises UserError for a missing or mismatched index, missing weights, or a missing key.
        """
        return cls(open_index(settings, index_dir), make_generator(settings, generator), settings.evidence_tokens)

    @property
    def generator(self) -> TextGenerator:
        """What writes the answers."""
        return self._generator

    def with_generator(self, generator: TextGenerator) -> Engine:
        """An engine over the same index that `generator` writes for."""
        return Engine(self.index, generator, self._budget)

    def warm(self) -> None:
        """Load everything that the first question would otherwise wait for."""
        self.generator.begin()
        self.index.embedder.load()
        self._selector.warm()
        self.generator.warm()

    def prepare(self) -> Iterator[tuple[int, int]]:
        """Fill the prompt cache: evaluate the start of the prompts about each paragraph, one language a step.

        Yields (done, total) after each step that was not cached yet, so that the caller can pause while somebody is
        asking. Yields nothing for a generator without a prompt cache.
        """
        read_ahead = self.generator.prepare
        if read_ahead is None:
            return
        starts = [translating_messages(language) for language in LANGUAGES if self.generator.is_small]
        starts += [
            leading_messages(paragraph, language)
            for paragraph in self.index.paragraphs
            for language in paragraph.languages
            if fits_whole(paragraph, language, ALONE * self._budget)
        ]
        for done, start in enumerate(starts, 1):
            if read_ahead(start):
                yield done, len(starts)

    def retrieve(self, question: str, exclude: frozenset[int] = frozenset()) -> list[Retrieved]:
        """Every paragraph that any leg found, best first."""
        return list(self._finder.rank(checked_question(question), exclude).retrieved)

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        id: str | None = None,  # noqa: A002 - the contract's name
        exclude: frozenset[int] = frozenset(),
    ) -> Answer:
        """The checked answer. `exclude` names paragraphs to treat as if they were not in the article."""
        for event in self.stream(question, history, id, exclude):
            if isinstance(event, Done):
                return event.answer
        raise AssertionError("the stream ended without an answer")

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        id: str | None = None,  # noqa: A002 - the contract's name
        exclude: frozenset[int] = frozenset(),
    ) -> Iterator[Event]:
        """`Found` (with the quote answer) as soon as retrieval is done, `Delta`s while the model writes, `Done`.

        Raises UserError for an empty or over-long question.
        """
        started = time.perf_counter()
        with suppress(OSError):  # told where it is waited for; the quotes are the answer then
            self.generator.begin()  # it loads while this process imports what finding needs
        found = self.find(question, history, exclude, started)
        yield found
        _dispatcher.event(SynthesizeStartEvent(query=found.question))
        answer = found.quotes
        if self.generator.writes:
            try:
                answer = yield from self._generate(found, started)
            except GeneratorFailed as error:
                answer = replace(found.quotes, fallback=str(error))
        total = (time.perf_counter() - started) * 1000
        answer = replace(answer, id=id, timings=replace(answer.timings, total=total))
        _dispatcher.event(SynthesizeEndEvent(query=found.question, response=Response(response=answer.text)))
        yield Done(answer)

    def find(
        self,
        question: str,
        history: Sequence[Turn] = (),
        exclude: frozenset[int] = frozenset(),
        started: float | None = None,
    ) -> Found:
        """Everything before generation: the ranking, the evidence, and the answer in quotes."""
        looked = self.look(question, history, exclude, started)
        gate = self._gate(looked, "question")
        base = self._base(looked, gate, first_token=looked.milliseconds)
        is_answered = gate.is_open and looked.ranked
        quotes = self._quotes(base, looked) if is_answered else refusal(base)
        kept = {f.name: getattr(looked, f.name) for f in fields(Looked)}
        quotes = with_headings(quotes)
        return Found(**kept, quotes=self._whole_list(quotes, looked) or quotes)

    def look(
        self,
        question: str,
        history: Sequence[Turn] = (),
        exclude: frozenset[int] = frozenset(),
        started: float | None = None,
    ) -> Looked:
        """The ranking and the evidence, before any gate has looked at them."""
        started = time.perf_counter() if started is None else started
        question = checked_question(question)
        rewritten = condense(question, history, self.generator)
        return self._finder.look(question, rewritten, exclude, started)

    def _quotes(self, base: Answer, looked: Looked) -> Answer:
        ranked = self._quotable(looked)
        quotes = with_what_is_announced(quote_statements(base, ranked, looked.ranking.share, self._rarity))
        return self._with_what_is_introduced(quotes, looked)

    def _quotable(self, looked: Looked) -> list[Evidence]:
        return self._selector.quotable(looked.ranked, looked.ranking)

    def _generate(self, found: Found, started: float) -> Generator[Event, None, Answer]:
        """The model's answer, checked; a refusal where the gate closes at its first word."""
        if not found.shown:
            return refusal(self._base(found, self._gate(found, "question")))
        heard, gate = self._listened(found)
        looked, told = heard.looked, heard.told
        first_token = (time.perf_counter() - started) * 1000
        if not gate.is_open:
            heard.reply.close()
            return refusal(self._base(looked, gate, first_token, heard.usage, told))
        heard = self.listener.gone_on_with(heard)
        written, first_at, failure = yield from self._write(heard)
        if written:  # what the reader waits for; the opening word is not shown
            first_token = (first_at - started) * 1000
        elif not looked.whole:  # it says that nothing is stated, and cannot be made to go on
            gate = replace(gate, probability=0.0)
        base = self._base(looked, gate, first_token, heard.usage, told)
        if not gate.is_open:
            return refusal(base)
        if failure:
            return with_headings(replace(self._quotes(base, looked), fallback=failure))
        if heard.reply.is_cut:
            written = without_half_a_sentence(written)
        answer = compose(base, self._weighed(written, looked, told))
        if answer is None:
            quotes = self._quotes(base, looked)
            answer = replace(quotes, fallback="the text shown states nothing of what was written")
        elif self.generator.is_small:
            answer = self._with_nearest(answer, heard)
        return self._with_all_that_is_asked(with_headings(with_what_is_announced(answer)), heard)

    def _listened(self, found: Found) -> tuple[Heard, Gate]:
        """A reply whose first token is known, and the gate's decision on it.

        A question that compares two things may need two paragraphs, neither of which states the answer alone: if the
        gate is closed for each by itself, the model reads the likeliest ones together.
        """
        heard = self.listener.listen(found)
        gate = self._gate(heard.looked, "opening", heard.reply.opening, heard.told)
        if gate.is_open or found.whole or not self.generator.is_small or not compares(found.asked, found.language):
            return heard, gate
        heard = self.listener.together(heard)
        return heard, self._gate(heard.looked, "opening", heard.reply.opening, heard.told)

    def _write(self, heard: Heard) -> Generator[Delta, None, tuple[str, float, str | None]]:
        """Yield the answer as it is written; returns (text, when its first piece came, why it broke off or None).

        The time is of `time.perf_counter`. Raises GeneratorFailed if the generator fails before writing anything.
        """
        written, first_at = "", time.perf_counter()
        try:
            for piece in filter(None, self.listener.written(heard)):
                if not written:
                    first_at = time.perf_counter()
                written += piece
                yield Delta(piece)
        except GeneratorFailed as error:
            if not written:
                raise
            return written, first_at, str(error)
        return written, first_at, None

    def _with_nearest(self, answer: Answer, heard: Heard) -> Answer:
        """`answer` with the nearest quotes; of the paragraph that the model is sure of, where it is of one."""
        ranked = self._quotable(heard.looked)
        if heard.sure:
            ranked = reweighed(ranked, heard.looked.ranking.share, heard.share)
        return with_nearest(answer, ranked, heard.share, self._rarity)

    def _with_all_that_is_asked(self, answer: Answer, heard: Heard) -> Answer:
        """`answer` with every item of the list, or a part of what is asked, that it lacks."""
        if listed := self._whole_list(answer, heard.looked):
            return listed
        answer = self._with_what_is_introduced(answer, heard.looked)
        if not self.generator.is_small:
            return answer
        return with_headings(with_what_is_announced(self._with_other_parts(answer, heard)))

    def _whole_list(self, answer: Answer, looked: Looked) -> Answer | None:
        """`answer` with every item of a list that the likeliest paragraph introduces or is of, where all are asked."""
        if looked.whole or not looked.ranking.retrieved or not may_ask_for_list(answer):
            return None
        first = looked.ranking.retrieved[0].paragraph
        lists = self._selector.lists_of(first, looked.ranking, looked.language)
        asked_for = (items for items in lists if asks_for_list(answer, items, self._rarity))
        return next((with_whole_list(answer, items, self._rarity) for items in asked_for), None)

    def _with_what_is_introduced(self, answer: Answer, looked: Looked) -> Answer:
        """`answer` with the items of each list that a quote of it opens; by itself such a quote tells nothing."""
        quotes = set() if looked.whole else {said.text for said in answer.statements}
        for quoted in (citation for citation in answer.citations if citation.quote in quotes):
            items = self._selector.introduced_by(quoted, looked.ranking)
            if items and (opens_a_list(quoted.quote) or not asks_for_others(answer, items)):
                answer = with_whole_list(answer, items, self._rarity)
        return answer

    def _with_other_parts(self, answer: Answer, heard: Heard) -> Answer:
        """`answer` with quotes from further paragraphs, if the question asks for several things and they state a part.

        Each paragraph is read with the whole question: a part by itself ("and before that?") may be about anything.
        """
        looked = heard.looked
        if looked.whole or not asks_for_several(looked.asked, looked.language):
            return answer
        openings = dict(heard.openings)
        unread = [e for e in looked.ranking.retrieved[:SEVERAL] if e.paragraph.number not in openings]
        with suppress(GeneratorFailed):  # the answer that is there already stands without what was still to be read
            for number, further in self.listener.readings((looked, entry) for entry in unread):
                openings[number] = further.reply.opening or 0.0
                heard.spent.update(further.reply.usage or {})
        numbers = stating_too(openings, {citation.paragraph.number for citation in answer.citations})
        asked = parts(looked.asked, looked.language)
        of_parts = [self._selector.score(part, looked.language, looked.ranking) for part in asked]
        own = self._nearest_to_each(of_parts, looked)
        unsaid = [e for e in own if not any(e.text in said.text for said in answer.statements)]
        told = quoting(answer, [*unsaid, *self._nearest_to_any(of_parts, looked, numbers)])
        others = self._of_what_is_compared(told, looked)
        return replace(quoting(told, self._nearest_to_any(of_parts, looked, others)), usage=heard.usage)

    def _of_what_is_compared(self, answer: Answer, found: Looked) -> list[int]:
        """For each of the things that are compared and that nothing cited names, the likeliest paragraph that does.

        "A thinks so" answers half of "how do A and B differ?", and the other half need not state the answer alone.
        """
        nearby = [entry.paragraph for entry in found.ranking.retrieved[:DEPTH]]
        texts = {p.number: simplified("\n".join(filter(None, (p.zh, p.en)))) for p in nearby}
        cited = [simplified(p.text(own) or "") for p in _cited(answer) for own in p.languages]
        numbers: dict[int, None] = {}
        for thing in things_compared(found.asked, found.language, list(texts.values())):
            if not any(thing in text for text in cited):
                numbers |= dict.fromkeys(islice((n for n, text in texts.items() if thing in text), 1))
        return list(numbers)

    def _nearest_to_each(self, of_parts: Sequence[Sequence[Evidence]], found: Looked) -> list[Evidence]:
        """The sentence of the likeliest paragraph that is nearest to each part of the question.

        `of_parts`: for each part the scored sentences, best first.
        """
        first = found.ranking.retrieved[0].paragraph.number
        nearest_ones: dict[tuple[int, Language, int], Evidence] = {}
        for scored in of_parts:
            quotable = self._selector.quotable(scored, found.ranking)
            own = (e for e in quotable if e.paragraph.number == first and can_be_quoted(e, found.language))
            nearest_ones |= {e.key: e for e in islice(own, 1)}
        return list(nearest_ones.values())

    def _nearest_to_any(
        self, of_parts: Sequence[Sequence[Evidence]], found: Looked, numbers: Sequence[int]
    ) -> list[Evidence]:
        """What is quoted of each paragraph of `numbers`; a sentence is as near as it is to its nearest part."""
        best: dict[tuple[int, Language, int], Evidence] = {}
        for e in chain.from_iterable(of_parts):
            best[e.key] = max(e, best.get(e.key, e), key=lambda one: one.score)
        ranked = sorted(best.values(), key=lambda e: -e.score)
        own = ([e for e in ranked if e.paragraph.number == number] for number in numbers)
        return [e for of_one in own for e in nearest(of_one, found.ranking.share, self._rarity, found.language)]

    def signals_at_question(self, found: Looked) -> Signals:
        """What the gate looks at before a model has read anything: what `quote` is gated by."""
        return self._signals(found)

    def signals_at_opening(self, found: Looked) -> Signals:
        """What the gate looks at once the reply has opened, gate or no gate: what it is calibrated on."""
        heard = self.listener.listen(found)
        heard.reply.close()
        return self._signals(heard.looked, heard.reply.opening, heard.told)

    def _gate(self, found: Looked, moment: Moment, opening: float | None = None, told: Sequence[Evidence] = ()) -> Gate:
        """The gate at `moment`; always open for a question about the whole article, or about a place that it has."""
        gate = decide(self._signals(found, opening, told), found.language, moment)
        return replace(gate, probability=1.0) if found.whole else gate

    def _signals(self, found: Looked, opening: float | None = None, told: Sequence[Evidence] = ()) -> Signals:
        embedder = self.index.embedder
        idle = asks_nothing(embedder.question(sought(found.asked)), embedder.label)
        # "Figure 2" names no number that the text would have to state.
        return signals(without(found.asked, found.places), found.ranking, found.shown, opening, told, idle)

    def _weighed(self, written: str, found: Looked, told: Sequence[Evidence]) -> list[Weighed]:
        """The written text as statements, each held against the sentences of what was shown that state it."""
        paragraphs = dict.fromkeys(e.paragraph for e in told)
        scores = {e.key: e for e in found.ranked}
        candidates = [scores.get(e.key, e) for p in paragraphs for e in telling(p, found.language)]
        vectors = self.index.vectors.sentence_vectors([p.number for p in paragraphs])
        headings = _headings_in_order(candidates)
        statements = [in_reading_order(said, headings) for said in split_statements(written, headings)]
        aligned = [(said, self._aligner.align(said, candidates, vectors, found.asked)) for said in statements]
        return weigh(aligned, found.asked, self._rarity)

    def _base(
        self,
        found: Looked,
        gate: Gate,
        first_token: float | None = None,
        usage: Mapping[str, int] | None = None,
        told: tuple[Evidence, ...] | None = None,
    ) -> Answer:
        return Answer(
            question=found.question,
            language=found.language,
            refused=False,
            statements=(),
            citations=(),
            retrieved=found.ranking.retrieved[:20],
            gate=gate.probability,
            generator=self.generator.name,
            model=self.generator.model,
            timings=Timings(retrieve=found.milliseconds, first_token=first_token),
            rewritten=found.rewritten,
            usage=usage,
            shown=found.shown if told is None else told,
            asks_nothing=gate.asks_nothing,
        )


def _cited(answer: Answer) -> list[Paragraph]:
    return list({citation.paragraph.number: citation.paragraph for citation in answer.citations}.values())


def _headings_in_order(sentences: Sequence[Evidence]) -> list[str]:
    return list(dict.fromkeys(e.heading for e in sorted(sentences, key=lambda e: e.paragraph.number) if e.heading))


def checked_question(question: str) -> str:
    """The question without outer white space.

    Raises UserError when it is empty, longer than LONGEST_QUESTION, or holds half a character.
    """
    question = question.strip()
    if not question:
        raise UserError("the question is empty (0 characters). Ask something, in Chinese or English.")
    if len(question) > LONGEST_QUESTION:
        raise UserError(
            f"the question has {len(question):,} characters, at most {LONGEST_QUESTION:,} are read. Shorten it."
        )
    if has_half_a_character(question):
        raise UserError("the question holds half a character (a lone surrogate). Type it again.")
    return question


__all__ = ["Delta", "Done", "Engine", "Event", "Found", "Turn", "checked_question"]
