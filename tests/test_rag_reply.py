"""What the first word of a reply tells, and the answer behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from llama_index.core.base.llms.types import LogProb
from llama_index.core.llms import ChatMessage, ChatResponse

from rag.generators import WORD_LOGIT, stated_logit
from rag.prompts import WORDING, opening_messages
from rag.reply import Reply


def responses(*pieces: str, first: dict[str, float] | None = None) -> Iterator[ChatResponse]:
    """A reply in pieces; `first` are the first token's log probabilities."""
    for n, piece in enumerate(pieces):
        told = [[LogProb(token=t, logprob=p) for t, p in first.items()]] if first and n == 0 else None
        yield ChatResponse(message=ChatMessage(content=""), delta=piece, logprobs=told)


def read(reply: Reply) -> list[str]:
    return [piece for piece in reply if piece]


def test_the_answer_is_handed_on_without_its_opening_word() -> None:
    reply = Reply(responses("Sta", "ted", ": ", "Six ", "minutes."), WORDING["en"])
    assert read(reply) == ["Six ", "minutes."]
    assert reply.text == "Six minutes."
    assert reply.opening == WORD_LOGIT


@pytest.mark.parametrize("pieces", [("没有", "提到", "。"), ("没有提到",), ("没",), ()])
def test_a_reply_that_nothing_is_stated_has_no_text(pieces: tuple[str, ...]) -> None:
    reply = Reply(responses(*pieces), WORDING["zh"])
    assert read(reply) == []
    assert reply.text == ""
    assert reply.opening == -WORD_LOGIT


@pytest.mark.parametrize("pieces", [("Stated:", " Not", " stated", ": the note is silent."), ("Stated: Not stated.",)])
def test_an_answer_that_says_nothing_is_stated_is_none(pieces: tuple[str, ...]) -> None:
    reply = Reply(responses(*pieces), WORDING["en"])
    assert read(reply) == []
    assert reply.text == ""


def test_a_model_that_leaves_the_opening_word_out_is_read_all_the_same() -> None:
    reply = Reply(responses("Six", " minutes."), WORDING["en"])
    assert "".join(reply) == "Six minutes."
    assert reply.opening == WORD_LOGIT


def test_a_chinese_colon_ends_the_opening_word_too() -> None:
    reply = Reply(responses("有", "：六", "分钟"), WORDING["zh"])
    assert "".join(reply) == reply.text == "六分钟"


def test_the_opening_is_known_at_the_first_token_and_before_any_text() -> None:
    reply = Reply(responses("Stated", ": six", first={"Stated": -0.5, "Not": -1.5}), WORDING["en"])
    assert next(iter(reply)) == ""
    assert reply.opening == pytest.approx(1.0)
    assert reply.text == ""


def test_where_more_is_heard_than_the_word_the_word_still_says_whether_it_is_silent() -> None:
    heard: list[Any] = []

    def hears(inside: Any) -> float:
        heard.append(inside.tolist())
        return 3.0

    def told(*pieces: str) -> Iterator[ChatResponse]:
        for response in responses(*pieces, first={" Not": -0.1, "St": -3.1}):
            yield response.model_copy(update={"additional_kwargs": {"inside": np.ones((2, 1))}})

    reply = Reply(told("Not", " stated."), WORDING["en"], hears)
    assert read(reply) == []
    assert (reply.logit, reply.opening, reply.logit < 0) == (pytest.approx(-3.0), 3.0, True)
    assert heard == [[[1.0], [1.0]]]


def test_where_what_the_model_held_is_not_told_the_word_is_all_that_is_heard() -> None:
    reply = Reply(responses("Not", " stated.", first={"Not": -0.1, "St": -3.1}), WORDING["en"], lambda *_: 3.0)
    assert read(reply) == []
    assert (reply.logit, reply.opening) == (pytest.approx(-3.0), pytest.approx(-3.0))


def test_a_reply_left_early_stops_the_model() -> None:
    stopped: list[bool] = []

    def endless() -> Iterator[ChatResponse]:
        try:
            while True:
                yield from responses("Stated: more ")
        finally:
            stopped.append(True)

    pieces = iter(Reply(endless(), WORDING["en"]))
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert stopped == [True]


def test_tokens_that_begin_neither_word_do_not_count() -> None:
    (reply,) = responses("有", first={"有": -1.0, "没": -2.0, "没有": -2.0, "可能": -0.1})
    assert stated_logit(reply, WORDING["zh"]) == pytest.approx(-1.0 - math.log(2 * math.exp(-2.0)))


def test_a_word_listed_with_and_without_a_space_counts_with_both() -> None:
    (reply,) = responses("St", first={"St": -0.1, " St": -9.0, "Not": -3.0, " Not": -8.0})
    assert stated_logit(reply, WORDING["en"]) == pytest.approx(2.9, abs=0.02)


def test_a_word_that_is_not_listed_is_as_likely_as_the_least_that_is() -> None:
    (reply,) = responses("Stated", first={"Stated": -0.1, "The": -7.0})
    assert stated_logit(reply, WORDING["en"]) == pytest.approx(6.9)


def test_probabilities_are_read_from_an_openai_chunk_and_missed_without_complaint() -> None:
    entry = SimpleNamespace(
        top_logprobs=[SimpleNamespace(token="Not", logprob=-0.2), SimpleNamespace(token="St", logprob=-2)]
    )
    chunk: Any = SimpleNamespace(choices=[SimpleNamespace(logprobs=SimpleNamespace(content=[entry]))])
    assert stated_logit(ChatResponse(message=ChatMessage(), raw=chunk), WORDING["en"]) == pytest.approx(-1.8)
    for told in (None, untold := SimpleNamespace(token="Not", logprob=None), SimpleNamespace(top_logprobs=[untold])):
        bare: Any = SimpleNamespace(choices=[SimpleNamespace(logprobs=told and SimpleNamespace(content=[told]))])
        assert stated_logit(ChatResponse(message=ChatMessage(), raw=bare), WORDING["en"]) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_worked_examples_show_both_replies_and_half_of_them_a_silence(language: Any) -> None:
    wording = WORDING[language]
    replies = [m.content or "" for m in opening_messages(language) if m.role == "assistant"]
    assert replies.count(wording.silent) >= 3
    assert sum(reply.startswith(wording.stated) for reply in replies) >= 3
