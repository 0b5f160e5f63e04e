"""Thumbs and notes, kept in SQLite under the setting `home`; a bad answer becomes a question to test with."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from index.errors import UserError

FILE = "feedback.sqlite3"
LONGEST_NOTE = 1000
_WAIT_SECONDS = 10  # for another process or thread that is writing
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    exchange   TEXT PRIMARY KEY,
    at         TEXT NOT NULL,
    rating     TEXT NOT NULL CHECK (rating IN ('up', 'down')),
    note       TEXT NOT NULL DEFAULT '',
    article    TEXT NOT NULL,
    question   TEXT NOT NULL,
    scope      INTEGER,
    history    TEXT NOT NULL,
    answer     TEXT NOT NULL
)
"""
_UPSERT = """
INSERT INTO feedback VALUES (:exchange, :at, :rating, :note, :article, :question, :scope, :history, :answer)
ON CONFLICT (exchange) DO UPDATE SET at = excluded.at, rating = excluded.rating,
    note = CASE WHEN excluded.note = '' AND excluded.rating = feedback.rating THEN feedback.note ELSE excluded.note END
"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A rating of one answer, with everything needed to ask it again. `answer` is the contract's object."""

    exchange: str
    rating: Literal["up", "down"]
    article: str
    question: str
    answer: dict[str, Any]
    scope: int | None = None
    history: tuple[tuple[str, str], ...] = ()
    note: str = ""


class FeedbackStore:
    """Feedback in one SQLite file, for several processes at once; another rating replaces the first, and its note."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def add(self, feedback: Feedback) -> None:
        """Keep one rating. Raises UserError, naming the file, where it cannot be written."""
        row = {
            "exchange": feedback.exchange,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rating": feedback.rating,
            "note": feedback.note.strip()[:LONGEST_NOTE],
            "article": feedback.article,
            "question": feedback.question,
            "scope": feedback.scope,
            "history": json.dumps(feedback.history, ensure_ascii=False),
            "answer": json.dumps(feedback.answer, ensure_ascii=False),
        }
        with self._open() as connection:
            connection.execute(_UPSERT, row)

    def all(self) -> Iterator[dict[str, Any]]:
        """Every rating, oldest first, as `python -m ui feedback` prints it; none where nobody has rated yet."""
        if not self.path.is_file():
            return
        with self._open() as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM feedback ORDER BY at, exchange").fetchall()
        for row in rows:
            history = [{"question": q, "answer": a} for q, a in json.loads(row["history"])]
            yield {**dict(row), "history": history, "answer": json.loads(row["answer"])}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS)) as connection, connection:
                _write_ahead(connection)
                connection.execute(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"the feedback in {self.path} cannot be opened: {error}. Check the file and the disk."
            ) from error


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a new file to write-ahead mode, which it then keeps.

    SQLite does not wait for a lock here as it does elsewhere: of several who switch at once all but one are refused.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
