"""Fitting the reader's adapter: what is read for a question, what is learnt of it, and what is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evals import calibrate, teaching
from evals.low_rank import LowRank
from evals.pages import LESSONS, READING, UNTAUGHT, WEIGHING, dev_pages, lesson_name, lessons, page_names
from evals.reader import _BATCH, RANK, Prompt, Reader, Text, _padded, filled
from evals.teaching import Course, Lesson, Read
from index.paragraphs import LANGUAGES, Paragraph
from index.settings import Settings
from rag.evidence import sentences_of
from rag.generators import make_generator
from rag.opening import READER_FILE, probe
from rag.prompts import MARK, answer_messages, marked

PARAGRAPHS = tuple(Paragraph(n, "body", f"第{n}段。", f"Paragraph {n}.") for n in range(1, 9))


class Play:
    """A reader whose two values of a prompt are its evidence's two numbers, through one adapted matrix."""

    mark = 7

    def __init__(self) -> None:
        torch.manual_seed(0)
        linear = nn.Linear(2, 2, bias=False)
        linear.weight = nn.Parameter(torch.eye(2), requires_grad=False)
        self.matrices = {"blk.6.attn_q": LowRank(linear, RANK)}
        self.asked: list[Prompt] = []

    def prompt(self, messages: Sequence[Any]) -> Prompt:
        content = messages[-1].content
        assert content.count(MARK) == 1
        number = next(p.number for p in PARAGRAPHS for text in (p.zh, p.en) if text in content)
        return Prompt((), (number, 0), (1,) * len(content))

    def begin(self, prompts: Sequence[Prompt]) -> Iterator[Text]:
        self.asked += prompts
        yield from (Text(prompt, torch.zeros(0)) for prompt in prompts)

    def values(self, texts: Sequence[Text]) -> Tensor:
        told = torch.tensor([text.prompt.evidence for text in texts], dtype=torch.float32)
        adapted: Tensor = self.matrices["blk.6.attn_q"](told)
        return adapted[:, None]


def engine(ranked: Sequence[int]) -> Any:
    retrieved = [SimpleNamespace(paragraph=PARAGRAPHS[number - 1]) for number in ranked]

    def look(question: str, history: object, exclude: frozenset[int]) -> Any:
        language = "en" if question.isascii() else "zh"
        found = [entry for entry in retrieved if entry.paragraph.number not in exclude]
        return SimpleNamespace(ranking=SimpleNamespace(retrieved=found), asked=question, language=language)

    shown = SimpleNamespace(shown=lambda found, paragraph: sentences_of(paragraph, found.language))
    return SimpleNamespace(look=look, listener=shown)


def asked(gold: set[int], exclude: frozenset[int] = frozenset()) -> calibrate.Asked:
    question: Any = SimpleNamespace(
        id="q", asked={"zh": "几时?", "en": "When?"}, gold=frozenset(gold), answerable=bool(gold)
    )
    return calibrate.Asked(question, "q", exclude, 0.5)


def numbers(lesson: Lesson) -> list[tuple[int, bool]]:
    return [(read.prompt.evidence[0], read.states) for read in lesson.read]


def test_the_first_two_are_read_for_a_question_and_what_answers_it_where_it_is_not_far_down() -> None:
    reader: Any = Play()
    ranked = engine([4, 2, 8, 1, 6, 3, 5])
    zh, en = teaching.lessons(ranked, reader, [asked({2, 3, 5})])
    assert (zh.language, en.language) == LANGUAGES
    assert numbers(zh) == numbers(en) == [(4, False), (2, True), (3, True)], "¶5 lies too deep"
    assert zh.weight == 0.5
    (unanswered, _) = teaching.lessons(ranked, reader, [asked(set())])
    assert (numbers(unanswered), unanswered.weight) == ([(4, False), (2, False)], 1.5)
    (withheld, _) = teaching.lessons(ranked, reader, [asked({2}, frozenset({2}))])
    assert (numbers(withheld), withheld.weight) == ([(4, False), (8, False)], 1.5)


def course(monkeypatch: pytest.MonkeyPatch, unanswered: float = 1.0) -> tuple[Play, Course]:
    """Forty questions a language, each with a paragraph that states the answer: the one whose second number is greater.

    What nothing answers looks half as much like it.
    """
    monkeypatch.setattr(teaching, "RATE", 0.02)
    monkeypatch.setattr(teaching, "EPOCHS", 10)
    dice, reader = np.random.default_rng(0), Play()

    def read(second: int, *, states: bool) -> Read:
        return Read(Prompt((), (int(dice.integers(-50, 50)), second), (1, 2)), states)

    taught = []
    for language in LANGUAGES:
        for _ in range(40):
            right = int(dice.integers(20, 60))
            taught.append(Lesson(language, (read(right, states=True), read(right - 70, states=False)), 1.0))
            taught.append(Lesson(language, (read(15, states=False),), unanswered))
    own: Any = reader
    return reader, Course(own, taught)


def test_what_is_learnt_tells_what_states_the_answer_and_lies_in_the_adapter_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, own = course(monkeypatch)
    told: list[str] = []
    probes = own.fit(told.append)
    assert set(probes) == set(LANGUAGES)
    assert told[-1].startswith("reader, step 80 of 80: loss")
    (matrix,) = reader.matrices.values()
    assert float(matrix.up.detach().abs().max()) > 0
    for language in LANGUAGES:
        for second, states in ((55, True), (-40, False)):
            with torch.no_grad():
                (values,) = reader.values([Text(Prompt((), (3, second), (1,)), torch.zeros(0))])
            assert (probes[language].heard(values.numpy()) > 0) == states


def test_a_second_course_goes_on_from_what_the_first_has_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, own = course(monkeypatch)
    first = own.fit(lambda line: None)
    (matrix,) = reader.matrices.values()
    learnt = matrix.up.detach().clone()
    monkeypatch.setattr(teaching, "FURTHER_RATE", 0.0)
    shared: Any = reader
    second = Course(shared, own._taught, first).fit(lambda line: None)
    assert torch.equal(matrix.up, learnt)
    for language in LANGUAGES:
        for evidence in ((3, 55), (-20, -40)):
            with torch.no_grad():
                (values,) = reader.values([Text(Prompt((), evidence, (1,)), torch.zeros(0))])
            assert second[language].heard(values.numpy()) == pytest.approx(first[language].heard(values.numpy()), 0.02)


def test_a_question_that_nothing_answers_counts_as_it_is_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    def held(weight: float) -> float:
        reader, own = course(monkeypatch, weight)
        probe = own.fit(lambda line: None)["en"]
        with torch.no_grad():
            (values,) = reader.values([Text(Prompt((), (3, 20), (1,)), torch.zeros(0))])
        return probe.heard(values.numpy())

    assert held(9.0) < held(1.0)


def test_a_lesson_is_never_parted_and_a_batch_is_of_one_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "_BATCH", 5)
    _, own = course(monkeypatch)
    batches = own._batches(teaching.random.Random(0))
    assert sum(len(batch) for batch in batches) == 160
    assert all(len({lesson.language for lesson in batch}) == 1 for batch in batches)
    assert max(sum(len(lesson.read) for lesson in batch) for batch in batches) == 5


def test_each_evidence_is_read_once_with_others_of_about_its_length() -> None:
    texts = [(1,) * n for n in (700, 3, 100, 250, 250, 260)]
    batches = [[len(text) for text in batch] for batch in filled(sorted(texts, key=len), _padded, _BATCH)]
    assert batches == [[3, 100], [250, 250], [260], [700]]


def test_what_is_written_is_an_activated_adapter_as_llama_reads_it(tmp_path: Path) -> None:
    reader: Any = Play()
    (matrix,) = reader.matrices.values()
    matrix.up.data.fill_(0.25)
    teaching.write_adapter(reader, tmp_path / "reader.gguf")
    read = gguf.GGUFReader(tmp_path / "reader.gguf")
    fields = {name: field.contents() for name, field in read.fields.items()}
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    assert fields["adapter.lora.alpha"] == matrix.up.shape[1], "over the rank it scales by one"
    assert fields["adapter.alora.invocation_tokens"] == [7]
    down, up = {tensor.name: tensor.data for tensor in read.tensors}.values()
    assert [tensor.name for tensor in read.tensors] == ["blk.6.attn_q.weight.lora_a", "blk.6.attn_q.weight.lora_b"]
    assert up.tolist() == matrix.up.tolist()
    assert down == pytest.approx(matrix.down.detach().numpy(), abs=1e-3)


def test_what_is_heard_is_not_measured_on_what_it_was_taught() -> None:
    assert set(dev_pages()) > UNTAUGHT
    names = [lesson_name(paragraphs) for paragraphs, _ in lessons(READING, LESSONS, WEIGHING)]
    assert len(names) == 32 + 33 + 12
    assert len({*names, *page_names()}) == len(names) + len(page_names())


def shipped(path: Path) -> Reader:
    """The reader of the default model, with the adapter that ships."""
    reader = Reader(path)
    for tensor in gguf.GGUFReader(READER_FILE).tensors:
        name, _, side = tensor.name.partition(".weight.")
        matrix = reader.matrices[name]
        thin = matrix.down if side == "lora_a" else matrix.up
        thin.data.copy_(torch.from_numpy(tensor.data.astype(np.float32)))
    return reader


@pytest.mark.model
@pytest.mark.timeout(900)
def test_what_is_fitted_in_torch_is_what_llama_reads_with(real_settings: Settings) -> None:
    """Both have the same weights, prompt and adapter; llama.cpp multiplies in 8 bits and 16, torch in 16.

    In one language where the processor has no AVX-512: torch then takes two minutes to read what each begins with.
    """
    generator = make_generator(real_settings, "local")
    reader = shipped(Path(generator.llm.path))  # type: ignore[attr-defined]
    dock = Paragraph(
        3, "body", "老船坞建于 1872 年,现在是博物馆。", "The old dock was built in 1872. It is a museum now."
    )
    asked = {
        "zh": ("船坞是哪年建的?", "博物馆门票多少钱?"),
        "en": ("When was the dock built?", "What does the museum cost?"),
    }
    if not torch.cpu.get_capabilities().get("avx512_f"):
        del asked["en"]
    for language, questions in asked.items():
        own: Any = language
        told = probe(generator.model, own)
        assert told
        for question, states in zip(questions, (True, False), strict=True):
            messages = answer_messages(question, sentences_of(dock, own), own)
            first = next(iter(generator.llm.stream_chat(messages, max_tokens=8)))
            inside = first.additional_kwargs["inside"]
            with torch.no_grad():
                (values,) = reader.values(list(reader.begin([reader.prompt(marked(messages, own))]))).numpy()
            assert np.corrcoef(inside.ravel(), values.ravel())[0, 1] > 0.98
            here, there = told.heard(values), told.heard(inside)
            assert here == pytest.approx(there, abs=1.0)
            assert (there > 0) == states
