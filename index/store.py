"""Vectors in Chroma: the only file that knows chromadb.

llama-index's own ChromaVectorStore adds without upserting (an existing id silently keeps its old vector),
batches past Chroma's limit and scores exp(-distance); this subclass upserts, batches and gives cosines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
from llama_index.core.vector_stores import VectorStoreQuery, VectorStoreQueryResult
from llama_index.vector_stores.chroma import ChromaVectorStore
from numpy.typing import NDArray

from index.errors import IndexMismatch, UserError
from index.paragraphs import LANGUAGES, Language

Level = Literal["passage", "sentence"]
LEVELS: tuple[Level, ...] = ("passage", "sentence")

_BATCH = 5000  # Chroma refuses more than 5461 records at once
_STORED = ("paragraph", "language", "level", "start", "end", "digest")
_CHECK_SERVER = "Check that it is running and reachable."
_CHECK_DISK = "Check the disk."
_REMEMBERED = 500  # paragraphs whose sentences' vectors stay in memory, about 10 KB each
SentenceVectors = dict[tuple[int, Language, int], NDArray[np.float32]]
_Kept = tuple[Any, Any]  # a record's metadata and vector
_HNSW: Any = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32}
_LEAST_SEARCHED = 200
_SEARCHED_BY_SIZE = 4.0


class _Collection(ChromaVectorStore):
    """The vectors of one level and language: one Chroma collection, asked without a filter.

    Chroma lists every vector that a filter admits before it searches; at some thousand paragraphs that costs more than
    the search, so each level and language has a collection of its own (evals/SCALE.md).
    """

    stores_text: bool = True

    _where: str = PrivateAttr(default="Chroma")
    _repair: str = PrivateAttr(default=_CHECK_DISK)

    @classmethod
    def over(cls, collection: Collection, *, where: str, repair: str) -> _Collection:
        """The store of an open collection; its errors say `where` it is and how to `repair` it."""
        store = cls.from_collection(collection)
        assert isinstance(store, _Collection)
        store._where, store._repair = where, repair
        return store

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Upsert nodes with their vectors; returns their ids."""
        for at in range(0, len(nodes), _BATCH):
            batch = nodes[at : at + _BATCH]
            with self._errors("cannot write"):
                self._collection.upsert(
                    ids=[_id_of(node) for node in batch],
                    embeddings=np.asarray([node.get_embedding() for node in batch], np.float32),
                    metadatas=[{key: node.metadata[key] for key in _STORED} for node in batch],
                    documents=[node.get_content(metadata_mode=MetadataMode.NONE) for node in batch],
                )
        return [node.node_id for node in nodes]

    def _query(
        self, query_embeddings: list[float], n_results: int, where: dict[str, Any], **kwargs: Any
    ) -> VectorStoreQueryResult:
        # An id names its paragraph; reading the metadata of every result takes four times as long as the search.
        with self._errors("cannot answer a query"):
            found: Any = self._collection.query(
                query_embeddings=np.asarray([query_embeddings], np.float32),
                n_results=n_results,
                where=where or None,
                include=["distances"],
            )
        nodes = [TextNode(id_=own, metadata={"paragraph": _paragraph_of(own)}) for own in found["ids"][0]]
        similarities = [1.0 - distance for distance in found["distances"][0]]
        return VectorStoreQueryResult(nodes=nodes, similarities=similarities, ids=found["ids"][0])

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """(paragraph number, cosine) of the `k` nearest, best first."""
        result = self.query(VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=k))
        return [
            (int(node.metadata["paragraph"]), float(score))
            for node, score in zip(result.nodes or [], result.similarities or [], strict=True)
        ]

    def vectors(self, where: Any = None, *, limit: int | None = None, offset: int | None = None) -> Iterator[_Kept]:
        """(metadata, vector) of the records that `where` admits."""
        with self._errors("cannot read vectors"):
            found: Any = self._collection.get(
                where=where, limit=limit, offset=offset, include=["embeddings", "metadatas"]
            )
        return zip(found["metadatas"], found["embeddings"], strict=True)

    def count(self) -> int:
        """How many vectors the collection holds."""
        with self._errors("cannot be read"):
            return int(self._collection.count())

    def _errors(self, what: str) -> AbstractContextManager[None]:
        return _chroma_errors(f"Chroma at {self._where} {what}", self._repair)


class PassageStore:
    """One generation's passages and sentences: a Chroma collection for each level and language."""

    def __init__(self, collections: Mapping[tuple[Level, Language], _Collection]) -> None:
        self._collections = collections
        self._read: dict[int, SentenceVectors] = {}

    def add(self, nodes: Sequence[BaseNode]) -> list[str]:
        """Upsert nodes with their vectors, each where its level and language say; returns their ids."""
        self._read.clear()
        for (level, language), collection in self._collections.items():
            own = [n for n in nodes if (n.metadata["level"], n.metadata["language"]) == (level, language)]
            collection.add(own)
        return [node.node_id for node in nodes]

    def nearest(
        self, vector: NDArray[np.float32], *, level: Level, language: Language, k: int
    ) -> list[tuple[int, float]]:
        """(paragraph number, cosine) of the `k` nearest nodes, best first; a paragraph may occur several times."""
        return self._collections[level, language].nearest(vector, k)

    def sentence_vectors(self, paragraphs: Sequence[int]) -> SentenceVectors:
        """Unit vectors of the sentences of `paragraphs`: {(paragraph, language, start): (dimension,)}.

        Those of the paragraphs asked for lately are remembered: a finished index does not change.
        """
        unread = [number for number in paragraphs if number not in self._read]
        found = self._read_sentences(unread) if unread else {}
        vectors: SentenceVectors = {}
        for number in paragraphs:
            vectors |= found[number] if number in found else self._read.get(number, {})
        self._read.update(found)
        for number in list(self._read)[:-_REMEMBERED]:
            self._read.pop(number, None)
        return vectors

    def _read_sentences(self, paragraphs: Sequence[int]) -> dict[int, SentenceVectors]:
        where: Any = {"paragraph": {"$in": list(paragraphs)}}
        found: dict[int, SentenceVectors] = {number: {} for number in paragraphs}
        for language in LANGUAGES:
            for meta, vector in self._collections["sentence", language].vectors(where):
                number = int(meta["paragraph"])
                found[number][number, language, int(meta["start"])] = np.asarray(vector, np.float32)
        return found

    def known_vectors(self) -> dict[str, NDArray[np.float32]]:
        """Every vector by the digest of the string it embeds; a new build takes unchanged ones from here."""
        return {
            str(meta["digest"]): np.asarray(vector, np.float32)
            for collection in self._collections.values()
            for at in range(0, collection.count(), _BATCH)
            for meta, vector in collection.vectors(limit=_BATCH, offset=at)
        }

    def count(self) -> int:
        """How many vectors there are, of all levels and languages."""
        return sum(collection.count() for collection in self._collections.values())


class StoreClient:
    """A connection to Chroma: embedded in a folder, or a server when a URL is given.

    `repair` is what a message about a damaged folder tells the user to do.
    """

    def __init__(self, folder: Path, url: str | None = None, *, repair: str = _CHECK_DISK) -> None:
        self._where = url or str(folder)
        self._repair = repair
        with _chroma_errors(f"Chroma at {self._where} cannot be opened", _CHECK_SERVER if url else repair):
            self._client = _connect(folder, url)

    def create(self, name: str, dimension: int, paragraphs: int = 0) -> PassageStore:
        """A new, empty store for about so many paragraphs; an unfinished one of the same name is dropped first."""
        with _chroma_errors(f"Chroma at {self._where} cannot make the collections {name}", self._repair):
            self.drop(name)
            made = {
                place: self._client.create_collection(
                    own,
                    embedding_function=None,  # the default one would download a model
                    configuration={"hnsw": _HNSW | {"ef_search": ef_search(paragraphs)}},
                    metadata={"dimension": dimension},
                )
                for place, own in _names(name).items()
            }
        return self._over(made)

    def open(self, name: str, *, expected: int) -> PassageStore:
        """An existing store. Raises IndexMismatch, with the repair, unless it holds `expected` vectors."""
        with _chroma_errors(f"Chroma at {self._where} cannot read the collections {name}", self._repair):
            found = {
                place: self._client.get_collection(own, embedding_function=None) for place, own in _names(name).items()
            }
        store = self._over(found)
        count = store.count()
        if count != expected:
            raise IndexMismatch(
                f"Chroma at {self._where} holds {count} vectors, the index's manifest says {expected}. {self._repair}"
            )
        return store

    def drop(self, name: str) -> None:
        """Delete a store's collections, those that are there."""
        what = f"Chroma at {self._where} cannot delete the collections {name}"
        for own in (name, *_names(name).values()):  # the bare name: of an index built before there were four
            with _chroma_errors(what, self._repair), suppress(NotFoundError):
                self._client.delete_collection(own)

    def _over(self, collections: Mapping[tuple[Level, Language], Collection]) -> PassageStore:
        return PassageStore(
            {
                place: _Collection.over(collection, where=self._where, repair=self._repair)
                for place, collection in collections.items()
            }
        )

    def close(self) -> None:
        """Release the files or the connection."""
        self._client.close()
        clients: tuple[Any, ...] = (self._client, self._client._admin_client)
        for client in clients:  # over HTTP each leaves its connections open
            if session := getattr(client._server, "_session", None):
                session.close()


def ef_search(paragraphs: int) -> int:
    """How many vectors a search keeps in hand: with the root of the corpus's size, so that it finds what is there.

    At 10,000 pairs 400 find what 200 miss, at 100,000 each doubling finds more (evals/SCALE.md).
    """
    return max(_LEAST_SEARCHED, round(_SEARCHED_BY_SIZE * math.sqrt(paragraphs)))


def _id_of(node: BaseNode) -> str:
    return f"{node.metadata['paragraph']}/{node.node_id}"


def _paragraph_of(record_id: str) -> int:
    return int(record_id.partition("/")[0])


def _names(name: str) -> dict[tuple[Level, Language], str]:
    return {(level, language): f"{name}-{level}-{language}" for level in LEVELS for language in LANGUAGES}


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
        if "readonly database" in reason:  # a build would end there too
            repair = "Chroma writes also where it only reads: let this user write in that folder."
        raise IndexMismatch(f"{what}: {reason}. {repair}") from error
    except BaseException as error:  # a panic of the Rust core is not an Exception
        if type(error).__name__ == "PanicException":
            raise IndexMismatch(f"{what}: its files are damaged. {repair}") from None
        raise
