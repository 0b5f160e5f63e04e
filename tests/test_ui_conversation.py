"""Conversations as the browser keeps them: they survive, they are checked, they can be taken along."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.build import Index
from tests.ui_support import HOSTILE, an_answer, make_index
from ui.answer_view import matcher
from ui.conversation import LONGEST, REMEMBERED, Conversation, Exchange, read_conversation
from ui.export import _plain, export


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def _conversation(index: Index) -> Conversation:
    first = an_answer(index, "桥有多长?", ("桥长四十米。", 3, 1, "supported"), ("用了三百根竹子。", 3, 0, "partial"))
    second = an_answer(
        index,
        "And who looks after it?",
        ("The families take turns.", 8, 1, "supported"),
        rewritten="Who looks after the bridge?",
    )
    third = an_answer(index, "桥是什么颜色的?")
    return Conversation(
        (
            Exchange("a", first.question, "done", first, rating="up"),
            Exchange("b", second.question, "done", second, scope=8, standalone=True),
            Exchange("c", third.question, "done", third, instead="loading"),
            Exchange("d", "还没完", "busy", None, reason="8"),
        )
    )


def test_a_conversation_comes_back_from_the_browser_as_it_went(index: Index) -> None:
    conversation = _conversation(index)
    state = json.loads(json.dumps(conversation.to_state()))
    assert read_conversation(state, index).to_state() == conversation.to_state()
    assert read_conversation(state, index).exchanges[0].answer == replace(conversation.exchanges[0].answer, id=None)  # type: ignore[type-var]


def test_what_the_browser_keeps_holds_pointers_not_the_article(index: Index) -> None:
    kept = json.dumps(_conversation(index).to_state(), ensure_ascii=False)
    assert "它横跨清溪" not in kept


@pytest.mark.parametrize(
    "state", [None, 3, "x", [], {}, {"version": 99, "exchanges": []}, {"version": 1, "exchanges": "no"}]
)
def test_what_is_no_conversation_is_an_empty_one(index: Index, state: Any) -> None:
    assert read_conversation(state, index) == Conversation()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("answer", "citations", 0), [3, "zh", 0, 10**6]),
        (("answer", "citations", 0), [999, "zh", 0, 2]),
        (("answer", "statements", 0), ["text", [7], "supported"]),
        (("answer", "statements", 0), ["text", [0], "certainly"]),
        (("answer", "refused"), True),
        (("answer", "language"), "<b>"),
        (("answer", "retrieved", 0), ["x"]),
        (("answer", "fallback"), 3),
        (("answer", "usage"), ["x"]),
        (("answer", "usage"), {"prompt": float("inf")}),
        (("question",), {"a": 1}),
        (("state",), "sleeping"),
        (("scope",), 999),
        (("answer",), 7),
    ],
)
def test_an_exchange_that_was_tampered_with_is_left_out_and_the_rest_stays(
    index: Index, path: tuple[Any, ...], value: Any
) -> None:
    state = json.loads(json.dumps(_conversation(index).to_state()))
    spoilt = copy.deepcopy(state)
    place = spoilt["exchanges"][0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert [e.id for e in read_conversation(spoilt, index).exchanges] == ["b", "c", "d"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "question", "answer", "state", "scope", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(exchange=_json)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_nothing_a_browser_sends_breaks_the_reading_of_it(index: Index, exchange: Any) -> None:
    read_conversation({"version": 1, "exchanges": [exchange]}, index)


def test_a_follow_up_is_read_after_the_question_as_it_was_understood(index: Index) -> None:
    history = _conversation(index).history()
    assert [turn.question for turn in history] == ["桥有多长?", "Who looks after the bridge?", "桥是什么颜色的?"]
    assert history[0].answer == "桥长四十米。 用了三百根竹子。"
    assert len(history) <= REMEMBERED


def test_an_edited_question_replaces_what_followed_it(index: Index) -> None:
    assert [e.id for e in _conversation(index).before("b").exchanges] == ["a"]
    assert _conversation(index).before("nowhere") == _conversation(index)


def test_an_answer_under_way_when_the_page_was_left_is_settled_as_quotes(index: Index) -> None:
    quotes = an_answer(index, "桥有多长?", ("它横跨清溪,长四十米。", 3, 1, "supported"))
    settled = Conversation((Exchange("a", "q", "quotes", quotes), Exchange("b", "q", "asked"))).settled()
    assert [e.state for e in settled.exchanges] == ["stopped", "stopped"]
    assert settled.exchanges[0].answer == quotes


def test_a_very_long_conversation_forgets_its_beginning() -> None:
    conversation = Conversation()
    for n in range(LONGEST + 3):
        conversation = conversation.with_exchange(Exchange(str(n), "q"))
    assert len(conversation.exchanges) == LONGEST
    assert conversation.exchanges[-1].id == str(LONGEST + 2)


# --- taking it along


def test_markdown_carries_questions_statements_numbers_verdicts_and_quotes_in_both_languages(index: Index) -> None:
    parcel = export(_conversation(index), index, matcher(index), "markdown")
    assert parcel
    text = parcel["text"]
    assert parcel["name"].endswith(".md")
    assert "## 桥有多长?" in text
    assert "桥长四十米。 [¶3]" in text
    assert "用了三百根竹子。 [¶3]（部分有据）" in text
    assert "> 它横跨清溪,长四十米。" in text
    assert "> It spans the Qing stream and is forty metres long." in text
    assert "*Understood as: Who looks after the bridge?*" in text
    assert "文中最接近的段落，不是答案：¶3、¶4、¶5" in text


def test_json_is_the_contract_for_every_answer(index: Index) -> None:
    parcel = export(_conversation(index), index, matcher(index), "json")
    assert parcel
    record = json.loads(parcel["text"])
    assert record["article"]["digest"] == index.manifest.article
    first, _, refused = record["answers"]
    citation = first["citations"][0]
    assert citation["text"][citation["start"] : citation["end"]] == citation["quote"] == "它横跨清溪,长四十米。"
    assert (refused["refused"], refused["citations"]) == (True, [])


def test_why_an_answer_is_quotes_is_taken_along(index: Index) -> None:
    quotes = an_answer(index, "桥有多长?", ("它横跨清溪,长四十米。", 3, 1, "supported"))
    quotes = replace(quotes, fallback="the endpoint is down", usage={"prompt": 7}, asks_nothing=True)
    asked = Conversation((Exchange("a", quotes.question, "done", quotes, instead="fallback"),))
    kept = read_conversation(json.loads(json.dumps(asked.to_state())), index)
    answer = kept.exchanges[0].answer
    assert answer
    assert (answer.fallback, answer.usage, answer.asks_nothing) == ("the endpoint is down", {"prompt": 7}, True)
    parcel = export(kept, index, matcher(index), "json")
    assert parcel
    (record,) = json.loads(parcel["text"])["answers"]
    assert (record["fallback"], record["instead"]) == ("the endpoint is down", "fallback")
    parcel = export(kept, index, matcher(index), "markdown")
    assert parcel
    assert "*写作模型这次没有给出站得住的答案，以下是原文引句。*" in parcel["text"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("1) 一", "1\\) 一"),
        ("2. b", "2\\. b"),
        ("- c", "\\- c"),
        ("a &lt; b", "a \\&lt; b"),
        ("长 3.5 米", "长 3.5 米"),
    ],
)
def test_what_markdown_would_take_for_markup_is_escaped(text: str, escaped: str) -> None:
    assert _plain(text) == escaped


def test_nothing_answered_is_nothing_to_export(index: Index) -> None:
    assert export(Conversation((Exchange("d", "q", "busy"),)), index, matcher(index), "markdown") is None


@pytest.mark.parametrize("state", ["quotes", "stopped"])
def test_what_nothing_judged_yet_is_not_exported_as_a_refusal(index: Index, state: Any) -> None:
    undecided = Exchange("a", "桥有多长?", state, an_answer(index, "桥有多长?"))
    assert export(Conversation((undecided,)), index, matcher(index), "markdown") is None
    quoted = Exchange("a", "桥有多长?", state, an_answer(index, "桥有多长?", ("四十米。", 3, 1, "supported")))
    assert export(Conversation((quoted,)), index, matcher(index), "markdown")


def test_a_hostile_conversation_is_plain_text_in_markdown_too(index: Index) -> None:
    answer = an_answer(index, HOSTILE, (HOSTILE, 3, 0, "supported"))
    parcel = export(Conversation((Exchange("a", HOSTILE, "done", answer),)), index, matcher(index), "markdown")
    assert parcel
    body = parcel["text"].replace("<!-- article", "")
    assert "<" not in body.replace("\\<", "")
    assert "**bold**" not in body
