"""Orders and small talk ask nothing of an article, and are told from questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals import asking
from evals.asking import Message
from evals.gold import DEFAULT_GOLD
from evals.injections import read_attempts
from index.embedder import Embedder
from index.paragraphs import LANGUAGES
from rag import asking as asked
from rag.asking import asks_nothing, write_asking
from rag.frame import sought
from rag.gate import IDLE, KNOWN, Signals, decide
from tests.fakes import HashingEmbedder

ANSWERED = Signals(share=1, fused=1, cosine=1, unknown=0, apart=0, opening=1)


def probability(embedder: Embedder, message: str) -> float:
    return asks_nothing(embedder.question(sought(message)), embedder.label)


@pytest.fixture
def coefficients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where they are read from in this test."""
    path = tmp_path / "asking.json"
    monkeypatch.setattr(asked, "ASKING_FILE", path)
    asked._coefficients.cache_clear()
    yield path
    asked._coefficients.cache_clear()


def test_what_is_fitted_is_what_is_read(embedder: HashingEmbedder, coefficients: Path) -> None:
    things = ("a poem", "a song", "some code", "an ode", "a toast", "a letter", "a speech", "a slogan")
    idle = [Message(f"Write me {thing}", True, f"{n % 2}") for n, thing in enumerate(things)]
    other = [Message(f"What does {thing} cost?", False, f"{n % 2}") for n, thing in enumerate(things)]
    told = asking.fit(embedder, [*idle, *other, *other], lambda done, total: None, coefficients)
    assert told.count == len(things) * 2, "what is there twice counts once"
    assert told.auc == 1.0
    assert (told.found, told.mistaken) == (1.0, 0.0)
    assert probability(embedder, "Write me a sonnet") > 0.5 > probability(embedder, "What does a sonnet cost?")


def test_of_another_embedder_nothing_is_known(embedder: HashingEmbedder, coefficients: Path) -> None:
    write_asking("another@00000000", 9.0, np.ones(embedder.dimension), coefficients)
    assert probability(embedder, "Write me a poem") == 0.0
    write_asking(embedder.label, 9.0, np.zeros(embedder.dimension), coefficients)
    assert probability(embedder, "Write me a poem") > 0.99


def test_what_asks_nothing_is_more_readily_refused() -> None:
    for language in LANGUAGES:
        for moment in KNOWN:
            idle = decide(replace(ANSWERED, asks_nothing=IDLE), language, moment)
            assert idle.probability < decide(ANSWERED, language, moment).probability


def test_what_something_is_is_more_readily_answered_once_a_model_has_read_of_it() -> None:
    for language in LANGUAGES:
        for moment, is_more in (("question", False), ("opening", True)):
            plain, defined = (decide(replace(ANSWERED, definition=is_so), language, moment) for is_so in (0.0, 1.0))  # type: ignore[arg-type]
            assert (defined.probability > plain.probability) == is_more


def test_what_is_learnt_from_is_no_attempt_that_is_measured_on() -> None:
    messages = asking.written()
    assert len({message.group for message in messages}) == 4
    assert min(sum(m.asks_nothing for m in messages), sum(not m.asks_nothing for m in messages)) > 500
    texts = {message.text for message in messages}
    attempts = [attempt.asked(language) for attempt in read_attempts() for language in LANGUAGES]
    assert attempts
    assert not texts & set(attempts)


def test_the_article_s_orders_are_not_learnt_from_and_of_its_questions_a_few() -> None:
    questions = asking.asked([DEFAULT_GOLD])
    assert len(questions) == asking.QUESTIONS * len(LANGUAGES)
    assert not any(message.asks_nothing for message in questions)


@pytest.mark.model
def test_what_ships_is_of_the_embedder_that_ships(real_embedder: Embedder) -> None:
    orders = ["Please compose a ballad about my cat.", "请替我给房东写封信", "Good evening, robot!", "晚上好呀机器人"]
    questions = [
        "What did the pilot cost?",
        "试点花了多少钱？",
        "Tell me about the second phase.",
        "介绍一下第二期工程",
    ]
    assert min(probability(real_embedder, order) for order in orders) > 0.5
    assert max(probability(real_embedder, question) for question in questions) < 0.5
