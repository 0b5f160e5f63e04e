"""The road with the real models: the default generator in this process, and the same one behind an endpoint."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.endpoint import behind_endpoint
from index.build import Index
from index.paragraphs import LANGUAGES
from index.settings import Settings
from rag.answer import Answer, Citation
from rag.counterpart import counterpart
from rag.engine import Engine
from rag.evidence import sentences_of
from rag.generators import Generator, make_generator
from rag.local import LocalLLM
from rag.opening import LAYERS
from rag.prompts import leading_messages
from rag.rerank import PROBED

pytestmark = [pytest.mark.model, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def engine(real_index: Index, real_settings: Settings) -> Engine:
    return Engine(real_index, make_generator(real_settings, "local"), evidence_tokens=120)


def test_the_default_model_defines_a_term_and_is_cited_where_it_is_defined(engine: Engine) -> None:
    answer = engine.ask("SWE-bench 是什么?")
    assert not answer.refused
    assert answer.language == "zh"
    assert any("SWE-bench" in c.quote for c in answer.citations)
    assert all(c.text[c.start : c.end] == c.quote for c in answer.citations)


def test_what_the_article_does_not_say_is_refused_in_english(engine: Engine) -> None:
    answer = engine.ask("What does a ticket to the Louvre museum in Paris cost?")
    assert answer.refused
    assert answer.text == "The article does not say."


@pytest.mark.parametrize("question", ["脚注 2 说了什么?", "What does footnote 2 say?"])
def test_what_a_named_place_says_is_answered_from_there(engine: Engine, question: str) -> None:
    footnotes = [p.number for p in engine.index.paragraphs if p.kind == "footnote"]
    answer = engine.ask(question)
    assert {citation.paragraph.number for citation in answer.citations} == {footnotes[1]}


def test_the_instructions_are_evaluated_once_and_not_for_every_question(engine: Engine) -> None:
    engine.generator.warm()
    for question in ("What is CORE-Bench?", "METR 是什么?"):
        usage = engine.ask(question).usage
        assert usage is not None
        assert usage["cached_tokens"] > usage["prompt_tokens"] / 2


@pytest.fixture
def prompts(engine: Engine, tmp_path: Path) -> Path:
    """A folder of prompts that holds the openings, which take half a minute, and no paragraph."""
    engine.generator.warm()
    folder = tmp_path / "prompts"
    folder.mkdir()
    for kept in Path(engine.generator.llm.prompts).glob("*-*"):  # type: ignore[attr-defined]
        if not kept.suffix:
            shutil.copy(kept, folder)
    return folder


def local_generator(real_settings: Settings, prompts: Path) -> Generator:
    """A `local` generator of its own, which keeps what it reads in `prompts`."""
    generator = make_generator(real_settings, "local")
    generator.llm.prompts = str(prompts)  # type: ignore[attr-defined]
    return generator


def test_a_paragraph_read_ahead_costs_a_later_process_nothing_and_changes_no_answer(
    real_index: Index, real_settings: Settings, prompts: Path
) -> None:
    def ask() -> Answer:
        generator = replace(local_generator(real_settings, prompts), prepare=None)
        return Engine(real_index, generator, evidence_tokens=220).ask("What is CORE-Bench?")

    plain = ask()
    generator = local_generator(real_settings, prompts)
    first = plain.shown[0].paragraph
    assert generator.prepare is not None
    assert generator.prepare(leading_messages(first, "en"))
    assert not generator.prepare(leading_messages(first, "en")), "it is kept already"
    for entry in plain.retrieved[:PROBED]:  # not sure of the first, it reads on
        generator.prepare(leading_messages(entry.paragraph, "en"))
    ahead = ask()
    assert (ahead.text, ahead.refused) == (plain.text, plain.refused)
    assert plain.usage is not None
    assert ahead.usage is not None
    new, before = (u["prompt_tokens"] - u["cached_tokens"] for u in (ahead.usage, plain.usage))
    assert new < before / 2


def test_what_was_read_for_a_question_is_kept_for_the_next(
    real_index: Index, real_settings: Settings, prompts: Path
) -> None:
    generator = local_generator(real_settings, prompts)
    answer = Engine(real_index, generator, evidence_tokens=220).ask("What is CORE-Bench?")
    assert generator.prepare is not None
    assert not generator.prepare(leading_messages(answer.shown[0].paragraph, "en"))


def test_a_reply_that_is_stopped_at_its_first_word_tells_what_it_cost(engine: Engine) -> None:
    answer = engine.ask("What does a ticket to the Louvre museum in Paris cost?")
    assert answer.refused
    assert answer.usage is not None
    assert answer.usage["prompt_tokens"] > answer.usage["cached_tokens"] > 0


def test_an_answer_stopped_half_way_leaves_the_model_ready_for_the_next(engine: Engine) -> None:
    stream = engine.stream("What is CORE-Bench?")
    for _ in range(3):
        next(stream)
    stream.close()
    assert engine.ask("What is CORE-Bench?").citations


def test_what_the_model_holds_before_its_first_word_depends_on_the_question_alone(engine: Engine) -> None:
    def held(question: str) -> NDArray[np.float32]:
        reply = next(iter(engine.listener.openings(engine.look(question), 1).values())).reply
        assert reply.inside is not None
        return reply.inside

    first, other, again = (held(q) for q in ("What is CORE-Bench?", "What is METR?", "What is CORE-Bench?"))
    assert first.shape == other.shape == (len(LAYERS), 256)
    apart = np.linalg.norm(first - other)
    assert np.linalg.norm(first - again) < 0.25 * apart, "read in other portions, it is the same but for rounding"


def test_an_endpoint_takes_the_same_road_as_the_model_in_process(real_index: Index, real_settings: Settings) -> None:
    with behind_endpoint(real_settings) as settings:
        answer = Engine(real_index, make_generator(settings), evidence_tokens=120).ask("SWE-bench 是什么?")
    assert answer.generator == "openai"
    assert any("SWE-bench" in c.quote for c in answer.citations)
    assert all(s.verdict in ("supported", "partial") for s in answer.statements)


def test_a_model_that_crashed_is_loaded_anew_for_the_next_question(engine: Engine) -> None:
    llm = engine.generator.llm
    assert isinstance(llm, LocalLLM)
    before = engine.ask("What is CORE-Bench?")
    assert llm.pid is not None
    os.kill(llm.pid, signal.SIGKILL)
    llm.load()._process.wait()
    again = engine.ask("What is CORE-Bench?")
    assert (again.text, again.fallback) == (before.text, None)


def test_the_sentence_shown_beside_a_quote_stands_where_the_quote_does_in_paragraphs_of_as_many(
    real_index: Index,
) -> None:
    alike = []
    for paragraph in real_index.paragraphs:
        zh, en = (sentences_of(paragraph, language) for language in LANGUAGES)
        if len(zh) == len(en) > 1:
            for own, beside in ((zh, en), (en, zh)):
                quotes = (Citation(paragraph, e.language, e.start, e.end) for e in own)
                found = [counterpart(real_index, quote) for quote in quotes]
                alike += [e is not None and e.start == at.start for e, at in zip(found, beside, strict=True)]
    assert len(alike) > 100
    assert np.mean(alike) > 0.95
