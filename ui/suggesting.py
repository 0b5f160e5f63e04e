"""Try the suggested questions in the background, and offer only those that are not refused."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from ui.answering import Answering
from ui.suggestions import Suggestion, answerable

# Seconds between two looks at whether the machine is free for this.
_PATIENCE = 0.5


class Suggesting:
    """A pool of suggestions over one `Answering`; untried at first, then only those that are answered with quotes."""

    def __init__(self, answering: Answering, pool: Sequence[Suggestion]) -> None:
        self._answering = answering
        self._pool = tuple(pool)
        self._tried = False

    def start(self) -> threading.Thread:
        """Try the suggestions once the models are loaded, standing back whenever a reader asks something."""
        thread = threading.Thread(target=self._try, name="suggesting", daemon=True)
        thread.start()
        return thread

    def to_json(self) -> dict[str, Any]:
        """What the page fetches: whether the pool was tried yet, and its questions in each language."""
        pool = [{"zh": s.zh, "en": s.en, "paragraphs": list(s.paragraphs)} for s in self._pool]
        return {"tried": self._tried, "suggestions": pool}

    def _try(self) -> None:
        if not self._answering.wait_until_settled():
            return
        kept = []
        try:
            for suggestion in self._pool:
                while not self._answering.is_idle:
                    time.sleep(_PATIENCE)
                kept.append(answerable(suggestion, self._answering.quotes))
        except Exception as error:  # suggestions are a convenience: the page goes on with the untried ones
            print(f"duizhao: the suggested questions could not be tried: {error}", file=sys.stderr)
            return
        self._pool = tuple(suggestion for suggestion in kept if suggestion.zh or suggestion.en)
        self._tried = True
