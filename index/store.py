"""Vectors in Chroma: the only file that knows chromadb.

llama-index's own ChromaVectorStore adds without upserting (an existing id silently keeps its old vector),
batches past Chroma's limit and scores exp(-distance); this subclass upserts, batches and gives cosines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api.client import Client
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import NotFoundError
from llama_index.core.bridge.pydantic import PrivateAttr
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
_CHECK_SERVER = "Check that it is running and reachable."
_CHECK_DISK = "Check the disk."
_HNSW: Any = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 200}


class PassageStore(ChromaVectorStore):
    """One generation's passages and sentences in one Chroma collection."""

    stores_text: bool = True

    _where: str = PrivateAttr(default="Chroma")
    _repair: str = PrivateAttr(default=_CHECK_DISK)

    @classmethod
    def over(cls, collection: Collection, *, where: str, repair: str) -> PassageStore:
        """The store of an open collection; its errors say `where` it is and how to `repair` it."""
        store = cls.from_collection(collection)
        assert isinstance(store, PassageStore)
        store._where, store._repair = where, repair
        return store

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Upsert nodes with their vectors; returns their ids."""
        for at in range(0, len(nodes), _BATCH):
            batch = nodes[at : at + _BATCH]
            with self._errors("cannot write"):
                self._collection.upsert(
                    ids=[node.node_id for node in batch],
                    embeddings=np.asarray([node.get_embedding() for node in batch], np.float32),
                    metadatas=[{key: node.metadata[key] for key in _STORED} for node in batch],
                    documents=[node.get_content(metadata_mode=MetadataMode.NONE) for node in batch],
                )
        return [node.node_id for node in nodes]

    def _query(
        self, query_embeddings: list[float], n_results: int, where: dict[str, Any], **kwargs: Any
    ) -> VectorStoreQueryResult:
        with self._errors("cannot answer a query"):
            found: Any = self._collection.query(
                query_embeddings=np.asarray([query_embeddings], np.float32),
                n_results=n_results,
                where=where or None,
                include=["metadatas", "documents", "distances"],
            )
        records = zip(found["ids"][0], found["documents"][0], found["metadatas"][0], strict=True)
        nodes = [TextNode(id_=node_id, text=text, metadata=metadata) for node_id, text, metadata in records]
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
        result = self.query(VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=k, filters=filters))
        return [
            (int(node.metadata["paragraph"]), float(score))
            for node, score in zip(result.nodes or [], result.similarities or [], strict=True)
        ]

    def sentence_vectors(self, paragraphs: Sequence[int]) -> dict[tuple[int, Language, int], NDArray[np.float32]]:
        """Unit vectors of the sentences of `paragraphs`: {(paragraph, language, start): (dimension,)}."""
        if not paragraphs:
            return {}
        where: Any = {"$and": [{"level": "sentence"}, {"paragraph": {"$in": list(paragraphs)}}]}
        with self._errors("cannot read vectors"):
            found: Any = self._collection.get(where=where, include=["embeddings", "metadatas"])
        return {
            (int(meta["paragraph"]), meta["language"], int(meta["start"])): np.asarray(vector, np.float32)
            for meta, vector in zip(found["metadatas"], found["embeddings"], strict=True)
        }

    def known_vectors(self) -> dict[str, list[float]]:
        """Every vector by the digest of the string it embeds; a new build takes unchanged ones from here."""
        known: dict[str, list[float]] = {}
        for at in range(0, self.count(), _BATCH):
            with self._errors("cannot read vectors"):
                found: Any = self._collection.get(limit=_BATCH, offset=at, include=["embeddings", "metadatas"])
            for meta, vector in zip(found["metadatas"], found["embeddings"], strict=True):
                known[str(meta["digest"])] = [float(x) for x in vector]
        return known

    def count(self) -> int:
        """How many vectors the collection holds."""
        with self._errors("cannot be read"):
            return int(self._collection.count())

    def _errors(self, what: str) -> AbstractContextManager[None]:
        return _chroma_errors(f"Chroma at {self._where} {what}", self._repair)


class StoreClient:
    """A connection to Chroma: embedded in a folder, or a server when a URL is given.

    `repair` is what a message about a damaged folder tells the user to do.
    """

    def __init__(self, folder: Path, url: str | None = None, *, repair: str = _CHECK_DISK) -> None:
        self._where = url or str(folder)
        self._repair = repair
        with _chroma_errors(f"Chroma at {self._where} cannot be opened", _CHECK_SERVER if url else repair):
            self._client = _connect(folder, url)

    def create(self, name: str, dimension: int) -> PassageStore:
        """A new, empty collection; an unfinished one of the same name is dropped first."""
        with _chroma_errors(f"Chroma at {self._where} cannot make the collection {name}", self._repair):
            self.drop(name)
            collection = self._client.create_collection(
                name,
                embedding_function=None,  # the default one would download a model
                configuration={"hnsw": _HNSW},
                metadata={"dimension": dimension},
            )
        return PassageStore.over(collection, where=self._where, repair=self._repair)

    def open(self, name: str, *, expected: int) -> PassageStore:
        """An existing collection. Raises IndexMismatch, with the repair, unless it holds `expected` vectors."""
        with _chroma_errors(f"Chroma at {self._where} cannot read the collection {name}", self._repair):
            collection = self._client.get_collection(name, embedding_function=None)
        store = PassageStore.over(collection, where=self._where, repair=self._repair)
        count = store.count()
        if count != expected:
            raise IndexMismatch(
                f"Chroma at {self._where} holds {count} vectors, the index's manifest says {expected}. {self._repair}"
            )
        return store

    def drop(self, name: str) -> None:
        """Delete a collection, if it is there."""
        what = f"Chroma at {self._where} cannot delete the collection {name}"
        with _chroma_errors(what, self._repair), suppress(NotFoundError):
            self._client.delete_collection(name)

    def close(self) -> None:
        """Release the files or the connection."""
        self._client.close()
        clients: tuple[Any, ...] = (self._client, self._client._admin_client)
        for client in clients:  # over HTTP each leaves its connections open
            if session := getattr(client._server, "_session", None):
                session.close()


def _connect(folder: Path, url: str | None) -> Client:
    # Explicit settings: chromadb otherwise reads ./.env and its own environment variables.
    settings = ChromaSettings(anonymized_telemetry=False, allow_reset=False, _env_file=None)
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
        return cast(Client, chromadb.PersistentClient(path=str(folder), settings=settings))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"the setting chroma_url is {url!r}, not of the form http://host:port. Correct it or unset it.")
    port = parts.port or (443 if parts.scheme == "https" else 8000)
    ssl = parts.scheme == "https"
    return cast(Client, chromadb.HttpClient(host=parts.hostname, port=port, ssl=ssl, settings=settings))


@contextmanager
def _chroma_errors(what: str, repair: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # chromadb raises errors of a dozen classes, its Rust core among them
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise IndexMismatch(f"{what}: {reason}. {repair}") from error
    except BaseException as error:  # a panic of the Rust core is not an Exception
        if type(error).__name__ == "PanicException":
            raise IndexMismatch(f"{what}: its files are damaged. {repair}") from None
        raise
