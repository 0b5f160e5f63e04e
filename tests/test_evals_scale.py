"""The made corpus and what is measured of it, at sizes that take no time."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from evals import scale, scale_command
from evals.__main__ import main
from evals.endpoint import chroma_server
from evals.made import Base, MadeTokens, base_of
from evals.scale_command import vectors_of
from index.build import Index
from index.errors import UserError
from index.keywords import tokenize
from tests.fakes import HashingEmbedder

PAIRS = 150  # twice the article and a bit


@pytest.fixture
def base(article_index: Index) -> Base:
    return base_of(article_index)


@pytest.fixture
def folder(base: Base, embedder: HashingEmbedder, tmp_path: Path) -> Path:
    texts = ["What is recursive self-improvement?", "阿姆达尔定律是什么?", "How much code does Claude write?"]
    asked = [scale.Question(text, embedder.question(text), embedder.question_tokens(text)) for text in texts]
    scale.keep(tmp_path / "made", base, asked)
    return tmp_path / "made"


def test_a_made_corpus_begins_with_the_real_one_and_numbers_its_copies_on(base: Base) -> None:
    nodes = [node for batch in base.batches(PAIRS) for node in batch]
    assert {node.metadata["paragraph"] for node in nodes} == set(range(1, PAIRS + 1))
    assert len(nodes) == vectors_of(base, PAIRS)
    assert len({node.node_id for node in nodes}) == len(nodes)
    own = nodes[: len(base.nodes)]
    assert [node.text for node in own] == [node.text for node in base.nodes]
    assert np.allclose([node.embedding for node in own], base.vectors)
    assert base.paragraph(3) == base.paragraphs[2] or base.paragraph(3).en == base.paragraphs[2].en


def test_copies_have_unit_vectors_that_are_near_but_not_equal_and_words_of_their_own(base: Base) -> None:
    first, second = (np.asarray([n.embedding for n in b]) for b in list(base.batches(2 * len(base.paragraphs))))
    assert np.allclose(np.linalg.norm(second, axis=1), 1, atol=1e-5)
    alike = (first * second).sum(axis=1)
    assert alike.max() < 0.999
    assert alike.mean() == pytest.approx(1 / np.sqrt(1 + base.noise**2), abs=0.05)
    each = len(base.paragraphs)
    number = next(n for n in range(1, each + 1) if len(base.paragraph(n).en or "") > 400)
    texts = [base.paragraph(number + copy * each).en or "" for copy in range(3)]
    words = [set(tokenize(text)) for text in texts]
    assert words[1] - words[0]
    assert len(words[0] & words[1]) > len(words[0]) / 2
    assert texts == [base.paragraph(number + copy * each).en or "" for copy in range(3)]  # made the same again


def test_token_vectors_are_made_for_every_passage_once(base: Base) -> None:
    made = MadeTokens(base, PAIRS)
    places = [(own.paragraph, own.language) for own in made]
    passages = [node for batch in base.batches(PAIRS) for node in batch if node.metadata["level"] == "passage"]
    assert len(places) == len(made) == len(passages)
    assert {number for number, _ in places} == set(range(1, PAIRS + 1))


def test_every_stage_is_built_and_asked_by_the_programs_own_code(base: Base, folder: Path) -> None:
    (folder / "chroma").mkdir()
    seconds, _, exact = scale.build_vectors(folder, PAIRS)
    assert seconds > 0
    asked = scale.ask_vectors(folder, PAIRS, vectors_of(base, PAIRS), None, exact)
    with chroma_server(folder / "chroma") as running:
        served = scale.ask_vectors(folder, PAIRS, vectors_of(base, PAIRS), running.url, exact)
    for own in (asked, served):
        assert min(own.recall.values()) > 0.95
        for times in (own.queries, own.sentences):
            assert len(times) == 3
    for build, ask, more in (
        (scale.build_keywords, scale.ask_keywords, ()),
        (scale.build_fts, scale.ask_fts, ()),
        (scale.build_tokens, scale.ask_tokens, (PAIRS,)),
    ):
        build(folder, PAIRS)
        assert len(ask(folder, *more)[0]) == 3  # type: ignore[operator]
    times, _ = scale.ask_whole(folder, PAIRS, vectors_of(base, PAIRS))
    assert len(times) == 2


def test_what_the_exact_search_found_is_what_recall_is_held_against() -> None:
    assert scale._recalled([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0], 0.45) == 0.5
    assert scale._recalled([0.9] * 10, 0.9) == 1.0


def test_a_million_is_read_off_the_line_through_the_last_two_sizes() -> None:
    slope, far = scale.extrapolate([10, 1000, 10_000], [5.0, 2.0, 20.0], 1_000_000)
    assert slope == pytest.approx(1)
    assert far == pytest.approx(2000)
    assert scale.extrapolate([1000, 10_000], [7.0, 6.0], 1_000_000)[1] == 6.0  # never less than was measured


def test_a_size_named_twice_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def vectors(folder: Path, pairs: int, base: Base, *, server: bool) -> list[scale.Stage]:
        asked.append(pairs)
        return [scale.Stage("Chroma", pairs, p50=1.0, p95=2.0)]

    monkeypatch.setattr(scale_command, "_base", lambda dataset, count: (None, []))
    monkeypatch.setattr(scale_command, "_folder", lambda base, questions: nullcontext(tmp_path))
    monkeypatch.setattr(scale_command, "_vectors", vectors)
    monkeypatch.setattr(scale_command, "_others", lambda folder, pairs, base: [])
    assert main(["scale", "--sizes", "1000,50,1000", "--xquad", str(tmp_path)]) == 0
    assert asked == [50, 1000]
    with pytest.raises(UserError, match="--questions is 0"):
        main(["scale", "--questions", "0", "--xquad", str(tmp_path)])
