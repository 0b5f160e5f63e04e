"""Retrieval as a whole: rank the paragraphs and select the sentences to show, before a generator has read anything."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.build import Index
from index.paragraphs import Language, Paragraph
from rag.answer import Evidence
from rag.evidence import EvidenceSelector
from rag.frame import sought
from rag.language import language_of_question
from rag.overview import LEADING, asks_about_the_whole, asks_for_no_more, leading, led_by, sentences_first
from rag.places import Named, lifted, named, paragraphs_at, without
from rag.retrieve import HybridRetriever, Ranking


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
    # The places of the article that the question names.
    places: tuple[Named, ...]
    # Whether it asks what the whole article says, or a place of it, and no more: the paragraphs that lead answer it.
    whole: bool

    @property
    def asked(self) -> str:
        """The question that is answered: completed from the history where it was a follow-up."""
        return self.rewritten or self.question


class Finder:
    """Ranks the paragraphs of one index for a question, and selects about `budget` tokens of their sentences."""

    def __init__(self, index: Index, selector: EvidenceSelector, budget: int) -> None:
        self._index = index
        self._selector = selector
        self._budget = budget
        self._retriever = HybridRetriever(index)

    def rank(self, asked: str, exclude: frozenset[int] = frozenset()) -> Ranking:
        """The paragraphs that any leg found, best first, behind the places that the question names."""
        return self._ranked(asked, named(asked, self._present(exclude)), exclude)

    def look(
        self,
        question: str,
        rewritten: str | None = None,
        exclude: frozenset[int] = frozenset(),
        started: float | None = None,
    ) -> Looked:
        """The ranking and the evidence. `rewritten`: the question that stands for a follow-up, completed.

        `exclude`: paragraphs to treat as if they were not in the article. `started`: since when time counts, seconds
        of `time.perf_counter`.
        """
        started = time.perf_counter() if started is None else started
        asked, language = rewritten or question, language_of_question(question)
        present = self._present(exclude)
        places = tuple(named(asked, present))
        first = _asked_for_whole(asked, places, present, language)
        looked = Looked(
            question=question,
            rewritten=rewritten,
            language=language,
            ranking=self._ranked(asked, places, exclude),
            ranked=(),
            shown=(),
            milliseconds=0.0,
            places=places,
            whole=bool(first),
        )
        looked = self._with_sentences(looked, first)
        return replace(looked, milliseconds=(time.perf_counter() - started) * 1000)

    def look_in_both(self, looked: Looked, translation: str) -> Looked:
        """`looked`, searched again with the question and its translation together."""
        ranking = self._ranked(looked.asked, looked.places, looked.ranking.exclude, translation)
        return self._with_sentences(replace(looked, ranking=ranking))

    def _with_sentences(self, looked: Looked, first: Sequence[Paragraph] = ()) -> Looked:
        """`looked` with the sentences of what its ranking found; `first`: paragraphs that come before all others."""
        language, ranking = looked.language, looked.ranking
        ranked = tuple(self._selector.score(sought(looked.asked), language, ranking))
        if first:
            ranking, ranked = led_by(ranking, first), sentences_first(first, ranked, language)
        shown = self._selector.select(ranked, ranking, self._budget, language)
        return replace(looked, ranking=ranking, ranked=ranked, shown=shown)

    def _ranked(
        self, asked: str, places: Sequence[Named], exclude: frozenset[int], translation: str | None = None
    ) -> Ranking:
        ranking = self._retriever.rank(sought(asked), exclude, translation and sought(translation))
        return lifted(ranking, paragraphs_at(places, self._present(exclude))) if places else ranking

    def _present(self, exclude: frozenset[int]) -> list[Paragraph]:
        return [p for p in self._index.paragraphs if p.number not in exclude]


def _asked_for_whole(
    asked: str, places: Sequence[Named], present: Sequence[Paragraph], language: Language
) -> list[Paragraph]:
    """The paragraphs that answer a question about the whole article, or about a whole place in it; else none.

    "What is this about?" and "what does section 3 say?" are such questions; "what does section 3 say of METR?" is not.
    """
    if asks_about_the_whole(asked):
        return leading(present, language)
    is_all = bool(places) and asks_for_no_more(without(asked, places))
    return paragraphs_at(places, present)[:LEADING] if is_all else []
