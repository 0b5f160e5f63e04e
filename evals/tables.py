"""The report's tables: names, notes and rows as text, printed alike by every form of the report."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from evals.controls import CEILING
from evals.metrics import FactOutcome, Outcome
from evals.run import RunInfo
from evals.score import (
    ANSWER_METRICS,
    CONTROLLED,
    HEADLINE,
    REFUSAL_METRICS,
    RETRIEVAL_METRICS,
    Figures,
    Scores,
)
from evals.stats import Figure

LABELS = {
    "balanced": "Handled rightly, balanced",
    "right_answerable": "Answered rightly",
    "right": "Right",
    "cited_fact_recall": "Cited-fact recall",
    "fact_recall": "Fact recall",
    "fact_precision": "Fact precision",
    "citation_precision": "Citation precision",
    "citation_recall": "Citation recall",
    "sentence_precision": "Sentence precision",
    "sentence_recall": "Sentence recall",
    "recall@1": "Recall@1",
    "recall@3": "Recall@3",
    "recall@5": "Recall@5",
    "recall@10": "Recall@10",
    "mrr": "MRR",
    "ndcg@10": "nDCG@10",
    "refusal_precision": "Refusal precision",
    "refusal_recall": "Refusal recall",
    "refusal_f1": "Refusal F1",
    "over_refusal": "Over-refusal",
    "over_refusal_with_gold": "Over-refusal, gold retrieved",
    "over_refusal_without_gold": "Over-refusal, gold not retrieved",
    "refused": "Refused",
    "citation_agreement": "Citations shared by a pair",
    "characters": "Characters an answer",
    "citations": "Paragraphs cited",
}
WINNERS = "gate.winning_controls"
CLOSED_BOOK_CONTROL = "closed book"
GATES = {
    "phantom_citations": "Citations of what is not there",
    "not_verbatim": "Quotes that are not verbatim",
    "wrong_language": "Answers in the wrong language",
    "errors": "Questions that made the engine fail",
}
COST = {
    "to_evidence_median_s": "Seconds to evidence, median",
    "to_evidence_p95_s": "Seconds to evidence, 95th percentile",
    "to_first_token_median_s": "Seconds to the first token, median",
    "to_first_token_p95_s": "Seconds to the first token, 95th percentile",
    "whole_answer_median_s": "Seconds to the whole answer, median",
    "whole_answer_p95_s": "Seconds to the whole answer, 95th percentile",
    "prompt_tokens_median": "Prompt tokens, median",
    "evaluated_tokens_median": "… of them evaluated (not in the cache), median",
    "completion_tokens_median": "Tokens written, median",
    "prompt_tokens_total": "Prompt tokens, the whole run",
    "evaluated_tokens_total": "… of them evaluated, the whole run",
    "completion_tokens_total": "Tokens written, the whole run",
}
# What stands in the table of controls: the headline, then what each control is meant to show up.
CONTROL_COLUMNS = (
    *HEADLINE,
    "fact_recall",
    "citation_recall",
    "refusal_recall",
    "over_refusal",
    "recall@1",
    "characters",
)
KIND_COLUMNS = (
    "right_answerable",
    "cited_fact_recall",
    "citation_precision",
    "sentence_precision",
    "recall@5",
    "over_refusal",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as every form prints it; the first cell of a row is its name."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[str] = frozenset()  # row names to stress


def tables(scores: Scores) -> list[Table]:
    """Every table of the report, in its order."""
    return [
        _headline(scores),
        _controls(scores),
        _figures("Answers", ANSWER_METRICS, scores, "Over answerable questions; a refused one scores 0."),
        _figures("Refusals", _refusals(scores), scores, "A cited correction of a false premise counts as a refusal."),
        _figures("Retrieval", RETRIEVAL_METRICS, scores, "Over answerable questions; paragraph pairs, not passages."),
        _parity(scores),
        _kinds(scores),
        _styles(scores),
        _gates(scores),
        _cost(scores),
    ]


def shown(figure: Figure) -> str:
    """`0.73 [0.66, 0.79]`; a dash where nothing could be judged."""
    if figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}".replace("-", "−")
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]".replace("-", "−")


def wide_console() -> Console:
    """Standard output for tables; as wide as they need where it is no terminal (rich would cut them to 80)."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def label(name: str) -> str:
    """A metric's name for reading."""
    if name.startswith("refusal_recall."):
        return f"Refusal recall: {name.split('.', 1)[1].replace('_', ' ')}"
    return LABELS[name]


def _headline(scores: Scores) -> Table:
    best = _best_control(scores)
    rows = tuple(
        (label(name), *(shown(side[name]) for side in _sides(scores)), f"{_plain(best[name][1])} ({best[name][0]})")
        for name in HEADLINE
    )
    note = "Printed together, because each alone can be gamed. 95% intervals. Last: the control that does best on it."
    return Table("Headline", note, ("", "All", "Asked in Chinese", "Asked in English", "Best control"), rows)


def _controls(scores: Scores) -> Table:
    sides = [("the system", scores.system), *scores.controls.items()]
    rows = [
        (name, *((shown if metric in HEADLINE else _plain)(figures[metric]) for metric in CONTROL_COLUMNS))
        for name, figures in sides
    ]
    note = (
        f"Answers no good system gives, from the same run. None may beat the system on “{label(CONTROLLED)}”; "
        f"{CEILING} is a ceiling."
    )
    if CLOSED_BOOK_CONTROL not in scores.controls:
        note += " The bare model was not asked (--closed-book)."
    head = ("", *(label(name) for name in CONTROL_COLUMNS))
    return Table("Controls", note, head, tuple(rows), frozenset({"the system", *scores.winners}))


def _figures(title: str, names: Iterable[str], scores: Scores, note: str) -> Table:
    rows = tuple(
        (label(name), *(shown(side[name]) for side in _sides(scores)), str(scores.system[name].n)) for name in names
    )
    return Table(title, note, ("", "All", "Asked in Chinese", "Asked in English", "n"), rows)


def _sides(scores: Scores) -> tuple[Figures, Figures, Figures]:
    return scores.system, scores.by_language["zh"], scores.by_language["en"]


def _refusals(scores: Scores) -> list[str]:
    kinds = [name for name in scores.system if name.startswith("refusal_recall.") and scores.system[name].n]
    return [*REFUSAL_METRICS, *kinds]


def _parity(scores: Scores) -> Table:
    rows = tuple((label(name), shown(figure), str(figure.n)) for name, figure in scores.parity.items())
    note = "Chinese minus English, by question pair: above 0, Chinese does better. The last row is a share."
    return Table("Parity", note, ("", "zh − en", "Pairs"), rows)


def _kinds(scores: Scores) -> Table:
    rows = tuple(
        (kind, *(shown(figures[name]) for name in KIND_COLUMNS), str(figures["right_answerable"].n))
        for kind, figures in scores.by_kind.items()
        if figures["right_answerable"].n
    )
    head = ("", *(label(name) for name in KIND_COLUMNS), "n")
    return Table(
        "By kind of question", "The last row cuts across the kinds: no single paragraph answers these.", head, rows
    )


def _styles(scores: Scores) -> Table:
    rows = tuple(
        (style, *(shown(figures[name]) for name in KIND_COLUMNS), str(figures["right_answerable"].n))
        for style, figures in scores.by_style.items()
        if figures["right_answerable"].n
    )
    note = "Answerable questions that share a rare word (in at most two paragraphs) with their evidence, and the rest."
    return Table("By wording", note, ("", *(label(name) for name in KIND_COLUMNS), "n"), rows)


def _gates(scores: Scores) -> Table:
    rows = tuple((text, str(scores.gates[name])) for name, text in GATES.items())
    counted = f"{scores.gates['answers']} answers and {scores.gates['quotes']} quotes"
    note = f"Counted over {counted}; all must be 0, whatever the averages say."
    return Table("Gates", note, ("", "Count"), rows)


def _cost(scores: Scores) -> Table:
    rows = cost_rows(scores.cost)
    rows += [(label(name), _plain(scores.system[name])) for name in ("citations", "characters")]
    return Table("Cost", "On the machine of the run; a dash where it was not reported.", ("", ""), tuple(rows))


def cost_rows(cost: Mapping[str, float | None]) -> list[tuple[str, ...]]:
    """Seconds and tokens as rows of a table; a dash where they were not reported."""
    named = [name for name in COST if cost[name] is not None or not name.endswith("_total")]
    return [(COST[name], _amount(name, cost[name])) for name in named]


def _amount(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if name.endswith("_s") else f"{value:,.0f}"


def _plain(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.value:.2f}" if figure.value < 10 else f"{figure.value:,.0f}"


def _best_control(scores: Scores) -> dict[str, tuple[str, Figure]]:
    rivals = {name: figures for name, figures in scores.controls.items() if name != CEILING}
    return {
        name: max(((rival, figures[name]) for rival, figures in rivals.items()), key=lambda pair: pair[1].value or 0.0)
        for name in HEADLINE
    }


def verdicts(scores: Scores, missed: Sequence[str]) -> list[str]:
    """What a reader must know before any figure: controls that won, bars that were missed, gates that broke."""
    lines = [
        f"The control “{name}” beats the system on “{label(CONTROLLED)}”: the system or the metric is broken."
        for name in scores.winners
    ]
    # The bar on winning controls says in a count what the lines above say by name.
    return [*lines, *(f"Fell short of a bar. {line}." for line in missed if WINNERS not in line)]


def heading(info: RunInfo) -> str:
    """The report's title."""
    bed = "" if info.bed == "plain" else f", bed {info.bed}"
    return f"{info.generator} on {info.split}{bed}"


def origin(info: RunInfo) -> str:
    """What the report is of, in a line; the command that made it stands apart."""
    return (
        f"{len(info.questions)} questions, each asked in {' and '.join(info.languages)}; model {info.model}; "
        f"{info.started}; code {info.code}, gold {info.gold}, article {info.article}."
    )


def fact_word(fact: FactOutcome) -> str:
    """What became of a fact, in words."""
    if fact.cited_where_stated:
        return "stated and cited"
    if fact.stated:
        return "stated, not cited there"
    return "cited, not stated" if fact.cited else "missing"


def reasons(failed: Sequence[Outcome]) -> list[tuple[str, int]]:
    """How often each reason stands behind a failed answer, the most frequent first."""
    return Counter(map(why, failed)).most_common()


def why(outcome: Outcome) -> str:
    """Why an answer was not right: the first thing that is wrong with it."""
    vital = [fact for fact in outcome.facts if fact.fact.is_vital]
    lost = [fact for fact in vital if not fact.stated]
    reasons = (
        ("error" in outcome.answer, "the engine failed"),
        (not outcome.question.answerable, "answered although the article does not say"),
        (outcome.refused and outcome.had_gold, "refused, gold retrieved"),
        (outcome.refused, "refused, gold not retrieved"),
        (any(fact.wrong for fact in outcome.facts), "states a known-wrong value"),
        (any(outcome.was_shown(fact) is False for fact in lost), "a fact is missing, its evidence was not shown"),
        (any(outcome.was_shown(fact) for fact in lost), "a fact is missing, its evidence was shown"),
        (bool(lost), "a fact is missing"),
        (not all(fact.cited_where_stated for fact in vital), "a fact is stated without its evidence"),
    )
    return next((text for holds, text in reasons if holds), "most of its sources are wrong")
