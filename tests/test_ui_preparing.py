"""Paragraphs are read ahead only while nobody asks."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from index.build import Index
from tests.ui_support import Script, an_answer, answering_over, make_index, wait_until
from ui.answering import Answering
from ui.preparing import Preparing

QUESTION = "桥有多长?"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def engine_of(answering: Answering, leads: int) -> Any:
    engine: Any = answering._writing
    engine.leads = leads
    return engine


def test_all_is_read_ahead_once_the_models_are_loaded_and_nobody_asks(index: Index) -> None:
    answering = answering_over(index, {})
    assert not list(answering.prepare()), "nothing is loaded yet"
    answering.start().join()
    engine = engine_of(answering, 3)
    Preparing(answering, quiet=0.05).start().join(10)
    assert len(engine.prepared) == 3
    assert min(b - a for a, b in zip(engine.prepared, engine.prepared[1:], strict=False)) >= 0


def test_a_question_holds_it_up_until_there_was_quiet_again(index: Index) -> None:
    gate = threading.Event()
    script = Script(an_answer(index, QUESTION), an_answer(index, QUESTION), pieces=("桥",), gate=gate)
    answering = answering_over(index, {QUESTION: script})
    answering.start().join()
    engine = engine_of(answering, 2)
    reader = threading.Thread(target=lambda: list(answering.stream(QUESTION, (), job="1")))
    reader.start()
    wait_until(lambda: not answering.is_idle)
    reading = Preparing(answering, quiet=0.3).start()
    time.sleep(0.6)
    assert engine.prepared == [], "somebody is waiting for an answer"
    gate.set()
    reader.join()
    ended = time.monotonic()
    reading.join(10)
    assert len(engine.prepared) == 2
    assert engine.prepared[0] - ended > 0.2


def test_a_question_that_is_being_written_holds_it_up_too(index: Index) -> None:
    answering = answering_over(index, {})
    answering.start().join()
    engine = engine_of(answering, 1)
    reading = Preparing(answering, quiet=0.4).start()
    for _ in range(4):
        time.sleep(0.2)
        answering.expect()
    assert engine.prepared == []
    last_key = time.monotonic()
    reading.join(10)
    assert engine.prepared[0] - last_key > 0.3


def test_nothing_more_is_read_ahead_once_the_page_is_closed(index: Index) -> None:
    answering = answering_over(index, {})
    answering.start().join()
    engine_of(answering, 5)
    steps = answering.prepare()
    assert next(steps) == (1, 5)
    answering.close()
    assert list(steps) == []


def test_a_generator_that_fails_at_it_is_said_and_answers_go_on(
    index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    answering = answering_over(index, {QUESTION: Script(an_answer(index, QUESTION), an_answer(index, QUESTION))})
    answering.start().join()
    engine: Any = answering._writing
    engine.prepare = lambda: (_ for _ in ()).throw(OSError("the disk is full"))
    Preparing(answering, quiet=0.0).start().join(10)
    assert "nothing more is read ahead: the disk is full" in capsys.readouterr().err
    assert list(answering.stream(QUESTION, (), job="1"))
