"""Answering while models load, with many readers, and when readers stop."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from index.build import Index
from index.errors import UserError
from rag.condense import Turn
from rag.engine import Delta, Found
from rag.generators import Generator, QuoteLLM
from tests.ui_support import FAILED, QUOTING, Script, an_answer, answering_over, make_index, wait_until, writer
from ui.answering import MOST_AT_ONCE, Answering, Busy, Finished, Progress, Still, Waiting, everything_but
from ui.turns import Turns

LONG = "桥有多长?"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def _script(index: Index, **changes: object) -> Script:
    quotes = an_answer(index, LONG, ("它横跨清溪,长四十米。", 3, 1, "supported"), generator="quote")
    final = an_answer(index, LONG, ("桥长四十米。", 3, 1, "supported"))
    return Script(quotes, final, pieces=("桥长", "四十米。"), **changes)  # type: ignore[arg-type]


def _told(answering: Answering, question: str, history: tuple[Turn, ...] = ()) -> list[Progress]:
    """What happened to a question, without the moments in which nothing did."""
    return [event for event in answering.stream(question, history, job="1") if not isinstance(event, Still)]


def test_quotes_come_first_then_the_draft_then_the_checked_answer(index: Index) -> None:
    script = _script(index)
    answering = answering_over(index, {LONG: script})
    answering.start().join()
    events = _told(answering, LONG)
    assert [type(event) for event in events] == [Found, Delta, Delta, Finished]
    assert events[-1] == Finished(script.final, "")  # type: ignore[arg-type]


def test_while_the_generator_loads_the_quotes_are_the_answer_and_say_so(index: Index) -> None:
    warm = threading.Event()
    script = _script(index)
    answering = answering_over(index, {LONG: script}, writer(warm))
    loading = answering.start()
    wait_until(lambda: answering.status == "quotes")
    last = list(answering.stream(LONG, (), job="1"))[-1]
    assert last == Finished(script.quotes, "loading")
    warm.set()
    loading.join()
    assert answering.status == "ready"
    assert list(answering.stream(LONG, (), job="2"))[-1] == Finished(script.final, "")  # type: ignore[arg-type]


def test_a_generator_that_cannot_load_leaves_the_quotes(index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise UserError("the weights are damaged")

    script = _script(index)
    answering = answering_over(index, {LONG: script}, Generator("local", "m", QuoteLLM(), warm=fail))
    answering.start().join()
    assert answering.status == "failed"
    assert list(answering.stream(LONG, (), job="1"))[-1] == Finished(script.quotes, "failed")
    assert "the weights are damaged" in capsys.readouterr().err


def test_a_search_model_that_cannot_load_is_said_to_whoever_asks(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    answering = answering_over(index, {})
    monkeypatch.setattr(answering, "_make_engine", lambda *_: (_ for _ in ()).throw(UserError("no weights")))
    answering.start().join()
    with pytest.raises(UserError, match="search model"):
        list(answering.stream(LONG, (), job="1"))


def test_a_question_asked_before_the_search_model_is_open_waits_for_it(index: Index) -> None:
    answering = answering_over(index, {LONG: _script(index)})
    stream = answering.stream(LONG, (), job="1")
    assert next(stream) == Waiting("models")
    answering.start()
    assert isinstance(list(stream)[-1], Finished)


def test_stopping_ends_the_stream_and_closes_the_model(index: Index) -> None:
    script = _script(index, gate=threading.Event())
    answering = answering_over(index, {LONG: script})
    answering.start().join()
    stream = answering.stream(LONG, (), job="1")
    assert isinstance(next(stream), Found)
    answering.stop("1")
    assert list(stream) == []
    assert script.gate
    script.gate.set()
    assert script.closed.wait(5)


def test_a_reader_who_leaves_frees_the_writer_for_the_next(index: Index) -> None:
    left, next_one = _script(index, gate=threading.Event()), _script(index)
    answering = answering_over(index, {LONG: left, "下一个?": next_one})
    answering.start().join()
    stream = answering.stream(LONG, (), job="1")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert left.gate
    left.gate.set()
    assert isinstance(list(answering.stream("下一个?", (), job="2"))[-1], Finished)


def test_who_waits_for_the_models_first_word_can_leave_meanwhile(index: Index) -> None:
    script = _script(index, gate=threading.Event())
    answering = answering_over(index, {LONG: script})
    answering.start().join()
    stream = answering.stream(LONG, (), job="1")
    assert isinstance(next(stream), Found)
    assert next(stream) == Still()
    stream.close()  # type: ignore[attr-defined]
    assert answering.is_idle
    assert script.gate
    script.gate.set()


def test_programs_that_wait_for_the_models_are_counted_and_bounded_too(index: Index) -> None:
    answering = answering_over(index, {LONG: _script(index)})  # not started: it is loading
    callers = [
        threading.Thread(target=lambda n=n: answering.ask(LONG, job=str(n)), daemon=True) for n in range(MOST_AT_ONCE)
    ]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(answering._jobs) == MOST_AT_ONCE)
    with pytest.raises(Busy):
        answering.ask(LONG, job="more")
    answering.start().join()
    for caller in callers:
        caller.join()
    assert answering.is_idle


def test_a_program_that_waits_for_the_models_can_be_stopped(index: Index) -> None:
    answering = answering_over(index, {LONG: _script(index)})
    threading.Timer(0.3, answering.stop, ("1",)).start()
    with pytest.raises(UserError, match="stopped"):
        answering.ask(LONG, job="1")


def test_a_program_waits_for_the_generator_and_not_for_ever(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    warm = threading.Event()
    script = _script(index)
    answering = answering_over(index, {LONG: script}, writer(warm))
    loading = answering.start()
    wait_until(lambda: answering.status == "quotes")
    monkeypatch.setattr("ui.answering.PATIENCE", 0.3)
    assert answering.ask(LONG, job="1") == script.quotes
    monkeypatch.setattr("ui.answering.PATIENCE", 30.0)
    threading.Timer(0.3, warm.set).start()
    assert answering.ask(LONG, job="2") == script.final
    loading.join()


def test_the_second_of_two_questions_has_its_quotes_at_once_and_waits_its_turn(index: Index) -> None:
    first, second = _script(index, gate=threading.Event()), _script(index)
    answering = answering_over(index, {LONG: first, "第二个?": second})
    answering.start().join()
    one, two = answering.stream(LONG, (), job="1"), answering.stream("第二个?", (), job="2")
    next(one)
    wait_until(lambda: answering._turns.free == 0)
    assert isinstance(next(two), Found)
    assert next(two) == Waiting("turn", 1)
    assert first.gate
    first.gate.set()
    assert isinstance(list(one)[-1], Finished)
    assert isinstance(list(two)[-1], Finished)


def test_places_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turns, never, order = Turns(1), threading.Event(), list[int]()
    assert turns.take(never, lambda ahead: None, 0.01)

    def wait(number: int) -> None:
        assert turns.take(never, lambda ahead: None, 0.001)  # looks again a hundred times before its turn comes
        order.append(number)
        turns.give_back()

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(12)]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        wait_until(lambda number=number: turns.waiting == number)
    time.sleep(0.1)
    turns.give_back()
    for thread in threads:
        thread.join()
    assert order == list(range(12))
    assert (turns.free, turns.waiting) == (1, 0)


def test_who_stops_waiting_leaves_the_line_and_takes_no_place() -> None:
    turns, stopped = Turns(0), threading.Event()
    stopped.set()
    assert not turns.take(stopped, lambda ahead: None, 0.01)
    assert (turns.free, turns.waiting) == (0, 0)


def test_one_question_too_many_is_told_at_once_that_it_is_busy(index: Index) -> None:
    script = _script(index, gate=threading.Event())
    answering = answering_over(index, {LONG: script})
    answering.start().join()
    streams = [answering.stream(LONG, (), job=str(n)) for n in range(MOST_AT_ONCE)]
    for stream in streams:
        next(stream)
    with pytest.raises(Busy) as busy:
        next(answering.stream(LONG, (), job="more"))
    assert busy.value.waiting == MOST_AT_ONCE
    assert script.gate
    script.gate.set()
    for stream in streams:
        list(stream)
    assert isinstance(list(answering.stream(LONG, (), job="more"))[-1], Finished)


def test_a_follow_up_has_quotes_before_the_model_has_completed_it(index: Index) -> None:
    script = _script(index)
    answering = answering_over(index, {"那它多长?": script})
    answering.start().join()
    events = _told(answering, "那它多长?", (Turn("竹桥是什么?", "一座桥"),))
    assert [type(event) for event in events][:2] == [Found, Found]
    assert script.asked[0][1] == (Turn("竹桥是什么?", "一座桥"),)


def test_an_error_of_the_engine_reaches_the_reader(index: Index) -> None:
    answering = answering_over(index, {LONG: _script(index, error=UserError("the endpoint is down"))})
    answering.start().join()
    with pytest.raises(UserError, match="endpoint is down"):
        list(answering.stream(LONG, (), job="1"))


def test_a_model_that_wrote_nothing_is_told_from_quotes_that_were_asked_for(index: Index) -> None:
    script = _script(index)
    script.pieces, script.final = (), None
    answering = answering_over(index, {LONG: script})
    answering.start().join()
    last = list(answering.stream(LONG, (), job="1"))[-1]
    assert last == Finished(replace(script.quotes, fallback=FAILED), "fallback")


def test_quotes_after_a_model_that_failed_half_way_are_told_as_such(index: Index) -> None:
    script = _script(index)
    script.pieces, script.final = ("桥长",), replace(script.quotes, fallback="it went away")
    answering = answering_over(index, {LONG: script})
    answering.start().join()
    assert list(answering.stream(LONG, (), job="1"))[-1] == Finished(script.final, "fallback")


def test_without_a_generator_quotes_are_the_answer_and_stand_in_for_nothing(index: Index) -> None:
    script = _script(index)
    answering = answering_over(index, {LONG: script}, QUOTING)
    answering.start().join()
    assert list(answering.stream(LONG, (), job="1"))[-1] == Finished(script.quotes, "")


def test_asking_of_one_paragraph_leaves_every_other_out(index: Index) -> None:
    assert everything_but(index, 4) == {p.number for p in index.paragraphs} - {4}
