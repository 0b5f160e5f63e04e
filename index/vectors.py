"""Vectors of nodes: taken over where an earlier index embedded the same string, else made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from numpy.typing import NDArray

from index.embedder import Embedded, Embedder
from index.interaction import PassageTokens, Tokens, TokenVectors, TokenWriter

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
        """`nodes`, each with its vector; their token vectors are written."""
        passages = [node for node in nodes if node.metadata["level"] == "passage"]
        places = {node.node_id: kept for node in passages if (kept := self._known.tokens_of(node))}
        lacking = {node.node_id for node in passages} - places.keys()
        for node in nodes:
            known = self._known.vectors.get(node.metadata["digest"])
            node.embedding = None if known is None else known.tolist()
        fresh = [node for node in nodes if node.embedding is None or node.node_id in lacking]
        # Longest first, so that a batch holds texts of like length and little padding is computed.
        fresh.sort(key=lambda node: (node.metadata["level"], -len(node.get_content(metadata_mode=MetadataMode.EMBED))))
        for at in range(0, len(fresh), _AT_ONCE):
            self._on_progress(at / len(fresh))
            batch = fresh[at : at + _AT_ONCE]
            places |= self._embed([node for node in batch if node.metadata["level"] == "passage"], with_tokens=True)
            self._embed([node for node in batch if node.metadata["level"] != "passage"], with_tokens=False)
        self._on_progress(1.0)
        self.made += len(fresh)
        self._writer.add(
            PassageTokens(m["paragraph"], m["language"], m["digest"], places[node.node_id])
            for node in passages
            for m in [node.metadata]
        )
        return nodes

    def _embed(self, nodes: Sequence[BaseNode], *, with_tokens: bool) -> dict[str, Tokens]:
        texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        if not with_tokens:
            for node, vector in zip(nodes, self._embedder.passages(texts), strict=True):
                node.embedding = vector.tolist()
            return {}
        embedded = self._embedder.passages_with_tokens(texts)
        for node, one in zip(nodes, embedded, strict=True):
            node.embedding = one.vector.tolist()
        return {node.node_id: _placed(node, text, one) for node, text, one in zip(nodes, texts, embedded, strict=True)}


def _placed(node: BaseNode, text: str, embedded: Embedded) -> Tokens:
    """A passage's tokens with offsets into its paragraph; the heading stands before the paragraph's own text."""
    heading = len(text) - len(node.get_content(metadata_mode=MetadataMode.NONE))
    moved = embedded.offsets - heading + int(node.metadata["start"])
    return Tokens(embedded.tokens, np.where(embedded.offsets[:, :1] >= heading, moved, -1))
