"""The embedder: the model's own prompts, unit vectors, and a fingerprint that names the weights."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors import SafetensorError

import index.embedder
from index import e5
from index.embedder import Embedder
from index.errors import UserError, WeightsMissing
from index.paragraphs import digest
from index.settings import Settings, load_settings
from index.weights import catalogue, sha256_of
from tests.fakes import HashingEmbedder

NAME = "multilingual-e5-small"


def test_missing_weights_are_said_with_the_command_that_fetches_them(settings: Settings) -> None:
    with pytest.raises(WeightsMissing, match=f"Fetch them with: python -m index weights {NAME}"):
        Embedder.from_settings(settings)


def test_a_name_that_is_nowhere_is_said_with_all_the_places_it_was_looked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(home))
    with pytest.raises(
        WeightsMissing, match=r"neither in index/weights\.toml .* nor a folder, nor in the local hub cache"
    ):
        Embedder.from_settings(load_settings(embedder="nobody/no-such-model"))


def test_a_generator_is_not_taken_for_an_embedder() -> None:
    with pytest.raises(UserError, match=r"is qwen2.5-coder-1.5b-instruct-q4_k_m, a generator"):
        Embedder.from_settings(load_settings(embedder="qwen2.5-coder-1.5b-instruct-q4_k_m"))


def test_an_own_folder_is_named_by_its_contents(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    first = Embedder.from_settings(load_settings(embedder=str(tmp_path)))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    second = Embedder.from_settings(load_settings(embedder=str(tmp_path)))
    assert first.fingerprint != second.fingerprint
    assert second.fingerprint == Embedder.from_settings(load_settings(embedder=str(tmp_path))).fingerprint


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds 0 model files"):
        Embedder.from_settings(load_settings(embedder=str(tmp_path)))


def test_a_folder_without_weights_is_said_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match=r"cannot be loaded \(.+\)\. Give a whole sentence-transformers folder"):
        Embedder.from_settings(load_settings(embedder=str(tmp_path))).load()


def test_the_model_is_not_loaded_before_the_first_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    loaded: list[str] = []

    def load(folder: str, threads: int) -> object:
        loaded.append(folder)
        raise OSError("enough")

    monkeypatch.setattr(index.embedder, "_load", load)
    embedder = Embedder.from_settings(load_settings(embedder=str(tmp_path)))
    assert embedder.label.startswith(f"{tmp_path}@")
    assert loaded == []
    with pytest.raises(OSError, match="enough"):
        embedder.passages(["text"])
    assert loaded == [str(tmp_path)]


def test_a_question_asked_again_is_not_embedded_again() -> None:
    embedder = HashingEmbedder()
    assert embedder.question("why?").tolist() == embedder.question("why?").tolist()
    assert len(embedder.question_tokens("why?")) == 1
    assert embedder.asked == ["why?"]
    for n in range(600):
        embedder.question(str(n))
    assert len(embedder._questions) == 512


@pytest.mark.model
def test_a_texts_tokens_are_placed_in_it_and_its_prompt_has_none(real_embedder: Embedder) -> None:
    text = "递归 means recursion.  End"
    (one,) = real_embedder.passages_with_tokens([text])
    assert one.tokens.shape == (len(one.offsets), real_embedder.dimension)
    assert one.offsets[:, 0].min() == 0
    assert one.offsets[:, 1].max() == len(text)
    assert one.vector == pytest.approx(real_embedder.passages([text])[0], abs=1e-4)


def test_no_texts_are_no_vectors() -> None:
    assert HashingEmbedder().passages([]).shape == (0, 256)


# --- the 4-bit copy -------------------------------------------------------------------------------------------


def test_four_bit_blocks_expand_to_nibble_less_eight_times_scale() -> None:
    scale = np.array([0.5], "<f2").tobytes()
    packed = bytes([0x80 | j for j in range(16)])  # low nibbles 0..15, high nibbles all 8
    values = e5._dequantize(np.frombuffer(scale + packed, np.uint8))
    assert values[:16].tolist() == [(j - 8) * 0.5 for j in range(16)]
    assert values[16:].tolist() == [0.0] * 16


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ValueError, match="does not begin with b'E5S1'"):
        e5.Container(tmp_path / "model.bin")


def test_an_expansion_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ValueError, match="does not begin"):
        e5.expand(tmp_path / "model.bin", tmp_path / "tokenizer.json", tmp_path / "out" / "expanded")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_on_which_the_expanded_model_finds_no_room_is_said_with_what_is_free(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    one = SimpleNamespace(vocabulary=1, hidden=1, positions=1, token_types=1, layers=0)
    container = SimpleNamespace(header=one, tensor=lambda name: np.zeros(1, np.float32))
    monkeypatch.setattr(e5, "Container", lambda path: container)
    monkeypatch.setattr("safetensors.numpy.save_file", refuse)
    monkeypatch.setattr("index.weights.require", lambda name, settings: tmp_path)
    with pytest.raises(UserError, match=r"No space left .* bytes free\)\. Make room, or set DUIZHAO_HOME"):
        Embedder.from_settings(settings)
    assert list(tmp_path.glob(".expanding*")) == []


def test_the_expanded_tokenizer_is_told_of_the_tokens_beside_its_vocabulary(tmp_path: Path) -> None:
    mask = {"content": "<mask>", "lstrip": False, "normalized": False, "special": True}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": [{"id": 9, **mask}], "model": {}}))
    e5._write_configuration(tmp_path, e5._added_tokens(tmp_path / "tokenizer.json"))
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["added_tokens_decoder"] == {"9": mask}


def test_the_expanded_model_is_told_its_prompts_under_the_names_that_are_looked_up(tmp_path: Path) -> None:
    e5._write_configuration(tmp_path, {})
    prompts = json.loads((tmp_path / "config_sentence_transformers.json").read_text())["prompts"]
    assert prompts == {"query": "query: ", "document": "passage: "}


# --- the real model -------------------------------------------------------------------------------------------


@pytest.mark.model
@pytest.mark.timeout(300)
def test_questions_and_passages_are_embedded_with_the_models_own_prompts(real_embedder: Embedder) -> None:
    model = real_embedder.load()
    text = "递归式自我改进"
    bare = model.encode(["query: " + text, "passage: " + text], prompt="", show_progress_bar=False)
    bare = bare / np.linalg.norm(bare, axis=1, keepdims=True)
    assert real_embedder.question(text) @ bare[0] > 0.9999
    assert model.tokenizer.added_tokens_decoder[model.tokenizer.mask_token_id].content == "<mask>"
    own = model.encode_query(text, show_progress_bar=False)
    assert real_embedder.question(text) @ own / np.linalg.norm(own) > 0.99999
    assert real_embedder.passages([text])[0] @ bare[1] > 0.9999
    assert real_embedder.question(text) @ bare[1] < 0.999


@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_real_model_gives_unit_vectors_that_bring_translations_together(real_embedder: Embedder) -> None:
    texts = ["茶叶由海路运到欧洲。", "Tea was carried to Europe by sea.", "The law was passed by parliament in 1880."]
    vectors = real_embedder.passages(texts)
    assert vectors.shape == (3, 384) == (3, real_embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.05


@pytest.mark.model
@pytest.mark.timeout(300)
def test_traditional_characters_are_embedded_as_the_simplified_text_that_says_the_same(
    real_embedder: Embedder,
) -> None:
    simple, traditional = "为什么暂停开发很难核查?", "為什麼暫停開發很難核查?"
    assert np.array_equal(real_embedder.question(simple), real_embedder.question(traditional))
    ours, theirs = real_embedder.passages_with_tokens([simple, traditional])
    assert np.array_equal(ours.offsets, theirs.offsets)
    assert float(ours.vector @ theirs.vector) > 0.999


@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_real_model_says_when_a_text_is_longer_than_its_window(real_embedder: Embedder) -> None:
    assert not real_embedder.overflows("短文。")
    assert real_embedder.overflows("茶叶由海路运到欧洲。" * 100)


@pytest.mark.model
@pytest.mark.timeout(300)
def test_questions_asked_at_once_are_embedded_as_they_are_alone(real_settings: Settings) -> None:
    questions = [f"{'茶叶由海路运到欧洲吗?' * (n % 5 + 1)} {n}" for n in range(160)]
    alone = Embedder.from_settings(real_settings)
    expected = [alone.question(question) for question in questions]
    shared = Embedder.from_settings(real_settings)
    shared.load()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(shared.question, questions))
        tokens = list(pool.map(lambda text: len(shared.question_tokens(text)), questions))
    assert np.allclose(found, expected, atol=1e-6)
    assert tokens == [len(alone.question_tokens(question)) for question in questions]


@pytest.mark.model
def test_the_fingerprint_is_of_the_publishers_weights_and_of_the_adapter(real_embedder: Embedder) -> None:
    model = catalogue()[NAME]
    assert model.adapter is not None
    assert real_embedder.fingerprint == digest([model.files[0].sha256, sha256_of(model.adapter)])
    assert real_embedder.label == f"multilingual-e5-small@{real_embedder.fingerprint[:8]}"


@pytest.mark.model
@pytest.mark.parametrize("has_matrix_units", [True, False])
def test_what_the_processor_multiplies_fastest_gives_the_same_vectors(
    real_settings: Settings, monkeypatch: pytest.MonkeyPatch, has_matrix_units: bool
) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_matrix_units, "avx512_bf16": True})
    embedder = Embedder.from_settings(real_settings).without_adapter()
    own = embedder.passages(["The lamp is dark.", "灯是黑的。"])
    types = {
        (isinstance(module, torch.nn.Embedding), weights.dtype)
        for module in embedder.load().modules()
        for weights in module.parameters(recurse=False)
    }
    assert types == {(True, torch.bfloat16), (False, torch.bfloat16 if has_matrix_units else torch.float32)}
    plain = SentenceTransformer(embedder.folder, device="cpu", local_files_only=True)
    wanted = plain.encode_document(["The lamp is dark.", "灯是黑的。"], normalize_embeddings=True)
    assert np.sum(own * wanted, axis=1).min() > 0.9999
