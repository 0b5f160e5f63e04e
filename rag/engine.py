"""The road of a question, end to end: retrieve, select, gate, generate, align, check, answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

from llama_index.core import instrumentation
from llama_index.core.base.response.schema import Response
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.llms import ChatMessage, ChatResponse

from index.build import Index, open_index
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.settings import GeneratorName, Settings
from rag.align import Aligner
from rag.answer import Answer, Evidence, Retrieved, Timings
from rag.compose import (
    Weighed,
    compose,
    in_reading_order,
    nearest,
    quote_statements,
    quoting,
    refusal,
    split_statements,
    support_of,
    weigh,
    with_headings,
    with_nearest,
)
from rag.condense import Turn, accept_rewrite, history_text, join_with_last, leans_on_history
from rag.evidence import ALONE, EvidenceSelector, fits_whole, reweighed, shown_language, telling
from rag.gate import Gate, Moment, Said, Signals, decide, signals
from rag.generators import Generator as TextGenerator
from rag.generators import GeneratorFailed, make_generator
from rag.language import language_of_question
from rag.overview import LEADING, asks_about_the_whole, asks_for_no_more, leading, led_by, sentences_first
from rag.parts import asks_for_several, parts
from rag.places import lifted, named, paragraphs_at, without
from rag.prompts import (
    WORDING,
    answer_messages,
    condense_messages,
    insisting_messages,
    leading_messages,
    translating_messages,
    translation_messages,
)
from rag.reply import Reply
from rag.rerank import PROBED, SEVERAL, SURE, is_hopeless, reranked, stating, stating_too
from rag.retrieve import HybridRetriever, Ranking
from rag.words import Rarity

LONGEST_QUESTION = 2000
TRANSLATION_TOKENS = 64  # a longer question is translated as far as that
_dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Looked:
    """What retrieval found: the ranking, every sentence considered (best first), and those that are shown."""

    question: str
    rewritten: str | None
    language: Language
    ranking: Ranking
    ranked: tuple[Evidence, ...]
    shown: tuple[Evidence, ...]
    milliseconds: float
    # Whether it asks what the whole article says, or a place of it, and no more: the paragraphs that lead answer it.
    whole: bool
    # The paragraphs that are treated as if they were not in the article.
    exclude: frozenset[int]

    @property
    def asked(self) -> str:
        """The question that is answered: completed from the history where it was a follow-up."""
        return self.rewritten or self.question


@dataclass(frozen=True, slots=True)
class Found(Looked):
    """What is known before a word is generated. `quotes` answers at once, without a model."""

    quotes: Answer


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply that has just opened, and what it is of: `told`, the sentences that the generator was shown.

    `looked` is what was found, reranked by what the generator said. `pieces`: of the answer, as they come; None where
    the reply was stopped at its opening, because another one was listened to after it. `spent`: the tokens of the
    replies that were listened to before this one. `openings`: {paragraph: log odds that it states the answer}, of each
    that was read alone.
    """

    looked: Looked
    told: tuple[Evidence, ...]
    reply: Reply
    pieces: Iterator[str] | None
    spent: Counter[str] = field(default_factory=Counter)
    openings: Mapping[int, float] = field(default_factory=dict)

    @property
    def usage(self) -> dict[str, int] | None:
        """The tokens so far, of this reply and those before it; None where the endpoint does not tell."""
        own = self.reply.usage
        return None if own is None else {what: self.spent[what] + count for what, count in own.items()}


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
        self.generator = generator
        self._budget = evidence_tokens
        self._alone = ALONE * evidence_tokens
        self._rarity = Rarity(index)
        self._retriever = HybridRetriever(index)
        self._selector = EvidenceSelector(index, self._rarity)
        self._aligner = Aligner(index.embedder, self._rarity)

    @classmethod
    def open(cls, settings: Settings, index_dir: Path | None = None, generator: GeneratorName | None = None) -> Engine:
        """An engine over the index in `index_dir` (default: the settings'). Loads no weights yet.

        Raises UserError for a missing or mismatched index, missing weights, or a missing key.
        """
        return cls(open_index(settings, index_dir), make_generator(settings, generator), settings.evidence_tokens)

    def warm(self) -> None:
        """Load everything that the first question would otherwise wait for."""
        self.generator.begin()
        self.index.embedder.load()
        self.generator.warm()

    def prepare(self) -> Iterator[tuple[int, int]]:
        """Have the generator read ahead what questions will begin with, a paragraph in one language at a time.

        Yields (done, total) after each that was not kept yet, so that the caller may wait until nobody is asking.
        Nothing for a generator that cannot.
        """
        read_ahead = self.generator.prepare
        if read_ahead is None:
            return
        starts = [translating_messages(language) for language in LANGUAGES if self.generator.is_small]
        starts += [
            leading_messages(paragraph, language)
            for paragraph in self.index.paragraphs
            for language in paragraph.languages
            if fits_whole(paragraph, language, self._alone)
        ]
        for done, start in enumerate(starts, 1):
            if read_ahead(start):
                yield done, len(starts)

    def retrieve(self, question: str, exclude: frozenset[int] = frozenset()) -> list[Retrieved]:
        """Every paragraph that any leg found, best first."""
        return list(self._ranked(checked_question(question), exclude).retrieved)

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
        gate = self._gate(looked, Said(), "question")
        base = self._base(looked, gate, first_token=looked.milliseconds)
        is_answered = gate.is_open and looked.ranked
        quotes = self._quotes(base, looked) if is_answered else refusal(base)
        kept = {f.name: getattr(looked, f.name) for f in fields(Looked)}
        return Found(**kept, quotes=with_headings(quotes))

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
        rewritten = self._condense(question, history)
        asked = rewritten or question
        language = language_of_question(question)
        first = self._asked_for_whole(asked, exclude, language)
        looked = Looked(
            question=question,
            rewritten=rewritten,
            language=language,
            ranking=self._ranked(asked, exclude),
            ranked=(),
            shown=(),
            milliseconds=0.0,
            whole=bool(first),
            exclude=exclude,
        )
        looked = self._with_sentences(looked, first)
        return replace(looked, milliseconds=(time.perf_counter() - started) * 1000)

    def _with_sentences(self, looked: Looked, first: Sequence[Paragraph] = ()) -> Looked:
        """`looked` with the sentences of what its ranking found; `first`: paragraphs that come before all others."""
        language, ranking = looked.language, looked.ranking
        ranked = tuple(self._selector.score(looked.asked, language, ranking))
        if first:
            ranking, ranked = led_by(ranking, first), sentences_first(first, ranked, language)
        shown = self._selector.select(ranked, ranking, self._budget, language)
        return replace(looked, ranking=ranking, ranked=ranked, shown=shown)

    def _ranked(self, asked: str, exclude: frozenset[int], translation: str | None = None) -> Ranking:
        """What retrieval finds, behind the places of the article that the question names."""
        ranking = self._retriever.rank(asked, exclude, translation)
        present = self._present(exclude)
        places = named(asked, present)
        return lifted(ranking, paragraphs_at(places, present)) if places else ranking

    def _quotes(self, base: Answer, looked: Looked) -> Answer:
        return quote_statements(base, looked.ranked, looked.ranking.share, self._rarity)

    def _asked_for_whole(self, asked: str, exclude: frozenset[int], language: Language) -> list[Paragraph]:
        """The paragraphs that answer who asks what the article says, or what a place of it says, and no more."""
        present = self._present(exclude)
        if asks_about_the_whole(asked):
            return leading(present, language)
        places = named(asked, present)
        is_all = bool(places) and asks_for_no_more(without(asked, places))
        return paragraphs_at(places, present)[:LEADING] if is_all else []

    def _present(self, exclude: frozenset[int]) -> list[Paragraph]:
        return [p for p in self.index.paragraphs if p.number not in exclude]

    def _generate(self, found: Found, started: float) -> Generator[Event, None, Answer]:
        """The model's answer, checked; a refusal where the gate closes, at the first word or at the last."""
        if not found.shown:
            return refusal(self._base(found, self._gate(found, Said(), "question")))
        heard = self.listen(found)
        looked, told = heard.looked, heard.told
        gate = self._gate(looked, Said(heard.reply.opening), "opening", told)
        first_token = (time.perf_counter() - started) * 1000
        if not gate.is_open:
            heard.reply.close()
            return refusal(self._base(looked, gate, first_token, heard.usage, told))
        heard = self._gone_on_with(heard)
        written = ""
        for piece in filter(None, self._written(heard)):
            if not written:  # what the reader waits for; the opening word is not shown
                first_token = (time.perf_counter() - started) * 1000
            written += piece
            yield Delta(piece)
        weighed, said = self._held_against_the_text(heard, written)
        gate = self._gate(looked, said, "answer", told)
        base = self._base(looked, gate, first_token, heard.usage, told)
        if not gate.is_open:
            return refusal(base)
        answer = compose(base, weighed)
        if answer is None:
            quotes = self._quotes(base, looked)
            answer = replace(quotes, fallback="the text shown states nothing of what was written")
        elif self.generator.is_small:
            answer = with_nearest(answer, looked.ranked, looked.ranking.share, self._rarity)
        return with_headings(self._with_other_parts(answer, heard) if self.generator.is_small else answer)

    def listen(self, found: Looked) -> Heard:
        """The reply of which the opening decides: about the paragraph that likeliest states the answer.

        A small model reads one paragraph at a time, until it is sure of one or has little hope (rag/rerank.py), and
        looks for the question in both languages' words after the first; others read at once what was selected of all.
        """
        if not self.generator.is_small or found.whole:
            return self._opened(found, found.shown)
        spent: Counter[str] = Counter()
        openings: dict[int, float] = {}
        stated: dict[int, float] = {}
        readings: dict[int, Heard] = {}
        for number, heard in self._readings(self._candidates(found, spent)):
            found = heard.looked
            readings[number] = heard
            openings[number] = heard.reply.opening or 0.0
            stated = {n: stating(openings[n], found.ranking.share[n], found.language) for n in openings}
            if stated[number] >= SURE:
                return replace(heard, looked=self._reranked(found, stated), spent=spent, openings=openings)
            spent.update(heard.reply.usage or {})
            if is_hopeless(stated):
                heard.reply.close()
                break
        best = max(stated, key=lambda n: stated[n])
        spent.subtract(readings[best].reply.usage or {})  # it counts as the reply that is returned
        looked = self._reranked(found, stated)
        return replace(readings[best], looked=looked, pieces=None, spent=spent, openings=openings)

    def _candidates(self, found: Looked, spent: Counter[str]) -> Iterator[tuple[Looked, Retrieved]]:
        """What is read in turn: the first paragraph, then those that the question's words in both languages find.

        The model translates the question, which takes a second: only once the second paragraph is asked for.
        """
        first = found.ranking.retrieved[0]
        yield found, first
        wider = self._found_in_both(found, spent)
        yield from ((wider, entry) for entry in _others(wider, first))

    def _found_in_both(self, found: Looked, spent: Counter[str]) -> Looked:
        """`found` as it is with the question's translation beside it; as it was where that is no translation."""
        translation = accept_rewrite(self._translated(found, spent), found.asked)
        if translation is None or language_of_question(translation) == found.language:
            return found
        ranking = self._ranked(found.asked, found.exclude, translation)
        return self._with_sentences(replace(found, ranking=ranking))

    def _translated(self, found: Looked, spent: Counter[str]) -> str:
        text, usage = "", None
        for response in self._replies(translation_messages(found.asked, found.language), max_tokens=TRANSLATION_TOKENS):
            text += response.delta or ""
            usage = response.additional_kwargs.get("usage", usage)
        spent.update(usage or {})
        return text

    def _gone_on_with(self, heard: Heard) -> Heard:
        """`heard`, ready to be written: only a reply that may be an answer is worth that.

        One that was stopped, or is going to say that nothing is stated, is not opened again: a generator that can is
        made to go on behind the word that the answer is stated.
        """
        if self.generator.continues and (heard.pieces is None or heard.reply.is_silent):
            heard.reply.close()
            return replace(heard, pieces=iter(()))
        if heard.pieces is not None:
            return heard
        spent = heard.spent + Counter(heard.reply.usage or {})
        return replace(self._opened(heard.looked, heard.told), spent=spent, openings=heard.openings)

    def openings(self, found: Looked) -> dict[int, Heard]:
        """{paragraph: the generator's reply about it alone, stopped at its opening}, of all it may be asked about.

        Behind a first paragraph that it is sure of, the next ones are those that were found without a translation.
        """
        (first, heard), *_ = self._readings([(found, found.ranking.retrieved[0])])
        is_sure = stating(heard.reply.opening or 0.0, found.ranking.share[first], found.language) >= SURE
        wider = found if is_sure else self._found_in_both(found, Counter())
        others = ((wider, entry) for entry in _others(wider, found.ranking.retrieved[0]))
        return {first: heard, **dict(self._readings(others))}

    def _readings(self, entries: Iterable[tuple[Looked, Retrieved]]) -> Iterator[tuple[int, Heard]]:
        """(paragraph, the reply about it alone), just opened; closed where the next one is asked for."""
        for found, entry in entries:
            self._keep_start(entry.paragraph, found.language)
            heard = self._opened(found, self._about(found, entry.paragraph))
            yield entry.paragraph.number, heard
            heard.reply.close()

    def _with_other_parts(self, answer: Answer, heard: Heard) -> Answer:
        """`answer` with quotes of the paragraphs that state a part of what is asked, where that is several things.

        The whole question is held against each: a part by itself ("and before that?") may be about anything.
        """
        looked = heard.looked
        if looked.whole or not asks_for_several(looked.asked, looked.language):
            return answer
        openings = dict(heard.openings)
        unread = [e for e in looked.ranking.retrieved[:SEVERAL] if e.paragraph.number not in openings]
        with suppress(GeneratorFailed):  # the answer that is there already stands without what was still to be read
            for number, further in self._readings((looked, entry) for entry in unread):
                openings[number] = further.reply.opening or 0.0
                heard.spent.update(further.reply.usage or {})
        numbers = stating_too(openings, {citation.paragraph.number for citation in answer.citations})
        return replace(quoting(answer, self._nearest_to_the_parts(looked, numbers)), usage=heard.usage)

    def _nearest_to_the_parts(self, found: Looked, numbers: Sequence[int]) -> list[Evidence]:
        """What is quoted of each paragraph; a sentence is as near as it is to its nearest part of the question."""
        if not numbers:
            return []
        best: dict[tuple[int, Language, int], Evidence] = {}
        for part in parts(found.asked, found.language):
            for e in self._selector.score(part, found.language, found.ranking):
                best[e.key] = max(e, best.get(e.key, e), key=lambda one: one.score)
        ranked = sorted(best.values(), key=lambda e: -e.score)
        own = ([e for e in ranked if e.paragraph.number == number] for number in numbers)
        return [e for of_one in own for e in nearest(of_one, found.ranking.share, self._rarity, found.language)]

    def _keep_start(self, paragraph: Paragraph, language: Language) -> None:
        """Have what the generator is about to read of a whole paragraph kept, so that it is read only once."""
        own = shown_language(paragraph, language)
        if own == language and self.generator.prepare and fits_whole(paragraph, own, self._alone):
            with suppress(UserError):  # a full disk costs the next question time, and this one nothing
                self.generator.prepare(leading_messages(paragraph, own))

    def _about(self, found: Looked, paragraph: Paragraph) -> tuple[Evidence, ...]:
        return self._selector.about(paragraph, found.ranked, found.ranking, self._alone, found.language)

    def _reranked(self, found: Looked, stated: Mapping[int, float]) -> Looked:
        ranking = reranked(found.ranking, stated)
        ranked = reweighed(found.ranked, found.ranking.share, ranking.share)
        return replace(found, ranking=ranking, ranked=tuple(ranked))

    def _opened(self, found: Looked, told: tuple[Evidence, ...]) -> Heard:
        reply = self._ask(found, told)
        pieces = iter(reply)
        first = next(pieces, "")
        return Heard(found, told, reply, chain([first], pieces))

    def _ask(self, found: Looked, told: Sequence[Evidence], *, insist: bool = False) -> Reply:
        """The generator's reply. Insisted, it goes on behind the word that the answer is stated.

        A small model says too often that nothing is stated; where the gate, which has heard how sure it is, stays
        open, it is made to answer, and what it then says is held against the text like any other answer.
        """
        ask = insisting_messages if insist else answer_messages
        hears, language = self.generator.hears, found.language
        return Reply(
            self._replies(ask(found.asked, told, language)),
            WORDING[language],
            (lambda inside, logit: hears(inside, logit, language)) if hears else None,
        )

    def weigh_whole_reply(self, found: Looked) -> Signals:
        """The gate's signals once the reply is whole, gate or no gate: what it is calibrated on."""
        heard = self._gone_on_with(self.listen(found))
        _, said = self._held_against_the_text(heard, "".join(self._written(heard)))
        return self._signals(heard.looked, said, heard.told)

    def _written(self, heard: Heard) -> Iterator[str]:
        """The answer's pieces; where there are none, those that the generator is made to write."""
        yield from heard.pieces or ()
        if not heard.reply.text and self.generator.continues:
            insisted = self._ask(heard.looked, heard.told, insist=True)
            yield from insisted
            heard.spent.update(insisted.usage or {})

    def _held_against_the_text(self, heard: Heard, written: str) -> tuple[list[Weighed], Said]:
        weighed = self._weighed(written, heard.looked, heard.told)
        silent = heard.reply.is_silent and not heard.reply.text
        return weighed, Said(heard.reply.opening, support_of(weighed, silent=silent))

    def _gate(self, found: Looked, said: Said, moment: Moment, told: Sequence[Evidence] = ()) -> Gate:
        """The gate at `moment`; always open for a question that any article, or a place that it has, answers."""
        gate = decide(self._signals(found, said, told), found.language, moment)
        return replace(gate, probability=1.0) if found.whole else gate

    def _signals(self, found: Looked, said: Said, told: Sequence[Evidence] = ()) -> Signals:
        # "Figure 2" names no number that the text would have to state.
        asked = without(found.asked, named(found.asked, self._present(found.exclude)))
        return signals(asked, found.ranking, found.shown, said, told)

    def _replies(self, messages: Sequence[ChatMessage], **options: Any) -> Iterator[ChatResponse]:
        try:
            yield from self.generator.llm.stream_chat(messages, **self.generator.options, **options)
        except (UserError, GeneratorFailed):
            raise
        except Exception as error:  # remote clients raise errors of many libraries; the quotes are the answer then
            raise GeneratorFailed(f"{type(error).__name__}: {error}") from error

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
        )

    def _condense(self, question: str, history: Sequence[Turn]) -> str | None:
        language = language_of_question(question)
        if not history or not leans_on_history(question, language):
            return None
        if not self.generator.writes:
            return join_with_last(question, history, language)
        messages = condense_messages(question, history_text(history, language), language)
        try:
            reply = self.generator.llm.chat(messages, max_tokens=60).message.content or ""
        except Exception:  # a follow-up is never lost to a generator that is down
            reply = ""
        return accept_rewrite(reply, question) or join_with_last(question, history, language)


def _others(found: Looked, first: Retrieved) -> list[Retrieved]:
    """The paragraphs that are read behind the first one."""
    return [e for e in found.ranking.retrieved if e.paragraph.number != first.paragraph.number][: PROBED - 1]


def _headings_in_order(sentences: Sequence[Evidence]) -> list[str]:
    return list(dict.fromkeys(e.heading for e in sorted(sentences, key=lambda e: e.paragraph.number) if e.heading))


def checked_question(question: str) -> str:
    """The question without outer white space. Raises UserError when it is empty or longer than LONGEST_QUESTION."""
    question = question.strip()
    if not question:
        raise UserError("the question is empty (0 characters). Ask something, in Chinese or English.")
    if len(question) > LONGEST_QUESTION:
        raise UserError(
            f"the question has {len(question):,} characters, at most {LONGEST_QUESTION:,} are read. Shorten it."
        )
    return question


__all__ = ["Delta", "Done", "Engine", "Event", "Found", "Turn", "checked_question"]
