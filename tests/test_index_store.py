"""Vectors in Chroma: upserted, batched, scored as cosines; embedded or on a server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core.schema import TextNode

from index.errors import IndexMismatch, UserError
from index.store import PassageStore, StoreClient


def node(name: str, vector: list[float], **metadata: Any) -> TextNode:
    fields = {"paragraph": 1, "language": "en", "level": "passage", "start": 0, "end": 1, "digest": f"d-{name}"}
    return TextNode(id_=name, text=metadata.pop("text", name), embedding=vector, metadata=fields | metadata)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[StoreClient]:
    client = StoreClient(tmp_path / "chroma")
    yield client
    client.close()


@pytest.fixture
def store(client: StoreClient) -> PassageStore:
    return client.create("passages", 2)


def nearest(
    store: PassageStore, vector: list[float], k: int = 10, level: str = "passage", language: str = "en"
) -> list[tuple[int, float]]:
    return store.nearest(np.asarray(vector, np.float32), level=level, language=language, k=k)  # type: ignore[arg-type]


@pytest.mark.parametrize(("paragraphs", "kept"), [(0, 200), (67, 200), (2_500, 200), (10_000, 400), (100_000, 1265)])
def test_a_search_keeps_more_in_hand_where_there_is_more_to_find(tmp_path: Path, paragraphs: int, kept: int) -> None:
    client = StoreClient(tmp_path / "sized")
    store = client.create("sized", 2, paragraphs)
    made = [own._collection for own in store._collections.values()]
    assert [collection.configuration_json["hnsw"]["ef_search"] for collection in made] == [kept] * 4
    client.close()


def test_scores_are_cosines_best_first(store: PassageStore) -> None:
    store.add([node("a", [1.0, 0.0]), node("b", [0.6, 0.8], paragraph=2), node("c", [-1.0, 0.0], paragraph=3)])
    found = nearest(store, [1.0, 0.0])
    assert [paragraph for paragraph, _ in found] == [1, 2, 3]
    assert [score for _, score in found] == pytest.approx([1.0, 0.6, -1.0], abs=1e-5)


def test_adding_an_id_again_replaces_its_vector_and_metadata(store: PassageStore) -> None:
    store.add([node("a", [1.0, 0.0])])
    store.add([node("a", [0.0, 1.0], digest="new")])
    assert store.count() == 1
    assert nearest(store, [0.0, 1.0]) == [(1, pytest.approx(1.0, abs=1e-5))]
    assert list(store.known_vectors()) == ["new"]


def test_more_vectors_than_chroma_takes_at_once_are_all_kept(client: StoreClient) -> None:
    many = client.create("many", 4)
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(5600, 4))
    nodes = [node(f"n{i}", vector.tolist(), paragraph=i) for i, vector in enumerate(vectors)]
    assert many.add(nodes) == [n.node_id for n in nodes]
    assert many.count() == 5600 == len(many.known_vectors())
    assert client.open("many", expected=5600).count() == 5600
    assert nearest(many, vectors[5599].tolist(), k=1)[0][0] == 5599


def test_a_query_keeps_to_its_level_and_language(store: PassageStore) -> None:
    store.add(
        [
            node("a", [1.0, 0.0], paragraph=1),
            node("b", [1.0, 0.0], paragraph=2, language="zh"),
            node("c", [1.0, 0.0], paragraph=3, level="sentence"),
        ]
    )
    assert [p for p, _ in nearest(store, [1.0, 0.0])] == [1]
    assert [p for p, _ in nearest(store, [1.0, 0.0], language="zh")] == [2]
    assert [p for p, _ in nearest(store, [1.0, 0.0], level="sentence")] == [3]
    assert nearest(store, [1.0, 0.0], level="sentence", language="zh") == []


def test_sentence_vectors_come_back_by_place(store: PassageStore) -> None:
    store.add(
        [
            node("s0", [1.0, 0.0], paragraph=4, level="sentence", start=0),
            node("s1", [0.0, 1.0], paragraph=4, level="sentence", start=17),
            node("s2", [0.0, 1.0], paragraph=5, level="sentence"),
            node("p", [0.6, 0.8], paragraph=4),
        ]
    )
    vectors = store.sentence_vectors([4, 99])
    assert {place: vector.tolist() for place, vector in vectors.items()} == {
        (4, "en", 0): [1.0, 0.0],
        (4, "en", 17): [0.0, 1.0],
    }
    assert store.sentence_vectors([]) == {}


def test_sentence_vectors_are_read_once_and_again_after_a_change(
    store: PassageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store._REMEMBERED", 2)
    store.add([node(f"s{n}", [1.0, 0.0], paragraph=n, level="sentence") for n in range(4)])
    read: list[list[int]] = []
    really = store._read_sentences
    monkeypatch.setattr(store, "_read_sentences", lambda numbers: read.append(list(numbers)) or really(numbers))
    assert store.sentence_vectors([0, 1]) == store.sentence_vectors([0, 1])
    assert list(store.sentence_vectors([1, 2, 3])) == [(1, "en", 0), (2, "en", 0), (3, "en", 0)]
    store.sentence_vectors([0, 3])
    assert read == [[0, 1], [2, 3], [0]], "the longest known are forgotten first"
    store.add([node("t", [0.0, 1.0], paragraph=3, level="sentence", start=9)])
    assert (3, "en", 9) in store.sentence_vectors([3])


def test_a_collection_of_another_count_is_refused_with_both_counts_and_the_repair(tmp_path: Path) -> None:
    client = StoreClient(tmp_path / "chroma", repair="Do this.")
    client.create("passages", 2).add([node("a", [1.0, 0.0])])
    with pytest.raises(IndexMismatch, match=r"holds 1 vectors, the index's manifest says 2\. Do this\."):
        client.open("passages", expected=2)
    with pytest.raises(IndexMismatch, match=r"cannot read the collections other.*Do this\."):
        client.open("other", expected=2)
    client.close()


def test_a_vector_of_another_dimension_is_refused_in_one_line(store: PassageStore) -> None:
    store.add([node("a", [1.0, 0.0])])
    with pytest.raises(IndexMismatch, match="dimension of 2, got 3"):
        nearest(store, [1.0, 0.0, 0.0])
    with pytest.raises(IndexMismatch, match=r"cannot write.*dimension"):
        store.add([node("b", [1.0, 0.0, 0.0])])


def test_an_unfinished_collection_of_the_same_name_is_started_anew(client: StoreClient) -> None:
    client.create("passages", 2).add([node("a", [1.0, 0.0])])
    assert client.create("passages", 3).count() == 0
    client.drop("passages")
    client.drop("passages")  # no complaint: it is gone, which is what was asked


def test_damaged_vectors_are_an_error_to_read_not_an_answer(tmp_path: Path) -> None:
    client = StoreClient(tmp_path / "chroma")
    vectors = np.random.default_rng(7).normal(size=(3000, 4))  # enough for Chroma to write its graph to disk
    client.create("many", 4).add([node(f"n{i}", vector.tolist(), paragraph=i) for i, vector in enumerate(vectors)])
    client.close()
    graphs = [path for path in (tmp_path / "chroma").rglob("*.bin") if path.stat().st_size > 10_000]
    assert graphs
    for path in (tmp_path / "chroma").rglob("*.bin"):
        path.write_bytes(b"garbage")
    with pytest.raises(IndexMismatch, match="Repair it so"):
        nearest(
            StoreClient(tmp_path / "chroma", repair="Repair it so.").open("many", expected=3000), vectors[0].tolist()
        )


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://", "", "chroma"])
def test_an_address_of_another_form_is_refused_with_the_right_one(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserError, match="not of the form http://host:port"):
        StoreClient(tmp_path, url)


def test_a_server_that_does_not_answer_is_said_with_its_address(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Chroma at http://127\.0\.0\.1:9 cannot be opened.*Check that it is running"):
        StoreClient(tmp_path, "http://127.0.0.1:9")


def test_a_folder_that_can_only_be_read_is_not_to_be_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**kwargs: Any) -> None:
        raise RuntimeError("error returned from database: (code: 8) attempt to write a readonly database")

    monkeypatch.setattr("chromadb.PersistentClient", refuse)
    with pytest.raises(IndexMismatch, match=r"attempt to write a readonly database\. .*let this user write") as caught:
        StoreClient(tmp_path, repair="Rebuild it.")
    assert "Rebuild" not in str(caught.value)


def test_several_processes_may_read_one_folder_at_once(tmp_path: Path) -> None:
    client = StoreClient(tmp_path / "chroma")
    client.create("passages", 2).add([node(f"n{i}", [1.0, i / 100], paragraph=i) for i in range(50)])
    client.close()
    script = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from index.store import StoreClient\n"
        "store = StoreClient(Path(sys.argv[1])).open('passages', expected=50)\n"
        "for _ in range(20):\n"
        "    found = store.nearest(np.asarray([1.0, 0.2], np.float32), level='passage', language='en', k=3)\n"
        "print([p for p, _ in found])\n"
    )
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "chroma")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for reader in readers:
        out, errors = reader.communicate(timeout=60)
        assert out.startswith("[20, "), errors
    assert StoreClient(tmp_path / "chroma").open("passages", expected=50).count() == 50


@pytest.mark.chroma
def test_a_server_keeps_and_answers_as_the_folder_does(chroma_url: str, tmp_path: Path) -> None:
    client = StoreClient(tmp_path / "chroma", chroma_url)
    store = client.create("on-the-server", 2)
    store.add([node("a", [1.0, 0.0]), node("b", [0.6, 0.8], paragraph=2)])
    store.add([node("a", [0.0, 1.0])])
    again = StoreClient(tmp_path / "chroma", chroma_url).open("on-the-server", expected=2)
    assert [p for p, _ in nearest(again, [0.0, 1.0])] == [1, 2]
    assert nearest(again, [0.0, 1.0])[1][1] == pytest.approx(0.8, abs=1e-5)
    client.drop("on-the-server")
    client.drop("on-the-server")
    with pytest.raises(IndexMismatch, match="cannot read the collections on-the-server"):
        client.open("on-the-server", expected=2)
    assert not (tmp_path / "chroma").exists()
