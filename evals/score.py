"""From raw answers to figures: judged, averaged, sliced; the same functions for the system and for the controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from evals import stats
from evals.beds import needs_several
from evals.controls import CEILING, Control, make_controls
from evals.gold import QUESTION_KINDS, UNANSWERABLE_KINDS, Question
from evals.metrics import AnswerJson, Gates, Outcome, cited, judge
from evals.run import Key
from evals.stats import NOTHING, Figure
from evals.wording import RareWords
from index.paragraphs import LANGUAGES, Language, Paragraph

# The headline: printed together, because each of them alone can be gamed.
HEADLINE = ("cited_fact_recall", "citation_precision", "refusal_f1", "balanced")
# The one that no control may win: refusing everything and reciting everything are both worth half at most.
CONTROLLED = "balanced"
ANSWER_METRICS = (
    "cited_fact_recall", "fact_recall", "fact_precision", "citation_precision", "citation_recall",
    "sentence_precision", "sentence_recall",
)  # fmt: skip
RETRIEVAL_METRICS = ("recall@1", "recall@3", "recall@5", "recall@10", "mrr", "ndcg@10")
REFUSAL_METRICS = (
    "refusal_precision", "refusal_recall", "refusal_f1",
    "over_refusal", "over_refusal_with_gold", "over_refusal_without_gold",
)  # fmt: skip
# What two languages, or two runs, are compared by.
COMPARED = ("right", *ANSWER_METRICS, *RETRIEVAL_METRICS, "refused")

# A slice across kinds: questions whose vital facts stand in no single paragraph.
INTEGRATION = "two paragraphs"
# How answerable questions are worded: with a rare word of their evidence (a search by string finds those), or without.
STYLES = ("in the article's rare words", "in other words")

Figures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything that the report shows."""

    outcomes: tuple[Outcome, ...]
    system: Figures
    controls: Mapping[str, Figures]
    by_language: Mapping[Language, Figures]
    by_kind: Mapping[str, Figures]
    by_style: Mapping[str, Figures]
    parity: Figures
    gates: Mapping[str, int]
    cost: Mapping[str, float | None]
    reliability: Reliability

    @property
    def winners(self) -> list[str]:
        """Controls that beat the system where none may; the metric or the system is broken then."""
        own = self.system[CONTROLLED].value or 0.0
        return [
            name
            for name, figures in self.controls.items()
            if name != CEILING and (figures[CONTROLLED].value or 0.0) > own
        ]


def score(
    questions: Mapping[str, Question],
    answers: Mapping[Key, Mapping[str, Any]],
    paragraphs: Mapping[int, Paragraph],
    extra_controls: Mapping[str, Mapping[Key, Mapping[str, Any]]] | None = None,
    article: Sequence[Paragraph] | None = None,
) -> Scores:
    """The scores of a run's answers. `extra_controls` are controls that needed a generator: {name: answers}.

    `article` is what the gold was written from, where a bed indexed something else.
    """
    asked = {key: answer for key, answer in answers.items() if key[0] in questions}
    outcomes = tuple(judge(questions[name], language, a, paragraphs) for (name, language), a in asked.items())
    controls = {name: _judged(outcomes, make, paragraphs) for name, make in make_controls(paragraphs).items()}
    for name, others in (extra_controls or {}).items():
        controls[name] = tuple(
            judge(questions[q], language, a, paragraphs) for (q, language), a in others.items() if q in questions
        )
    return Scores(
        outcomes=outcomes,
        system=figures(outcomes),
        controls={name: figures(judged) for name, judged in controls.items()},
        by_language={own: figures([o for o in outcomes if o.language == own]) for own in LANGUAGES},
        by_kind=_by_kind(outcomes),
        by_style=_by_style(outcomes, RareWords.of(article or list(paragraphs.values()))),
        parity=parity(outcomes),
        gates=gate_counts([outcome.gates for outcome in outcomes]),
        cost=cost([outcome.answer for outcome in outcomes]),
        reliability=reliability(outcomes),
    )


def _judged(outcomes: Iterable[Outcome], make: Control, paragraphs: Mapping[int, Paragraph]) -> tuple[Outcome, ...]:
    return tuple(judge(o.question, o.language, make(o.question, o.language, o.answer), paragraphs) for o in outcomes)


# --- figures ------------------------------------------------------------------------------------------------


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Every figure of a set of outcomes, by name. A figure with nothing to judge has no value."""
    answerable = [o for o in outcomes if o.question.answerable]
    unanswerable = [o for o in outcomes if not o.question.answerable]
    found: Figures = {
        "balanced": balanced(answerable, unanswerable),
        "right_answerable": stats.figure(values(answerable, "right")),
        **{name: stats.figure(values(answerable, name)) for name in (*ANSWER_METRICS, *RETRIEVAL_METRICS)},
        "refusal_precision": stats.figure(
            _grouped(outcomes, lambda o: float(not o.question.answerable) if o.refused else None)
        ),
        "refusal_recall": stats.figure(values(unanswerable, "refused")),
        "refusal_f1": stats.ratio([_f1_parts(pair) for pair in pairs(outcomes).values()]),
        "over_refusal": stats.figure(values(answerable, "refused")),
        "over_refusal_with_gold": stats.figure(values([o for o in answerable if o.had_gold], "refused")),
        "over_refusal_without_gold": stats.figure(values([o for o in answerable if not o.had_gold], "refused")),
        "characters": stats.mean(_grouped(answerable, _length)),
        "citations": stats.mean(_grouped(answerable, lambda o: float(len(cited(o.answer))))),
    }
    for kind in UNANSWERABLE_KINDS:
        chosen = [o for o in unanswerable if o.question.unanswerable_kind == kind]
        found[f"refusal_recall.{kind}"] = stats.figure(values(chosen, "refused"))
    return found


def pairs(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by question: both languages of a pair are one draw."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.question.id, []).append(outcome)
    return found


def values(outcomes: Iterable[Outcome], metric: str) -> list[list[float]]:
    """The values of a metric grouped by question pair, those that could not be judged left out."""
    return _grouped(outcomes, lambda o: o.values.get(metric))


def _grouped(outcomes: Iterable[Outcome], of: Callable[[Outcome], float | None]) -> list[list[float]]:
    return [[v for o in pair if (v := of(o)) is not None] for pair in pairs(outcomes).values()]


def balanced(answerable: Sequence[Outcome], unanswerable: Sequence[Outcome]) -> Figure:
    """The mean of two shares: answerable questions answered rightly, unanswerable ones refused.

    Always refusing and never refusing are both worth at most a half, whatever the mix of questions. Where all answers
    are alike the draws tell nothing of chance; the interval is then the mean of the two shares' own.
    """
    if not answerable or not unanswerable:
        return NOTHING
    weight = {True: 1 / len(answerable), False: 1 / len(unanswerable)}
    parts = []
    for pair in pairs([*answerable, *unanswerable]).values():
        weights = [weight[o.question.answerable] for o in pair]
        parts.append((sum(w * (o.values["right"] or 0.0) for w, o in zip(weights, pair, strict=True)), sum(weights)))
    found, shares = stats.ratio(parts), [stats.figure(values(side, "right")) for side in (answerable, unanswerable)]
    if shares[0].value != shares[1].value or shares[0].value not in (0.0, 1.0):
        return found
    low, high = (sum(getattr(share, side) for share in shares) / len(shares) for side in ("low", "high"))
    return replace(found, low=low, high=high)


def _f1_parts(pair: Iterable[Outcome]) -> tuple[float, float]:
    hits = misses = 0
    for outcome in pair:
        hits += outcome.refused and not outcome.question.answerable
        misses += outcome.refused == outcome.question.answerable
    return 2.0 * hits, 2.0 * hits + misses


def _length(outcome: Outcome) -> float | None:
    if outcome.refused:
        return None
    return float(sum(len(statement["text"]) for statement in outcome.answer.get("statements") or ()))


def _by_kind(outcomes: Sequence[Outcome]) -> dict[str, Figures]:
    """Figures by kind of question, and of those that no single paragraph answers."""
    slices: dict[str, list[Outcome]] = {
        kind: [o for o in outcomes if o.question.kind == kind] for kind in QUESTION_KINDS
    }
    slices[INTEGRATION] = [o for o in outcomes if needs_several(o.question)]
    return {name: figures(part) for name, part in slices.items()}


def _by_style(outcomes: Sequence[Outcome], rare: RareWords) -> dict[str, Figures]:
    """Figures of the answerable questions by how they are worded, in the language in which they were asked."""
    answerable = [o for o in outcomes if o.question.answerable]
    shares = {(o.question.id, o.language): bool(rare.shared(o.question, o.language)) for o in answerable}
    return {
        name: figures([o for o in answerable if shares[o.question.id, o.language] is wanted])
        for name, wanted in zip(STYLES, (True, False), strict=True)
    }


def parity(outcomes: Sequence[Outcome]) -> Figures:
    """The mean of (zh - en) over question pairs, for each metric, and how far the citations of a pair agree."""
    both = [pair for pair in pairs(outcomes).values() if {o.language for o in pair} == set(LANGUAGES)]
    by_language = [{o.language: o for o in pair} for pair in both]
    found = {}
    for metric in COMPARED:
        sides = [[_of(pair[own], metric) for pair in by_language] for own in LANGUAGES]
        found[metric] = stats.difference(sides[1], sides[0])
    agreements = [_jaccard(cited(pair["zh"].answer), cited(pair["en"].answer)) for pair in by_language]
    found["citation_agreement"] = stats.mean([[a] for a in agreements if a is not None])
    return found


def _of(outcome: Outcome, metric: str) -> list[float]:
    value = outcome.values.get(metric)
    return [] if value is None else [value]


def _jaccard(a: frozenset[int], b: frozenset[int]) -> float | None:
    return len(a & b) / len(a | b) if a | b else None


# --- gates, cost, reliability -------------------------------------------------------------------------------


def gate_counts(gates: Sequence[Gates]) -> dict[str, int]:
    """How often each gate was broken, of one answer each; all must be 0 whatever the averages say."""
    return {
        "answers": len(gates),
        "quotes": sum(g.citations for g in gates),
        "phantom_citations": sum(g.phantoms for g in gates),
        "not_verbatim": sum(g.not_verbatim for g in gates),
        "wrong_language": sum(g.wrong_language for g in gates),
        "errors": sum(g.error for g in gates),
    }


def cost(answers: Sequence[AnswerJson]) -> dict[str, float | None]:
    """Seconds (median and 95th percentile); tokens where the generator counts them in `usage`.

    Evaluated tokens are those of the prompt that were not in the generator's cache: what the answer had to wait for.
    """
    found: dict[str, float | None] = {}
    for name, key in (("to_evidence", "retrieve"), ("to_first_token", "first_token"), ("whole_answer", "total")):
        times = sorted(t / 1000 for a in answers if (t := (a.get("timings_ms") or {}).get(key)) is not None)
        found[f"{name}_median_s"] = median(times) if times else None
        found[f"{name}_p95_s"] = times[min(len(times) - 1, int(0.95 * len(times)))] if times else None
    used = [usage for a in answers if (usage := a.get("usage")) and usage.get("prompt_tokens") is not None]
    counts: dict[str, list[int]] = {
        "prompt_tokens": [u["prompt_tokens"] for u in used],
        "evaluated_tokens": [u["prompt_tokens"] - c for u in used if (c := u.get("cached_tokens")) is not None],
        "completion_tokens": [c for u in used if (c := u.get("completion_tokens")) is not None],
    }
    for name, values_of in counts.items():
        found[f"{name}_median"] = median(values_of) if values_of else None
        found[f"{name}_total"] = float(sum(values_of)) if values_of else None
    return found


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the gate can be believed.

    `curve`: (coverage, risk) where only the questions the gate is surest of are let through: risk is the share
    of those that cannot be answered from what was retrieved. `bins`: (mean gate, share answerable, count).
    """

    curve: tuple[tuple[float, float], ...]
    bins: tuple[tuple[float, float, int], ...]
    auc: float | None


def reliability(outcomes: Sequence[Outcome], bins: int = 8) -> Reliability:
    """The gate's reliability: it should be open where the gold was retrieved, shut elsewhere."""
    seen = [(float(o.answer["gate"]), o.had_gold and o.question.answerable) for o in outcomes if "gate" in o.answer]
    seen.sort(key=lambda pair: -pair[0])
    curve, wrong = [], 0
    for n, (_, good) in enumerate(seen, start=1):
        wrong += not good
        if n == len(seen) or seen[n][0] != seen[n - 1][0]:  # equal gates are let through together
            curve.append((n / len(seen), wrong / n))
    edges = [
        [(g, good) for g, good in seen if i <= g * bins < i + 1 or (g == 1 and i == bins - 1)] for i in range(bins)
    ]
    filled = tuple(
        (sum(g for g, _ in part) / len(part), sum(good for _, good in part) / len(part), len(part))
        for part in edges
        if part
    )
    return Reliability(tuple(curve), filled, _auc(seen))


def _auc(seen: Sequence[tuple[float, bool]]) -> float | None:
    from sklearn.metrics import roc_auc_score

    labels = [good for _, good in seen]
    if len(set(labels)) < 2:
        return None
    return float(roc_auc_score(labels, [gate for gate, _ in seen]))
