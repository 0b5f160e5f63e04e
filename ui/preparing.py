"""Paragraphs read ahead by the generator while nobody asks, so that later answers begin at once."""

from __future__ import annotations

import sys
import threading
import time

from ui.answering import Answering

# Seconds without a question before the machine is used for this, and between two looks at whether it is free.
QUIET = 8.0
_PATIENCE = 0.5


class Preparing:
    """One `Answering`, whose generator reads a paragraph ahead whenever nobody has asked anything for a while."""

    def __init__(self, answering: Answering, quiet: float = QUIET) -> None:
        self._answering = answering
        self._quiet = quiet

    def start(self) -> threading.Thread:
        """Begin in the background, once the models are loaded."""
        thread = threading.Thread(target=self._prepare, name="preparing", daemon=True)
        thread.start()
        return thread

    def _prepare(self) -> None:
        if not self._answering.wait_until_settled():
            return
        try:
            self._wait_for_quiet(time.monotonic())
            for _ in self._answering.prepare():
                self._wait_for_quiet()
        except Exception as error:  # a convenience: answers are right without it, only later
            print(f"duizhao: nothing more is read ahead: {error}", file=sys.stderr)

    def _wait_for_quiet(self, since: float = 0.0) -> None:
        """Until nobody has asked, or written a question, for `quiet` seconds, nor `since`."""
        while not self._answering.is_idle or time.monotonic() < self._quiet + max(since, self._answering.last_asked):
            time.sleep(min(_PATIENCE, self._quiet))
