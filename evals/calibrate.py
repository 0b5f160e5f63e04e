"""Fit the answerability gate on development questions: `python -m evals calibrate` writes rag/gate.json.

The generator's yes or no is the only costly signal; it is asked once a question and kept, keyed by the very
messages it was asked with, so a change elsewhere refits in seconds and a change of the prompt asks again.
Never touches a test question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from evals.gold import Question
from index.paragraphs import LANGUAGES, Language, digest
from rag.engine import Engine, Found
from rag.gate import GATE_FILE, Asked, Signals, signals
from rag.prompts import judge_messages, opening_messages

# A refusal of what the article answers is held to be this many times as bad as an answer to what it does not.
COST_OF_OVER_REFUSAL = 2.0
# Inverse strength of the ridge on the coefficients; the sample is a few hundred questions.
RIDGE = 0.3
FOLDS = 10
# How many of the signals, the first ones, come from the generator.
JUDGED = 2


@dataclass(frozen=True, slots=True)
class Example:
    """One question in one language: its signals, and whether it should be answered."""

    language: Language
    answerable: bool
    signals: Signals


@dataclass(frozen=True, slots=True)
class Fit:
    """One language's gate, and how it did on questions it was not fitted on (cross-validated)."""

    weights: tuple[float, ...]
    threshold: float
    auc: float
    refusal_recall: float
    over_refusal: float


def collect(
    engine: Engine,
    questions: Sequence[tuple[Question, frozenset[int]]],
    cache: Path,
    on_done: Callable[[int, int], None],
) -> list[Example]:
    """The signals of every question in both languages; (question, paragraphs to leave out).

    A question is answerable when it is so in the gold and none of its evidence is left out.
    """
    known = _read(cache)
    examples: list[Example] = []
    total = len(questions) * len(LANGUAGES)
    with cache.open("a", encoding="utf-8") as sink:
        for question, exclude in questions:
            for language in LANGUAGES:
                found = engine.find(question.asked[language], (), exclude)
                key = _key(found)
                if key not in known:
                    known[key] = engine.ask_generator(found)
                    sink.write(json.dumps({"key": key, **asdict(known[key])}) + "\n")
                    sink.flush()
                seen = signals(found.asked, found.ranking, found.shown, known[key])
                examples.append(Example(language, question.answerable and not exclude, seen))
                on_done(len(examples), total)
    return examples


def fit(examples: Sequence[Example], *, with_judge: bool) -> dict[Language, Fit]:
    """A logistic regression a language, and the threshold of least cost; both from these examples."""
    return {language: _fit([e for e in examples if e.language == language], with_judge) for language in LANGUAGES}


def write_gate(judged: dict[Language, Fit], alone: dict[Language, Fit], path: Path = GATE_FILE) -> None:
    """Write the coefficients where the gate reads them."""
    record: dict[str, Any] = {"features": ["bias", *(f.name for f in fields(Signals))]}
    for language in LANGUAGES:
        sides = {"with_judge": judged[language], "without_judge": alone[language]}
        record[language] = {
            name: {"weights": [round(w, 4) for w in side.weights], "threshold": round(side.threshold, 4)}
            for name, side in sides.items()
        }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _fit(examples: Sequence[Example], with_judge: bool) -> Fit:
    observed = np.array([astuple(e.signals) for e in examples])
    wanted = np.array([e.answerable for e in examples], dtype=int)
    columns = list(range(observed.shape[1])) if with_judge else list(range(JUDGED, observed.shape[1]))
    model = LogisticRegression(C=RIDGE, class_weight="balanced")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    held_out = cross_val_predict(model, observed[:, columns], wanted, cv=folds, method="predict_proba")[:, 1]
    threshold = _least_cost(held_out, wanted)
    model.fit(observed[:, columns], wanted)
    weights = np.zeros(observed.shape[1])
    weights[columns] = model.coef_[0]
    refused = held_out < threshold
    return Fit(
        weights=(float(model.intercept_[0]), *map(float, weights)),
        threshold=threshold,
        auc=float(roc_auc_score(wanted, held_out)),
        refusal_recall=float(refused[wanted == 0].mean()),
        over_refusal=float(refused[wanted == 1].mean()),
    )


def _least_cost(probability: NDArray[np.float64], wanted: NDArray[np.int64]) -> float:
    """The threshold where COST * over-refusal + missed refusals, both as rates, is least."""
    candidates = np.unique(np.concatenate([probability, [0.0]]))

    def cost(threshold: float) -> float:
        refused = probability < threshold
        return float(COST_OF_OVER_REFUSAL * refused[wanted == 1].mean() + (~refused[wanted == 0]).mean())

    return float(min(candidates, key=cost))


def _key(found: Found) -> str:
    asked = (found.asked, found.shown, found.language)
    return digest(message.content or "" for message in [*judge_messages(*asked), *opening_messages(*asked)])


def _read(cache: Path) -> dict[str, Asked]:
    return {entry["key"]: Asked(entry["judge"], entry["opening"]) for entry in _lines(cache)}


def _lines(cache: Path) -> Iterator[dict[str, Any]]:
    if cache.is_file():
        for line in cache.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # a line torn by an interruption is asked again
