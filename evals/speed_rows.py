"""What a speed run says: a row for each figure, beside what bounds it, with its target. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from evals.gold import Question
from evals.metrics import Outcome, judge
from evals.peer import NAME
from evals.score import figures
from evals.speed import Asked, Measured
from evals.tables import LABELS, Table
from index.paragraphs import Paragraph

SECONDS, SPEED, SHARE, MEGABYTES = "s", "tokens/s", "", "MB"
# Figures of quality, ours beside the peer's, and whether less is better.
QUALITY = {
    "fact_recall": False,
    "cited_fact_recall": False,
    "citation_precision": False,
    "right_answerable": False,
    "over_refusal": True,
    "refusal_recall": False,
    "balanced": False,
}
TITLE = "Speed"
NOTE = (
    "Ratio: the figure over what stands beside it, both of this run; of answers, the median of each one's own ratio. "
    "Memory: held after the stage, or the peak of a process of its own."
)
HEAD = ("", "median", "spread", "beside", "", "ratio", "target", "", "memory, MB")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `beside` is a limit or a peer's figure, `ratio` the value over it; `most` and `least` the target."""

    what: str
    value: float | None
    unit: str = SECONDS
    low: float | None = None
    high: float | None = None
    spread: str = "p25–p75"
    against: str = ""
    beside: float | None = None
    ratio: float | None = None
    most: float | None = None  # the value's target
    least: float | None = None
    most_ratio: float | None = None  # the ratio's target
    is_strict: bool = False  # equal is not enough
    memory: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing was measured."""
        bounds = ((self.value, self.most, self.least), (self.ratio, self.most_ratio, None))
        judged = [
            (most is None or value <= most) and (least is None or value >= least)
            for value, most, least in bounds
            if value is not None and (most is not None or least is not None)
        ]
        is_equal = self.is_strict and self.value in (self.most, self.least)
        return all(judged) and not is_equal if judged else None

    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        spread = f"{_number(self.low)}–{_number(self.high)} ({self.spread})" if self.low is not None else ""
        verdict = {True: "met", False: "MISSED", None: ""}[self.is_met]
        return (
            f"{self.what}, {self.unit}" if self.unit else self.what,
            _number(self.value),
            spread,
            _number(self.beside) if self.beside is not None else "",
            self.against,
            shown_ratio(self.ratio),
            self._target(),
            verdict,
            f"{self.memory:,.0f}" if self.memory is not None else "",
        )

    def _target(self) -> str:
        if self.most_ratio is not None:
            return f"≤ {shown_ratio(self.most_ratio)}"
        if self.most is not None:
            return f"{'<' if self.is_strict else '≤'} {_number(self.most)}"
        return f"{'>' if self.is_strict else '≥'} {_number(self.least)}" if self.least is not None else ""


def shown_ratio(ratio: float | None) -> str:
    """`1.3×`; below a tenth `1/15`; nothing for None."""
    if ratio is None:
        return ""
    return f"{ratio:.2f}×" if ratio >= 0.1 or ratio <= 0 else f"1/{1 / ratio:.1f}".removesuffix(".0")


def spread_row(what: str, values: Sequence[float], beside: Sequence[float] = (), **more: Any) -> Row:
    """The median of `values` with its quartiles, beside the median of another figure."""
    if not values:
        return Row(what, None, **more)
    low, high = (float(np.quantile(values, q)) for q in (0.25, 0.75))
    bound = median(beside) if beside else None
    more.setdefault("ratio", median(values) / bound if bound else None)
    if len(values) > 1:
        more |= {"low": low, "high": high}
    return Row(what, median(values), beside=bound, **more)


def tail_row(what: str, values: Sequence[float], beside: Sequence[float] = (), **more: Any) -> Row:
    """The 95th percentile of `values`, with the largest; beside the 95th percentile of another figure."""
    if not values:
        return Row(what, None, **more)
    value = float(np.quantile(values, 0.95))
    bound = float(np.quantile(beside, 0.95)) if beside else None
    more.setdefault("ratio", value / bound if bound else None)
    return Row(what, value, beside=bound, low=value, high=max(values), spread="p95–most", **more)


# --- the table ----------------------------------------------------------------------------------------------


def rows(measured: Measured) -> list[Row]:
    """Every row about speed and memory, in the order of a start."""
    return [*_starts(measured), *_answers(measured), *_machine(measured), *_beside_peer(measured)]


def _starts(measured: Measured) -> Iterator[Row]:
    if measured.help:
        slowest = max(measured.help.values(), key=median)
        yield spread_row(
            "Command line help, the slowest of four", slowest, measured.bare,
            against="python alone", most=0.5, memory=measured.help_mb,
        )  # fmt: skip
    if measured.cold:
        cold = measured.cold
        loaded = [max(one, measured.loading) for one in cold.embedder_alone]  # at once, in two processes
        tokens = [u for u in cold.usage if u]
        writing = [
            measured.speeds.seconds(u["prompt_tokens"] - u["cached_tokens"], u["completion_tokens"]) for u in tokens
        ]
        least = [one + median(writing) for one in loaded] if writing else loaded
        yield spread_row(
            "Start to the first evidence", cold.evidence, cold.embedder_alone,
            against="embedder alone", most=8, memory=cold.peak_mb,
        )  # fmt: skip
        yield spread_row(
            "Start to the first generated answer", cold.answer, least,
            against="both models and the tokens alone", most=15, memory=cold.peak_mb,
        )  # fmt: skip
    if measured.building:
        yield spread_row(
            "Index of the article from nothing, process and all", measured.building,
            [measured.embedding_all] if measured.embedding_all else [],
            against="the embedder alone, warm", most=12, memory=measured.building_mb,
        )  # fmt: skip


def _answers(measured: Measured) -> Iterator[Row]:
    evidence = [one.evidence for one in measured.asked]
    first = [one.first for one in measured.asked if one.first is not None]
    total = [one.total for one in measured.asked]
    alone, held = measured.embedding, measured.resident_mb
    yield spread_row(
        "Evidence on screen", evidence, alone, against="the question embedded", most=0.060, memory=held
    )  # fmt: skip
    yield tail_row("Evidence on screen, p95", evidence, alone, against="the question embedded, p95", most=0.150)
    known = [one for one in measured.asked if one.least and one.least_first and one.first is not None]
    least_first, least = [one.least_first or 0.0 for one in known], [one.least or 0.0 for one in known]
    first_ratio, ratio = _ratio(known, lambda o: o.first, least_first), _ratio(known, lambda o: o.total, least)
    limit = "its tokens at full speed"
    yield spread_row("First generated token", first, least_first, ratio=first_ratio, against=limit, most=1.0)
    yield spread_row("Whole answer", total, least, ratio=ratio, against=limit, most=3.0, memory=held)
    yield tail_row("Whole answer, p95", total, least, against=f"{limit}, p95", most=8.0)
    yield from _unread(measured)


def _unread(measured: Measured) -> Iterator[Row]:
    """Answers with nothing read ahead, beside those to the same questions with everything read ahead."""
    ahead = {(one.id, one.language): one for one in measured.asked}
    both = [(one, ahead[one.id, one.language]) for one in measured.unread]
    pairs = [(one, other) for one, other in both if one.first is not None and other.first is not None]
    against = "the same read ahead"
    yield spread_row(
        "First generated token, nothing read ahead",
        [one.first or 0.0 for one, _ in pairs], [other.first or 0.0 for _, other in pairs], against=against,
    )  # fmt: skip
    yield spread_row(
        "Whole answer, nothing read ahead",
        [one.total for one, _ in pairs], [other.total for _, other in pairs], against=against,
    )  # fmt: skip


def _ratio(asked: Sequence[Asked], of: Callable[[Asked], float | None], least: Sequence[float]) -> float | None:
    ratios = [(of(one) or 0.0) / bound for one, bound in zip(asked, least, strict=True) if bound > 0]
    return median(ratios) if ratios else None


def _machine(measured: Measured) -> Iterator[Row]:
    new = [float(one.new_tokens) for one in measured.asked if one.new_tokens]
    yield spread_row("The model reads", measured.speeds.prefill, unit=SPEED)
    yield spread_row("The model writes", measured.speeds.decode, unit=SPEED)
    yield spread_row("New tokens before the first of the answer", new, unit="")
    yield Row("Resident memory", measured.resident_mb, MEGABYTES, most=3000, memory=measured.resident_mb)


def _beside_peer(measured: Measured) -> Iterator[Row]:
    if not measured.peer:
        return
    own = {(one.id, one.language): one for one in measured.asked}
    keys = list(measured.peer)
    theirs = [float(measured.peer[key]["seconds"]) for key in keys]
    held = max(
        (float(reply["resident_mb"]) for reply in measured.peer.values() if reply.get("resident_mb")), default=None
    )
    yield spread_row(
        f"Whole answer, the {len(keys)} that the peer was asked", [own[key].total for key in keys], theirs,
        against=NAME, most_ratio=1 / 15,
    )  # fmt: skip
    yield spread_row("Evidence on screen, the same", [own[key].evidence for key in keys], theirs, against=NAME)
    yield Row(
        "Resident memory, beside the peer's", measured.resident_mb, MEGABYTES, against=NAME, beside=held,
        ratio=measured.resident_mb / held if held and measured.resident_mb else None,
    )  # fmt: skip


# --- quality beside speed -----------------------------------------------------------------------------------


def quality_rows(
    measured: Measured, questions: Mapping[str, Question], paragraphs: Mapping[int, Paragraph]
) -> list[Row]:
    """The figures of quality over the questions that both were asked, and facts where both answered."""
    if not measured.peer:
        return []
    own = {(one.id, one.language): one.answer for one in measured.asked}
    ours = [judge(questions[k[0]], k[1], own[k], paragraphs) for k in measured.peer]
    theirs = [judge(questions[k[0]], k[1], reply["answer"], paragraphs) for k, reply in measured.peer.items()]
    both = [(a, b) for a, b in zip(ours, theirs, strict=True) if not a.refused and not b.refused]
    answered = _compared(
        [a for a, _ in both], [b for _, b in both], ("fact_recall", "cited_fact_recall", "citation_precision")
    )
    return [
        *_compared(ours, theirs, QUALITY),
        *[_renamed(row, f"{row.what}, where both answered ({len(both)})") for row in answered],
    ]


def _compared(ours: Sequence[Outcome], theirs: Sequence[Outcome], names: Iterable[str]) -> list[Row]:
    mine, other = figures(ours), figures(theirs)
    found = []
    for name in names:
        value, beside = mine[name].value, other[name].value
        better = {"most": beside} if QUALITY[name] else {"least": beside}
        found.append(
            Row(
                LABELS[name],
                value,
                SHARE,
                low=mine[name].low,
                high=mine[name].high,
                spread="95%",
                against=NAME,
                beside=beside,
                ratio=value / beside if value is not None and beside else None,
                is_strict=True,
                **better,
            )
        )
    return found


def _renamed(row: Row, what: str) -> Row:
    return Row(**{**asdict(row), "what": what})


# --- forms --------------------------------------------------------------------------------------------------


def table(found: Sequence[Row]) -> Table:
    """The rows as one table."""
    return Table(TITLE, NOTE, HEAD, tuple(row.cells() for row in found))


def record(measured: Measured, found: Sequence[Row]) -> dict[str, Any]:
    """The JSON object: the rows as they were printed, and every raw timing."""
    return {"rows": [asdict(row) | {"is_met": row.is_met} for row in found], "raw": measured.to_json()}


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
