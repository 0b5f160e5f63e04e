"""Two runs side by side: what moved, question by question, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals import stats
from evals.metrics import Outcome
from evals.run import Key, RunInfo
from evals.score import COMPARED
from evals.stats import Figure, Groups
from index.errors import UserError


@dataclass(frozen=True, slots=True)
class Change:
    """One question in one language that did better or worse: its values in both runs."""

    key: Key
    before: Outcome
    after: Outcome

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `moved` (neither right nor wrong changed, the cited facts did)."""
        a, b = self.before.values["right"] or 0.0, self.after.values["right"] or 0.0
        return "better" if b > a else "worse" if b < a else "moved"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Means of both runs over the questions both answered, their paired difference, and what changed."""

    before: dict[str, Figure]
    after: dict[str, Figure]
    difference: dict[str, Figure]
    changes: tuple[Change, ...]
    shared: int


def compare(before: Sequence[Outcome], after: Sequence[Outcome]) -> Comparison:
    """Compare two runs on the questions that both answered; the difference is (after - before), paired by question."""
    first, second = ({(o.question.id, o.language): o for o in run} for run in (before, after))
    shared = [key for key in first if key in second]
    if not shared:
        raise UserError(
            f"the runs share 0 questions ({len(first)} and {len(second)} answers). Compare runs of one split."
        )
    pairs: dict[str, list[tuple[Outcome, Outcome]]] = {}
    for key in shared:
        pairs.setdefault(key[0], []).append((first[key], second[key]))
    grouped = {metric: _values(list(pairs.values()), metric) for metric in COMPARED}
    return Comparison(
        before={metric: stats.figure(a) for metric, (a, _) in grouped.items()},
        after={metric: stats.figure(b) for metric, (_, b) in grouped.items()},
        difference={metric: stats.difference(a, b) for metric, (a, b) in grouped.items()},
        changes=tuple(Change(key, first[key], second[key]) for key in shared if _moved(first[key], second[key])),
        shared=len(shared),
    )


def refuse_unlike(before: RunInfo, after: RunInfo, *, one_gold: bool = False) -> None:
    """Raises UserError where two runs asked different articles or beds, so that their difference means nothing.

    And where they were asked from different gold, but not where `one_gold` is held against both.
    """
    for name in ("bed", "article", *(() if one_gold else ("gold",))):
        a, b = getattr(before, name), getattr(after, name)
        if a != b:
            remedy = " Name one for both with --gold FILE." if name == "gold" else ""
            raise UserError(f"the runs are of different {name}s ({a} and {b}); their difference means nothing.{remedy}")


def _values(pairs: Sequence[Sequence[tuple[Outcome, Outcome]]], metric: str) -> tuple[Groups, Groups]:
    """Both runs' values by question pair, of the answers that both could judge: of one language on either side."""
    sides: tuple[list[list[float]], list[list[float]]] = ([], [])
    for pair in pairs:
        values = [(a.values.get(metric), b.values.get(metric)) for a, b in pair]
        judged = [(a, b) for a, b in values if a is not None and b is not None]
        sides[0].append([a for a, _ in judged])
        sides[1].append([b for _, b in judged])
    return sides


def _moved(a: Outcome, b: Outcome) -> bool:
    return any(a.values.get(name) != b.values.get(name) for name in ("right", "cited_fact_recall", "refused"))
