"""Commands measured from outside: how long a fresh process takes, and how much memory it came to hold."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import UserError

ROOT = Path(__file__).parent.parent
# A child that answers one question as soon as it can: a line once evidence is there, one with the answer, and one with
# the most memory that it and its model held.
COLD = """
import json, sys
from index.environment import prepare
prepare()
from index.settings import load_settings
from rag.engine import Done, Engine, Found
engine = Engine.open(load_settings(), None, "local")
for event in engine.stream(sys.argv[1]):
    if isinstance(event, Found):
        print("evidence", event.quotes.text[:20].replace("\\n", " "), flush=True)
    if isinstance(event, Done):
        print("answer", json.dumps(event.answer.usage and dict(event.answer.usage)), flush=True)
from evals.meter import resident_mb
print("most", json.dumps(resident_mb(engine.generator.llm, "VmHWM")), flush=True)
"""
# What no start can be quicker than: one question embedded, with nothing else loaded.
EMBEDDER_ALONE = """
import sys
from index.environment import prepare
prepare()
from index.settings import load_settings
from index.embedder import Embedder
Embedder.from_settings(load_settings()).question(sys.argv[1])
print("embedded", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A finished process: seconds from its start to its end, its lines on stdout with theirs, its peak memory in MB."""

    seconds: float
    lines: tuple[tuple[float, str], ...]
    peak_mb: float | None

    def at(self, word: str) -> float:
        """Seconds from the start to the line that begins with `word`."""
        return next(seconds for seconds, line in self.lines if line.startswith(word))

    def said(self, word: str) -> str:
        """The rest of that line."""
        return next(line for _, line in self.lines if line.startswith(word)).removeprefix(word).strip()


def python(*arguments: str, code: str | None = None) -> Child:
    """Run this Python with `arguments` (`-m module …`, or those of `code`), timed from before it exists.

    Raises UserError where it fails, with the last line that it wrote.
    """
    command = [sys.executable, *(("-c", code) if code is not None else ()), *arguments]
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own modules
            command, env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
        )
        assert process.stdout is not None
        with process.stdout as stdout:
            lines = tuple((time.perf_counter() - started, line.rstrip("\n")) for line in stdout)
        peak = _wait(process)
        seconds = time.perf_counter() - started
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["nothing was said"])[-1]
    if process.returncode:
        raise UserError(f"{_shown(arguments, code)} ended with status {process.returncode}: {last}")
    return Child(seconds, lines, peak)


def environment() -> Mapping[str, str]:
    """The environment of a child: this one, and the modules of this checkout before an installed one's."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def _wait(process: subprocess.Popen[str]) -> float | None:
    """Wait for the end; the peak of the resident memory in MB, where the system tells it of one child."""
    if not hasattr(os, "wait4"):
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _shown(arguments: Sequence[str], code: str | None) -> str:
    return "a measured process" if code is not None else f"python {' '.join(arguments)}"


def held_bytes(pid: int | str, field: str) -> int | None:
    """The memory of a process as Linux tells it in `field` ("VmRSS", "VmHWM"); None where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), None)
