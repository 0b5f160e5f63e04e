"""`python -m ui` at the terminal: one clear line for what is wrong, and a clean end."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from index.build import Index
from index.errors import UserError, run_command
from index.settings import Settings
from tests.ui_support import wait_until
from ui.__main__ import main
from ui.listening import address, listen


def test_a_taken_port_is_said_in_one_line_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert run_command(lambda: main(["--port", str(port)])) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"port {port} on 127.0.0.1 is taken" in error
    assert "python -m ui --port" in error


@pytest.mark.parametrize(("number", "remedy"), [(errno.EADDRNOTAVAIL, "--host"), (errno.EACCES, "--port 7860")])
def test_an_address_that_cannot_be_opened_is_said_with_the_remedy(
    number: int, remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: socket.socket, where: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert run_command(lambda: main(["--port", "80"])) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert remedy in error


def test_a_missing_index_is_said_with_the_command_that_builds_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: main(["--port", "0", "--generator", "quote"])) == 2
    assert "Build it with: python -m index" in capsys.readouterr().err


def test_a_missing_index_named_on_the_command_line_is_the_one_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(lambda: main(["--port", "0", "--index", str(tmp_path / "elsewhere")])) == 2
    assert "elsewhere" in capsys.readouterr().err


def test_an_unknown_generator_is_refused_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--generator", "oracle"])
    assert "oracle" in capsys.readouterr().err


def test_the_page_is_bound_to_loopback_unless_told_otherwise(settings: Settings) -> None:
    assert settings.host == "127.0.0.1"
    with listen(settings.host, 0) as listening:
        assert address(listening).startswith("http://127.0.0.1:")


def test_a_port_out_of_range_is_a_users_mistake() -> None:
    with pytest.raises(UserError, match="port"):
        main(["--port", "70000"])


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_page_opens_before_the_models_answers_and_ends_cleanly_on_ctrl_c(
    real_settings: Settings, real_index: Index, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "ui", "--generator", "quote", "--port", "0", "--index", str(real_index.folder)]
    environment = {
        "DUIZHAO_HOME": str(real_settings.home),
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert url, line
        assert httpx.get(url[0] + "healthz").json()["models"] in ("starting", "ready")
        wait_until(lambda: httpx.get(url[0] + "healthz").json()["models"] == "ready", 90)
        event = httpx.post(
            url[0] + "gradio_api/call/ask_article", json={"data": ["Claude 编写了多少代码?", None]}
        ).json()
        reply = httpx.get(url[0] + "gradio_api/call/ask_article/" + event["event_id"], timeout=60).text
        assert "event: complete" in reply
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in error
    assert "Warning" not in error
