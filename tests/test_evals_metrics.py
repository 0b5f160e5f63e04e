"""The metrics, each trap as a worked example computed by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import ndcg_score

from evals import stats
from evals.controls import CEILING, make_controls
from evals.gold import Fact, Question, Span
from evals.metrics import cited, gates, in_language, judge, ndcg_at, precision, recall_at, reciprocal_rank
from evals.normalise import normalise, states
from evals.score import HEADLINE, STYLES, Scores, cost, figures, parity, reliability, score
from index.paragraphs import LANGUAGES, Language, Paragraph

PARAGRAPHS = {
    1: Paragraph(
        1,
        "body",
        "猫有四条腿。狗也有！鸟呢?鸟有两条腿。",
        "Cats have four legs. So do dogs! And birds? Birds have two legs.",
    ),
    2: Paragraph(2, "body", "船长是李雷。", "The captain is Li Lei."),
    3: Paragraph(3, "body", "船重一百二十万吨。", "The ship weighs 1.2 million tonnes."),
    4: Paragraph(4, "summary", "全文讲动物和船。", None),
    5: Paragraph(5, "body", "天气很好。", "The weather is fine."),
}


def fact(
    name: str = "f1",
    aliases: Sequence[str] = ("李雷", "Li Lei"),
    evidence: Sequence[set[int]] = ({2},),
    weight: float = 1,
    **more: Any,
) -> Fact:
    return Fact(f"q.{name}", weight, tuple(aliases), evidence=tuple(map(frozenset, evidence)), **more)


def question(*facts: Fact, name: str = "q", **more: Any) -> Question:
    kind = "explain" if facts and "unanswerable_kind" not in more else "unanswerable"
    asked: dict[Language, str] = {"zh": "谁是船长?", "en": "Who is the captain?"}
    return Question(id=name, split="dev", kind=kind, asked=asked, facts=facts, **more)


def citation(number: int, language: Language = "en", span: tuple[int, int] | None = None) -> dict[str, Any]:
    text = PARAGRAPHS[number].text(language) or ""
    start, end = span or (0, len(text))
    return {
        "paragraph": number, "language": language, "text": text, "start": start, "end": end, "quote": text[start:end],
    }  # fmt: skip


def answer(*statements: tuple[str, list[int]], sources: Sequence[int] = (), **more: Any) -> dict[str, Any]:
    """An answer whose statements cite indices of `sources`, which are paragraph numbers."""
    record = {
        "refused": False,
        "statements": [{"text": text, "citations": indices, "verdict": "supported"} for text, indices in statements],
        "citations": [citation(number) for number in sources],
        "retrieved": [{"paragraph": number, "score": 1 / rank} for rank, number in enumerate((2, 1, 3), start=1)],
        "gate": 0.9,
    }
    return record | more


REFUSAL = answer(refused=True, gate=0.1)


def value(asked: Question, given: dict[str, Any], metric: str, language: Language = "en") -> float | None:
    return judge(asked, language, given, PARAGRAPHS).values[metric]


def scored(asked: Sequence[Question], answers: dict[tuple[str, Language], dict[str, Any]]) -> Scores:
    return score({q.id: q for q in asked}, answers, PARAGRAPHS)


# --- does the answer state the value? -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("一百二十万", "1.2 million"),
        ("约 120 万吨", "一百二十万"),
        ("about 18,000 dollars", "1.8 万"),
        ("$18k", "18000"),
        ("2.75 亿次", "275 million"),
        ("eighty percent of it", "百分之八十"),
        ("占了八成", "80%"),
        ("大约三分之一", "a third"),
        ("one-third of the bugs", "1/3"),
        ("一半的人", "half"),
        ("一个半小时", "1.5 小时"),
        ("an hour and a half", "1.5 hours"),
        ("a week and a half", "1.5 weeks"),
        ("eightfold", "8×"),
        ("达到 8.0×", "八倍"),
        ("it grew 8 times", "8×"),
        ("8 times as fast", "eightfold"),
        ("it was called 2,190 times, at night", "2,190"),
        ("three times a week", "3 times"),
        ("called 770 times per night", "770"),
        ("stopped five times that winter", "5"),
        ("four to eight hours", "4–8 hours"),
        ("四到八个小时", "4-8小时"),
        ("two hundred and fifty-six", "256"),
        ("two million and sixteen", "2000016"),
        ("1 hundred and fifty", "150"),
        ("3 million five hundred thousand", "3500000"),
        ("$2.6 million and sixteen months", "sixteen months"),
        ("$2.6 million and sixteen months", "260 万"),
        ("二〇二六年", "2026"),
        ("十五个月", "15个月"),
        ("12-hour tasks", "12 hours"),
        ("thirty-two minutes", "32 minutes"),
        ("遞歸式自我改進", "递归式自我改进"),
        ("Ｏｐｕｓ　４．５", "Opus 4.5"),
        ("它被称为「递归式自我改进」", "被称为递归式自我改进"),
        ("they delegated it", "delegat"),
        ("the robots", "robot"),
        ("claude’s own", "Claude's own"),
        ("分得五分之一，2023 年起", "1/5"),
        ("分得五分之一，2023 年起", "2023 年"),
        ("各年：2，11，24", "11"),
        ("与 GPT-4 一样好", "GPT-4"),
        ("像Claude 4一样", "Claude 4"),
        ("Opus 4 三次失败", "Opus 4"),
        ("2025 一季度", "2025"),
        ("2025一季度", "2025 一季度"),
        ("2024 百分之三", "3%"),
        ("一亿二千万", "120 million"),
        ("3亿5000万", "3.5 亿"),
        ("二万亿", "2 trillion"),
        ("一万二", "12000"),
        ("三千五", "3500"),
        ("一千零五", "1005"),
        ("百分之三点五", "3.5%"),
        ("三点五亿", "350 million"),
        ("零点五个百分点", "0.5 个百分点"),
        ("下午三点五十分", "3点50分"),
        ("中位数 2 天", "2 天"),
        ("中位数十五天", "15 天"),
        ("$4.5k", "4500"),
        ("half a million", "500,000"),
        ("two and a half million", "2.5 million"),
        ("a million and a half", "1.5 million"),
        ("80% to 90%", "80-90%"),
        ("两到三成", "20–30%"),
        ("$1.5bn", "1.5 billion"),
        ("a third decides", "1/3"),
    ],
)
def test_a_value_is_recognised_however_it_is_written(text: str, alias: str) -> None:
    assert states(text, alias)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("170 people", "70"),
        ("1,700 people", "700"),
        ("1,700 people", "1"),
        ("12,345,678 people", "345"),
        ("0.70", "70"),
        ("Opus 4.5", "Opus 4"),
        ("16%", "16"),
        ("52x", "52"),
        ("fifty-two times the rate", "52"),
        ("52 times as fast", "52"),
        ("8 times worse", "8"),
        ("8 times a week", "8x"),
        ("18 万", "1 万"),
        ("百分之十八", "百分之八"),
        ("四十分钟", "四分钟"),
        ("two hundred", "two"),
        ("infrastructure", "INF"),
        ("a topic", "top"),
        ("misaligned", "aligned"),
        ("[¶18] 很好", "18"),
        ("很好[¶4, ¶18]。", "18"),
        ("50 percentage points", "50%"),
        ("第 2.3.5 节", "2.3"),
        ("it took a week and a half", "一半"),
        ("2025 一季度", "20251"),
        ("百分之三点五", "3%"),
        ("二点五倍", "5 倍"),
        ("有两点一致", "2.1"),
        ("三点五十分", "3.5"),
        ("$4.5k", "4.5"),
        ("half a million", "1 million"),
        ("two and a half million", "1 million"),
        ("数百万", "100 万"),
        ("几百人", "100 人"),
        ("a third attempt", "1/3"),
        ("a third-generation chip", "1/3"),
    ],
)
def test_a_part_of_another_value_is_not_the_value(text: str, alias: str) -> None:
    assert not states(text, alias)


def test_spelling_a_text_the_same_way_twice_changes_nothing() -> None:
    for text in ("一百二十万吨,三分之一,8.0× 和 12-hour tasks", "By April 2026 it was ~52x, up from 3x."):
        assert normalise(normalise(text)) == normalise(text)


# --- facts and citations ------------------------------------------------------------------------------------


def test_a_fact_counts_only_when_the_statement_that_states_it_cites_its_evidence() -> None:
    asked = question(fact())
    elsewhere = answer(("The captain is Li Lei.", [0]), ("The weather is fine.", [1]), sources=[5, 2])
    assert value(asked, elsewhere, "fact_recall") == 1
    assert value(asked, elsewhere, "citation_recall") == 1
    assert value(asked, elsewhere, "cited_fact_recall") == 0
    assert value(asked, answer(("The captain is Li Lei.", [0]), sources=[2]), "cited_fact_recall") == 1


def test_evidence_is_an_or_of_ands() -> None:
    asked = question(fact(evidence=[{1, 2}, {3}]))
    said = "Li Lei did it."
    assert value(asked, answer((said, [0]), sources=[1]), "cited_fact_recall") == 0
    assert value(asked, answer((said, [0, 1]), sources=[1, 2]), "cited_fact_recall") == 1
    assert value(asked, answer((said, [0]), sources=[3]), "cited_fact_recall") == 1


def test_an_okay_fact_weighs_half_of_a_vital_one() -> None:
    asked = question(fact(), fact("f2", ["1.2 million"], [{3}], weight=0.5))
    said = answer(("Li Lei.", [0]), sources=[2])
    assert value(asked, said, "fact_recall") == pytest.approx(1 / 1.5)
    assert value(asked, said, "right") == 1  # the okay one is not needed


def test_an_answer_without_citations_has_no_citation_precision() -> None:
    assert value(question(fact()), answer(("Li Lei.", [])), "citation_precision") == 0
    assert precision(frozenset(), frozenset({1})) == 0


def test_an_index_of_minus_one_is_a_phantom_and_not_the_last_source() -> None:
    asked = question(fact())
    said = answer(("Li Lei.", [-1]), sources=[5, 2])
    outcome = judge(asked, "en", said, PARAGRAPHS)
    assert outcome.values["cited_fact_recall"] == 0
    assert outcome.gates.phantoms == 1


def test_an_index_out_of_range_lowers_precision() -> None:
    said = answer(("Li Lei.", [0, 7]), sources=[2])
    assert value(question(fact()), said, "citation_precision") == pytest.approx(1 / 2)
    assert gates(said, "en", PARAGRAPHS).phantoms == 1


def test_a_citation_of_a_paragraph_that_is_not_indexed_is_a_phantom() -> None:
    said = answer(("Li Lei.", [0]))
    said["citations"] = [citation(2) | {"paragraph": 99}]
    assert gates(said, "en", PARAGRAPHS).phantoms == 1
    assert value(question(fact()), said, "citation_precision") == 0


def test_a_source_that_no_statement_uses_counts_against_precision() -> None:
    said = answer(("Li Lei.", [0]), sources=[2, 5])
    assert cited(said) == {2, 5}
    assert value(question(fact()), said, "citation_precision") == pytest.approx(1 / 2)


def test_a_supporting_paragraph_may_be_cited_but_answers_nothing() -> None:
    asked = question(fact(), supporting=frozenset({5}))
    said = answer(("Li Lei.", [0]), sources=[5])
    assert value(asked, said, "citation_precision") == 1
    assert value(asked, said, "citation_recall") == 0


def test_a_known_wrong_value_halves_fact_precision_and_makes_the_answer_wrong() -> None:
    asked = question(fact(forbidden=("Han Meimei",)))
    said = answer(("Li Lei, or Han Meimei.", [0]), sources=[2])
    assert value(asked, said, "fact_precision") == pytest.approx(1 / 2)
    assert value(asked, said, "right") == 0


def test_fact_precision_of_an_answer_that_states_nothing_is_unknown_and_not_a_zero() -> None:
    one, two = question(fact(), name="a"), question(fact(), name="b")
    silent, said = answer(("The weather is fine.", [])), answer(("Li Lei.", [0]), sources=[2])
    assert value(one, silent, "fact_precision") is None
    found = scored([one, two], {("a", "en"): silent, ("b", "en"): said}).system["fact_precision"]
    assert (found.value, found.n) == (1.0, 1)


def test_an_answer_that_the_engine_failed_to_give_is_a_zero_and_breaks_a_gate() -> None:
    asked = question(fact())
    found = scored([asked], {("q", "en"): {"error": "ValueError: x", "refused": False}})
    assert found.system["cited_fact_recall"].value == 0
    assert found.gates["errors"] == 1


def test_half_of_the_sources_of_a_right_answer_are_right_and_no_fewer() -> None:
    said = answer(("Li Lei.", [0]), sources=[2, 5])
    assert value(question(fact()), said, "right") == 1
    supported = question(fact(), supporting=frozenset({3}))
    fewer = answer(("Li Lei.", [0]), sources=[2, 3, 5, 1, 4])
    assert value(supported, fewer, "citation_precision") == pytest.approx(2 / 5)
    assert value(supported, fewer, "right") == 0


def test_citing_everything_is_not_right_even_when_the_evidence_is_among_it() -> None:
    said = answer(("Li Lei.", [0, 1, 2]), sources=[2, 1, 5])
    assert value(question(fact()), said, "cited_fact_recall") == 1
    assert value(question(fact()), said, "right") == 0


def test_a_quote_of_the_next_sentence_is_in_the_right_paragraph_and_not_the_right_sentence() -> None:
    zh = PARAGRAPHS[1].zh or ""
    legs = Span(1, "zh", zh.index("鸟有"), len(zh))
    asked = question(fact(aliases=["两条腿"], evidence=[{1}], sentences=(legs,)))
    near = answer(("鸟有两条腿。", [0])) | {"citations": [citation(1, "zh", (zh.index("鸟呢"), zh.index("鸟有")))]}
    exact = answer(("鸟有两条腿。", [0])) | {"citations": [citation(1, "zh", (zh.index("鸟有"), len(zh)))]}
    assert value(asked, near, "citation_precision", "zh") == 1
    assert (value(asked, near, "sentence_precision", "zh"), value(asked, near, "sentence_recall", "zh")) == (0, 0)
    assert (value(asked, exact, "sentence_precision", "zh"), value(asked, exact, "sentence_recall", "zh")) == (1, 1)


# --- retrieval ----------------------------------------------------------------------------------------------


def test_recall_at_k_needs_a_whole_evidence_set() -> None:
    facts = [fact(evidence=[{2, 5}]), fact("f2", evidence=[{7}, {9}], weight=0.5)]
    ranking = [2, 9, 5]
    assert recall_at(ranking, facts, 1) == 0
    assert recall_at(ranking, facts, 2) == pytest.approx(0.5 / 1.5)
    assert recall_at(ranking, facts, 3) == 1
    assert recall_at([], facts, 10) == 0


def test_the_reciprocal_rank_is_of_the_first_gold_paragraph() -> None:
    assert reciprocal_rank([9, 8, 5, 2], frozenset({2, 5})) == pytest.approx(1 / 3)
    assert reciprocal_rank([], frozenset({2})) == 0


def test_ndcg_by_hand() -> None:
    # gains at ranks 1 and 3: 1 + 1/2; the ideal has them at ranks 1 and 2: 1 + 1/log2(3)
    assert ndcg_at([2, 9, 5], frozenset({2, 5}), 10) == pytest.approx(1.5 / (1 + 1 / math.log2(3)))


def test_the_ideal_of_ndcg_fills_as_many_places_as_there_is_gold() -> None:
    assert ndcg_at([2, 9, 8, 7, 6, 5], frozenset({2}), 10) == 1
    assert ndcg_at([2], frozenset({2, 3, 4}), 1) == 1
    assert ndcg_at([], frozenset({2}), 10) == 0


def test_ndcg_agrees_with_scikit_learn_on_a_full_ranking() -> None:
    ranking, gold = [3, 1, 4, 2, 5], frozenset({1, 2})
    relevance = np.array([[float(number in gold) for number in ranking]])
    assert ndcg_at(ranking, gold, 5) == pytest.approx(ndcg_score(relevance, np.array([[5, 4, 3, 2, 1]])))


def test_retrieval_is_looked_at_down_to_the_tenth_and_no_further() -> None:
    def judged(rank: int) -> Any:
        numbers = [*range(100, 99 + rank), 2]
        return judge(question(fact()), "en", answer(retrieved=[{"paragraph": n} for n in numbers]), PARAGRAPHS)

    assert judged(10).values["ndcg@10"] == pytest.approx(1 / math.log2(11))
    assert (judged(10).had_gold, judged(11).had_gold) == (True, False)
    assert judged(11).values["ndcg@10"] == 0


def test_a_pair_retrieved_twice_counts_once() -> None:
    asked = question(fact())
    said = answer(retrieved=[{"paragraph": n, "score": 1} for n in (5, 5, 5, 2)])
    assert value(asked, said, "mrr") == pytest.approx(1 / 2)
    assert value(asked, said, "recall@3") == 1


# --- refusals -----------------------------------------------------------------------------------------------


def test_a_refusal_is_a_field_and_never_a_wording() -> None:
    silent = question(unanswerable_kind="out_of_article")
    worded = answer(("The article does not say.", []))
    assert value(silent, worded, "refused") == 0
    assert value(silent, REFUSAL, "refused") == 1


def test_a_cited_correction_of_a_false_premise_counts_as_a_refusal() -> None:
    premise = question(fact(), unanswerable_kind="false_premise")
    corrected = judge(premise, "en", answer(("No: it is Li Lei.", [0]), sources=[2]), PARAGRAPHS)
    uncited = judge(premise, "en", answer(("No: it is Li Lei.", [0]), sources=[5]), PARAGRAPHS)
    assert (corrected.refused, corrected.corrected) == (True, True)
    assert (uncited.refused, uncited.corrected) == (False, False)


def test_a_correction_states_every_vital_fact_and_nothing_that_is_wrong() -> None:
    facts = (fact(forbidden=("Han Meimei",)), fact("f2", ["1.2 million"], [{3}], weight=0.5))
    premise = question(*facts, unanswerable_kind="false_premise")
    both = answer(("It is Li Lei, or Han Meimei.", [0]), sources=[2])
    okay = answer(("She weighs 1.2 million tonnes.", [0]), sources=[3])
    vital = answer(("It is Li Lei.", [0]), sources=[2])
    found = [judge(premise, "en", said, PARAGRAPHS) for said in (both, okay, vital)]
    assert [(o.corrected, o.values["right"]) for o in found] == [(False, 0), (False, 0), (True, 1)]


def test_refusal_precision_recall_and_f1_by_hand() -> None:
    asked = [question(fact(), name=name) for name in "abcd"]
    silent = [question(name=name, unanswerable_kind="instruction") for name in "wxyz"]
    said = answer(("Li Lei.", [0]), sources=[2])
    answers = dict.fromkeys([("a", "en"), *((name, "en") for name in "wxy")], REFUSAL)
    answers |= dict.fromkeys([(name, "en") for name in "bcdz"], said)
    found = scored([*asked, *silent], answers).system
    # refused: a, w, x, y; of them unanswerable: w, x, y. Unanswerable: w, x, y, z.
    assert found["refusal_precision"].value == pytest.approx(3 / 4)
    assert found["refusal_recall"].value == pytest.approx(3 / 4)
    assert found["refusal_f1"].value == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert found["over_refusal"].value == pytest.approx(1 / 4)
    assert found["refusal_recall.instruction"].value == pytest.approx(3 / 4)


def test_over_refusal_is_split_by_whether_retrieval_had_the_gold() -> None:
    had, had_not = question(fact(), name="a"), question(fact(evidence=[{5}]), name="b")
    found = scored([had, had_not], {("a", "en"): answer(("Li Lei.", [0]), sources=[2]), ("b", "en"): REFUSAL}).system
    assert found["over_refusal_with_gold"].value == 0
    assert found["over_refusal_without_gold"].value == 1


def test_a_refused_answerable_question_scores_zero_on_facts_and_citations() -> None:
    found = judge(question(fact()), "en", REFUSAL, PARAGRAPHS).values
    assert {found[name] for name in ("cited_fact_recall", "fact_recall", "citation_precision", "citation_recall")} == {
        0
    }


def test_a_refusal_that_states_the_fact_states_nothing() -> None:
    said = answer(("Li Lei.", [0]), sources=[2], refused=True)
    assert value(question(fact()), said, "fact_recall") == 0
    assert gates(said, "en", PARAGRAPHS).phantoms == 1  # and a refusal must not cite


# --- gates --------------------------------------------------------------------------------------------------


def test_a_quote_is_verbatim_only_as_the_very_slice_of_the_indexed_paragraph() -> None:
    good = citation(2, "en", (4, 11))
    broken = [
        good | {"quote": "Captain"},
        good | {"start": 5},
        good | {"start": -18, "end": -11},  # Python would read these from the end
        good | {"text": "The captain is Han Meimei."},
        good | {"language": "zh"},
        good | {"paragraph": 3},
        good | {"start": 4, "end": 4, "quote": ""},
    ]
    assert gates(answer() | {"citations": [good]}, "en", PARAGRAPHS).not_verbatim == 0
    for wrong in broken:
        assert gates(answer() | {"citations": [wrong]}, "en", PARAGRAPHS).not_verbatim == 1, wrong


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("船长是李雷。", "zh", True),
        ("The captain is Li Lei.", "zh", False),
        ("船长是李雷。", "en", False),
        ("The captain is 李雷.", "en", True),
        ("Marina Favaro, Jack Clark", "zh", True),  # names belong to no language
        ("8×,由 Claude Opus 4.8 翻译 [¶1]", "zh", True),
        ("42%", "zh", None),
        ("", "en", None),
    ],
)
def test_the_language_of_an_answer(text: str, language: Language, expected: bool | None) -> None:
    assert in_language(text, language) is expected


def test_a_quote_of_a_paragraph_published_in_one_language_is_not_a_wrong_language() -> None:
    only_chinese = answer((PARAGRAPHS[4].zh or "", [0])) | {"citations": [citation(4, "zh")]}
    both = answer((PARAGRAPHS[5].zh or "", [0])) | {"citations": [citation(5, "zh")]}
    assert gates(only_chinese, "en", PARAGRAPHS).wrong_language == 0
    assert gates(both, "en", PARAGRAPHS).wrong_language == 1


def test_a_refusal_in_another_language_is_in_the_wrong_one() -> None:
    assert gates(answer(refused=True, language="zh"), "en", PARAGRAPHS).wrong_language == 1
    assert gates(answer(refused=True, language="en"), "en", PARAGRAPHS).wrong_language == 0
    assert gates(answer(refused=True), "en", PARAGRAPHS).wrong_language == 0


# --- statistics ---------------------------------------------------------------------------------------------


def test_wilson_agrees_with_scipy() -> None:
    for hits, n in ((0, 5), (3, 10), (50, 50)):
        expected = binomtest(hits, n).proportion_ci(method="wilson")
        assert stats.wilson(hits / n, n) == pytest.approx((expected.low, expected.high))


def test_two_languages_that_always_agree_are_worth_one_draw() -> None:
    agreeing = [[1.0, 1.0], [0.0, 0.0]] * 10
    independent = [[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]] * 5
    assert stats.effective_size(agreeing) == pytest.approx(20)
    assert stats.effective_size(independent) == pytest.approx(40, rel=0.06)
    assert stats.effective_size([[1.0, 1.0]] * 7) == 7  # nothing to learn from: the careful side


def test_a_rate_of_zero_is_not_reported_as_certain() -> None:
    found = stats.figure([[0.0]] * 20)
    assert found.value == 0
    assert found.high == pytest.approx(0.161, abs=0.001)  # 1.96² / (20 + 1.96²)


def test_a_share_that_every_draw_agrees_on_is_not_reported_as_certain() -> None:
    for share in (0.0, 1.0):
        found = stats.ratio([(2 * share, 2.0), (share / 3, 1 / 3), (share / 7, 1 / 7)])
        assert (found.low, found.high) == pytest.approx(stats.wilson(share, 3))
    assert stats.ratio([(1.0, 1.0)]).low is None
    mixed = stats.ratio([(1.0, 1.0), (0.0, 1.0)])
    assert (mixed.low, mixed.high) == (0, 1)


def test_handling_everything_rightly_is_as_uncertain_as_its_two_shares() -> None:
    asked = [question(fact(), name=name) for name in "abcdefghij"]
    silent = [question(name=name, unanswerable_kind="instruction") for name in "uvwxy"]
    answers = {(q.id, language): answer(("Li Lei.", [0]), sources=[2]) for q in asked for language in LANGUAGES}
    answers |= {(q.id, language): REFUSAL for q in silent for language in LANGUAGES}
    found = scored([*asked, *silent], answers).system
    assert (found["balanced"].value, found["balanced"].high) == (1, 1)
    assert found["balanced"].low == pytest.approx((stats.wilson(1, 10)[0] + stats.wilson(1, 5)[0]) / 2)
    assert found["refusal_f1"].low == pytest.approx(stats.wilson(1, 5)[0])


def test_a_single_question_has_a_mean_and_no_interval() -> None:
    found = stats.mean([[0.25, 0.75]])
    assert (found.value, found.low, found.high, found.n) == (0.5, None, None, 2)


def test_the_bootstrap_holds_the_mean_and_gives_the_same_interval_again() -> None:
    groups = [[0.1, 0.3], [0.9], [0.5, 0.6], [0.2]]
    found = stats.mean(groups)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 2.6 / 6 < found.high
    assert stats.mean(groups) == found


def test_a_difference_is_paired_and_leaves_out_what_one_side_could_not_judge() -> None:
    found = stats.difference([[0.0], [0.5], []], [[1.0], [0.5], [1.0]])
    assert (found.value, found.n) == (0.5, 2)
    same = stats.difference([[0.1], [0.9]], [[0.1], [0.9]])
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_parity_is_chinese_minus_english_by_pair_and_citations_are_compared_by_pair_number() -> None:
    asked = question(fact())
    good, bad = answer(("李雷。", [0]), sources=[2]), answer(("李雷。", [0, 1]), sources=[2, 5])
    outcomes = [judge(asked, "zh", good, PARAGRAPHS), judge(asked, "en", bad, PARAGRAPHS)]
    found = parity(outcomes)
    assert found["citation_precision"].value == pytest.approx(1 - 1 / 2)
    assert found["citation_agreement"].value == pytest.approx(1 / 2)
    assert parity(outcomes[:1])["right"].value is None


def test_a_gate_that_puts_the_answerable_first_has_no_risk_until_they_are_all_through() -> None:
    asked, silent = question(fact()), question(name="u", unanswerable_kind="instruction")
    found = reliability(
        [judge(asked, "en", answer(gate=0.9), PARAGRAPHS), judge(silent, "en", answer(gate=0.2), PARAGRAPHS)]
    )
    assert found.curve == ((0.5, 0.0), (1.0, 0.5))
    assert found.auc == 1


def test_equal_gates_are_let_through_together() -> None:
    asked, silent = question(fact()), question(name="u", unanswerable_kind="instruction")
    found = reliability([judge(q, "en", answer(gate=0.5), PARAGRAPHS) for q in (asked, silent)])
    assert found.curve == ((1.0, 0.5),)


# --- controls -----------------------------------------------------------------------------------------------


def run_of(said: dict[str, Any], silent: dict[str, Any]) -> Scores:
    asked = [question(fact(), name=name) for name in ("a", "b", "c")]  # three to one: a mix that favours answering
    unanswerable = [question(name="x", unanswerable_kind="out_of_article")]
    answers = {(q.id, language): said for q in asked for language in ("zh", "en")}
    answers |= {(q.id, language): silent for q in unanswerable for language in ("zh", "en")}
    return scored([*asked, *unanswerable], answers)


def test_no_control_beats_a_system_that_is_right() -> None:
    found = run_of(answer(("Li Lei.", [0]), sources=[2]), REFUSAL)
    assert [found.system[name].value for name in HEADLINE] == [1, 1, 1, 1]
    assert found.winners == []


def test_always_refusing_beats_a_system_that_is_worth_less_than_silence() -> None:
    found = run_of(answer(("Han Meimei.", [0]), sources=[5]), answer(("Who knows.", [0]), sources=[5]))
    assert "always refuse" in found.winners


def test_refusing_everything_and_refusing_nothing_are_worth_at_most_a_half() -> None:
    found = run_of(answer(("Li Lei.", [0]), sources=[2]), answer(("Who knows.", [0]), sources=[5]))
    assert found.controls["always refuse"]["balanced"].value == pytest.approx(0.5)
    assert found.controls["never refuse"]["balanced"].value == pytest.approx(0.5)
    assert found.controls["always refuse"]["refusal_recall"].value == 1
    assert found.controls["always refuse"]["cited_fact_recall"].value == 0


def test_reciting_the_first_paragraph_looks_perfect_on_citations_alone() -> None:
    found = run_of(REFUSAL, REFUSAL)  # the system says nothing at all; paragraph 2 is what it retrieved first
    parrot = found.controls["top-1 parrot"]
    assert (parrot["citation_precision"].value, parrot["citation_recall"].value) == (1, 1)
    assert parrot["refusal_recall"].value == 0  # which is why refusals are printed beside it


def test_citing_everything_that_was_shown_keeps_recall_and_ruins_precision() -> None:
    found = run_of(answer(("Li Lei.", [0]), sources=[5]), REFUSAL).controls["cite everything shown"]
    assert found["citation_recall"].value == 1
    assert found["citation_precision"].value == pytest.approx(1 / 3)  # 2 among 2, 1, 3


def test_random_citations_are_drawn_alike_at_every_scoring() -> None:
    control = make_controls(PARAGRAPHS)["random citation"]
    said = answer(("Li Lei.", [0]), sources=[2])
    first, second = (control(question(fact()), "en", said) for _ in range(2))
    assert first == second
    assert len(first["citations"]) == 1


def test_the_oracle_recites_the_gold_and_refuses_the_rest() -> None:
    found = run_of(REFUSAL, answer(("Who knows.", [0]), sources=[5])).controls[CEILING]
    assert [found[name].value for name in HEADLINE] == [1, 1, 1, 1]
    assert found["recall@1"].value == 1


def test_bm25_alone_ranks_by_words_and_not_by_the_systems_ranking() -> None:
    asked = question(fact())
    control = make_controls(PARAGRAPHS)["BM25 alone"]
    said = control(asked, "en", answer(retrieved=[{"paragraph": 5, "score": 1}]))
    assert said["retrieved"][0]["paragraph"] == 2


def test_tokens_of_the_generator_are_counted_apart_from_those_it_had_cached() -> None:
    used = [(1000, 900), (400, 0)]
    answers = [{"usage": {"prompt_tokens": p, "cached_tokens": c, "completion_tokens": 50}} for p, c in used]
    found = cost([*answers, {"usage": None}, {}])
    assert (found["prompt_tokens_median"], found["evaluated_tokens_median"]) == (700, 250)
    assert (found["prompt_tokens_total"], found["evaluated_tokens_total"]) == (1400, 500)
    assert found["completion_tokens_total"] == 100


def test_what_a_generator_does_not_count_is_unknown_and_not_free() -> None:
    found = cost([{"usage": {"prompt_tokens": 1000}}, {"timings_ms": {"total": 2000}}])
    assert found["prompt_tokens_total"] == 1000
    assert found["evaluated_tokens_median"] is None
    assert found["whole_answer_median_s"] == 2


def test_a_question_counts_by_its_wording_in_the_language_in_which_it_was_asked() -> None:
    asked = Question(
        "q", "dev", "explain", {"zh": "天上有什么?", "en": "How many tonnes?"}, (fact("f", ["1.2 million"], [{3}]),)
    )
    right = answer(("1.2 million", [0]), sources=[3])
    found = scored([asked], {("q", "en"): right, ("q", "zh"): REFUSAL}).by_style
    assert {name: figures["right_answerable"].value for name, figures in found.items()} == {STYLES[0]: 1, STYLES[1]: 0}


def test_figures_of_nothing_are_unknown_and_not_zero() -> None:
    found = figures([judge(question(unanswerable_kind="instruction"), "en", REFUSAL, PARAGRAPHS)])
    assert found["cited_fact_recall"].value is None
    assert found["balanced"].value is None
    assert found["refusal_recall"].value == 1
