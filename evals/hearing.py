"""Fit what is heard of a reply's first token (rag/opening.py): part of `python -m evals calibrate gate`.

A regression with a strong ridge on some two hundred log probabilities, from some thousand paragraphs that the generator
has read. What is fitted after it, the reranker and the gate, hears every question through a regression that has not
seen it, or it would trust its own memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evals.calibrate import Floats, Reading, folds_of
from index.paragraphs import LANGUAGES, Language
from rag.generators import Hears
from rag.opening import Probe, features

# How many tokens are listened to, and the inverse strength of the ridge on their standardised log probabilities.
TOKENS = 240
RIDGE = 0.01


@dataclass(frozen=True, slots=True)
class Hearing:
    """The fitted probes, those of each group that have not seen it, and how the unseen readings are told apart."""

    probes: Mapping[Language, Probe]
    unseen: Mapping[str, Mapping[Language, Probe]]
    before: Mapping[Language, float]  # area under the curve of the two words alone
    auc: Mapping[Language, float]

    def without(self, group: str) -> Hears:
        """The probes that have not seen that group."""
        own = self.unseen.get(group, self.probes)
        return lambda first, logit, language: own[language].heard(first, logit)

    def reheard(self, readings: Sequence[Reading]) -> list[Reading]:
        """`readings`, each opening as a probe hears it that has not seen it."""
        return [replace(r, opening=self.unseen[r.group][r.language].heard(r.first, r.logit)) for r in readings]


def fit_hearing(beds: Sequence[Sequence[Reading]]) -> Hearing:
    """A probe a language, and one for each of the parts that are held out in turn; from the readings of each bed."""
    unseen: dict[str, dict[Language, Probe]] = {}
    probes: dict[Language, Probe] = {}
    before: dict[Language, float] = {}
    auc: dict[Language, float] = {}
    for language in LANGUAGES:
        parts = [[r for r in bed if r.language == language] for bed in beds]
        own = [r for part in parts for r in part]
        tokens = listed_everywhere(parts)
        states = np.array([r.states for r in own], dtype=int)
        heard = np.zeros(len(own))
        for train, test in folds_of([r.group for r in own]):
            probe = _fit([own[i] for i in train], tokens)
            heard[test] = [probe.heard(own[i].first, own[i].logit) for i in test]
            for i in test:
                unseen.setdefault(own[i].group, {})[language] = probe
        probes[language] = _fit(own, tokens)
        before[language] = float(roc_auc_score(states, [r.logit for r in own]))
        auc[language] = float(roc_auc_score(states, heard))
    return Hearing(probes, unseen, before, auc)


def listed_everywhere(beds: Sequence[Sequence[Reading]]) -> tuple[str, ...]:
    """The tokens that are listed most often in the bed where they are listed least often.

    A word of one article is often likely there and nowhere else; it would be learnt by heart.
    """
    shares: list[dict[str, float]] = []
    for bed in beds:
        counts = Counter(token for r in bed for token in r.first)
        shares.append({token: count / len(bed) for token, count in counts.items()})
    everywhere = set.intersection(*(set(share) for share in shares))
    least = {token: min(share[token] for share in shares) for token in everywhere}
    return tuple(sorted(least, key=lambda token: (-least[token], token))[:TOKENS])


def _fit(readings: Sequence[Reading], tokens: tuple[str, ...]) -> Probe:
    rows: Floats = np.array([features(r.first, r.logit, tokens) for r in readings], np.float64)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=RIDGE, max_iter=2000))
    model.fit(rows, [r.states for r in readings])
    scaler, regression = model[0], model[-1]
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - weights @ scaler.mean_)
    return Probe(bias, float(weights[0]), tokens, tuple(map(float, weights[1:])))
