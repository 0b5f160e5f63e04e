"""Fit the embedder's adapter: part of `python -m evals calibrate`; writes index/adapter.safetensors.

The loss is the retriever's own (a listwise logistic regression over all paragraphs of an article, see fusion.py), its
weights as they are: what is learnt is what the keywords beside it do not tell. A second part asks that, of the
sentences of a paragraph that answers, those that state the answer be nearest. The lower layers stay as they are, so
what they make of a text is computed once and kept in memory; a step is an article with all its questions (9 GB).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from llama_index.core.schema import BaseNode, MetadataMode
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from evals.gold import Question, Span
from evals.low_rank import adapted
from index import adapter
from index.blocks import other
from index.embedder import Embedder, places_of_tokens
from index.keywords import KeywordIndex, simplified
from index.paragraphs import LANGUAGES, Article, Language, Paragraph
from index.passages import PassageSplitter
from index.source import documents_of
from index.vectors import offsets_in_paragraph
from rag.retrieve import COLUMNS, load_fusion

# The layers below stay as they are.
LOWER = 3
RANK = 16
EPOCHS = 2
RATE = 6e-4
# How much of what is learnt is kept: questions that were not learnt from are answered best between the two models.
KEPT = 0.7
# How much the sentences count beside the paragraphs, and by how much their cosines are drawn apart.
SENTENCES, SHARPER = 0.3, 18.0
_WARM_UP, _DECAY, _BATCH = 10, 0.01, 32
_ABSENT = -9.0  # the cosine to what is not there
_LONGEST = 512  # tokens

# The legs that the embedder makes, as `_Side.legs` tells them.
_LEGS = ("passage", "sentence", "interaction")

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Text:
    """What the lower layers make of a text: (n, dimension), in 16 bits; where its tokens stand, which are its own."""

    hidden: Tensor
    offsets: NDArray[np.int32]
    own: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage; its text's offsets are into the paragraph, -1 for its headings."""

    paragraph: int
    language: Language
    text: Text


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one language: what the keywords say, (paragraphs, 8), and which paragraphs and spans answer it."""

    language: Language
    text: Text
    keywords: Tensor
    right: Tensor
    stated: tuple[Span, ...]


@dataclass(frozen=True)
class Lesson:
    """An article and what is asked about it."""

    numbers: tuple[int, ...]
    passages: tuple[Passage, ...]
    sentences: tuple[Span, ...]
    asked: tuple[Asked, ...]

    @cached_property
    def rows(self) -> Mapping[int, int]:
        """{paragraph: its row}."""
        return {number: row for row, number in enumerate(self.numbers)}

    def of(self, numbers: frozenset[int]) -> Lesson:
        """The lesson of some of its paragraphs, with the questions that these answer."""
        kept = [row for row, number in enumerate(self.numbers) if number in numbers]
        asked = (
            Asked(a.language, a.text, a.keywords[kept], a.right[kept], a.stated)
            for a in self.asked
            if bool(a.right[kept].any())
        )
        return Lesson(
            tuple(self.numbers[row] for row in kept),
            tuple(p for p in self.passages if p.paragraph in numbers),
            tuple(span for span in self.sentences if span.paragraph in numbers),
            tuple(asked),
        )


class Tuner:
    """The embedder with an adapter to be fitted in its upper layers."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder.without_adapter()
        model = self._embedder.load()
        self._tokenizer, self._prompts = model.tokenizer, model.prompts
        bert: Any = model[0].auto_model.float()
        for parameter in bert.parameters():
            parameter.requires_grad_(False)
        self._begin, layers = bert.embeddings, bert.encoder.layer
        self._lower, self._upper = layers[:LOWER], layers[LOWER:]
        torch.manual_seed(0)
        self._matrices = {
            f"layer.{number}.{name}": adapted(layers[number], name, RANK)
            for number in range(LOWER, len(layers))
            for name in adapter.ADAPTED
        }

    def lesson(self, paragraphs: Sequence[Paragraph], questions: Sequence[Question]) -> Lesson:
        """What the dev questions among `questions`, those that are answered, teach about an article."""
        nodes = PassageSplitter(self._embedder.overflows)(documents_of(Article("", tuple(paragraphs))))
        passages = [node for node in nodes if node.metadata["level"] == "passage"]
        texts = [simplified(node.get_content(metadata_mode=MetadataMode.EMBED)) for node in passages]
        read = self._read(texts, self._prompts.get("document") or "")
        return Lesson(
            tuple(paragraph.number for paragraph in paragraphs),
            tuple(
                Passage(node.metadata["paragraph"], node.metadata["language"], _placed(text, whole, node))
                for node, whole, text in zip(passages, texts, read, strict=True)
            ),
            tuple(
                Span(m["paragraph"], m["language"], m["start"], m["end"])
                for m in (node.metadata for node in nodes)
                if m["level"] == "sentence"
            ),
            tuple(self._asked(paragraphs, [q for q in questions if q.gold and q.split == "dev"])),
        )

    def fit(self, lessons: Sequence[Lesson], told: Told) -> adapter.Matrices:
        """The adapter's matrices."""
        dice = np.random.default_rng(0)
        weights = torch.tensor(load_fusion().weights, dtype=torch.float32)
        parameters = [own for matrix in self._matrices.values() for own in (matrix.up, matrix.down)]
        optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=_DECAY)
        step, steps = 0, EPOCHS * len(lessons)
        for epoch in range(EPOCHS):
            losses = []
            for lesson in (lessons[at] for at in dice.permutation(len(lessons))):
                for group in optimiser.param_groups:
                    rest = 0.5 * (1 + math.cos(math.pi * step / steps))
                    group["lr"] = RATE * min(1.0, (step + 1) / _WARM_UP) * rest
                paragraphs, sentences = self.losses(lesson, weights)
                optimiser.zero_grad()
                (paragraphs + SENTENCES * sentences).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
                step += 1
                losses.append((paragraphs.item(), sentences.item()))
            means = np.mean(losses, axis=0)
            told(f"embedder, epoch {epoch + 1} of {EPOCHS}: loss {means[0]:.3f}, of sentences {means[1]:.3f}")
        return {
            f"{name}{side}": (values * (KEPT if side == adapter.UP else 1)).detach().numpy()
            for name, matrix in self._matrices.items()
            for side, values in ((adapter.UP, matrix.up), (adapter.DOWN, matrix.down))
        }

    def losses(self, lesson: Lesson, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss of the questions by paragraphs, and by the sentences of those that answer."""
        read = self._further([p.text for p in lesson.passages] + [a.text for a in lesson.asked])
        told, asked = read[: len(lesson.passages)], read[len(lesson.passages) :]
        sides = {language: _Side.of(lesson, told, language) for language in LANGUAGES}
        legs = {language: side.legs(lesson, asked) for language, side in sides.items()}
        of_paragraphs, of_sentences = [], []
        for at, question in enumerate(lesson.asked):
            table = _table(question, {language: found[:, at] for language, found in legs.items()})
            of_paragraphs.append(_loss(table @ weights, question.right))
            of_sentences += sides[question.language].sentence_losses(question, asked[at])
        none = torch.zeros(())
        return torch.stack(of_paragraphs).mean(), torch.stack(of_sentences).mean() if of_sentences else none

    def _asked(self, paragraphs: Sequence[Paragraph], questions: Sequence[Question]) -> list[Asked]:
        numbers, keywords = [paragraph.number for paragraph in paragraphs], KeywordIndex.build(paragraphs)
        own = [(question, language) for question in questions for language in LANGUAGES]
        texts = [simplified(question.asked[language]) for question, language in own]
        return [
            Asked(
                language,
                text,
                torch.from_numpy(_keywords(keywords, numbers, question.asked[language], language)),
                torch.tensor([number in question.gold for number in numbers]),
                tuple(span for fact in question.facts for span in fact.sentences),
            )
            for (question, language), text in zip(own, self._read(texts, self._prompts.get("query") or ""), strict=True)
        ]

    @torch.no_grad()
    def _read(self, texts: Sequence[str], prompt: str) -> list[Text]:
        """What the lower layers make of texts behind a prompt."""
        ids = [self._tokenizer(prompt + text, truncation=True, max_length=_LONGEST)["input_ids"] for text in texts]
        begun = [self._begin(input_ids=torch.tensor([own]))[0].float() for own in ids]
        return [
            Text(hidden.to(torch.float16), *places_of_tokens(self._tokenizer, prompt, text, _LONGEST))
            for text, hidden in zip(texts, _through(self._lower, begun), strict=True)
        ]

    def _further(self, texts: Sequence[Text]) -> list[Tensor]:
        """(n, dimension) of each text: what the upper layers, the adapter among them, make of it."""
        return _through(self._upper, [text.hidden.float() for text in texts])


@dataclass(frozen=True, slots=True)
class _Side:
    """An article in one language, as a question is compared with it."""

    language: Language
    passages: Tensor  # (passages, dimension) unit vectors
    of_passage: Tensor  # the row of each
    tokens: Tensor  # (tokens, dimension) centred unit vectors
    of_token: Tensor
    places: NDArray[np.int32]
    middle: Tensor  # the mean token
    sentences: Tensor
    spans: tuple[Span, ...]  # of each sentence
    of_sentence: Tensor

    @classmethod
    def of(cls, lesson: Lesson, told: Sequence[Tensor], language: Language) -> _Side:
        own = [(p, read) for p, read in zip(lesson.passages, told, strict=True) if p.language == language]
        rows = [lesson.rows[p.paragraph] for p, _ in own]
        tokens = [functional.normalize(read[torch.from_numpy(p.text.own)], dim=-1) for p, read in own]
        together = torch.cat(tokens) if tokens else torch.zeros(0, 1)
        middle = together.mean(0)
        places = np.concatenate([p.text.offsets[p.text.own] for p, _ in own]) if own else np.zeros((0, 2), np.int32)
        of_token = torch.tensor([row for row, own_tokens in zip(rows, tokens, strict=True) for _ in own_tokens])
        spans = [span for span in lesson.sentences if span.language == language]
        inside = [(of_token == lesson.rows[s.paragraph]) & _between(places, s.start, s.end) for s in spans]
        told_of = [(span, chosen) for span, chosen in zip(spans, inside, strict=True) if bool(chosen.any())]
        return cls(
            language,
            _units([read.mean(0) for _, read in own]),
            torch.tensor(rows),
            functional.normalize(together - middle, dim=-1),
            of_token,
            places,
            middle,
            _units([together[chosen].mean(0) for _, chosen in told_of]),
            tuple(span for span, _ in told_of),
            torch.tensor([lesson.rows[span.paragraph] for span, _ in told_of]),
        )

    def legs(self, lesson: Lesson, asked: Sequence[Tensor]) -> Tensor:
        """What the passages', the sentences' and the tokens' leg say, (3, questions, paragraphs)."""
        count = len(lesson.numbers)
        if not len(self.of_passage):
            return torch.full((len(_LEGS), len(asked), count), _ABSENT)
        questions = _units([read.mean(0) for read in asked])
        tokens = [
            _most(self._near(question, read), self.of_token, count).mean(0)
            for question, read in zip(lesson.asked, asked, strict=True)
        ]
        return torch.stack(
            [
                _most(questions @ self.passages.T, self.of_passage, count),
                _most(questions @ self.sentences.T, self.of_sentence, count),
                torch.stack(tokens),
            ]
        )

    def sentence_losses(self, question: Asked, read: Tensor) -> list[Tensor]:
        """The loss of each paragraph that answers, of whose sentences some state the answer and some do not."""
        vector, near = functional.normalize(read.mean(0), dim=-1), self._near(question, read)
        losses = []
        for row in question.right.nonzero().flatten().tolist():
            at = (self.of_sentence == row).nonzero().flatten().tolist()
            states = [any(self.spans[i].overlaps(span) for span in question.stated) for i in at]
            if any(states) and not all(states):
                sums = [self._likeness(i, vector, near) for i in at]
                losses.append(_loss(SHARPER * torch.stack(sums), torch.tensor(states)))
        return losses

    def _near(self, question: Asked, read: Tensor) -> Tensor:
        """(question's tokens, tokens): cosines, centred."""
        own = functional.normalize(read[torch.from_numpy(question.text.own)], dim=-1)
        return functional.normalize(own - self.middle, dim=-1) @ self.tokens.T

    def _likeness(self, sentence: int, vector: Tensor, near: Tensor) -> Tensor:
        span, own = self.spans[sentence], self.of_token == self.of_sentence[sentence]
        heads = torch.from_numpy(self.places[:, 0] < 0)
        chosen = own & (_between(self.places, span.start, span.end) | heads)
        return near[:, chosen].max(1).values.mean() + self.sentences[sentence] @ vector


def _through(layers: Sequence[nn.Module], texts: Sequence[Tensor]) -> list[Tensor]:
    """(n, dimension) of each text behind `layers`, those of like length together."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    behind: dict[int, Tensor] = {}
    for at in range(0, len(order), _BATCH):
        batch = order[at : at + _BATCH]
        values = nn.utils.rnn.pad_sequence([texts[i] for i in batch], batch_first=True)
        lengths = torch.tensor([len(texts[i]) for i in batch])
        is_padding = torch.arange(values.shape[1])[None] >= lengths[:, None]
        mask = is_padding[:, None, None].float() * -1e9
        for layer in layers:
            values = layer(values, mask)
            values = values[0] if isinstance(values, tuple) else values
        behind |= {i: values[row, : lengths[row]] for row, i in enumerate(batch)}
    return [behind[i] for i in range(len(texts))]


def _placed(text: Text, whole: str, node: BaseNode) -> Text:
    """A passage's text with offsets into its paragraph, as the index keeps them."""
    return Text(text.hidden, offsets_in_paragraph(node, whole, text.offsets), text.own)


def _keywords(keywords: KeywordIndex, numbers: Sequence[int], question: str, language: Language) -> NDArray[np.float32]:
    """(paragraphs, 8): the columns of a retriever's table that the keyword legs tell, 0 elsewhere."""
    table = np.zeros((len(numbers), len(COLUMNS)), np.float32)
    for column, (side, leg) in enumerate(COLUMNS):
        if leg == "keyword":
            own = language if side == "own" else other(language)
            found = keywords.scores(question, own, len(numbers))
            worth = keywords.worth(question, own)
            table[:, column] = [found.get(number, 0.0) / worth for number in numbers]
    return table


def _table(question: Asked, legs: Mapping[Language, Tensor]) -> Tensor:
    """(paragraphs, 8): what all legs say of a question, as `rag.retrieve.tabulate` makes it.

    But for a paragraph in one language: its cosine in the other is moved by the means of those in both, here.
    """
    table = question.keywords.clone()
    for column, (side, leg) in enumerate(COLUMNS):
        if leg != "keyword":
            own = question.language if side == "own" else other(question.language)
            which = _LEGS.index(leg)
            table[:, column] = _filled(legs[own][which], legs[other(own)][which])
    return table


def _filled(leg: Tensor, counterpart: Tensor) -> Tensor:
    """A leg's cosines, where a paragraph has no text in its language those to the other one, moved as these lie."""
    has, has_other = leg > _ABSENT, counterpart > _ABSENT
    if not has.any():
        return counterpart
    both = has & has_other
    shift = (leg[both].mean() - counterpart[both].mean()).detach() if both.any() else torch.zeros(())
    return torch.where(has, leg, torch.where(has_other, counterpart + shift, leg[has].min().detach()))


def _loss(sums: Tensor, right: Tensor) -> Tensor:
    """The negative logarithm of the probability of those that are right."""
    return torch.logsumexp(sums, 0) - torch.logsumexp(sums[right], 0)


def _most(cosines: Tensor, rows: Tensor, count: int) -> Tensor:
    """(questions, count): of (questions, n) cosines the greatest of each row."""
    none = torch.full((len(cosines), count), _ABSENT)
    return none.scatter_reduce(1, rows[None].expand(len(cosines), -1), cosines, "amax")


def _units(vectors: Sequence[Tensor]) -> Tensor:
    return functional.normalize(torch.stack(list(vectors)), dim=-1) if vectors else torch.zeros(0, 1)


def _between(places: NDArray[np.int32], start: int, end: int) -> Tensor:
    """(tokens,): which stand within a stretch of their paragraph."""
    return torch.from_numpy((places[:, 0] >= start) & (places[:, 1] <= end))
