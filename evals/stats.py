"""Intervals. Both languages of a question pair are one draw: they stand or fall together more often than not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
RESAMPLES = 4000
SEED = 20_26
# Values grouped by question pair: one inner sequence holds what the pair's questions scored.
Groups = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95% interval. `value` is None where nothing could be judged, which is not a zero."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0

    def to_json(self) -> dict[str, float | int | None]:
        """`{"value", "low", "high", "n"}`, rounded to what the interval can bear."""
        shown = {name: _rounded(getattr(self, name)) for name in ("value", "low", "high")}
        return {**shown, "n": self.n}


NOTHING = Figure(None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a rate observed as `share` of `n` (Wilson 1927); n may be an effective size."""
    centre = share + Z95**2 / (2 * n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    scale = 1 + Z95**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def effective_size(groups: Groups) -> float:
    """How many independent draws the grouped values are worth (Kish's design effect, Korn and Graubard 1998).

    Between the number of groups (their members always agree) and the number of values (grouping is
    immaterial). Where every value is the same nothing can be learned about it, and the groups are counted.
    """
    sums, counts = _totals(groups)
    n, mean = counts.sum(), sums.sum() / counts.sum()
    plain = mean * (1 - mean) / n
    if len(groups) < 2 or plain <= 0:
        return float(len(groups))
    clustered = len(groups) / (len(groups) - 1) * ((sums - counts * mean) ** 2).sum() / n**2
    return float(n / np.clip(clustered / plain, 1.0, n / len(groups)))


def rate(groups: Groups) -> Figure:
    """The mean of zeros and ones, with Wilson's interval at the effective size."""
    groups = [group for group in groups if len(group)]
    if not groups:
        return NOTHING
    sums, counts = _totals(groups)
    share = float(sums.sum() / counts.sum())
    return Figure(share, *wilson(share, effective_size(groups)), n=int(counts.sum()))


def mean(groups: Groups) -> Figure:
    """The mean of any values, with a percentile bootstrap over the groups; one group has no interval."""
    groups = [group for group in groups if len(group)]
    if not groups:
        return NOTHING
    sums, counts = _totals(groups)
    value = float(sums.sum() / counts.sum())
    low, high = _bootstrap(sums, counts)
    return Figure(value, low, high, n=int(counts.sum()))


def ratio(parts: Sequence[tuple[float, float]]) -> Figure:
    """sum(a) / sum(b) over (a, b) of each group, a share, with a percentile bootstrap over the groups; n counts them.

    Where every group has the same share all draws agree, which is not certainty: Wilson's interval over the groups.
    """
    parts = [(a, b) for a, b in parts if b]
    if not parts:
        return NOTHING
    above, below = (np.array(column, np.float64) for column in zip(*parts, strict=True))
    share = float(above.sum() / below.sum())
    agree = len(parts) > 1 and np.allclose(above / below, share)
    low, high = wilson(share, len(parts)) if agree else _bootstrap(above, below)
    return Figure(share, low, high, n=len(parts))


def figure(groups: Groups) -> Figure:
    """`rate` where all values are zeros and ones, else `mean`."""
    return rate(groups) if all(value in (0.0, 1.0) for group in groups for value in group) else mean(groups)


def difference(a: Groups, b: Groups) -> Figure:
    """The mean of (b - a) where group i of both is the same question pair, with a paired bootstrap over pairs.

    A pair that one side could not judge is left out.
    """
    judged = [(x, y) for x, y in zip(a, b, strict=True) if len(x) and len(y)]
    if not judged:
        return NOTHING
    deltas = np.array([np.mean(y) - np.mean(x) for x, y in judged])
    low, high = _bootstrap(deltas, np.ones(len(deltas)))
    return Figure(float(deltas.mean()), low, high, n=len(deltas))


def _totals(groups: Groups) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sums = np.array([sum(group) for group in groups], np.float64)
    return sums, np.array([len(group) for group in groups], np.float64)


def _bootstrap(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float | None, float | None]:
    from scipy.stats import bootstrap

    if len(sums) < 2:
        return None, None

    def statistic(x: NDArray[np.float64], y: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return np.asarray(x.sum(axis=axis) / y.sum(axis=axis), np.float64)

    result = bootstrap(
        (sums, counts),
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="percentile",  # BCa has no answer where every pair scored the same
        rng=np.random.default_rng(SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
