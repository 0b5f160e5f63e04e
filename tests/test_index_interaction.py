"""Late interaction: what is kept of a passage's tokens, and how a question is compared with them."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.build import Index, build, open_index
from index.interaction import Cosines, PassageTokens, Tokens, TokenVectors, TokenWriter
from index.settings import Settings
from tests.fakes import HashingEmbedder


def tokens(*rows: list[float], starts: tuple[int, ...] = ()) -> Tokens:
    places = starts or tuple(range(len(rows)))
    return Tokens(np.asarray(rows, np.float32), np.asarray([(s, s + 1) for s in places], np.int32))


def write(folder: Path, passages: Iterable[PassageTokens], dimension: int) -> None:
    with closing(TokenWriter(folder, dimension)) as writer:
        for passage in passages:
            writer.add([passage])


@pytest.fixture
def kept(tmp_path: Path) -> TokenVectors:
    """Two Chinese passages and an English one, in four dimensions."""
    passages = [
        PassageTokens(1, "zh", "a", tokens([1, 0, 0, 0], [0, 1, 0, 0])),
        PassageTokens(2, "zh", "b", tokens([0, 0, 1, 0], [0, 0, 0, 2])),
        PassageTokens(1, "en", "c", tokens([1, 1, 0, 0])),
    ]
    write(tmp_path / "tokens", passages, 4)
    return TokenVectors(tmp_path / "tokens")


def test_maxsim_is_the_mean_over_the_questions_tokens_of_the_nearest_cosine() -> None:
    cosines = np.asarray([[1, 0], [0.6, 0.8]], np.float32)  # two tokens of a paragraph, two of a question
    assert Cosines(cosines, np.asarray([(0, 2), (2, 4)], np.int32)).maxsim(0, 4) == pytest.approx((1 + 0.8) / 2)


def test_nothing_to_compare_is_no_likeness() -> None:
    offsets = np.asarray([(0, 2)], np.int32)
    assert Cosines(np.ones((1, 2), np.float32), offsets).maxsim(2, 4) == 0.0
    assert Cosines(np.ones((1, 0), np.float32), offsets).maxsim(0, 2) == 0.0


def test_vectors_come_back_from_eight_bits_within_a_hundredth(kept: TokenVectors) -> None:
    raw = kept.known("b")
    assert raw is not None
    assert raw.vectors == pytest.approx(np.asarray([[0, 0, 1, 0], [0, 0, 0, 1]]), abs=0.01)
    assert kept.known("never embedded") is None


def test_all_paragraphs_at_once_score_as_they_do_one_by_one(kept: TokenVectors) -> None:
    question = kept.centred(np.asarray([[1, 0, 0, 0], [0, 0, 1, 0]], np.float32), "zh")
    together = kept.maxsims(question, [2, 1, 7], "zh")
    assert list(together) == [2, 1], "a paragraph without text in the language has no score"
    for number, score in together.items():
        own = kept.of(number, "zh")
        assert own is not None
        alone = Cosines(own.vectors @ question.T, own.offsets)
        assert score == pytest.approx(alone.maxsim(0, 100))
        assert kept.cosines(question, [2, 1], "zh")[number].values == pytest.approx(alone.values)
    assert kept.maxsims(question[:0], [1, 2], "zh") == {}


def test_what_all_tokens_of_a_language_share_does_not_count(tmp_path: Path) -> None:
    shared = [10.0, 0, 0]  # a cone: every token points nearly the same way
    rows = [[10.0, 1, 0], [10.0, -1, 0]]
    write(tmp_path / "t", [PassageTokens(n, "en", str(n), tokens(row)) for n, row in enumerate(rows, 1)], 3)
    vectors = TokenVectors(tmp_path / "t")
    scores = vectors.maxsims(vectors.centred(np.asarray([[10.0, 0.5, 0]], np.float32), "en"), [1, 2], "en")
    assert scores[1] > 0.9
    assert scores[2] < -0.9
    assert np.dot(shared, rows[0]) > 0


def test_a_sentence_is_read_with_its_headings_tokens_and_no_other_sentences() -> None:
    cosines = np.asarray([[0.9, 0.1], [0.8, 0.8], [0.2, 0.4]], np.float32)
    all_tokens = Cosines(cosines, np.asarray([(-1, -1), (0, 4), (5, 9)], np.int32))
    assert all_tokens.maxsim(5, 9) == pytest.approx((0.9 + 0.4) / 2)


def test_every_token_of_the_bundled_article_lies_in_its_paragraph(article_index: Index) -> None:
    for paragraph in article_index.paragraphs:
        for language in paragraph.languages:
            own = article_index.tokens.of(paragraph.number, language)
            assert own is not None
            assert len(own.vectors) == len(own.offsets) > 0
            placed = own.offsets[own.offsets[:, 0] >= 0]
            assert placed[:, 1].max() == len((paragraph.text(language) or "").rstrip())


def test_an_unchanged_passage_keeps_its_tokens_at_the_next_build(tmp_path: Path, settings: Settings) -> None:
    source, embedder = tmp_path / "a.jsonl", HashingEmbedder()
    source.write_text('{"en": "Iron rusts."}\n{"en": "Gold does not."}\n', encoding="utf-8")
    build(settings, source=source, into=tmp_path / "i", embedder=embedder)
    before = open_index(settings, tmp_path / "i", embedder).tokens.of(2, "en")
    embedder.embedded.clear()
    source.write_text('{"en": "Zinc is blue."}\n{"en": "Iron rusts."}\n{"en": "Gold does not."}\n', encoding="utf-8")
    build(settings, source=source, into=tmp_path / "i", embedder=embedder)
    assert set(embedder.embedded) == {"Zinc is blue."}
    after = open_index(settings, tmp_path / "i", embedder).tokens
    assert before is not None
    moved = after.of(3, "en")
    assert moved is not None
    assert moved.offsets.tolist() == before.offsets.tolist()


def test_a_disk_that_fills_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TokenWriter(tmp_path / "tokens", 4)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numpy.lib.format.write_array_header_1_0", full)
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert all(rows._file.closed for rows in (writer._vectors, writer._scales, writer._offsets))
    with pytest.raises(OSError, match="No space left"):
        TokenWriter(tmp_path / "more", 4)  # a file left open is a ResourceWarning, and so an error


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    with closing(TokenWriter(tmp_path / "tokens", 3)) as writer, pytest.raises(ValueError, match="rows of shape"):
        writer.add([PassageTokens(1, "en", "a", tokens([1, 0, 0, 0]))])
