"""Pointwise reranking: what the generator says of each paragraph, joined with what retrieval said."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from llama_index.core.llms import ChatMessage

from index.build import Index
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph
from rag import rerank
from rag.answer import Retrieved
from rag.gate import Gate
from rag.rerank import (
    HOPELESS,
    PROBED,
    SURE,
    WORTH_READING,
    Coefficients,
    is_hopeless,
    preferred,
    reranked,
    stating,
    write_rerank,
)
from rag.retrieve import HANDED_ON, HybridRetriever, Ranking, _handed_on
from tests.rag_support import PRESSED, make_index, pressed_engine, scripted_engine, small_engine

QUESTION = "How long does fixing tea in the iron pan take?"


def paragraph(number: int) -> Paragraph:
    return Paragraph(number=number, kind="body", zh=None, en=f"Paragraph {number}.")


RANKING = Ranking(
    tuple(Retrieved(paragraph(n), score) for n, score in ((4, 0.9), (2, 0.7), (7, 0.4), (1, 0.2))),
    {},
    {4: 0.6, 2: 0.2, 7: 0.15, 1: 0.05},
)


@pytest.fixture
def doubtful_reranker(monkeypatch: pytest.MonkeyPatch, listening_reranker: None) -> None:
    """A reranker that is sure of no paragraph, whatever the opening tells."""
    doubtful = Coefficients(dict.fromkeys(LANGUAGES, (-1.0, 1.0, 0.0)), (1.0, 0.0))
    monkeypatch.setattr("rag.rerank._coefficients", lambda: doubtful)


@pytest.fixture
def fixing(tmp_path: Path, listening_reranker: None) -> Index:
    """Four paragraphs that share the question's words; a gate and a reranker that listen to the opening alone."""
    texts = (
        "Fixing tea in the iron pan takes patience, an old hand says.",
        "Fixing in the iron pan takes 6 minutes.",
        "The iron pan is heated before fixing, which takes an hour.",
        "Tea bushes like misty slopes.",
    )
    return make_index(tmp_path, [{"en": text} for text in texts])


def shown_in(prompt: str) -> str:
    """The excerpts of the question itself, behind the worked examples."""
    return prompt.rsplit("Excerpts:\n", 1)[1].rsplit("\n\nQuestion:", 1)[0]


def test_a_paragraph_that_asks_hands_on_most_of_its_probability_to_the_next(tmp_path: Path) -> None:
    texts = ("How long does fixing in the iron pan take?", "Six minutes.", "Tea bushes like misty slopes.")
    retriever = HybridRetriever(make_index(tmp_path, [{"en": text} for text in texts]))
    ranking = retriever.rank(texts[0])
    assert [entry.paragraph.number for entry in ranking.retrieved[:2]] == [2, 1]
    assert ranking.share[2] == pytest.approx(HANDED_ON * (ranking.share[1] + ranking.share[2]), abs=0.01)
    without = retriever.rank(texts[0], frozenset({2}))
    assert without.retrieved[0].paragraph.number == 1


def test_two_questions_in_a_row_hand_on_in_turn_and_nothing_is_lost() -> None:
    given = _handed_on({1: 0.0, 2: 0.0}, {1: 2, 2: 3})
    shares = {n: math.exp(total) for n, total in given.items()}
    kept = 1 - HANDED_ON
    assert shares == pytest.approx({1: kept, 2: kept + HANDED_ON, 3: HANDED_ON})


# --- the arithmetic -----------------------------------------------------------------------------------------


def test_what_was_read_comes_first_likeliest_before_others_and_the_scores_stay_with_the_places() -> None:
    after = reranked(RANKING, {4: 0.2, 2: 0.5, 7: 0.3})
    assert [entry.paragraph.number for entry in after.retrieved] == [2, 7, 4, 1]
    assert [entry.score for entry in after.retrieved] == [0.9, 0.7, 0.4, 0.2]


def test_the_shares_of_what_was_read_are_dealt_out_anew_and_no_other_changes() -> None:
    after = reranked(RANKING, {4: 0.2, 2: 0.5, 7: 0.3})
    assert sum(after.share.values()) == pytest.approx(sum(RANKING.share.values()))
    assert after.share[2] == pytest.approx(0.95 * 0.5)
    assert after.share[1] == 0.05


def test_a_paragraph_that_was_not_read_stays_behind_those_that_were() -> None:
    after = reranked(RANKING, {4: 1.0})
    assert [entry.paragraph.number for entry in after.retrieved] == [4, 2, 7, 1]
    assert after.share == pytest.approx(RANKING.share)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_reranker_listens_to_both_and_more_to_neither_extreme(language: str) -> None:
    own = "zh" if language == "zh" else "en"
    for low, high in pairwise((-4.0, -1.0, 1.0, 4.0)):
        assert stating(low, 0.5, own) < stating(high, 0.5, own)
    for low, high in pairwise((0.0, 0.01, 0.3, 1.0)):
        assert stating(0.0, low, own) < stating(0.0, high, own)
    assert stating(1e9, 0.5, own) == stating(8.0, 0.5, own) < 1


def test_beside_another_what_is_said_counts_for_more_than_where_it_was_found() -> None:
    held = preferred({1: 1.0, 2: 3.0, 3: -2.0}, {1: 0.6, 2: 0.1, 3: 0.3})
    assert sum(held.values()) == pytest.approx(1.0)
    assert max(held, key=lambda n: held[n]) == 2
    assert preferred({1: 1.0, 2: 1.0}, {1: 0.6, 2: 0.1})[1] > 0.5, "what is said alike, where it was found decides"
    assert preferred({1: -9e9}, {1: 0.0}) == {1: 1.0}


def test_one_that_is_sure_is_preferred_whatever_the_others_say() -> None:
    openings, shares = {1: 3.0, 2: 0.0, 3: 1.0}, {1: 0.2, 2: 0.7, 3: 0.1}
    held = preferred(openings, shares, sure=2)
    assert (held[2], sum(held.values())) == (SURE, pytest.approx(1.0))
    free = preferred(openings, shares)
    assert max(free, key=lambda n: free[n]) == 1
    assert held[1] / held[3] == pytest.approx(free[1] / free[3])
    assert preferred(openings, shares, sure=1) == free, "it is preferred already"


def test_what_is_written_is_what_the_reranker_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerank, "RERANK_FILE", tmp_path / "rerank.json")
    states: dict[Language, tuple[float, ...]] = {"zh": (0.0, 1.0, 0.0), "en": (5.0, 0.0, 0.0)}
    write_rerank(Coefficients(states, (1.0, 0.0)), tmp_path / "rerank.json")
    assert stating(0.0, 0.5, "zh") == pytest.approx(0.5)
    assert stating(-3.0, 0.5, "en") > 0.99
    openings, shares = {1: 2.0, 2: 0.0}, {1: 0.2, 2: 0.6, 3: 0.2}
    assert preferred(openings, shares) == pytest.approx({1: 1 / (1 + math.exp(-2.0)), 2: 1 / (1 + math.exp(2.0))})
    write_rerank(Coefficients(states, (0.0, 1.0)), tmp_path / "rerank.json")
    assert preferred(openings, shares) == pytest.approx({1: 0.25, 2: 0.75})
    record = json.loads((tmp_path / "rerank.json").read_text())
    (tmp_path / "rerank.json").write_text(json.dumps(record | {"features": ["bias"]}))
    rerank._coefficients.cache_clear()
    with pytest.raises(ValueError, match="fitted on"):
        stating(0.0, 0.5, "zh")
    rerank._coefficients.cache_clear()


# --- on the road --------------------------------------------------------------------------------------------


def test_a_small_model_that_is_sure_of_the_first_paragraph_reads_no_other(fixing: Index) -> None:
    engine, llm = small_engine(fixing, "Stated: It takes patience, an old hand says.", logits=[6.0])
    answer = engine.ask(QUESTION)
    first = answer.retrieved[0].paragraph
    assert len(llm.prompts) == 1
    assert shown_in(llm.prompts[0]) == f"- {first.en}"
    assert {e.paragraph for e in answer.shown} == {first}


def test_a_paragraph_that_the_model_finds_the_answer_in_overtakes_those_that_are_only_near(fixing: Index) -> None:
    before = [r.paragraph.number for r in small_engine(fixing, "x", logits=[0.0])[0].retrieve(QUESTION)]
    engine, llm = small_engine(fixing, "Not stated.", "Stated: Fixing takes 6 minutes.", logits=[-6.0, 6.0])
    answer = engine.ask(QUESTION)
    assert len(llm.prompts) == 2
    assert [r.paragraph.number for r in answer.retrieved[:2]] == [before[1], before[0]]
    assert {e.paragraph.number for e in answer.shown} == {before[1]}
    assert answer.citations[0].paragraph.number == before[1]


@pytest.mark.usefixtures("doubtful_reranker")
def test_where_it_is_sure_of_none_the_likeliest_is_asked_again(fixing: Index) -> None:
    unsure = ["Stated: a", "Stated: b", "Stated: c", "Stated: d", "Stated: An hour, which it takes to heat the pan."]
    engine, llm = small_engine(fixing, *unsure, logits=[-2.0, 0.1, -1.0, -1.0, 0.1])
    answer = engine.ask(QUESTION)
    assert len(llm.prompts) == PROBED + 1
    assert llm.prompts[PROBED] == llm.prompts[1]
    assert answer.gate == pytest.approx(0.51, abs=0.01), "the gate hears the opening of the one that was chosen"


def test_a_reply_that_was_going_to_be_silent_is_made_to_go_on_without_being_opened_again(
    fixing: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.engine.decide", lambda *_: Gate(0.5, 0.4))
    replies = [*["Not stated."] * PROBED, "Fixing takes 6 minutes."]
    engine, llm = small_engine(fixing, *replies, logits=[-2.0, -0.1, -1.0, -1.0])
    engine = engine.with_generator(replace(engine.generator, continues=True))
    answer = engine.ask(QUESTION)
    assert len(llm.prompts) == PROBED + 1
    assert llm.prompts[PROBED] == f"{llm.prompts[1]}\nStated:"
    assert answer.statements[0].text == "Fixing in the iron pan takes 6 minutes.", "which the reply only copies"


@pytest.mark.usefixtures("doubtful_reranker")
def test_the_likeliest_is_made_to_go_on_without_being_opened_again_though_it_was_going_to_answer(fixing: Index) -> None:
    replies = ["Stated: a", "Stated: b", "Stated: c", "Stated: d", "Fixing takes 6 minutes."]
    engine, llm = small_engine(fixing, *replies, logits=[-2.0, 0.9, -1.0, -1.0])
    engine = engine.with_generator(replace(engine.generator, continues=True))
    assert not engine.ask(QUESTION).refused
    assert len(llm.prompts) == PROBED + 1
    assert llm.prompts[PROBED] == f"{llm.prompts[1]}\nStated:"


@pytest.mark.usefixtures("doubtful_reranker")
def test_what_the_gate_is_calibrated_on_is_told_without_writing_an_answer(fixing: Index) -> None:
    replies = ["Stated: a", "Stated: b", "Stated: c", "Stated: d"]
    engine, llm = small_engine(fixing, *replies, logits=[-2.0, 0.9, -1.0, -1.0])
    signals = engine.signals_at_opening(engine.look(QUESTION))
    assert len(llm.prompts) == PROBED
    assert signals.opening == pytest.approx(0.9 / 2)


def test_the_gate_is_told_that_only_what_something_is_is_asked(fixing: Index) -> None:
    engine, _ = small_engine(fixing, "Not stated.", logits=[-2.0])
    asked = [engine.signals_at_opening(engine.look(question)) for question in ("What is the iron pan?", QUESTION)]
    assert [signals.definition for signals in asked] == [1.0, 0.0]


@pytest.mark.parametrize(("logit", "read"), [(-1.0, PROBED), (-6.0, 2)], ids=["all were read", "two were hopeless"])
def test_what_no_paragraph_states_is_refused_once(fixing: Index, logit: float, read: int) -> None:
    engine, llm = small_engine(fixing, "Not stated.", logits=[logit])
    answer = engine.ask(QUESTION)
    assert answer.refused
    assert answer.citations == ()
    assert len({shown_in(prompt) for prompt in llm.prompts}) == read
    assert len(llm.prompts) == read, "what will be refused is not asked for once more"


def test_what_was_not_read_is_not_quoted_beside_what_the_model_is_sure_of(
    tmp_path: Path, listening_reranker: None
) -> None:
    texts = ("Fixing tea in the iron pan takes 6 minutes.", "Fixing tea in the iron pan takes old hands.")
    index = make_index(tmp_path, [{"en": text} for text in texts])
    engine, llm = small_engine(index, "Stated: 6 minutes.", logits=[9.0])
    answer = engine.ask("How long does fixing tea in the iron pan take?")
    assert len(llm.prompts) == 1
    assert {citation.paragraph.number for citation in answer.citations} == {1}


def test_hope_ends_where_all_that_were_read_say_next_to_nothing() -> None:
    nothing, little = HOPELESS / 2, HOPELESS * 2
    assert not is_hopeless({1: nothing}, 0.0)
    assert is_hopeless({1: nothing, 2: nothing}, 0.0)
    assert is_hopeless({1: nothing, 2: nothing, 3: nothing}, 0.0)
    assert not is_hopeless({1: nothing, 2: little}, 0.0)
    assert not is_hopeless({1: nothing, 2: nothing}, WORTH_READING), "the next one may be it"


def test_a_second_paragraph_is_read_however_little_the_first_says(fixing: Index) -> None:
    engine, llm = small_engine(fixing, "Not stated.", "Stated: Fixing takes 6 minutes.", logits=[-9.0, 6.0])
    assert not engine.ask(QUESTION).refused
    assert len(llm.prompts) == 2


@pytest.mark.parametrize(
    "translation", ["固定锅里的茶要多久?", "How long?", ""], ids=["zh", "not translated", "nothing"]
)
def test_unsure_of_the_first_two_paragraphs_it_looks_for_the_question_in_the_other_language_too(
    fixing: Index, translation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[str | None] = []
    replies = ["Not stated.", "Not stated.", "Stated: Fixing takes 6 minutes."]
    engine, llm = small_engine(fixing, *replies, logits=[-6.0, -1.0, 6.0])
    rank = HybridRetriever(fixing).rank

    def ranked(question: str, exclude: frozenset[int] = frozenset(), translation: str | None = None) -> Ranking:
        looked_for.append(translation)
        return rank(question, exclude, translation)

    monkeypatch.setattr(HybridRetriever, "rank", lambda _, *args: ranked(*args))
    llm.translation = translation
    assert not engine.ask(QUESTION).refused
    assert llm.translated == [QUESTION]
    assert looked_for == [None, *([translation] if translation[:1] == "固" else [])]


@pytest.mark.parametrize(
    "logits", [[6.0], [-6.0, 6.0], [-6.0, -6.0]], ids=["sure of the first", "of the second", "without hope"]
)
def test_where_two_paragraphs_tell_it_translates_nothing(fixing: Index, logits: list[float]) -> None:
    engine, llm = small_engine(fixing, *["Stated: It takes 6 minutes."] * len(logits), logits=logits)
    engine.ask(QUESTION)
    assert len(llm.prompts) == len(logits)
    assert llm.translated == []


def test_what_the_translation_finds_is_read_third_and_cited(tmp_path: Path, listening_reranker: None) -> None:
    engine, llm = pressed_engine(tmp_path)
    assert engine.retrieve(PRESSED)[2].paragraph.number != 3
    answer = engine.ask(PRESSED)
    assert answer.citations[0].paragraph.number == 3
    assert len(llm.prompts) == 3


def test_what_is_read_of_a_whole_paragraph_is_kept_and_a_full_disk_harms_no_answer(fixing: Index) -> None:
    engine, _ = small_engine(fixing, "Not stated.", "Stated: Fixing takes 6 minutes.", logits=[-6.0, 6.0])
    kept: list[str] = []

    def full(messages: Sequence[ChatMessage]) -> bool:
        kept.append((messages[-1].content or "").split("\n")[-1])
        raise UserError("there is no room")

    engine = engine.with_generator(replace(engine.generator, prepare=full))
    answer = engine.ask(QUESTION)
    assert kept == [f"- {r.paragraph.en}" for r in (answer.retrieved[1], answer.retrieved[0])]
    assert not answer.refused


def test_a_large_model_reads_what_was_selected_of_all_at_once(fixing: Index) -> None:
    engine, llm = scripted_engine(fixing, "Stated: Fixing takes 6 minutes.")
    engine.ask("What is the iron pan for?")
    assert len(llm.prompts) == 1
    assert shown_in(llm.prompts[0]).count("\n- ") >= 1


def test_the_openings_of_the_first_are_told_for_the_fit(fixing: Index) -> None:
    engine, llm = small_engine(fixing, "Stated: x", logits=[6.0, -1.0, 2.0])
    found = engine.look(QUESTION)
    said = engine.listener.openings(found, 3)
    assert list(said) == [r.paragraph.number for r in found.ranking.retrieved[:3]]
    assert [heard.reply.opening for heard in said.values()] == pytest.approx([6.0, -1.0, 2.0])
    assert len(llm.prompts) == 3, "sure of the first, it reads on all the same"
    assert llm.translated == [], "but looks no further"
    unsure, llm = small_engine(fixing, "Stated: x", logits=[-1.0])
    assert len(unsure.listener.openings(found, 2)) == 2
    assert llm.translated == [], "nothing that is read would be found by it"
    assert len(unsure.listener.openings(found, 3)) == 3
    assert llm.translated == [QUESTION]
