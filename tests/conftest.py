"""What every test stands on: no network, no settings but its own, and stand-ins for the models."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from index.environment import prepare

prepare()

from chromadb.api import ServerAPI  # noqa: E402 - only after the environment is set
from chromadb.api.shared_system_client import SharedSystemClient  # noqa: E402

from evals.endpoint import chroma_server  # noqa: E402
from index.build import Index, build, open_index  # noqa: E402
from index.embedder import Embedder  # noqa: E402
from index.paragraphs import LANGUAGES  # noqa: E402
from index.settings import Settings, load_settings  # noqa: E402
from index.weights import FETCH_COMMAND, needed  # noqa: E402
from rag.rerank import Coefficients  # noqa: E402
from tests.fakes import HashingEmbedder  # noqa: E402
from tests.rag_support import open_gate  # noqa: E402

# The same examples at every run, and none refused for being slow on a busy machine.
hypothesis.settings.register_profile("duizhao", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("duizhao")

ROOT = Path(__file__).parent.parent
_REAL_HOME = Settings().home
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")
_LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")


# --- no network ---------------------------------------------------------------------------------------------

_foreign: list[str] = []


def _watch(event: str, args: tuple[Any, ...]) -> None:
    """Refuse and note every look-up of, and connection to, a host that is not this one."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto"):
        host = args[1][0] if isinstance(args[1], tuple) else None  # a unix socket's address is a string
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if name and not str(name).startswith(_LOOPBACK) and name != socket.gethostname():
        _foreign.append(f"{event} {name}")
        raise OSError(f"no network in tests: {event} {name}")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Fail a test that reaches for another host, even when the code under test swallowed the refusal."""
    _foreign.clear()
    yield
    assert not _foreign, f"the test reached for the network: {_foreign}"


# --- no open Chroma -----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _close_chroma() -> Iterator[None]:
    """Close every Chroma that a test opened, so that hundreds of tests do not run out of open files."""
    known = SharedSystemClient._identifier_to_system
    before = set(known)
    yield
    for identifier in set(known) - before:
        system = known.pop(identifier)
        SharedSystemClient._identifier_to_refcount.pop(identifier, None)
        session = getattr(system.instance(ServerAPI), "_session", None)
        if session is not None:
            session.close()
        with contextlib.suppress(AttributeError):  # one that never opened
            system.stop()


# --- settings of the test's own -----------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No DUIZHAO_* variable, no key, no duizhao.toml of the developer's reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DUIZHAO_")] + list(_KEYS):
            patch.delenv(name, raising=False)
        patch.setenv("DUIZHAO_HOME", str(tmp_path_factory.mktemp("session-home")))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.chdir(tmp_path_factory.mktemp("session-cwd"))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _clean_session: None) -> Path:
    """A DUIZHAO_HOME of the test's own, and a working folder without a duizhao.toml."""
    folder = tmp_path / "home"
    work = tmp_path / "cwd"
    work.mkdir()
    monkeypatch.setenv("DUIZHAO_HOME", str(folder))
    monkeypatch.chdir(work)
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    """The default settings, with this test's home."""
    return load_settings()


# --- stand-ins and indexes ----------------------------------------------------------------------------------


@pytest.fixture
def embedder() -> HashingEmbedder:
    """An embedder that needs no weights."""
    return HashingEmbedder()


@pytest.fixture
def hashing_everywhere(monkeypatch: pytest.MonkeyPatch, embedder: HashingEmbedder) -> HashingEmbedder:
    """The same stand-in, also where the code under test asks the settings for its embedder."""
    monkeypatch.setattr(Embedder, "from_settings", lambda settings: embedder)
    return embedder


@pytest.fixture(scope="session")
def _article_folder(tmp_path_factory: pytest.TempPathFactory, _clean_session: None) -> Path:
    folder = tmp_path_factory.mktemp("hashed") / "article"
    build(load_settings(), into=folder, embedder=HashingEmbedder())
    return folder


@pytest.fixture
def article_index(_article_folder: Path, settings: Settings, embedder: HashingEmbedder) -> Index:
    """The bundled article, indexed with the hashing embedder; built once a session, not to be changed."""
    return open_index(settings, _article_folder, embedder)


@pytest.fixture
def listening_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate for engines without real embeddings: the reply's opening decides."""
    monkeypatch.setattr("rag.gate._model", open_gate)


@pytest.fixture
def listening_reranker(monkeypatch: pytest.MonkeyPatch, listening_gate: None) -> None:
    """That gate, and a reranker for which the reply's opening decides as well."""
    listening = Coefficients(dict.fromkeys(LANGUAGES, (0.0, 1.0, 0.0)), (1.0, 0.0))
    monkeypatch.setattr("rag.rerank._coefficients", lambda: listening)


# --- the real models ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real_settings(_clean_session: None) -> Settings:
    """The default settings with the user's own home, where the real weights are; fails where they are not."""
    settings = load_settings(home=_REAL_HOME)
    for model in needed(settings):
        if not model.is_present(settings):
            pytest.fail(f"{model.name} is not in {model.folder(settings)}. Fetch it with: {FETCH_COMMAND}")
    return settings


@pytest.fixture(scope="session")
def real_embedder(real_settings: Settings) -> Embedder:
    """The default embedder, loaded once a session."""
    return Embedder.from_settings(real_settings)


@pytest.fixture(scope="session")
def real_index(real_settings: Settings, real_embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """The bundled article, indexed with the default embedder; built once a session, not to be changed."""
    folder = tmp_path_factory.mktemp("real") / "article"
    build(real_settings, into=folder, embedder=real_embedder)
    opened = open_index(real_settings, folder, real_embedder)
    assert opened.is_whole()  # opened here, or the first test that uses it would close it
    return opened


# --- a real Chroma server -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chroma_url(tmp_path_factory: pytest.TempPathFactory, _clean_session: None) -> Iterator[str]:
    """The address of a `chroma run` server on loopback, started once a session."""
    with chroma_server(tmp_path_factory.mktemp("chroma-server")) as server:
        yield server.url
