"""The process before any heavy library is imported, and the guards the tests themselves stand on."""

from __future__ import annotations

import ast
import gc
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from llama_index.core import Settings as LlamaSettings

import tests.conftest as guard
from index.environment import prepare


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANONYMIZED_TELEMETRY", "False"),
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
    ],
)
def test_telemetry_is_off_even_where_the_user_had_turned_it_on(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "True")
    prepare()
    assert os.environ[name] == value


def test_a_user_who_wants_the_hub_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    prepare()
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    monkeypatch.delenv("HF_HUB_OFFLINE")
    prepare()
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_numpy_multiplies_in_one_thread_beside_a_model_that_takes_all_cores() -> None:
    program = (
        "from index.environment import prepare; prepare(); import numpy, threadpoolctl as t; print(t.threadpool_info())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    pools = [pool for pool in ast.literal_eval(done.stdout) if pool["internal_api"] == "openblas"]
    assert [pool["num_threads"] for pool in pools] == [1] * len(pools)


def test_the_bundled_token_and_sentence_data_are_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/elsewhere")
    prepare()
    assert len(list(Path(os.environ["TIKTOKEN_CACHE_DIR"]).iterdir())) >= 2
    assert Path(os.environ["NLTK_DATA"]).is_dir()


def test_what_an_import_makes_is_not_searched_for_cycles_again_and_again() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        prepare()
        assert gc.isenabled(), "cycles are still found, only not every 700 objects"
        assert gc.get_threshold()[0] >= 100_000
    finally:
        gc.set_threshold(*before)


def test_a_process_that_ends_searches_nothing_once_more() -> None:
    """An object that only the last search for cycles would find is left to the system; one that is closed is not."""
    program = """
import tempfile, weakref
from pathlib import Path
from index.environment import prepare
prepare(); prepare()
class Cycle:
    def __init__(self): self.me = self
    def __del__(self): print("searched")
Cycle()
folder = tempfile.TemporaryDirectory()
weakref.finalize(folder, print, "finalized")
Path(folder.name, "kept").write_text("x")
print(folder.name)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    name, *rest = ended.stdout.split()
    assert rest == ["finalized"]
    assert not Path(name).exists(), "what cleans up after itself still does"


def test_llama_index_never_chooses_a_model_by_itself() -> None:
    assert LlamaSettings._llm is None
    assert LlamaSettings._embed_model is None


# --- the guards -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["http://example.org/", "http://93.184.216.34/"])
def test_a_test_that_reaches_for_the_network_is_caught_even_when_it_swallows_the_refusal(address: str) -> None:
    with pytest.raises(OSError, match="no network in tests"):
        urllib.request.urlopen(address, timeout=1)
    assert len(guard._foreign) == 1
    guard._foreign.clear()  # as no_network would fail this very test


def test_loopback_is_open_to_tests() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
    assert guard._foreign == []


def test_no_setting_or_key_of_the_developer_reaches_a_test(home: Path) -> None:
    assert [name for name in os.environ if name.startswith("DUIZHAO_")] == ["DUIZHAO_HOME"]
    assert os.environ["DUIZHAO_HOME"] == str(home)
    assert "OPENAI_API_KEY" not in os.environ
    assert "ANTHROPIC_API_KEY" not in os.environ
    assert not Path("duizhao.toml").exists()
