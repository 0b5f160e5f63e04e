"""The deployment past one machine: the compose file holds together, and what of it runs here is run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from evals.endpoint import KEY, llama_server
from evals.load import Page, Reader
from index.build import Index, build, open_index
from index.embedder import Embedder
from index.settings import Settings, load_settings
from index.weights import catalogue
from rag.engine import Engine
from rag.generators import make_generator
from tests.ui_support import QUOTING, Script, an_answer, answering_over, make_index, served

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APPS = [name for name, service in SERVICES.items() if "DUIZHAO_HOME" in service.get("environment", {})]


def _networks(service: dict[str, Any]) -> set[str]:
    return set(service.get("networks", ()))


def _names() -> dict[str, set[str]]:
    """Every host name on the deployment's networks, with the services behind it."""
    names: dict[str, set[str]] = {name: {name} for name in SERVICES}
    for own, service in SERVICES.items():
        networks = service.get("networks", {})
        for network in networks.values() if isinstance(networks, dict) else ():
            for alias in network.get("aliases", ()):
                names.setdefault(alias, set()).add(own)
    return names


def _default(value: str) -> str:
    """A value as it is where none of the variables it names is set."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda match: match[1] or "", value)


# --- the compose file


@pytest.mark.parametrize("app", APPS)
def test_every_setting_in_the_compose_file_is_one_and_is_accepted(app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES[app]["environment"].items():
        monkeypatch.setenv(name, _default(value))
    settings = load_settings()  # refuses a name it does not know
    assert (settings.generator, settings.chroma_url) == ("openai", "http://chroma:8000")


def test_every_name_that_the_compose_file_refers_to_is_there() -> None:
    for service in SERVICES.values():
        for other, needs in service.get("depends_on", {}).items():
            assert other in SERVICES
            assert needs["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]
        assert _networks(service) <= set(COMPOSE["networks"])
        named = {volume.split(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")}
        assert named <= set(COMPOSE["volumes"])
        for volume in service.get("volumes", ()):
            assert not volume.startswith(".") or (DEPLOY / volume.split(":")[0]).is_file()
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("setting", ["DUIZHAO_CHROMA_URL", "DUIZHAO_OPENAI_BASE_URL"])
def test_each_address_in_the_settings_is_a_service_that_listens_there(setting: str) -> None:
    for app in APPS:
        url = urlsplit(SERVICES[app]["environment"][setting])
        behind = _names()[url.hostname or ""]
        assert behind
        for name in behind:
            command = SERVICES[name]["command"]
            assert command[command.index("--port") + 1] == str(url.port)
            assert _networks(SERVICES[name]) & _networks(SERVICES[app])


def test_only_the_proxy_is_published_and_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["proxy"]
    assert all(port.startswith("127.0.0.1:") for port in published["proxy"])


def test_chroma_which_has_no_password_is_on_a_network_without_a_way_out() -> None:
    assert _networks(SERVICES["chroma"]) == {"back"}
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert "back" not in _networks(SERVICES["proxy"])


def test_the_proxy_keeps_a_reader_with_one_of_the_replicas() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert "lb_policy cookie" in caddy
    assert re.search(r"^\t+name (\w+)$", caddy, re.MULTILINE)[1] in SERVICES  # type: ignore[index]
    assert re.search(r"^\t+port (\d+)$", caddy, re.MULTILINE)[1] == SERVICES["ui"]["environment"]["DUIZHAO_PORT"]  # type: ignore[index]
    assert f":{SERVICES['proxy']['ports'][0].rsplit(':')[-1]} {{" in caddy
    assert SERVICES["ui"]["deploy"]["replicas"] > 1


def test_the_writer_is_called_what_the_app_calls_it_and_its_file_is_where_the_weights_are_kept() -> None:
    name = SERVICES["ui"]["environment"]["DUIZHAO_OPENAI_MODEL"]
    assert name in SERVICES["llamacpp"]["command"]
    assert name in SERVICES["vllm"]["command"]
    model = Settings().generator_model
    file = catalogue()[model].files[0].name
    assert f"/duizhao/models/{model}/{file}" in SERVICES["llamacpp"]["command"]
    assert model in SERVICES["index"]["command"][-1]
    assert Settings().embedder in SERVICES["index"]["command"][-1]


def test_the_image_holds_every_room_and_the_torch_that_was_tested() -> None:
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    torch = re.search(r"^TORCH\s*:=\s*(\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert torch
    assert torch[1] in image
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for room in ("index", "rag", "ui", "evals"):
        assert f"COPY {room} {room}" in image
        assert f"!{room}" in kept
    for source in re.findall(r"^COPY (.+) \./$", image, re.MULTILINE)[0].split():
        assert (ROOT / source).is_file()
        assert f"!{source}" in kept
    home = re.search(r"DUIZHAO_HOME=(\S+)", image)
    assert home
    assert home[1] == SERVICES["ui"]["environment"]["DUIZHAO_HOME"]


# --- the Makefile


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_an_environment_whose_python_is_gone_is_made_anew_and_not_taken_for_installed(tmp_path: Path) -> None:
    place = tmp_path / "a folder"
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / ".installed").touch()
    (place / ".venv" / "bin" / "python").symlink_to("/no/such/python")
    make = ["make", "-f", str(ROOT / "Makefile"), ".venv/bin/python", f"PYTHON={sys.executable}"]
    subprocess.run(make, cwd=place, check=True, capture_output=True)
    assert (place / ".venv" / "bin" / "python").exists()
    assert not (place / ".venv" / ".installed").exists()


# --- two replicas

FIRST, SECOND = "桥有多长?", "谁来照看它?"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("replicas"))


@pytest.fixture(scope="module")
def replicas(index: Index) -> Iterator[tuple[str, str]]:
    scripts = {
        FIRST: Script(an_answer(index, FIRST, ("它横跨清溪,长四十米。", 3, 1, "supported"))),
        SECOND: Script(an_answer(index, SECOND, ("两岸的人家轮流。", 8, 1, "supported"))),
    }
    both = [answering_over(index, scripts, QUOTING) for _ in range(2)]
    for answering in both:
        answering.start().join()
    with served(load_settings(), both[0]) as one, served(load_settings(), both[1]) as other:
        yield one, other


def test_a_conversation_begun_at_one_replica_goes_on_at_another(replicas: tuple[str, str]) -> None:
    state = None
    with httpx.Client(timeout=60) as client:
        for url, question in zip(replicas, (FIRST, SECOND), strict=True):
            done = [m for m in Page(url).updates(client, state, question) if m["msg"] == "process_completed"][-1]
            transcript, state = done["output"]["data"]
    assert [exchange["question"] for exchange in state["exchanges"]] == [FIRST, SECOND]
    assert FIRST in transcript
    assert "四十米" in transcript
    assert [exchange["state"] for exchange in state["exchanges"]] == ["done", "done"]


def test_an_answer_is_read_where_it_was_asked_for_which_is_why_the_proxy_keeps_readers_apart(
    replicas: tuple[str, str],
) -> None:
    one, other = replicas
    event = httpx.post(f"{one}gradio_api/call/ask_article", json={"data": [FIRST, None]}).json()["event_id"]
    assert "event: complete" not in _read(f"{other}gradio_api/call/ask_article/{event}")
    assert "event: complete" in _read(f"{one}gradio_api/call/ask_article/{event}")


def _read(url: str) -> str:
    try:
        return httpx.get(url, timeout=30).text
    except httpx.RemoteProtocolError:  # gradio breaks a stream off that it knows nothing of
        return ""


def test_readers_at_two_replicas_each_have_their_own_answers(replicas: tuple[str, str]) -> None:
    readers = [Reader(n, Page(url), [(FIRST, "zh"), (SECOND, "zh")]) for n, url in enumerate(replicas)]
    for reader in readers:
        reader.run()
    seen = [
        [(r.question, r.state, r.mixed, json.dumps(r.answer["statements"])) for r in own.replies if r.answer]
        for own in readers
    ]
    assert len(seen[0]) == 2
    assert seen[0] == seen[1]


@pytest.mark.chroma
@pytest.mark.model
@pytest.mark.timeout(600)
def test_two_replicas_over_one_chroma_server_and_one_model_server_give_the_same_answer(
    chroma_url: str, real_settings: Settings, real_embedder: Embedder, tmp_path: Path
) -> None:
    question = "SWE-bench 是什么?"
    with llama_server(real_settings, slots=2) as endpoint:
        asked: dict[str, Any] = {"openai_base_url": endpoint, "openai_api_key": KEY, "generator": "openai"}
        settings = Settings(home=real_settings.home, chroma_url=chroma_url, **asked)
        build(settings, into=tmp_path / "shared", embedder=real_embedder)
        answers = []
        for _ in range(2):
            opened = open_index(settings, tmp_path / "shared", real_embedder)
            answers.append(Engine(opened, make_generator(settings), evidence_tokens=120).ask(question).to_json())
    for answer in answers:
        assert answer["generator"] == "openai"
        assert any("SWE-bench" in citation["quote"] for citation in answer["citations"])
        del answer["timings_ms"]
        answer.pop("usage", None)
    # The second prompt stands in the model server's cache, and llama.cpp's probabilities differ by a rounding then.
    gates = [answer.pop("gate") for answer in answers]
    assert gates[0] == pytest.approx(gates[1], abs=0.01)
    assert answers[0] == answers[1]
