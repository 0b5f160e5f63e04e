"""Evidence: the paragraph that answers, whole, and the sentences of others that bear on the question."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.blocks import other
from index.build import Index
from index.interaction import Cosines
from index.ordinals import label
from index.outline import Enumeration, ends_asking, opens_a_list
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.sentences import split_sentences, without_notes
from index.tokens import count_tokens
from rag.answer import Citation, Evidence
from rag.check import unstated
from rag.counted import SEVERAL, announced
from rag.kinds import Kind, asked_kinds, holds
from rag.language import language_of_question
from rag.numbers import figures, quantities
from rag.retrieve import Ranking
from rag.words import Rarity, content_tokens, leans_back

# Paragraphs whose sentences are considered at all.
DEPTH = 6
# Paragraphs that are read before the first question; of so many the vectors are remembered.
WARMED = 128
# The share of the budget that others than the first paragraph have at least, beyond it where the first takes all.
REST_SHARE = 0.3
# Others are shown until the paragraphs shown hold this share of the probability that one of them answers.
COVERED = 0.97
# How many budgets a paragraph that is read alone may take: whole, it is read once and kept; in part, it is read anew
# for every question, and seven of the article's texts, most of them Chinese, would be.
ALONE = 2
# The share of the budget, beyond it, for the heads of the parts that a found paragraph introduces.
FAMILY_SHARE = 0.6
# So many sentences at most that semicolons join are quoted as one; more of them are a list.
JOINED = 3
# A longer list is not given unless it is asked for.
_LONGEST_LIST = 8
# So many at most has each item of a list that only its introduction tells.
_SENTENCES_OF_AN_ITEM = 2
# Weights of a sentence's signals: late interaction, cosine (scaled from its usual range), the question's words
# found in it, and the probability that its paragraph answers. Set on the dev questions (evals/NOTES.md).
_WEIGHTS = (4.0, 1.0, 0.25, 1.0)
# What a sentence gains that holds the kind of answer asked for. Fitted on the dev questions, then rounded.
_OF_THE_KIND: Mapping[Kind, float] = {"number": 0.4, "time": 0.45, "reason": 0.25, "several": 0.5, "way": 0.25}
_COSINE_FLOOR = 0.75


@dataclass(frozen=True, slots=True)
class _Asked:
    """What sentences are compared with: a question's words and vector, and its tokens beside each paragraph's."""

    question: str
    kinds: frozenset[Kind]
    words: frozenset[str]
    vector: NDArray[np.float32]
    cosines: Mapping[Language, Mapping[int, Cosines]]


@dataclass(frozen=True, slots=True)
class Items:
    """A list that the article makes: the first sentence of each item, in order.

    `headed`: each item has a heading of its own, which names it; else its sentence does. `introduction`: what stands
    right before the first, where it was not excluded.
    """

    heads: tuple[Evidence, ...]
    headed: bool
    introduction: Paragraph | None = None

    def name(self, head: Evidence) -> str:
        """What an item is known by."""
        return head.heading if self.headed else head.text


class EvidenceSelector:
    """Chooses sentences of the best paragraphs for one index."""

    def __init__(self, index: Index, rarity: Rarity) -> None:
        self._index = index
        self._rarity = rarity
        self._outline = index.outline

    def warm(self) -> None:
        """Load the vectors and words that every question is compared with, for the first WARMED paragraphs."""
        own = self._index.paragraphs[:WARMED]
        self._index.vectors.sentence_vectors([paragraph.number for paragraph in own])
        for paragraph in own:
            for language in LANGUAGES:
                self._index.tokens.of(paragraph.number, language)
                for sentence in telling(paragraph, language):
                    content_tokens(sentence.text)

    def score(self, question: str, language: Language, ranking: Ranking) -> list[Evidence]:
        """Every sentence that tells what the first DEPTH paragraphs say, best first."""
        top = [entry.paragraph for entry in ranking.retrieved[:DEPTH]]
        vectors = self._index.vectors.sentence_vectors([p.number for p in top])
        embedder, tokens = self._index.embedder, self._index.tokens
        own = embedder.question_tokens(question)
        cosines = {side: tokens.cosines(tokens.centred(own, side), [p.number for p in top], side) for side in LANGUAGES}
        kinds = asked_kinds(question, language_of_question(question))
        asked = _Asked(question, kinds, content_tokens(question), embedder.question(question), cosines)
        scored = [
            evidence
            for paragraph in top
            for evidence in self._scored(paragraph, language, asked, vectors, ranking.share.get(paragraph.number, 0.0))
        ]
        return sorted(scored, key=lambda e: -e.score)

    def _scored(
        self,
        paragraph: Paragraph,
        language: Language,
        asked: _Asked,
        vectors: Mapping[tuple[int, Language, int], NDArray[np.float32]],
        share: float,
    ) -> list[Evidence]:
        """The paragraph's sentences; a sentence answers with its own words, in the light of its headings."""
        scored = []
        for e in telling(paragraph, language):
            vector = vectors.get(e.key)
            near = asked.cosines[e.language].get(paragraph.number)
            cosine = float(vector @ asked.vector) if vector is not None else _COSINE_FLOOR
            nearness = near.maxsim(e.start, e.end) if near else 0.0
            words = self._rarity.covered(asked.words, content_tokens(e.text)) if asked.words else 0.0
            signals = (nearness, (cosine - _COSINE_FLOOR) / (1 - _COSINE_FLOOR), words, share)
            score = sum(weight * signal for weight, signal in zip(_WEIGHTS, signals, strict=True))
            score += sum(_OF_THE_KIND[k] for k in asked.kinds if holds(e.text, k, e.language, asked.question))
            scored.append(replace(e, score=score))
        return scored

    def quotable(self, ranked: Sequence[Evidence], ranking: Ranking) -> list[Evidence]:
        """`ranked` without paragraphs that only ask something, which resemble a question and do not answer it.

        From the first paragraph of the ranking only sentences that end as questions are left out. If nothing would
        remain, all stay.
        """
        asks, first = self._outline.answers, ranking.retrieved[0].paragraph.number if ranking.retrieved else None
        left = [
            e
            for e in ranked
            if e.paragraph.number not in asks or (e.paragraph.number == first and not ends_asking(e.text))
        ]
        return left or list(ranked)

    def select(
        self, ranked: Sequence[Evidence], ranking: Ranking, budget: int, language: Language
    ) -> tuple[Evidence, ...]:
        """The sentences shown to the generator, about `budget` tokens (tiktoken), never none.

        The first paragraph comes first and, where it fits the budget, whole, so that every question about it begins
        with a prompt that can be read ahead; then the others' best sentences, paragraphs in the order of the
        ranking, sentences in reading order.
        """
        if not ranking.retrieved:
            return ()
        first = ranking.retrieved[0].paragraph
        own = _within([e for e in ranked if e.paragraph.number == first.number], budget)
        used = sum(count_tokens(e.text) for e in own)
        worth = _worth_showing(ranking)
        left = max(budget - used, round(budget * REST_SHARE))
        rest = _within([e for e in ranked if e.paragraph.number in worth], left)
        introduced = self._family_of(first, ranking) or self._entries_of(ranking)
        family = _within(_heads(introduced, language), round(budget * FAMILY_SHARE))
        order = {entry.paragraph.number: i for i, entry in enumerate(ranking.retrieved[:DEPTH])}
        for e in family:
            order.setdefault(e.paragraph.number, DEPTH + e.paragraph.number)
        chosen = {e.key: e for e in (*family, *rest, *own)}
        return tuple(sorted(chosen.values(), key=lambda e: (order[e.paragraph.number], *_place(e, language))))

    def about(
        self, paragraph: Paragraph, ranked: Sequence[Evidence], ranking: Ranking, budget: int, language: Language
    ) -> tuple[Evidence, ...]:
        """What is shown of one found paragraph alone: itself, whole where it fits, and the heads of its family."""
        own = _within([e for e in ranked if e.paragraph.number == paragraph.number], budget)
        family = self._family_of(paragraph, ranking)
        heads = _within(_heads([p for p in family if p.number != paragraph.number], language), budget)
        return (*sorted(own, key=lambda e: _place(e, language)), *sorted(heads, key=lambda e: e.paragraph.number))

    def below(self, paragraph: Paragraph, ranking: Ranking, budget: int, language: Language) -> tuple[Evidence, ...]:
        """The items of a list that a found paragraph opens with a colon, or of which it says how many there are.

        Without them "It comes down to four things:" states nothing.
        """
        is_opened = all(opens_a_list(paragraph.text(own) or "") for own in paragraph.languages)
        enumeration = self._outline.enumeration_of(paragraph) if is_opened else None
        enumeration = enumeration or self._announced_list_of(paragraph)
        if enumeration is None or enumeration.before != paragraph:
            return ()
        return tuple(_within(_heads(_present(enumeration.items, ranking), language), budget))

    def of_all(
        self, numbers: Collection[int], ranked: Sequence[Evidence], budget: int, language: Language
    ) -> tuple[Evidence, ...]:
        """The best sentences of several paragraphs, those of one together, the best one's first."""
        own = _within([e for e in ranked if e.paragraph.number in numbers], budget)
        order = list(dict.fromkeys(e.paragraph.number for e in own))
        return tuple(sorted(own, key=lambda e: (order.index(e.paragraph.number), *_place(e, language))))

    def lists_of(self, paragraph: Paragraph, ranking: Ranking, language: Language) -> list[Items]:
        """The lists that a found paragraph introduces or is an item of: of headings, of paragraphs that are its items.

        No list of headings where one of them has none in its own language.
        """
        heads = _heads(self._family_of(paragraph, ranking), language)
        are_named = all(head.heading and Citation.of(head).heading for head in heads)
        lists = [Items(tuple(heads), headed=True)] if heads and are_named else []
        if enumeration := self._outline.enumeration_of(paragraph) or self._announced_list_of(paragraph):
            items = _present(enumeration.items, ranking)
            before = enumeration.before
            introduction = None if before is None or before.number in ranking.exclude else before
            lists.append(Items(tuple(_heads(items, language)), headed=False, introduction=introduction))
        return lists

    def introduced_by(self, quoted: Citation, ranking: Ranking) -> Items | None:
        """The list that a quote opens where it ends its paragraph; else None.

        A colon opens it ("It was spent in three parts:"), or as many are announced as there are ("There are three.").
        """
        is_last = sentences_of(quoted.paragraph, quoted.language)[-1].end <= quoted.end
        is_opened, count = opens_a_list(quoted.quote), announced(quoted.quote, quoted.language)
        if not is_last or not (is_opened or count):
            return None
        lists = self.lists_of(quoted.paragraph, ranking, quoted.language)
        own = (items for items in lists if all(head.paragraph != quoted.paragraph for head in items.heads))
        told = (items for items in own if is_opened or len(items.heads) == count)
        return next((items for items in told if 1 < len(items.heads) <= _LONGEST_LIST), None)

    def _announced_list_of(self, paragraph: Paragraph) -> Enumeration | None:
        """The list of which a paragraph says how many items follow ("It looks at five things:"), or is an item."""
        for place, before in enumerate((paragraph, *self._outline.above(paragraph)[:SEVERAL])):
            count = _announced_by(before)
            items = self._outline.below(before, count)
            if place <= count == len(items) and count and all(map(_is_item, items)):
                return Enumeration(items, before)
        return None

    def _family_of(self, paragraph: Paragraph, ranking: Ranking) -> list[Paragraph]:
        """The first paragraphs of the parts that a found paragraph introduces, or the entries it is one of.

        "We imagine three futures:" is answered by the headings that follow it, and a question about stages
        by every entry of the timeline, of which retrieval finds the nearest two. Each brings its heading.
        """
        entries = self._entries_of(ranking)
        return _present(self._outline.introduced_by(paragraph), ranking) or (entries if paragraph in entries else [])

    def _entries_of(self, ranking: Ranking) -> list[Paragraph]:
        """Every entry of the timeline that two of the paragraphs found belong to."""
        return _present(self._outline.siblings_of([e.paragraph for e in ranking.retrieved[:DEPTH]]), ranking)


def reweighed(ranked: Sequence[Evidence], before: Mapping[int, float], after: Mapping[int, float]) -> list[Evidence]:
    """Scored sentences after their paragraphs' shares have changed, best first."""
    gains = {number: _WEIGHTS[-1] * (share - before.get(number, 0.0)) for number, share in after.items()}
    scored = (replace(e, score=e.score + gains.get(e.paragraph.number, 0.0)) for e in ranked)
    return sorted(scored, key=lambda e: -e.score)


def _announced_by(paragraph: Paragraph) -> int:
    """How many things the paragraph's last sentence says there are and leaves to the next paragraphs; else 0."""
    last = [e for own in paragraph.languages for e in sentences_of(paragraph, own)[-1:]]
    counts = {announced(e.text, e.language) for e in last} - {0}
    return counts.pop() if len(counts) == 1 else 0


def _is_item(paragraph: Paragraph) -> bool:
    return all(len(sentences_of(paragraph, language)) <= _SENTENCES_OF_AN_ITEM for language in paragraph.languages)


def _present(paragraphs: Sequence[Paragraph], ranking: Ranking) -> list[Paragraph]:
    return [p for p in paragraphs if p.number not in ranking.exclude]


def _heads(paragraphs: Sequence[Paragraph], language: Language) -> list[Evidence]:
    return [sentences_of(p, shown_language(p, language))[0] for p in paragraphs]


def _worth_showing(ranking: Ranking) -> frozenset[int]:
    """The paragraphs, best first, that together answer with probability COVERED; at most DEPTH of them."""
    worth: set[int] = set()
    covered = 0.0
    for entry in ranking.retrieved[:DEPTH]:
        if covered >= COVERED:
            break
        worth.add(entry.paragraph.number)
        covered += ranking.share[entry.paragraph.number]
    return frozenset(worth - {ranking.retrieved[0].paragraph.number})


def sentences_of(paragraph: Paragraph, language: Language) -> list[Evidence]:
    """The paragraph's sentences in `language`, in order, unscored."""
    text = paragraph.text(language) or ""
    return [Evidence(paragraph, language, start, end) for start, end in split_sentences(text)]


def telling(paragraph: Paragraph, language: Language) -> list[Evidence]:
    """All sentences that a reader of `language` needs to know the paragraph, in order, unscored.

    These are the sentences in that language (or the other, if it lacks the paragraph), followed by those that exist in
    the other language only, such as a caption whose translation omits its figures, or a translator's name.
    """
    shown = shown_language(paragraph, language)
    return [*sentences_of(paragraph, shown), *_without_counterpart(paragraph, shown)]


@lru_cache(maxsize=4096)
def _without_counterpart(paragraph: Paragraph, language: Language) -> tuple[Evidence, ...]:
    """The other language's sentences with a figure or, in Chinese, a Latin name that `language` does not have.

    By marks that both languages write alike, because vectors of the two languages are too far apart to say that a
    sentence has no counterpart. In English every name is in Latin letters, so there only figures tell.
    """
    text = paragraph.text(language) or ""
    known = {own for _, own in quantities(text)}

    def is_alone(e: Evidence) -> bool:
        unknown_numbers, unknown_names = unstated(e.text, text)
        # One language may leave out a second "percent": against a guaranteed 3.4.
        has_figure = any(own not in known for _, own in unknown_numbers & figures(e.text))
        return has_figure or (e.language == "zh" and bool(unknown_names))

    return tuple(e for e in sentences_of(paragraph, other(language)) if is_alone(e))


def _place(evidence: Evidence, language: Language) -> tuple[bool, int]:
    """Where a sentence comes in `telling` its paragraph."""
    return not can_be_quoted(evidence, language), evidence.start


def can_be_quoted(evidence: Evidence, language: Language) -> bool:
    """Whether the sentence may be quoted in an answer in `language`: it is in that language, or its paragraph is not.

    Sentences in the other language are still shown to the generator, and cited for what it writes in the reader's.
    """
    return evidence.language == shown_language(evidence.paragraph, language)


def with_what_it_leans_on(evidence: Evidence) -> list[Evidence]:
    """The sentence with the neighbours that it refers back to, or that continue it.

    "Spring tea is picked in April." answers "why is summer tea dearer?" only with "But it is little, and keeps badly.",
    and "There are two reasons." answers nothing alone.
    """
    sentences, start, end = _joined(evidence)
    first = start - 1 if start and leans_back(sentences[start].text, evidence.language) else start
    return [*sentences[first:end], *_going_on(sentences[end - 1], sentences[end:])]


def whole_sentence(evidence: Evidence) -> list[Evidence]:
    """The sentence with the halves that semicolons join to it, in order."""
    sentences, start, end = _joined(evidence)
    return sentences[start:end]


def run_of(cited: Citation) -> list[Evidence]:
    """A cited sentence with all that semicolons join to it: a list of ten clauses is one sentence to who writes it."""
    sentences = sentences_of(cited.paragraph, cited.language)
    first, end = _run_around(sentences, next((i for i, e in enumerate(sentences) if e.end > cited.start), 0))
    return sentences[first:end]


def _joined(evidence: Evidence) -> tuple[list[Evidence], int, int]:
    """All sentences of its paragraph, and from where to where this one goes with what semicolons join to it.

    Chinese ends a thought at the full stop and its halves at semicolons ("A 可以；B 不行，因为…。"), where English has
    a comma or a full stop; a half is quoted with the other half. None of a longer run, which is a list.
    """
    sentences = sentences_of(evidence.paragraph, evidence.language)
    at = next(i for i, e in enumerate(sentences) if e.key == evidence.key)
    first, end = _run_around(sentences, at)
    return (sentences, at, at + 1) if end - first > JOINED else (sentences, first, end)


def _run_around(sentences: Sequence[Evidence], at: int) -> tuple[int, int]:
    """From where to where semicolons join sentences to the one at `at`."""
    first, last = at, at
    while first and _is_open(sentences[first - 1]):
        first -= 1
    while _is_open(sentences[last]) and last + 1 < len(sentences):
        last += 1
    return first, last + 1


def _is_open(sentence: Evidence) -> bool:
    """Whether a semicolon joins it to what follows."""
    return without_notes(sentence.text).endswith(("；", ";"))


def told_by_the_next(cited: Citation) -> list[Evidence]:
    """What a cited sentence announces and the ones behind it tell; none where it announces nothing."""
    following = [e for e in sentences_of(cited.paragraph, cited.language) if e.start >= cited.end]
    return _told(announced(cited.quote, cited.language), following)


def _going_on(evidence: Evidence, following: Sequence[Evidence]) -> list[Evidence]:
    """The next sentence, where it leans back on this one; or what this one announces."""
    if number := announced(evidence.text, evidence.language):
        return _told(number, following)
    return [e for e in following[:1] if leans_back(e.text, evidence.language)]


def _told(number: int, following: Sequence[Evidence]) -> list[Evidence]:
    """Of so many things that were announced before `following`, as much as can be told apart.

    That is the next sentence, and more of them while a semicolon joins them or they count themselves ("Second, ...").
    """
    things = following[:number]
    told = list(things[:1])
    for before, e in pairwise(things):
        if not (_is_open(before) or label(e.text)):
            break
        told.append(e)
    return told


def fits_whole(paragraph: Paragraph, language: Language, budget: int) -> bool:
    """Whether every sentence of the paragraph in `language` is shown where it is the first."""
    return sum(count_tokens(e.text) for e in telling(paragraph, language)) <= budget


def shown_language(paragraph: Paragraph, language: Language) -> Language:
    """`language`, or the only language the paragraph has."""
    return language if paragraph.text(language) else paragraph.languages[0]


def _within(ranked: Sequence[Evidence], budget: int) -> list[Evidence]:
    chosen: list[Evidence] = []
    used = 0
    for evidence in ranked:
        cost = count_tokens(evidence.text)
        if used + cost <= budget or (not chosen and budget > 0):
            chosen.append(evidence)
            used += cost
    return chosen
