"""Have the generator read the evidence, and tell from the first token of its reply whether it states the answer.

A small model reads one paragraph at a time, which also reranks them (rag/rerank.py). Any other model reads, in one
prompt, a selection from several paragraphs. A reply's "opening" is its first word, “Stated:” or “Not stated.”
(rag/prompts.py), as the log odds of the former; a reply that is not worth writing out is closed right after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from rag.retrieve import shared_anew

TRANSLATION_TOKENS = 64  # a longer question is translated as far as that
# Paragraphs read before the question is translated: of questions that nothing answers half end there.
UNTRANSLATED = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply whose opening is known, and what it is about: `told`, the sentences that the generator was shown.

    looked: what retrieval found, reranked by the generator's openings.
    pieces: the rest of the reply as it is generated; None if the reply was stopped at its opening, because another one
        was opened after it or because it will be continued behind a forced “Stated:” (`Listener.written`).
    spent: tokens of the replies that were opened before this one.
    openings: {paragraph: log odds that it states the answer}, for each that was read alone.
    is_of_several: whether the reply is about several paragraphs that count alike.
    sure: the probability that the paragraph states the answer by itself, where that ended the reading; else 0.
    """

    looked: Looked
    told: tuple[Evidence, ...]
    reply: Reply
    pieces: Iterator[str] | None
    spent: Counter[str] = field(default_factory=Counter)
    openings: Mapping[int, float] = field(default_factory=dict)
    is_of_several: bool = False
    sure: float = 0.0

    @property
    def share(self) -> Mapping[int, float]:
        """{paragraph: its probability that it is the one that answers}.

        Of those that were not read the ranking does not know what the generator knows of the one that it is sure of.
        """
        share = self.looked.ranking.share
        if self.is_of_several:
            return {**share, **dict.fromkeys((e.paragraph.number for e in self.told), 1.0)}
        if not self.sure:
            return share
        first = self.looked.ranking.retrieved[0].paragraph.number
        return shared_anew(share, {first: max(self.sure, share[first])})

    @property
    def usage(self) -> dict[str, int] | None:
        """The tokens so far, of this reply and those before it; None where the endpoint does not tell."""
        own = self.reply.usage
        return None if own is None else {what: self.spent[what] + count for what, count in own.items()}


class Listener:
    """Has one generator read what `finder` found; a paragraph that is read alone may take about `alone` tokens."""

    def __init__(self, generator: Generator, finder: Finder, selector: EvidenceSelector, alone: int) -> None:
        self._generator = generator
        self._finder = finder
        self._selector = selector
        self._alone = alone

    def listen(self, found: Looked) -> Heard:
        """The reply about the paragraph that most likely states the answer; its opening goes to the gate.

        A small model reads one paragraph at a time until it is sure of one, or unlikely to find any. Behind the second
        they come from another search that also uses the question's translation.
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
            if is_sure or is_hopeless(stated, _share_of_next(found, stated)):
                break
        held = preferred(openings, found.ranking.share, last if is_sure else None)
        best = max(held, key=lambda n: held[n])
        chosen = readings[best]
        spent.subtract(chosen.reply.usage or {})  # it counts as the reply that is returned
        if not is_sure:  # else it is the last one, and is written on
            readings[last].reply.close()
            chosen = replace(chosen, pieces=None)
        sure = stated[best] if is_sure else 0.0
        return replace(chosen, looked=_reranked(found, held), spent=spent, openings=openings, sure=sure)

    def together(self, heard: Heard) -> Heard:
        """The reply to the likeliest paragraphs, read at once, just opened; `heard` is closed."""
        heard.reply.close()
        looked = heard.looked
        spent = heard.spent + Counter(heard.reply.usage or {})
        likeliest = [entry.paragraph.number for entry in looked.ranking.retrieved[:SEVERAL]]
        told = self._selector.of_all(likeliest, looked.ranked, self._alone, looked.language)
        return replace(self._opened(looked, told), spent=spent, openings=heard.openings, is_of_several=True)

    def openings(self, found: Looked, most: int) -> dict[int, Heard]:
        """{paragraph: the generator's reply about it alone, stopped at its opening}, for the first `most` paragraphs.

        For fitting. As in `listen`, the question is translated unless the generator is sure of one of the first.
        """
        heard = dict(self.readings(_behind(found, (), min(most, UNTRANSLATED))))
        share = found.ranking.share
        is_sure = any(stating(own.reply.opening or 0.0, share[n], found.language) >= SURE for n, own in heard.items())
        wider = found if is_sure or most <= UNTRANSLATED else self._found_in_both(found, Counter())
        return heard | dict(self.readings(_behind(wider, heard, most - len(heard))))

    def readings(self, entries: Iterable[tuple[Looked, Retrieved]]) -> Iterator[tuple[int, Heard]]:
        """(paragraph, the reply about it alone), just opened; closed where the next one is asked for."""
        for found, entry in entries:
            self._keep_start(entry.paragraph, found.language)
            heard = self._read(found, entry.paragraph)
            yield entry.paragraph.number, heard
            heard.reply.close()

    def gone_on_with(self, heard: Heard) -> Heard:
        """`heard`, ready for `written`; called only once the gate is open.

        A generator that can continue a reply is given “Stated:” as its beginning: evaluating these tokens takes a third
        of the time of generating them, and a reply that was stopped, or began “Not stated.”, need not be opened again.
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
        """What is read in turn: the first two paragraphs, then those that the question's words in both languages find.

        The model translates the question, which takes a second: only once the third paragraph is asked for.
        """
        first = _behind(found, (), UNTRANSLATED)
        yield from first
        read = {entry.paragraph.number for _, entry in first}
        yield from _behind(self._found_in_both(found, spent), read, PROBED - len(read))

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

    def _read(self, found: Looked, paragraph: Paragraph) -> Heard:
        """The reply about one paragraph, just opened; what it opens a list of is read with it.

        A list that was read is quoted item by item (rag/lists.py): a model that can go on with a reply is not shown it
        for writing, which would only tell it again, more slowly.
        """
        about, below = self._shown(found, paragraph)
        heard = self._opened(found, (*about, *below))
        return replace(heard, told=about) if self._generator.continues else heard

    def shown(self, found: Looked, paragraph: Paragraph) -> tuple[Evidence, ...]:
        """What the generator is shown of a paragraph that it reads alone."""
        about, below = self._shown(found, paragraph)
        return (*about, *below)

    def _shown(self, found: Looked, paragraph: Paragraph) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
        """The paragraph, and the list that it opens."""
        about = self._selector.about(paragraph, found.ranked, found.ranking, self._alone, found.language)
        below = self._selector.below(paragraph, found.ranking, self._alone, found.language)
        return about, below

    def _opened(self, found: Looked, told: tuple[Evidence, ...]) -> Heard:
        reply = self._ask(found, told)
        pieces = iter(reply)
        first = next(pieces, "")
        return Heard(found, told, reply, chain([first], pieces))

    def _ask(self, found: Looked, told: Sequence[Evidence], *, insist: bool = False) -> Reply:
        """The generator's reply; with `insist`, the continuation of a reply that begins “Stated:”.

        A small model says “Not stated.” too often. If the gate, which knows the probability behind that word, stays
        open, the model is made to answer, and what it then says is checked against the text like any other answer.
        """
        ask = insisting_messages if insist else answer_messages
        hears, language = self._generator.hears, found.language
        return Reply(
            self._replies(ask(found.asked, told, language)),
            WORDING[language],
            (lambda inside: hears(inside, language)) if hears else None,
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


def _share_of_next(found: Looked, read: Collection[int]) -> float:
    """The probability, before any reading, of the likeliest paragraph that has not been read; 0 where none is left."""
    unread = (entry.paragraph.number for entry in found.ranking.retrieved if entry.paragraph.number not in read)
    return max((found.ranking.share[number] for number in unread), default=0.0)


def _behind(found: Looked, read: Collection[int], most: int) -> list[tuple[Looked, Retrieved]]:
    """The first `most` paragraphs that have not been read, each with the ranking that it is of."""
    unread = [entry for entry in found.ranking.retrieved if entry.paragraph.number not in read]
    return [(found, entry) for entry in unread[:most]]


def _reranked(found: Looked, held: Mapping[int, float]) -> Looked:
    ranking = reranked(found.ranking, held)
    ranked = reweighed(found.ranked, found.ranking.share, ranking.share)
    return replace(found, ranking=ranking, ranked=tuple(ranked))
