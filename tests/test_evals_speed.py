"""The speed run: its rows, the peer's markers, its processes; no test asserts a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, LLMMetadata

from evals import child, commands, peer, run, speed, speed_rows
from evals.__main__ import main
from evals.meter import Metered, Speeds, Written, resident_mb
from evals.speed import Asked, Cold, Measured, Order
from evals.speed_rows import Row, shown_ratio, spread_row, tail_row
from index.build import Index
from index.errors import UserError
from index.settings import Settings
from rag.llm import ChatLLM, Piece
from rag.local import LocalLLM
from tests.fakes import HashingEmbedder
from tests.test_evals_metrics import PARAGRAPHS, answer, fact, question

USAGE = {"prompt_tokens": 700, "cached_tokens": 500, "completion_tokens": 30}
SPEEDS = Speeds(prefill=(100.0, 100.0), decode=(10.0,))
RIGHT = answer(("The captain is Li Lei.", [0]), sources=[2])
SOURCES: list[peer.Source] = [(2, "en"), (3, "en"), (5, "zh")]


def asked(language: Any = "en", **changes: Any) -> Asked:
    written = (Written(0.0, 2.5, 6.0, USAGE),)
    return replace(Asked("q", language, 0.05, 2.5, 6.0, written, RIGHT), **changes).against(SPEEDS)


def measured(**changes: Any) -> Measured:
    base = Measured({"cores": 2}, SPEEDS, (asked("zh"), asked("en")), (0.02, 0.02), 1.5, 2500.0)
    return replace(base, **changes)


def with_everything() -> Measured:
    reply = {"seconds": 90.0, "resident_mb": 3000.0, "answer": answer(("It is Li Lei.", [0]), sources=[5])}
    return measured(
        help={"rag": (0.3, 0.2, 0.4), "ui": (0.1, 0.1, 0.1)},
        bare=(0.02,),
        cold=Cold((5.0,), (9.0,), (4.0,), (USAGE, None), 2600.0),
        building=(20.0,),
        embedding_all=15.0,
        peer_ready={"index_seconds": 9.0},
        peer={("q", "zh"): reply, ("q", "en"): reply},
    )


def named(rows: Sequence[Row], what: str) -> Row:
    return next(row for row in rows if row.what.startswith(what))


# --- what the model alone would have needed -----------------------------------------------------------------


def test_the_least_time_is_the_new_tokens_read_and_the_tokens_written_at_the_measured_speeds() -> None:
    one = asked()
    assert one.least_first == pytest.approx(2.0)  # 200 new tokens at 100 a second
    assert one.least == pytest.approx(5.0)  # and 30 written at 10 a second


def test_a_reply_that_was_made_to_go_on_costs_the_tokens_of_both() -> None:
    again = Written(3.0, 3.1, 6.0, {"prompt_tokens": 710, "cached_tokens": 700, "completion_tokens": 10})
    both = asked(written=(Written(0.0, 2.5, 3.0, USAGE), again))
    assert both.least_first == pytest.approx(2.0)
    assert both.least == pytest.approx(6.1)


def test_the_first_token_of_an_answer_costs_every_paragraph_that_was_read_before_it() -> None:
    read = Written(0.0, 0.4, 0.5, {"prompt_tokens": 700, "cached_tokens": 650, "completion_tokens": 1})
    two = asked(written=(read, Written(0.5, 2.5, 4.0, USAGE)), heard=2)
    assert two.new_tokens == 250
    assert two.least_first == pytest.approx(2.5)


def test_a_reply_that_was_cut_off_has_no_limit_and_is_left_out_of_the_ratio() -> None:
    cut = asked(written=(Written(0.0, 2.5, 2.5, None),))
    assert cut.least is None
    row = named(speed_rows.rows(measured(asked=(cut, asked()))), "First generated token")
    assert row.ratio == pytest.approx(1.25)
    assert named(speed_rows.rows(measured(asked=(cut,))), "Whole answer").ratio is None


def test_the_stopwatch_keeps_each_reply_of_the_local_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(self: LocalLLM, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        yield Piece("a")
        yield Piece("b")
        yield Piece(usage=USAGE)

    monkeypatch.setattr(LocalLLM, "_pieces", pieces)
    llm = Metered(name="m", path="p", threads=1, max_tokens=9, prompts="", prompts_room=0)
    llm.complete("?")
    stream = llm.stream_complete("?")
    next(stream)
    stream.close()
    whole, cut = llm.take()
    assert (whole.new_tokens, whole.tokens, cut.usage) == (200, 30, None)
    assert whole.first is not None
    assert whole.started <= whole.first <= whole.ended
    assert llm.take() == []


def test_the_model_under_the_stopwatch_is_set_as_the_one_that_answers() -> None:
    shipped = LocalLLM(name="m", path="p", threads=3, max_tokens=9, prompts="q", prompts_room=7, layers=(4, 2))
    metered = Metered.like(shipped)
    assert {name: getattr(metered, name) for name in LocalLLM.model_fields} == dict(shipped)
    assert metered.pid is None


# --- rows ---------------------------------------------------------------------------------------------------


def test_a_row_shows_its_median_its_quartiles_and_its_ratio_to_what_bounds_it() -> None:
    row = spread_row("x", [1.0, 2.0, 3.0, 4.0, 5.0], [1.5, 1.5], against="limit", most=2.5)
    assert (row.value, row.low, row.high, row.ratio, row.is_met) == (3.0, 2.0, 4.0, 2.0, False)
    assert row.cells() == ("x, s", "3", "2–4 (p25–p75)", "1.5", "limit", "2.00×", "≤ 2.5", "MISSED", "")


def test_a_tail_row_shows_the_95th_percentile_and_the_most() -> None:
    row = tail_row("x", [float(n) for n in range(101)], most=95)
    assert (row.value, row.high, row.is_met) == (95.0, 100.0, True)


def test_a_row_of_nothing_has_a_dash_and_no_verdict() -> None:
    row = spread_row("x", [], most=1)
    assert row.is_met is None
    assert row.cells()[1] == "–"
    assert row.cells()[7] == ""


def test_a_single_measurement_has_no_spread() -> None:
    assert spread_row("x", [2.0]).cells()[2] == ""


@pytest.mark.parametrize(("ratio", "shown"), [(1.25, "1.25×"), (1 / 15, "1/15"), (1 / 15.24, "1/15.2"), (None, "")])
def test_ratios_below_a_tenth_are_shown_as_fractions(ratio: float | None, shown: str) -> None:
    assert shown_ratio(ratio) == shown


def test_equal_is_not_better() -> None:
    assert Row("x", 0.5, least=0.5).is_met is True
    assert Row("x", 0.5, least=0.5, is_strict=True).is_met is False


def test_every_stage_has_a_row_beside_its_limit_and_the_index_its_target() -> None:
    rows = speed_rows.rows(with_everything())
    assert named(rows, "Command line help").value == 0.3  # of the slowest
    assert named(rows, "Start to the first evidence").beside == 4.0
    assert named(rows, "Start to the first generated").beside == pytest.approx(4.0 + 5.0)
    assert named(rows, "Index of the article").is_met is False
    assert named(rows, "Evidence on screen").ratio == pytest.approx(2.5)
    assert named(rows, "Whole answer").ratio == pytest.approx(1.2)
    assert named(rows, "Resident memory").is_met is True
    assert named(rows, "Whole answer, the 2 that the peer").ratio == pytest.approx(1 / 15)


def test_a_start_is_bound_by_the_slower_of_the_two_models_which_load_at_once() -> None:
    def least(loading: float) -> float | None:
        return named(speed_rows.rows(replace(with_everything(), loading=loading)), "Start to the first gen").beside

    assert least(1.5) == 4 + 200 / 100 + 30 / 10
    assert least(6.0) == 6 + 200 / 100 + 30 / 10


def test_without_a_peer_and_without_processes_their_rows_are_left_out() -> None:
    rows = speed_rows.rows(measured())
    assert not [row for row in rows if row.against == peer.NAME or "Start" in row.what]
    assert speed_rows.quality_rows(measured(), {}, PARAGRAPHS) == []


def test_quality_is_scored_alike_for_both_on_the_questions_that_both_were_asked() -> None:
    rows = speed_rows.quality_rows(with_everything(), {"q": question(fact())}, PARAGRAPHS)
    cited = named(rows, "Cited-fact recall")
    assert (cited.value, cited.beside, cited.is_met) == (1.0, 0.0, True)
    stated = named(rows, "Fact recall")
    assert (stated.value, stated.beside, stated.is_met) == (1.0, 1.0, False)  # as good is not better
    assert named(rows, "Fact recall, where both answered (2)").value == 1.0


def test_the_record_holds_the_rows_and_every_raw_timing_and_is_json() -> None:
    whole = with_everything()
    record = json.loads(json.dumps(speed_rows.record(whole, speed_rows.rows(whole))))
    assert [one["total"] for one in record["raw"]["asked"]] == [6.0, 6.0]
    assert record["raw"]["speeds"]["prefill"] == [100.0, 100.0]
    assert record["raw"]["peer"][0] == {"id": "q", "language": "zh", "seconds": 90.0, "resident_mb": 3000.0}
    assert record["rows"][0]["what"].startswith("Command line help")


def test_the_table_has_a_cell_for_every_head() -> None:
    table = speed_rows.table(speed_rows.rows(with_everything()))
    assert {len(row) for row in table.rows} == {len(table.head)}


# --- the peer's answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marker", "numbers"),
    [
        ("[1]", [2]),
        ("[1][3]", [2, 5]),
        ("[1, 3]", [2, 5]),
        ("[1-3]", [2, 3, 5]),
        ("[^2]", [3]),
        ("【2】", [3]),
        ("[Source 2]", [3]),
        ("(Source 2)", [3]),
        ("(Sources 1 and 2)", [2, 3]),
        ("according to Source 3", [5]),
        ("(来源 2)", [3]),
        ("(1)", []),
        ("[7]", []),
        ("[2024]", []),
    ],
)
def test_every_spelling_of_a_marker_is_read_and_a_number_of_no_source_is_passed_over(
    marker: str, numbers: list[int]
) -> None:
    given = peer.answer_of(f"The captain is Li Lei {marker}.", "?", "en", SOURCES, PARAGRAPHS)
    assert [citation["paragraph"] for citation in given["citations"]] == numbers
    assert given["statements"][0]["citations"] == list(range(len(numbers)))


def cited(text: str) -> list[list[int]]:
    """The paragraphs that each statement cites."""
    given = peer.answer_of(text, "?", "en", SOURCES, PARAGRAPHS)
    places = [citation["paragraph"] for citation in given["citations"]]
    return [[places[i] for i in statement["citations"]] for statement in given["statements"]]


def test_a_marker_behind_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    assert cited("Li Lei steers. [1] It is heavy. [2]") == [[2], [3]]


def test_a_sentence_without_a_marker_rests_on_the_next_one_else_on_the_last() -> None:
    assert cited("Li Lei steers. He is old [1]. It is heavy [2]. It floats.") == [[2], [2], [3], [3]]
    assert cited("Nobody knows who steers.") == [[]]


def test_markers_are_no_part_of_what_is_stated_and_quotes_are_verbatim() -> None:
    given = peer.answer_of("It is Li Lei [1].", "?", "en", SOURCES, PARAGRAPHS)
    assert given["statements"][0]["text"].replace(" ", "") == "ItisLiLei."
    assert given["citations"][0]["quote"] == PARAGRAPHS[2].en


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("None of the sources are helpful.", True),
        ("The provided sources do not mention who steers [1].", True),
        ("资料中没有提到船长是谁。", True),
        ("The sources do not say it outright. The captain is Li Lei [1].", False),
        ("The captain is Li Lei [1].", False),
        ("", False),
    ],
)
def test_the_peer_refuses_only_where_its_first_sentence_says_so_and_no_other_cites(text: str, refused: bool) -> None:
    given = peer.answer_of(text, "?", "en", SOURCES, PARAGRAPHS)
    assert given["refused"] is refused
    assert not (refused and given["citations"])


class CitingLLM(ChatLLM):
    """Always says the same."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="citing", is_chat_model=True)

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        yield Piece("The captain is Li Lei [1].")


def test_the_real_query_engine_answers_over_both_languages_and_its_source_is_the_paragraph() -> None:
    engine = peer.make_engine(list(PARAGRAPHS.values()), HashingEmbedder(), CitingLLM())
    reply = peer.ask(engine, "The captain is Li Lei.", "en", PARAGRAPHS)
    assert reply["answer"]["citations"][0]["paragraph"] == 2
    assert len(reply["answer"]["retrieved"]) <= 2  # its default
    assert reply["seconds"] > 0


# --- processes, the command ---------------------------------------------------------------------------------


def test_a_child_is_timed_line_by_line_and_its_failure_is_told() -> None:
    done = child.python("x", code="import sys; print('evidence of', sys.argv[1])")
    assert 0 < done.at("evidence") <= done.seconds
    assert done.said("evidence") == "of x"
    with pytest.raises(UserError, match="status 3: no luck"):
        child.python(code="import sys; print('no luck', file=sys.stderr); sys.exit(3)")


def test_the_memory_of_this_process_is_known_where_the_system_tells() -> None:
    held = resident_mb()
    assert held is None or held > 10


def test_the_command_prints_the_table_keeps_the_timings_and_ends_with_1_where_a_target_is_missed(
    monkeypatch: pytest.MonkeyPatch, article_index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders: list[Order] = []

    def perform(order: Order, *args: Any) -> Measured:
        orders.append(order)
        return measured()

    monkeypatch.setattr(speed, "perform", perform)
    monkeypatch.setattr(commands, "open_index", lambda settings: article_index)
    monkeypatch.setattr(run, "RUNS", tmp_path / "runs")
    assert main(["speed", "--limit", "3", "--peer", "0"]) == commands.MISSED  # 2.5 s to the first token
    assert (orders[0].limit, orders[0].peer) == (3, 0)
    assert "Whole answer" in capsys.readouterr().out
    assert json.loads((tmp_path / "runs" / "speed.json").read_text(encoding="utf-8"))["rows"]


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="--limit is 0"):
        main(["speed", "--limit", "0"])


@pytest.mark.model
@pytest.mark.timeout(900)
def test_one_question_is_measured_with_the_real_models(real_index: Index, real_settings: Settings) -> None:
    found = speed.perform(Order(limit=1, peer=0, repeats=1, commands=False, ahead=False), real_settings, real_index)
    assert [one.language for one in found.asked] == ["zh", "en"]
    assert all(0 < one.evidence <= one.total for one in found.asked)
    assert len(found.speeds.prefill) == len(found.speeds.decode) == 2
    assert all(own.usage for one in found.asked for own in one.written), "each reply tells what it cost"
    assert {row.what for row in speed_rows.rows(found)} >= {"Evidence on screen", "Whole answer", "Resident memory"}
