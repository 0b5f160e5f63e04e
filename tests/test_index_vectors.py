"""Vectors of sentences, told from the tokens of their passages; the adapter of the embedder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from llama_index.core.schema import BaseNode
from numpy.typing import NDArray

from index import adapter
from index.embedder import Embedded, Embedder, unit
from index.interaction import TokenWriter
from index.paragraphs import Article, Paragraph
from index.passages import PassageSplitter
from index.source import documents_of
from index.vectors import Known, NodeVectors
from tests.fakes import HashingEmbedder

TEA = Paragraph(1, "body", None, "Tea came by sea. Tea was dear!")


class PooledByMean(HashingEmbedder):
    """As the default model: what it says of a text is the mean of what it says of the tokens."""

    @property
    def pools_by_mean(self) -> bool:
        """Yes."""
        return True


def told(folder: Path, embedder: HashingEmbedder, paragraph: Paragraph = TEA, window: int = 10_000) -> list[BaseNode]:
    """The nodes of a paragraph with their vectors; `window`: characters that the embedder reads at once."""
    nodes = PassageSplitter(lambda text: len(text) > window)(documents_of(Article("", (paragraph,))))
    with closing(TokenWriter(folder / "tokens", embedder.dimension)) as writer:
        return list(NodeVectors(embedder, Known(), writer, lambda share: None)(nodes))


def vectors(nodes: Sequence[BaseNode], level: str) -> list[NDArray[np.float32]]:
    """The vectors of the nodes of a level."""
    return [np.asarray(node.embedding, np.float32) for node in nodes if node.metadata["level"] == level]


def test_a_sentences_vector_is_the_mean_of_its_own_tokens_and_nothing_is_embedded_for_it(tmp_path: Path) -> None:
    embedder = PooledByMean()
    first, second = vectors(told(tmp_path, embedder), "sentence")
    words = [embedder._vector(word) for word in ("Tea", "came", "by", "sea.")]
    np.testing.assert_allclose(first, unit(np.mean(words, axis=0)[None])[0], atol=1e-6)
    assert first @ embedder._vector("dear!") < second @ embedder._vector("dear!")
    assert len(embedder.embedded) == 1


def test_a_sentence_over_two_passages_has_the_tokens_of_both(tmp_path: Path) -> None:
    embedder = PooledByMean()
    paragraph = Paragraph(1, "body", None, "Tea came by sea and by road. It was dear.")
    nodes = told(tmp_path, embedder, paragraph, window=20)
    assert len(vectors(nodes, "passage")) > 2
    said = [node for node in nodes if node.metadata["level"] == "sentence"]
    assert all(np.isclose(np.linalg.norm(np.asarray(node.embedding)), 1) for node in said)


def test_a_sentence_of_which_no_token_is_left_has_its_passages_vector(tmp_path: Path) -> None:
    class Blind(PooledByMean):
        """Sees nothing behind the first sentence."""

        def passages_with_tokens(self, texts: Sequence[str]) -> list[Embedded]:
            seen = [
                (one, one.offsets[:, 1] <= len("Tea came by sea.") + 1) for one in super().passages_with_tokens(texts)
            ]
            return [Embedded(one.vector, one.tokens[own], one.offsets[own]) for one, own in seen]

    nodes = told(tmp_path, Blind())
    first, second = vectors(nodes, "sentence")
    np.testing.assert_array_equal(second, vectors(nodes, "passage")[0])
    assert not np.array_equal(first, second)


def test_a_model_that_does_not_pool_by_the_mean_embeds_each_sentence(tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    first, _second = vectors(told(tmp_path, embedder), "sentence")
    assert embedder.embedded[1:] == ["Tea came by sea.", "Tea was dear!"]
    np.testing.assert_allclose(first, embedder._vector("Tea came by sea."), atol=1e-6)


# --- the adapter -------------------------------------------------------------------------------------------


def test_the_shipped_adapter_fits_the_model_and_is_small() -> None:
    from safetensors.numpy import load_file

    matrices = load_file(adapter.FILE)
    names = {name.removesuffix(adapter.UP).removesuffix(adapter.DOWN) for name in matrices}
    assert {name.split(".", 2)[2] for name in names} == set(adapter.ADAPTED)
    for name in names:
        up, down = matrices[name + adapter.UP], matrices[name + adapter.DOWN]
        assert up.shape[1] == down.shape[0] <= 16
        assert np.isfinite(up).all()
        assert np.abs(up).max() > 0
    assert adapter.FILE.stat().st_size < 3_000_000


@pytest.mark.model
def test_an_adapter_of_nothing_leaves_the_model_as_it_was_and_another_moves_what_it_names(
    tmp_path: Path, real_embedder: Embedder
) -> None:
    plain = real_embedder.without_adapter()
    before = plain.passages(["Tea came by sea."])
    assert plain.fingerprint != real_embedder.fingerprint
    assert not np.allclose(before, real_embedder.passages(["Tea came by sea."]), atol=1e-3)
    adapter.write({}, tmp_path / "none.safetensors")
    adapter.adapt(plain.load(), tmp_path / "none.safetensors")
    np.testing.assert_array_equal(plain.passages(["Tea came by sea."]), before)
    name = "layer.11.attention.output.dense"
    ones = {name + adapter.UP: np.full((384, 1), 0.01, np.float32), name + adapter.DOWN: np.ones((1, 384), np.float32)}
    adapter.write(ones, tmp_path / "ones.safetensors")
    weight = plain.load()[0].auto_model.encoder.layer[11].attention.output.dense.weight  # type: ignore[union-attr]
    was = weight.detach().clone()
    adapter.adapt(plain.load(), tmp_path / "ones.safetensors")
    np.testing.assert_allclose((weight.detach() - was).float().numpy(), 0.01, atol=1e-3)


@pytest.mark.model
def test_the_default_model_pools_by_the_mean(real_embedder: Embedder) -> None:
    assert real_embedder.pools_by_mean
