"""Fit the reader's adapter and the probe together: `python -m evals calibrate reader`; writes rag/reader.gguf.

What is learnt is to tell, of a paragraph and a question, whether the one states the answer to the other: on development
questions, each with the paragraphs that retrieval finds first. Many are near misses. The loss is that of the probe's
logistic regression, and beside it, of each question that some of its paragraphs answer, the likelihood of these among
all of them. The probe begins where the model as it is leaves it, and is then fitted with the adapter; a second course
goes on from both.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

from evals.calibrate import Asked
from evals.reader import RANK, Prompt, Reader, filled
from index.paragraphs import LANGUAGES, Language
from rag.engine import Engine
from rag.opening import Probe
from rag.prompts import answer_messages, marked

EPOCHS = 1
RATE = 3e-4
FURTHER_RATE = 2e-4  # of a course that goes on from another
# How much more a paragraph read for a question that nothing answers counts: most of those that state no answer are
# read for questions that another one answers, and are easily told.
UNANSWERED_WEIGHT = 3.0
RIDGE = 0.003  # inverse strength, on the standardised values of the probe that is begun with
LISTWISE = 0.5  # what the comparison counts beside each paragraph's own loss
# Paragraphs read for a question: less than the reader is asked about, for more articles teach more.
READ = 2
# A paragraph that answers is read too where retrieval ranks it this far down.
DEEPEST = 6
_SAMPLE = 1500  # readings from which the probe begins
_BATCH = 32  # readings
_JITTER = 1.5  # how far the lengths in one batch may lie apart
_WARM_UP, _DECAY = 15, 0.01

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Read:
    """A paragraph read for a question, and whether it states the answer."""

    prompt: Prompt
    states: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question in one language, with what is read for it."""

    language: Language
    read: tuple[Read, ...]
    weight: float

    @property
    def longest(self) -> int:
        """Tokens of the longest question as it is read."""
        return max(len(read.prompt.question) for read in self.read)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """How a language's values lie, (layers, width) each."""

    mean: Tensor
    deviation: Tensor

    def of(self, values: Tensor) -> Tensor:
        """`values` standardised."""
        return (values - self.mean) / self.deviation


def lessons(engine: Engine, reader: Reader, questions: Iterable[Asked]) -> Iterator[Lesson]:
    """What is read for each question, in both languages. The engine needs no generator."""
    for asked in questions:
        gold = asked.question.gold if asked.is_answered else frozenset()
        for language in LANGUAGES:
            found = engine.look(asked.question.asked[language], (), asked.exclude)
            read = []
            for rank, entry in enumerate(found.ranking.retrieved[:DEEPEST]):
                states = entry.paragraph.number in gold
                if rank < READ or states:
                    told = engine.listener.shown(found, entry.paragraph)
                    messages = marked(answer_messages(found.asked, told, language), language)
                    read.append(Read(reader.prompt(messages), states))
            yield Lesson(language, tuple(read), asked.weight * (1.0 if asked.is_answered else UNANSWERED_WEIGHT))


class Course:
    """The readings that are learnt from, begun; `fit` learns.

    `probes`: what an earlier course has fitted with the adapter that is in the reader; without them the first begins.
    """

    def __init__(
        self, reader: Reader, taught: Sequence[Lesson], probes: Mapping[Language, Probe] | None = None
    ) -> None:
        self._reader = reader
        self._earlier = probes
        self._rate = FURTHER_RATE if probes else RATE
        self._taught = [lesson for lesson in taught if lesson.read]
        prompts = list({read.prompt: None for lesson in self._taught for read in lesson.read})
        self._texts = {text.prompt: text for text in reader.begin(prompts)}
        self._scales: dict[Language, Scale] = {}
        self._weights = nn.Parameter(torch.zeros(0))
        self._bias = nn.Parameter(torch.zeros(len(LANGUAGES)))

    def fit(self, told: Told) -> dict[Language, Probe]:
        """Learn; the probe of each language. The adapter is then in the reader's matrices."""
        self._begin_probe()
        dice = random.Random(0)  # noqa: S311 - nothing secret
        thin = [own for matrix in self._reader.matrices.values() for own in (matrix.up, matrix.down)]
        probe = [self._weights, self._bias]
        optimiser = torch.optim.AdamW(
            [{"params": thin, "weight_decay": _DECAY}, {"params": probe, "weight_decay": 0.0}], self._rate, (0.9, 0.98)
        )
        steps, step, losses = EPOCHS * len(self._batches(dice)), 0, []
        for _ in range(EPOCHS):
            for batch in self._batches(dice):
                for group in optimiser.param_groups:
                    rest = 0.5 * (1 + math.cos(math.pi * step / steps))
                    group["lr"] = self._rate * min(1.0, (step + 1) / _WARM_UP) * rest
                optimiser.zero_grad()
                loss = self._loss(batch)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_([*thin, *probe], 1.0)
                optimiser.step()
                step += 1
                losses.append(loss.item())
                if step % 20 == 0 or step == steps:
                    told(f"reader, step {step} of {steps}: loss {np.mean(losses[-20:]):.3f}")
        return {language: self._probe(language) for language in LANGUAGES}

    def _begin_probe(self) -> None:
        """Standardise by a sample, and begin with the earlier probe, or the one that is best without an adapter."""
        samples = {language: self._sample_of(language) for language in LANGUAGES}
        with torch.no_grad():
            values = {
                language: torch.cat([self._values(batch) for batch in _filled(sample)])
                for language, sample in samples.items()
            }
        self._scales = {language: Scale(own.mean(0), own.std(0).clamp_min(1e-3)) for language, own in values.items()}
        if self._earlier:
            self._go_on_from(self._earlier)
        else:
            self._begin_anew(samples, values)

    def _begin_anew(self, samples: Mapping[Language, Sequence[Lesson]], values: Mapping[Language, Tensor]) -> None:
        """The probe that is best without an adapter. `values`: of each reading of `samples`, not standardised."""
        rows = [self._scales[language].of(own).flatten(1).numpy() for language, own in values.items()]
        sample = [lesson for own in samples.values() for lesson in own]
        states = [read.states for lesson in sample for read in lesson.read]
        weights = [lesson.weight for lesson in sample for _ in lesson.read]
        model = LogisticRegression(C=RIDGE, max_iter=2000).fit(np.concatenate(rows), states, weights)
        shape = self._scales[LANGUAGES[0]].mean.shape
        self._weights = nn.Parameter(torch.tensor(model.coef_[0], dtype=torch.float32).view(shape))
        self._bias.data.fill_(float(model.intercept_[0]))

    def _sample_of(self, language: Language) -> list[Lesson]:
        own = [lesson for lesson in self._taught if lesson.language == language]
        random.Random(0).shuffle(own)  # noqa: S311
        sample: list[Lesson] = []
        while own and sum(len(lesson.read) for lesson in sample) < _SAMPLE // len(LANGUAGES):
            sample.append(own.pop())
        return sample

    def _go_on_from(self, probes: Mapping[Language, Probe]) -> None:
        """What `_probe` made, on today's scales. The languages share their weights, so these become their mean."""
        standardised = []
        for at, language in enumerate(LANGUAGES):
            scale, weights = self._scales[language], torch.tensor(probes[language].weights, dtype=torch.float32)
            standardised.append(weights * scale.deviation)
            self._bias.data[at] = probes[language].bias + float((weights * scale.mean).sum())
        self._weights = nn.Parameter(torch.stack(standardised).mean(0))

    def _batches(self, dice: random.Random) -> list[list[Lesson]]:
        """The lessons in batches of one language and of about one length each, dealt anew."""
        batches = []
        for language in LANGUAGES:
            own = [lesson for lesson in self._taught if lesson.language == language]
            batches += list(_filled(sorted(own, key=lambda lesson: lesson.longest * dice.uniform(1, _JITTER))))
        dice.shuffle(batches)
        return batches

    def _values(self, batch: Sequence[Lesson]) -> Tensor:
        return self._reader.values([self._texts[read.prompt] for lesson in batch for read in lesson.read])

    def _told(self, batch: Sequence[Lesson]) -> Tensor:
        """(readings,): the log odds that each states the answer."""
        language = batch[0].language
        values = self._scales[language].of(self._values(batch))
        return (values * self._weights).sum((1, 2)) + self._bias[LANGUAGES.index(language)]

    def _loss(self, batch: Sequence[Lesson]) -> Tensor:
        told = self._told(batch)
        states = torch.tensor([read.states for lesson in batch for read in lesson.read])
        weights = torch.tensor([lesson.weight for lesson in batch for _ in lesson.read])
        single = functional.binary_cross_entropy_with_logits(told, states.float(), weights, reduction="sum")
        lists = zip(*(torch.split(of, [len(lesson.read) for lesson in batch]) for of in (told, states)), strict=True)
        compared = [
            torch.logsumexp(own, 0) - torch.logsumexp(own[right], 0)
            for own, right in lists
            if right.any() and not right.all()
        ]
        beside = torch.stack(compared).mean() if compared else torch.zeros(())
        return single / weights.sum() + LISTWISE * beside

    def _probe(self, language: Language) -> Probe:
        scale = self._scales[language]
        weights = (self._weights.detach() / scale.deviation).double()
        bias = float(self._bias.detach()[LANGUAGES.index(language)] - (weights * scale.mean).sum())
        return Probe(bias, weights.numpy())


def write_adapter(reader: Reader, path: Path) -> None:
    """Write the adapter as llama.cpp reads it, in 16 bits; it sets in at the mark."""
    import gguf

    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(RANK))  # over the rank: the product counts once
    kind = gguf.GGUFValueType
    writer.add_key_value("adapter.alora.invocation_tokens", [reader.mark], kind.ARRAY, kind.UINT32)
    for name, matrix in reader.matrices.items():
        for side, thin in (("lora_a", matrix.down), ("lora_b", matrix.up)):
            writer.add_tensor(f"{name}.weight.{side}", thin.detach().numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _filled(taught: Iterable[Lesson]) -> Iterator[list[Lesson]]:
    """Lessons in order, as many as are read at once."""
    return filled(taught, lambda batch: sum(len(lesson.read) for lesson in batch), _BATCH)
