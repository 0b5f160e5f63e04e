"""What the page's events do, without a browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from index.build import Index
from index.errors import UserError
from tests.ui_support import Script, an_answer, answering_over, make_index
from ui.app import Page
from ui.feedback import FILE, FeedbackStore
from ui.wording import WORDING

LONG = "桥有多长?"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def _page(index: Index, tmp_path: Path, scripts: dict[str, Script]) -> Page:
    answering = answering_over(index, scripts)
    answering.start().join()
    return Page(answering, FeedbackStore(tmp_path / "home"))


def _script(index: Index, question: str = LONG, **changes: Any) -> Script:
    quotes = an_answer(index, question, ("它横跨清溪,长四十米。", 3, 1, "supported"), generator="quote")
    final = an_answer(index, question, ("桥长四十米。", 3, 1, "supported"))
    return Script(quotes, final, pieces=("桥长", "四十米。"), **changes)


def _event(**said: Any) -> Any:
    return SimpleNamespace(**said)


def _kept(drawings: Iterator[Any]) -> Any:
    """What the browser keeps once an answer is there."""
    return [kept for _, kept in drawings if kept != gr.skip()][-1]


def test_a_reader_who_left_while_the_model_reads_can_be_let_go(index: Index, tmp_path: Path) -> None:
    script = _script(index, gate=threading.Event())
    page = _page(index, tmp_path, {LONG: script})
    drawings: Any = page.ask(None, _event(question=LONG))
    assert "它横跨清溪" in [next(drawings), next(drawings)][1][0]
    assert next(drawings) == (gr.skip(), gr.skip())  # nothing is drawn, but gradio can close it now
    drawings.close()
    assert page.answering.is_idle
    assert script.gate
    script.gate.set()


def test_a_draft_behind_a_long_conversation_is_drawn_less_often(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = _page(index, tmp_path, {LONG: _script(index, pause=0.15)})
    drawn = [drawing for drawing, _ in page.ask(None, _event(question=LONG))]
    assert [own for own in drawn if 'class="draft"' in own]
    state = _kept(page.ask(None, _event(question=LONG)))
    monkeypatch.setattr("ui.app._CHARACTERS_A_SECOND", 10)
    drawn = [drawing for drawing, _ in page.ask(state, _event(question=LONG))]
    assert not [own for own in drawn if 'class="draft"' in own]
    assert "桥长四十米。" in drawn[-1]


def test_a_question_asked_on_its_own_is_remembered_as_such(index: Index, tmp_path: Path) -> None:
    other = "那它多宽?"
    scripts = {LONG: _script(index), other: _script(index, other)}
    page = _page(index, tmp_path, scripts)
    state = _kept(page.ask(None, _event(question=LONG)))
    state = _kept(page.ask(state, _event(question=other, standalone=True)))
    assert scripts[other].asked[-1][1] == ()
    drawn, *_ = page.rate(state, _event(id=state["exchanges"][-1]["id"], rating="down"))
    (record,) = FeedbackStore(tmp_path / "home").all()
    assert record["history"] == []
    for action in ("edit", "retry", "undo"):
        assert re.search(rf'data-act="{action}"[^>]*data-question="{re.escape(other)}" data-standalone="1"', drawn)
    state = _kept(page.ask(state, _event(question=other)))
    assert scripts[other].asked[-1][1] != ()
    drawn, _ = page.restore(state)
    assert not re.search(r'data-act="retry"[^>]*data-standalone', drawn)


def test_a_search_model_that_failed_is_told_in_the_readers_language(index: Index, tmp_path: Path) -> None:
    page = Page(answering_over(index, {}), FeedbackStore(tmp_path / "home"))
    page.answering._status = "search_failed"
    *_, (drawn, _) = page.ask(None, _event(question=LONG))
    assert "检索模型未能载入，原因见终端。" in drawn


def test_what_the_program_says_in_english_goes_to_the_terminal_and_the_reader_is_told_in_theirs(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = _page(index, tmp_path, {LONG: _script(index, error=UserError("the disk is full"))})
    *_, (drawn, _) = page.ask(None, _event(question=LONG))
    assert "原因见终端。" in drawn
    assert "the disk is full" not in drawn
    assert "duizhao: the disk is full" in capsys.readouterr().err


def test_half_a_character_is_told_before_anything_is_drawn_with_it(index: Index, tmp_path: Path) -> None:
    page = _page(index, tmp_path, {})
    ((drawn, kept),) = page.ask(None, _event(question="桥\ud83d有多长?"))
    assert "半个字符" in drawn
    assert drawn.encode()
    assert kept["exchanges"][0]["question"] == "桥?有多长?"


def test_a_rating_that_cannot_be_kept_is_told_and_not_drawn_as_kept(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = _page(index, tmp_path, {LONG: _script(index)})
    (tmp_path / "home" / FILE).mkdir(parents=True)
    state = _kept(page.ask(None, _event(question=LONG)))
    drawn, kept, parcel = page.rate(state, _event(id=state["exchanges"][0]["id"], rating="up"))
    assert (drawn, kept) == (gr.skip(), gr.skip())
    assert WORDING[json.loads(parcel)["notice"]].zh.startswith("评价没能存下来")
    assert FILE in capsys.readouterr().err
