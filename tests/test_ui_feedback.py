"""Ratings: kept, replaced, exported, and never in each other's way."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from index.errors import UserError
from ui.__main__ import main
from ui.feedback import FILE, Feedback, FeedbackStore


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


def test_a_rating_given_again_replaces_the_first_and_keeps_its_note(home: Path) -> None:
    store = FeedbackStore(home)
    store.add(_feedback(note="为什么?"))
    store.add(_feedback(rating="up"))
    (record,) = store.all()
    assert (record["rating"], record["note"]) == ("up", "为什么?")


def test_ratings_from_many_readers_at_once_are_all_kept(home: Path) -> None:
    threads = [threading.Thread(target=FeedbackStore(home).add, args=(_feedback(str(n)),)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(FeedbackStore(home).all())) == 12


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
