"""Vectors of nodes: taken over where an earlier index has them for the same text, else made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from numpy.typing import NDArray

from index.embedder import Embedded, Embedder, unit
from index.interaction import PassageTokens, Tokens, TokenVectors, TokenWriter
from index.paragraphs import Language

_AT_ONCE = 64  # texts between two reports of progress


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier index embedded, by the digest of the embedded string."""

    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    tokens: TokenVectors | None = None

    def tokens_of(self, node: BaseNode) -> Tokens | None:
        """A passage's tokens, placed in the paragraph as it is now."""
        kept = self.tokens.known(node.metadata["digest"]) if self.tokens else None
        if kept is None:
            return None
        own = kept.offsets[:, 0] >= 0
        first = int(kept.offsets[own, 0].min()) if own.any() else 0
        shift = int(node.metadata["start"]) - first
        return Tokens(kept.vectors, np.where(own[:, None], kept.offsets + shift, kept.offsets))


class NodeVectors(TransformComponent):
    """Gives each node its vector: a known one where the embedded string is unchanged, else a new one.

    The token vectors of the passages go to `writer`. `made`: how many vectors, of all so far. `on_progress` is called
    with the share of the nodes in hand that have theirs.
    """

    _embedder: Embedder = PrivateAttr()
    _known: Known = PrivateAttr()
    _writer: TokenWriter = PrivateAttr()
    _on_progress: Callable[[float], None] = PrivateAttr()
    made: int = 0

    def __init__(
        self, embedder: Embedder, known: Known, writer: TokenWriter, on_progress: Callable[[float], None]
    ) -> None:
        super().__init__()
        self._embedder, self._known, self._writer, self._on_progress = embedder, known, writer, on_progress

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """`nodes`, each with its vector; the passages' token vectors are written.

        All passages of a paragraph are among them where one of its sentences is.
        """
        passages = [node for node in nodes if node.metadata["level"] == "passage"]
        places = {node.node_id: kept for node in passages if (kept := self._known.tokens_of(node))}
        for node in nodes:
            known = self._known.vectors.get(node.metadata["digest"])
            node.embedding = None if known is None else known.tolist()
        fresh = [node for node in passages if node.embedding is None or node.node_id not in places]
        # Longest first, so that a batch holds texts of like length and little padding is computed.
        fresh.sort(key=lambda node: -len(node.get_content(metadata_mode=MetadataMode.EMBED)))
        for at in range(0, len(fresh), _AT_ONCE):
            self._on_progress(at / len(fresh))
            places |= self._embed(fresh[at : at + _AT_ONCE])
        self._on_progress(1.0)
        lacking = [node for node in nodes if node.embedding is None]
        self._tell(lacking, passages, places)
        self.made += len(fresh) + len(lacking)
        self._writer.add(
            PassageTokens(m["paragraph"], m["language"], m["digest"], places[node.node_id])
            for node in passages
            for m in [node.metadata]
        )
        return nodes

    def _embed(self, passages: Sequence[BaseNode]) -> dict[str, Tokens]:
        texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in passages]
        embedded = self._embedder.passages_with_tokens(texts)
        for node, one in zip(passages, embedded, strict=True):
            node.embedding = one.vector.tolist()
        own = zip(passages, texts, embedded, strict=True)
        return {node.node_id: _placed(node, text, one) for node, text, one in own}

    def _tell(self, sentences: Sequence[BaseNode], passages: Sequence[BaseNode], places: Mapping[str, Tokens]) -> None:
        """Give each sentence the mean of its tokens' vectors, as its passage reads them.

        So a sentence is known in the light of those around it, and costs nothing: embedding each by itself takes as
        long again as the passages do (late chunking; Günther et al. 2024). A model that does not pool by the mean has
        no such vector of a part, and embeds each by itself.
        """
        if not sentences:
            return
        if not self._embedder.pools_by_mean:
            texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in sentences]
            for node, vector in zip(sentences, self._embedder.passages(texts), strict=True):
                node.embedding = vector.tolist()
            return
        around: dict[tuple[int, Language], list[BaseNode]] = {}
        for node in passages:
            around.setdefault((node.metadata["paragraph"], node.metadata["language"]), []).append(node)
        for node in sentences:
            own = around[node.metadata["paragraph"], node.metadata["language"]]
            tokens = np.concatenate([_within(places[passage.node_id], node) for passage in own])
            # Of a sentence of nothing but signs no token may be left.
            node.embedding = unit(tokens.mean(axis=0)).tolist() if len(tokens) else own[0].embedding


def _within(tokens: Tokens, node: BaseNode) -> NDArray[np.float32]:
    """The unit vectors, (n, dimension), of the tokens that stand in a sentence."""
    start, end = node.metadata["start"], node.metadata["end"]
    return unit(tokens.vectors[(tokens.offsets[:, 0] >= start) & (tokens.offsets[:, 1] <= end)])


def _placed(node: BaseNode, text: str, embedded: Embedded) -> Tokens:
    return Tokens(embedded.tokens, offsets_in_paragraph(node, text, embedded.offsets))


def offsets_in_paragraph(node: BaseNode, text: str, offsets: NDArray[np.int32]) -> NDArray[np.int32]:
    """Where a passage's tokens, (n, 2) in `text` as it is embedded, stand in its paragraph; -1 for its heading's.

    The heading stands before the paragraph's own text.
    """
    heading = len(text) - len(node.get_content(metadata_mode=MetadataMode.NONE))
    moved = offsets - heading + int(node.metadata["start"])
    return np.where(offsets[:, :1] >= heading, moved, -1)
