"""A listwise logistic regression: of all candidates of a question, those that are right should have the highest sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """One question's candidates: `rows` (candidates, features), which of them are `right`, at least one, and a weight.

    `weight`: how much the question counts in the sum over all.
    """

    rows: Floats
    right: NDArray[np.bool_]
    weight: float = 1.0


def fit(questions: Sequence[Candidates], start: Floats, ridge: float) -> Floats:
    """The weights, (features,), none below 0, of the least loss; `ridge`: of the square of the weights.

    A feature may be of no use, never of harm: a negative weight would be an accident of the sample.
    """

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = ridge * float(weights @ weights), 2 * ridge * weights
        for question in questions:
            sums = question.rows @ weights
            every, right = logsumexp(sums), logsumexp(sums[question.right])
            share = np.exp(sums - every)
            own = np.where(question.right, np.exp(sums - right), 0.0)
            total += float(every - right) * question.weight
            slope = slope + (share - own) @ question.rows * question.weight
        return total, slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start))
    return np.asarray(found.x, np.float64)
