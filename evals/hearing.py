"""Fit the linear probe on the model's activations (rag/opening.py): part of `python -m evals calibrate gate`.

A strongly regularised (ridge) logistic regression on some two thousand features, from thousands of paragraphs that the
generator has read. The reranker and the gate are fitted afterwards, on out-of-fold probe outputs: for each question,
those of a probe that has not seen it, or they would trust an overfitted probe too much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from evals.calibrate import Reading, folds_of
from evals.listwise import Floats
from index.paragraphs import LANGUAGES, Language
from rag.generators import Hears
from rag.opening import Probe, bounded

# The inverse strength of the ridge on the standardised values.
RIDGE = 0.003
Probes = Mapping[Language, Probe]


@dataclass(frozen=True, slots=True)
class Hearing:
    """The fitted probes, those of each group that have not seen it, and how the unseen readings are told apart."""

    probes: Probes
    unseen: Mapping[str, Probes]
    before: Mapping[Language, float]  # area under the curve of the two words alone
    auc: Mapping[Language, float]

    def without(self, group: str) -> Hears:
        """The probes that have not seen that group."""
        own = self.unseen.get(group, self.probes)
        return lambda inside, logit, language: own[language].heard(inside, logit)

    def reheard(self, readings: Sequence[Reading]) -> list[Reading]:
        """`readings`, each opening as a probe hears it that has not seen it."""
        return _reheard(readings, self.unseen)


def fit_hearing(readings: Sequence[Reading]) -> Hearing:
    """A probe a language, and one for each of the parts that are held out in turn."""
    unseen: dict[str, Probes] = {}
    for train, test in folds_of([r.group for r in readings]):
        probes = _fit([readings[i] for i in train])
        unseen.update(dict.fromkeys((readings[i].group for i in test), probes))
    before, auc = {}, {}
    for language in LANGUAGES:
        own = _reheard([r for r in readings if r.language == language], unseen)
        states = [r.states for r in own]
        before[language] = float(roc_auc_score(states, [r.logit for r in own]))
        auc[language] = float(roc_auc_score(states, [r.opening for r in own]))
    return Hearing(_fit(readings), unseen, before, auc)


def _reheard(readings: Sequence[Reading], unseen: Mapping[str, Probes]) -> list[Reading]:
    return [replace(r, opening=unseen[r.group][r.language].heard(r.inside, r.logit)) for r in readings]


def _fit(readings: Sequence[Reading]) -> dict[Language, Probe]:
    """One regression for both languages, each standardised by itself: their prompts differ, what tells does not."""
    parts = {language: [r for r in readings if r.language == language] for language in LANGUAGES}
    scalers = {language: StandardScaler() for language in parts}
    observed = np.concatenate([scalers[language].fit_transform(_rows(own)) for language, own in parts.items()])
    joined = [reading for own in parts.values() for reading in own]
    model = LogisticRegression(C=RIDGE, max_iter=2000)
    model.fit(observed, [r.states for r in joined], [r.weight for r in joined])
    shape = readings[0].inside.shape
    probes = {}
    for language, scaler in scalers.items():
        weights = model.coef_[0] / scaler.scale_
        bias = float(model.intercept_[0] - weights @ scaler.mean_)
        probes[language] = Probe(bias, float(weights[0]), weights[1:].reshape(shape))
    return probes


def _rows(readings: Sequence[Reading]) -> Floats:
    return np.array([[bounded(r.logit), *r.inside.ravel()] for r in readings], np.float64)
