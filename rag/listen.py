"""Listening: the generator reads what was found, and its first word says whether that states the answer.

A small model reads one paragraph at a time (rag/rerank.py); others read at once what was selected of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from llama_index.core.llms import ChatMessage, ChatResponse

from index.errors import UserError
from index.paragraphs import Language, Paragraph
from rag.answer import Evidence, Retrieved
from rag.condense import accept_rewrite
from rag.evidence import EvidenceSelector, fits_whole, reweighed, shown_language
from rag.find import Finder, Looked
from rag.generators import Generator, GeneratorFailed, why_it_failed
from rag.language import language_of_question
from rag.prompts import WORDING, answer_messages, insisting_messages, leading_messages, translation_messages
from rag.reply import Reply
from rag.rerank import PROBED, SEVERAL, SURE, is_hopeless, preferred, reranked, stating

TRANSLATION_TOKENS = 64  # a longer question is translated as far as that


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply that has just opened, and what it is of: `told`, the sentences that the generator was shown.

    `looked` is what was found, reranked by what the generator said. `pieces`: of the answer, as they come; None where
    the reply was stopped at its opening: another one was listened to after it, or it is gone on with behind the word.
    `spent`: the tokens of the replies that were listened to before this one. `openings`: {paragraph: log odds that it
    states the answer}, of each that was read alone. `is_of_several`: whether it is of several paragraphs as good as
    each other.
    """

    looked: Looked
    told: tuple[Evidence, ...]
    reply: Reply
    pieces: Iterator[str] | None
    spent: Counter[str] = field(default_factory=Counter)
    openings: Mapping[int, float] = field(default_factory=dict)
    is_of_several: bool = False

    @property
    def share(self) -> Mapping[int, float]:
        """{paragraph: its probability that it is the one that answers}."""
        share = self.looked.ranking.share
        return {**share, **dict.fromkeys((e.paragraph.number for e in self.told), 1.0)} if self.is_of_several else share

    @property
    def usage(self) -> dict[str, int] | None:
        """The tokens so far, of this reply and those before it; None where the endpoint does not tell."""
        own = self.reply.usage
        return None if own is None else {what: self.spent[what] + count for what, count in own.items()}


class Listener:
    """Has one generator read what `finder` found; of a paragraph that is read alone, about `alone` tokens."""

    def __init__(self, generator: Generator, finder: Finder, selector: EvidenceSelector, alone: int) -> None:
        self._generator = generator
        self._finder = finder
        self._selector = selector
        self._alone = alone

    def listen(self, found: Looked) -> Heard:
        """The reply of which the opening decides: about the paragraph that likeliest states the answer.

        A small model reads one paragraph at a time, until it is sure of one or has little hope, and looks for the
        question in both languages' words after the first.
        """
        if not self._generator.is_small or found.whole:
            return self._opened(found, found.shown)
        spent: Counter[str] = Counter()
        openings: dict[int, float] = {}
        stated: dict[int, float] = {}
        readings: dict[int, Heard] = {}
        last, is_sure = 0, False
        for last, heard in self.readings(self._candidates(found, spent)):
            found = heard.looked
            readings[last] = heard
            openings[last] = heard.reply.opening or 0.0
            spent.update(heard.reply.usage or {})
            stated = {n: stating(openings[n], found.ranking.share[n], found.language) for n in openings}
            is_sure = stated[last] >= SURE
            if is_sure or is_hopeless(stated):
                break
        held = preferred(openings, found.ranking.share, found.language, last if is_sure else None)
        best = max(held, key=lambda n: held[n])
        chosen = readings[best]
        spent.subtract(chosen.reply.usage or {})  # it counts as the reply that is returned
        if not is_sure:  # else it is the last one, and is written on
            readings[last].reply.close()
            chosen = replace(chosen, pieces=None)
        return replace(chosen, looked=_reranked(found, held), spent=spent, openings=openings)

    def together(self, heard: Heard) -> Heard:
        """The reply to the likeliest paragraphs, read at once, just opened; `heard` is closed."""
        heard.reply.close()
        looked = heard.looked
        spent = heard.spent + Counter(heard.reply.usage or {})
        likeliest = [entry.paragraph.number for entry in looked.ranking.retrieved[:SEVERAL]]
        told = self._selector.of_all(likeliest, looked.ranked, self._alone, looked.language)
        return replace(self._opened(looked, told), spent=spent, openings=heard.openings, is_of_several=True)

    def openings(self, found: Looked, most: int) -> dict[int, Heard]:
        """{paragraph: the generator's reply about it alone, stopped at its opening}, of the first `most`.

        Behind a first paragraph that it is sure of, the next ones are those that were found without a translation.
        """
        (first, heard), *_ = self.readings([(found, found.ranking.retrieved[0])])
        is_sure = stating(heard.reply.opening or 0.0, found.ranking.share[first], found.language) >= SURE
        wider = found if is_sure else self._found_in_both(found, Counter())
        return {first: heard, **dict(self.readings(_others(wider, found.ranking.retrieved[0], most)))}

    def readings(self, entries: Iterable[tuple[Looked, Retrieved]]) -> Iterator[tuple[int, Heard]]:
        """(paragraph, the reply about it alone), just opened; closed where the next one is asked for."""
        for found, entry in entries:
            self._keep_start(entry.paragraph, found.language)
            heard = self._opened(found, self._about(found, entry.paragraph))
            yield entry.paragraph.number, heard
            heard.reply.close()

    def gone_on_with(self, heard: Heard) -> Heard:
        """`heard`, ready to be written: only a reply that may be an answer is worth that.

        A generator that can goes on behind the word that the answer is stated: reading it takes a third of the time of
        writing it, and one that was stopped, or was going to say that nothing is stated, need not be opened again.
        """
        if self._generator.continues:
            heard.reply.close()
            return replace(heard, pieces=None)
        if heard.pieces is not None:
            return heard
        spent = heard.spent + Counter(heard.reply.usage or {})
        return replace(self._opened(heard.looked, heard.told), spent=spent, openings=heard.openings)

    def written(self, heard: Heard) -> Iterator[str]:
        """The answer's pieces; of a reply that was stopped, those that go on behind its opening word."""
        if heard.pieces is not None:
            yield from heard.pieces
            return
        insisted = self._ask(heard.looked, heard.told, insist=True)
        yield from insisted
        heard.spent.update(insisted.usage or {})
        heard.reply.is_cut = insisted.is_cut

    def _candidates(self, found: Looked, spent: Counter[str]) -> Iterator[tuple[Looked, Retrieved]]:
        """What is read in turn: the first paragraph, then those that the question's words in both languages find.

        The model translates the question, which takes a second: only once the second paragraph is asked for.
        """
        first = found.ranking.retrieved[0]
        yield found, first
        yield from _others(self._found_in_both(found, spent), first, PROBED)

    def _found_in_both(self, found: Looked, spent: Counter[str]) -> Looked:
        """`found` as it is with the question's translation beside it; as it was where that is no translation."""
        translation = accept_rewrite(self._translated(found, spent))
        if translation is None or language_of_question(translation) == found.language:
            return found
        return self._finder.look_in_both(found, translation)

    def _translated(self, found: Looked, spent: Counter[str]) -> str:
        text, usage = "", None
        for response in self._replies(translation_messages(found.asked, found.language), max_tokens=TRANSLATION_TOKENS):
            text += response.delta or ""
            usage = response.additional_kwargs.get("usage", usage)
        spent.update(usage or {})
        return text

    def _keep_start(self, paragraph: Paragraph, language: Language) -> None:
        """Have what the generator is about to read of a whole paragraph kept, so that it is read only once."""
        own = shown_language(paragraph, language)
        if own == language and self._generator.prepare and fits_whole(paragraph, own, self._alone):
            with suppress(UserError):  # a full disk costs the next question time, and this one nothing
                self._generator.prepare(leading_messages(paragraph, own))

    def _about(self, found: Looked, paragraph: Paragraph) -> tuple[Evidence, ...]:
        return self._selector.about(paragraph, found.ranked, found.ranking, self._alone, found.language)

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
        hears, language = self._generator.hears, found.language
        return Reply(
            self._replies(ask(found.asked, told, language)),
            WORDING[language],
            (lambda inside, logit: hears(inside, logit, language)) if hears else None,
        )

    def _replies(self, messages: Sequence[ChatMessage], **options: Any) -> Iterator[ChatResponse]:
        llm = self._generator.llm
        try:
            with closing(llm.stream_chat(messages, **self._generator.options, **options)) as responses:
                first = next(responses, None)
                if first is None:  # a page of HTML, say; taken for silence it would be a refusal
                    raise GeneratorFailed("what it sent is no reply. Check the address of the endpoint.")
                yield first
                yield from responses
        except (UserError, GeneratorFailed):
            raise
        except Exception as error:  # remote clients raise errors of many libraries; the quotes are the answer then
            raise GeneratorFailed(why_it_failed(error, llm)) from error


def _others(found: Looked, first: Retrieved, most: int) -> list[tuple[Looked, Retrieved]]:
    """What is read behind the first one of `most`, each entry with the ranking that it is of."""
    others = [e for e in found.ranking.retrieved if e.paragraph.number != first.paragraph.number]
    return [(found, entry) for entry in others[: most - 1]]


def _reranked(found: Looked, held: Mapping[int, float]) -> Looked:
    ranking = reranked(found.ranking, held)
    ranked = reweighed(found.ranked, found.ranking.share, ranking.share)
    return replace(found, ranking=ranking, ranked=tuple(ranked))
