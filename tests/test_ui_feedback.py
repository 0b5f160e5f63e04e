"""Ratings: kept, replaced, exported, and never in each other's way."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from index.errors import UserError
from ui.__main__ import main
from ui.feedback import FILE, Feedback, FeedbackStore, _write_ahead


def _feedback(exchange: str = "a", **changes: object) -> Feedback:
    base = {
        "exchange": exchange,
        "rating": "down",
        "article": "abc",
        "question": "桥有多长?",
        "answer": {"answer": "四十米"},
    }
    return Feedback(**{**base, **changes})  # type: ignore[arg-type]


def test_a_rating_is_exported_with_what_is_needed_to_ask_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FeedbackStore(home).add(_feedback(history=(("桥?", "竹桥。"),), scope=3, note="少了单位"))
    assert main(["feedback"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert {k: record[k] for k in ("rating", "note", "question", "scope", "article")} == {
        "rating": "down",
        "note": "少了单位",
        "question": "桥有多长?",
        "scope": 3,
        "article": "abc",
    }
    assert record["history"] == [{"question": "桥?", "answer": "竹桥。"}]
    assert record["answer"] == {"answer": "四十米"}


def test_where_nobody_has_rated_there_is_nothing_to_export(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback"]) == 0
    assert capsys.readouterr().out == ""
    assert not (home / FILE).exists()


def test_the_same_rating_given_again_keeps_its_note(home: Path) -> None:
    store = FeedbackStore(home)
    store.add(_feedback(note="为什么?"))
    store.add(_feedback())
    (record,) = store.all()
    assert (record["rating"], record["note"]) == ("down", "为什么?")


def test_another_rating_takes_the_note_of_the_first_with_it(home: Path) -> None:
    store = FeedbackStore(home)
    store.add(_feedback(rating="up", note="很好"))
    store.add(_feedback(rating="down"))
    (record,) = store.all()
    assert (record["rating"], record["note"]) == ("down", "")


def test_ratings_from_many_readers_at_once_are_all_kept(home: Path) -> None:
    threads = [threading.Thread(target=FeedbackStore(home).add, args=(_feedback(str(n)),)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(FeedbackStore(home).all())) == 12


class Refusing:
    """A connection that is refused `times` times, as SQLite refuses those who make the file at once."""

    def __init__(self, times: int, code: int) -> None:
        self.times, self.code = times, code

    def execute(self, statement: str) -> None:
        self.times -= 1
        if self.times >= 0:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.code
            raise error


def test_who_is_refused_while_another_makes_the_file_asks_again_and_for_nothing_else() -> None:
    busy: Any = Refusing(3, sqlite3.SQLITE_BUSY)
    _write_ahead(busy)
    assert busy.times == -1
    full: Any = Refusing(3, sqlite3.SQLITE_FULL)
    with pytest.raises(sqlite3.OperationalError):
        _write_ahead(full)
    assert full.times == 2


def test_the_file_is_in_write_ahead_mode(home: Path) -> None:
    FeedbackStore(home).add(_feedback())
    connection = sqlite3.connect(home / FILE)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_damaged_file_is_named(home: Path) -> None:
    home.mkdir(parents=True)
    (home / FILE).write_text("not a database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(UserError, match=FILE):
        FeedbackStore(home).add(_feedback())
