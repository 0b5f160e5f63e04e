"""Vectors in Chroma: the only file that knows chromadb.

llama-index's own ChromaVectorStore adds without upserting (an existing id silently keeps its old vector),
batches past Chroma's limit and scores exp(-distance); this subclass upserts, batches and gives cosines.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.config import Settings as ChromaSettings
from llama_index.core.schema import BaseNode, MetadataMode, TextNode
from llama_index.core.vector_stores import (
    FilterCondition,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryResult,
)
from llama_index.vector_stores.chroma import ChromaVectorStore
from numpy.typing import NDArray

from index.errors import IndexMismatch, UserError
from index.paragraphs import Language

Level = Literal["passage", "sentence"]

_BATCH = 5000  # Chroma refuses more than 5461 records at once
_STORED = ("paragraph", "language", "level", "start", "end", "digest")
_HNSW = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 200}


class PassageStore(ChromaVectorStore):
    """One generation's passages and sentences in one Chroma collection."""

    stores_text: bool = True

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Upsert nodes with their vectors; returns their ids."""
        for at in range(0, len(nodes), _BATCH):
            batch = nodes[at : at + _BATCH]
            self._collection.upsert(
                ids=[node.node_id for node in batch],
                embeddings=[node.get_embedding() for node in batch],
                metadatas=[{key: node.metadata[key] for key in _STORED} for node in batch],
                documents=[node.get_content(metadata_mode=MetadataMode.NONE) for node in batch],
            )
        return [node.node_id for node in nodes]

    def _query(
        self, query_embeddings: list[float], n_results: int, where: dict[str, Any], **kwargs: Any
    ) -> VectorStoreQueryResult:
        found = self._collection.query(
            query_embeddings=[query_embeddings],
            n_results=n_results,
            where=where or None,
            include=["metadatas", "documents", "distances"],
        )
        nodes = [
            TextNode(id_=node_id, text=text, metadata=metadata)
            for node_id, text, metadata in zip(
                found["ids"][0], found["documents"][0], found["metadatas"][0], strict=True
            )
        ]
        similarities = [1.0 - distance for distance in found["distances"][0]]
        return VectorStoreQueryResult(nodes=nodes, similarities=similarities, ids=found["ids"][0])

    def nearest(
        self, vector: NDArray[np.float32], *, level: Level, language: Language, k: int
    ) -> list[tuple[int, float]]:
        """(paragraph number, cosine) of the `k` nearest nodes, best first; a paragraph may occur several times."""
        filters = MetadataFilters(
            filters=[MetadataFilter(key="level", value=level), MetadataFilter(key="language", value=language)],
            condition=FilterCondition.AND,
        )
        result = self.query(
            VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=k, filters=filters)
        )
        return [
            (int(node.metadata["paragraph"]), float(score))
            for node, score in zip(result.nodes or [], result.similarities or [], strict=True)
        ]

    def sentence_vectors(self, paragraphs: Sequence[int]) -> dict[tuple[int, Language, int], NDArray[np.float32]]:
        """Unit vectors of the sentences of `paragraphs`: {(paragraph, language, start): (dimension,)}."""
        found = self._collection.get(
            where={"$and": [{"level": "sentence"}, {"paragraph": {"$in": list(paragraphs)}}]},
            include=["embeddings", "metadatas"],
        )
        return {
            (int(meta["paragraph"]), meta["language"], int(meta["start"])): np.asarray(vector, np.float32)
            for meta, vector in zip(found["metadatas"], found["embeddings"], strict=True)
        }

    def known_vectors(self) -> dict[str, list[float]]:
        """Every vector by the digest of the string it embeds; a new build takes unchanged ones from here."""
        known: dict[str, list[float]] = {}
        for at in range(0, self.count(), _BATCH):
            found = self._collection.get(limit=_BATCH, offset=at, include=["embeddings", "metadatas"])
            for meta, vector in zip(found["metadatas"], found["embeddings"], strict=True):
                known[str(meta["digest"])] = [float(x) for x in vector]
        return known

    def count(self) -> int:
        """How many vectors the collection holds."""
        return int(self._collection.count())


class StoreClient:
    """A connection to Chroma: embedded in a folder, or a server when a URL is given."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self._where = url or str(folder)
        with _chroma_errors(f"Chroma at {self._where} cannot be opened"):
            self._client = _connect(folder, url)

    def create(self, name: str, dimension: int) -> PassageStore:
        """A new, empty collection; an unfinished one of the same name is dropped first."""
        with _chroma_errors(f"Chroma at {self._where} cannot make the collection {name}"):
            if name in self.names():
                self._client.delete_collection(name)
            collection = self._client.create_collection(
                name,
                embedding_function=None,  # the default one would download a model
                configuration={"hnsw": _HNSW},
                metadata={"dimension": dimension},
            )
        return PassageStore(chroma_collection=collection)

    def open(self, name: str, *, expected: int, repair: str) -> PassageStore:
        """An existing collection. Raises IndexMismatch, with the repair, unless it holds `expected` vectors."""
        with _chroma_errors(f"Chroma at {self._where} cannot read the collection {name}", repair):
            store = PassageStore(chroma_collection=self._client.get_collection(name, embedding_function=None))
            count = store.count()
        if count != expected:
            raise IndexMismatch(
                f"Chroma at {self._where} holds {count} vectors, the index's manifest says {expected}. {repair}"
            )
        return store

    def names(self) -> list[str]:
        """The names of all collections."""
        return [collection.name for collection in self._client.list_collections()]

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._client.delete_collection(name)

    def close(self) -> None:
        """Release the files or the connection."""
        self._client.close()


def _connect(folder: Path, url: str | None) -> ClientAPI:
    # Explicit settings: chromadb otherwise reads ./.env and its own environment variables.
    settings = ChromaSettings(anonymized_telemetry=False, allow_reset=False, _env_file=None)  # type: ignore[call-arg]
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(path=str(folder), settings=settings)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"the setting chroma_url is {url!r}, not of the form http://host:port. Correct it or unset it.")
    port = parts.port or (443 if parts.scheme == "https" else 8000)
    return chromadb.HttpClient(host=parts.hostname, port=port, ssl=parts.scheme == "https", settings=settings)


@contextmanager
def _chroma_errors(what: str, repair: str = "Check that it is running and reachable, or that the disk is.") -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    except UserError:
        raise
    except Exception as error:  # chromadb raises errors of a dozen classes, its Rust core among them
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise IndexMismatch(f"{what}: {reason}. {repair}") from error
    except BaseException as error:  # a panic of the Rust core is not an Exception
        if type(error).__name__ == "PanicException":
            raise IndexMismatch(f"{what}: its files are damaged. {repair}") from None
        raise
