"""Fitting the embedder's adapter: its loss is the retriever's, and what is learnt lowers it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from evals import tuning
from evals.calibration import _parts_of_xquad
from evals.datasets import as_jsonl
from evals.gold import Fact, Question, Span
from evals.tuning import Lesson, Tuner
from index import adapter
from index.build import Index, build, open_index
from index.embedder import Embedder
from index.paragraphs import LANGUAGES, Paragraph
from index.settings import Settings
from rag.retrieve import COLUMNS, HybridRetriever, load_fusion

PARAGRAPHS = (
    Paragraph(1, "body", "茶经海路而来。当时很贵。", "Tea came by sea. It was dear then."),
    Paragraph(2, "body", "铁路统一了时间。", "Railways made time one."),
    Paragraph(3, "body", None, "The canal was dug by hand. It took ten years."),
)
QUESTIONS = tuple(
    Question(
        id=f"q{number}",
        split="dev",
        kind="explain",
        asked={"zh": zh, "en": en},
        facts=(Fact(f"q{number}.f1", 1, ("x",), evidence=(frozenset({number}),), sentences=spans),),
    )
    for number, zh, en, spans in (
        (1, "喝的东西贵吗？", "Was the drink cheap?", (Span(1, "zh", 7, 12), Span(1, "en", 17, 34))),
        (3, "挖了多久？", "How long did the digging last?", (Span(3, "en", 27, 45),)),
    )
)


@pytest.fixture
def taught(real_embedder: Embedder) -> tuple[Tuner, Lesson]:
    """A tuner and a lesson of three paragraphs."""
    tuner = Tuner(real_embedder)
    return tuner, tuner.lesson(PARAGRAPHS, [*QUESTIONS, Question("q9", "test", "explain", QUESTIONS[0].asked)])


@pytest.fixture
def built_plain(tmp_path: Path, real_settings: Settings, real_embedder: Embedder) -> Index:
    """An index of the same paragraphs, by the model without an adapter."""
    source = tmp_path / "source.jsonl"
    source.write_text(as_jsonl(PARAGRAPHS), encoding="utf-8")
    embedder = real_embedder.without_adapter()
    build(real_settings, source=source, into=tmp_path / "index", embedder=embedder)
    return open_index(real_settings, tmp_path / "index", embedder)


def test_xquads_parts_hold_whole_articles_and_every_paragraph_once() -> None:
    parts = _parts_of_xquad(range(1, 241))
    assert sorted(number for part in parts for number in part) == list(range(1, 241))
    assert all(len({(number - 1) // 5 for number in part}) * 5 == len(part) <= 30 for part in parts)


@pytest.mark.parametrize(("right", "loss"), [([True, False], 0.1269), ([False, True], 2.1269), ([True, True], 0.0)])
def test_the_loss_is_the_negative_log_probability_of_what_is_right(right: list[bool], loss: float) -> None:
    found = tuning._loss(torch.tensor([2.0, 0.0]), torch.tensor(right))
    assert float(found) == pytest.approx(loss, abs=1e-4)


def test_a_paragraph_without_text_in_a_language_stands_as_far_above_the_mean_as_in_the_other() -> None:
    own, counterpart = torch.tensor([0.9, tuning._ABSENT, 0.7]), torch.tensor([0.5, 0.45, 0.3])
    assert tuning._filled(own, counterpart).tolist() == pytest.approx([0.9, 0.85, 0.7])
    nothing = torch.full((3,), tuning._ABSENT)
    assert tuning._filled(nothing, counterpart).tolist() == pytest.approx(counterpart.tolist())


@pytest.mark.model
def test_before_anything_is_learnt_a_lessons_table_is_the_retrievers(
    built_plain: Index, taught: tuple[Tuner, Lesson]
) -> None:
    tuner, lesson = taught
    read = tuner._further([p.text for p in lesson.passages] + [a.text for a in lesson.asked])
    told, asked = read[: len(lesson.passages)], read[len(lesson.passages) :]
    legs = {own: tuning._Side.of(lesson, told, own).legs(lesson, asked) for own in LANGUAGES}
    for at, (question, language) in enumerate((q, own) for q in QUESTIONS for own in LANGUAGES):
        mine = tuning._table(lesson.asked[at], {own: found[:, at] for own, found in legs.items()}).detach().numpy()
        theirs = HybridRetriever(built_plain).table(question.asked[language])
        assert theirs.numbers == lesson.numbers
        for column, (side, leg) in enumerate(COLUMNS):  # of the two paragraphs that stand in both languages
            np.testing.assert_allclose(mine[:2, column], theirs.values[:2, column], atol=0.02, err_msg=f"{side} {leg}")


@pytest.mark.model
def test_what_is_learnt_lowers_the_loss_and_nothing_but_the_upper_layers_is_named(
    taught: tuple[Tuner, Lesson],
) -> None:
    tuner, lesson = taught
    assert len(lesson.asked) == 4  # the question of the test split teaches nothing
    weights = torch.tensor(load_fusion().weights, dtype=torch.float32)
    before = [loss.item() for loss in tuner.losses(lesson, weights)]
    said: list[str] = []
    matrices = tuner.fit([lesson] * 6, said.append)
    after = [loss.item() for loss in tuner.losses(lesson, weights)]
    assert after[0] < before[0]
    assert after[1] < before[1]
    assert len(said) == tuning.EPOCHS
    layers = {int(name.split(".")[1]) for name in matrices}
    assert layers == set(range(tuning.LOWER, 12))
    shapes = {name.split(".", 2)[2]: matrix.shape for name, matrix in matrices.items()}
    assert shapes["intermediate.dense" + adapter.UP] == (1536, tuning.RANK)
    assert shapes["intermediate.dense" + adapter.DOWN] == (tuning.RANK, 384)


@pytest.mark.model
def test_part_of_a_lesson_keeps_what_its_paragraphs_answer(taught: tuple[Tuner, Lesson]) -> None:
    lesson = taught[1].of(frozenset({2, 3}))
    assert lesson.numbers == (2, 3)
    assert len(lesson.asked) == 2
    assert all(asked.right.tolist() == [False, True] for asked in lesson.asked)
    assert {span.paragraph for span in lesson.sentences} == {2, 3}
