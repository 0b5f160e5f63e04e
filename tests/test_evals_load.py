"""Many readers at once: nothing lost, nobody sees another's answer, and a harness that would say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from evals import load_command
from evals.__main__ import main
from evals.datasets import OwnArticle
from evals.gold import DEFAULT_GOLD
from evals.load import Asked, Reply, ask_at_once, compared, deal, figures, page_server
from evals.load_command import asked_alone, pool
from index.build import Index, build, open_index
from index.errors import UserError
from index.settings import Settings, load_settings
from rag.engine import Engine
from rag.generators import make_generator
from tests.rag_support import PRESSED, pressed_engine
from tests.test_evals_gold import PARAGRAPHS, line, written
from tests.ui_support import QuietEmbedder, served
from ui.answering import Answering

READERS = 16


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("load") / "article"
    build(load_settings(), into=folder, embedder=QuietEmbedder())
    index = open_index(load_settings(), folder, QuietEmbedder())
    assert index.vectors  # opened here: what a test opens is closed after it
    return index


@pytest.fixture(scope="module")
def engine(index: Index) -> Engine:
    return Engine(index, make_generator(load_settings(), "quote"), evidence_tokens=220)


@pytest.fixture(scope="module")
def url(index: Index, engine: Engine) -> Iterator[str]:
    answering = Answering(index, engine.generator, engine.generator, lambda over, writer: engine)
    answering.start().join()
    with served(load_settings(), answering) as url:
        yield url


@pytest.fixture(scope="module")
def questions() -> list[Asked]:
    return deal(pool(DEFAULT_GOLD, OwnArticle().paragraphs()), [READERS], 3 * READERS)[0]


def test_the_questions_of_another_article_are_found_in_its_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold = written(tmp_path, line())
    opened: list[Path | None] = []

    def open_other(settings: Settings) -> SimpleNamespace:
        opened.append(settings.index)
        return SimpleNamespace(paragraphs=PARAGRAPHS)

    monkeypatch.setattr(load_command, "open_index", open_other)
    with pytest.raises(UserError, match="32 distinct questions are needed, there are 2"):
        main(["load", "--index", str(tmp_path), "--gold", str(gold), "--readers", "4", "--generator", "quote"])
    assert opened == [tmp_path]


def test_a_small_model_that_looks_in_both_languages_is_held_against_itself_asked_alone(
    tmp_path: Path, listening_reranker: None
) -> None:
    engine, _ = pressed_engine(tmp_path)
    assert asked_alone(engine)(PRESSED)[0] == 3
    assert asked_alone(by_quotes(engine))(PRESSED) == [entry.paragraph.number for entry in engine.retrieve(PRESSED)]


def by_quotes(engine: Engine) -> Engine:
    """The same with a generator that has no say in the ranking."""
    return Engine(engine.index, make_generator(load_settings(), "quote"), evidence_tokens=220)


def test_sixteen_readers_at_once_each_have_every_answer_and_only_their_own(
    url: str, engine: Engine, questions: list[Asked]
) -> None:
    replies, seconds = ask_at_once(url, questions, READERS)
    checked = compared(replies, lambda question: [entry.paragraph.number for entry in engine.retrieve(question)])
    told = figures(checked, READERS, seconds)
    assert [reply.mixed for reply in checked if reply.mixed] == []
    assert (told.asked, told.answered, told.busy, told.lost, told.mixed) == (48, 48, 0, 0, 0)
    assert {reply.state for reply in checked} == {"done"}
    assert sorted(reply.question for reply in checked) == sorted(question for question, _ in questions)


def test_an_answer_that_rests_on_another_questions_ranking_is_found(
    url: str, engine: Engine, questions: list[Asked]
) -> None:
    replies, _ = ask_at_once(url, questions[:2], 1)
    swapped = [replace(reply, answer=other.answer) for reply, other in zip(replies, replies[::-1], strict=True)]
    checked = compared(swapped, lambda question: [entry.paragraph.number for entry in engine.retrieve(question)])
    assert all(reply.mixed.startswith("ranked") for reply in checked)


def test_a_stream_that_breaks_off_is_a_lost_answer(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(self: httpx.Response) -> Iterator[str]:
        yield 'data: {"msg": "estimation"}'
        raise httpx.ReadError("gone")

    monkeypatch.setattr(httpx.Response, "iter_lines", break_off)
    replies, _ = ask_at_once(url, [("桥有多长?", "zh"), ("How long?", "en")], 2)
    assert [reply.state for reply in replies] == ["lost", "lost"]
    assert figures(replies, 2, 1.0).lost == 2


def _reply(reader: int, whole: float) -> Reply:
    return Reply(reader, f"q{reader}", "en", "done", whole / 2, whole, {"retrieved": []})


def test_fairness_is_one_where_all_wait_alike_and_a_share_where_one_waits_for_all() -> None:
    alike = figures([_reply(n, 2.0) for n in range(4)], 4, 8.0)
    assert (alike.jain, alike.spread, alike.throughput, alike.median) == (1.0, 1.0, 30.0, 2.0)
    uneven = figures([_reply(0, 9.0), *(_reply(n, 0.001) for n in range(1, 4))], 4, 9.0)
    assert uneven.jain == pytest.approx(0.25, abs=0.01)
    assert uneven.spread == 9000


def test_a_reader_who_was_turned_away_is_counted_apart_from_a_lost_answer() -> None:
    told = figures([_reply(0, 1.0), Reply(1, "q", "en", "busy"), Reply(2, "q", "en", "failed")], 3, 1.0)
    assert (told.answered, told.busy, told.lost) == (1, 1, 1)


def test_quotes_in_place_of_an_answer_that_was_not_written_are_counted_as_such() -> None:
    told = figures([_reply(0, 1.0), replace(_reply(1, 9.0), instead="fallback")], 2, 9.0)
    assert (told.answered, told.fallback, told.lost) == (2, 1, 0)


def test_no_question_is_asked_at_two_levels_and_too_few_are_a_users_mistake() -> None:
    pool: list[Asked] = [(str(n), "en") for n in range(40)]
    dealt = deal(pool, [1, 4, 16], 8)
    assert [len(level) for level in dealt] == [8, 8, 16]
    asked = [question for level in dealt for question, _ in level]
    assert len(set(asked)) == 32
    with pytest.raises(UserError, match="48 distinct questions"):
        deal(pool, [1, 4, 16], 16)


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_page_as_it_is_started_loses_nothing_of_sixteen_readers(
    real_index: Index, real_settings: Settings, questions: list[Asked]
) -> None:
    with page_server("quote", real_index.folder, home=str(real_settings.home)) as page:
        replies, _ = ask_at_once(page, questions[: 2 * READERS], READERS)
    engine = Engine(real_index, make_generator(real_settings, "quote"), evidence_tokens=220)
    checked = compared(replies, lambda question: [entry.paragraph.number for entry in engine.retrieve(question)])
    assert [(reply.state, reply.mixed) for reply in checked] == [("done", "")] * (2 * READERS)
