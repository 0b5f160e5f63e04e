"""Fit the answerability gate on development questions: part of `python -m evals calibrate`; writes rag/gate.json.

The generator's reply is the only costly signal; each is asked for once and kept, keyed by the very messages it was
asked with, so a change elsewhere refits in seconds and a change of the prompt asks again. Never touches a test
question. The figures printed are of questions that neither the weights nor the threshold had seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from evals.gold import Question
from index.paragraphs import LANGUAGES, Language, digest
from rag.engine import Engine, Looked
from rag.gate import GATE_FILE, KNOWN, MOMENTS, Moment, Signals
from rag.prompts import answer_messages

# A refusal of what the article answers is held to be this many times as bad as an answer to what it does not: what is
# aimed at allows twice as many of these as of those. Before the model is heard it is worse, because the quotes that
# stand there while it writes are withheld too.
COST_OF_OVER_REFUSAL: Mapping[Moment, float] = {"question": 3.0, "answer": 2.0}
# An answer is stopped at its first word only where that would have cost no more than this share of the answerable.
LOST_AT_OPENING = 0.01
# Inverse strength of the ridge on the coefficients; the sample is a few hundred questions.
RIDGE = 0.3
FOLDS = 10
NAMES = tuple(f.name for f in fields(Signals))
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One question in one language, with what is held out together: its signals, and whether to answer it."""

    language: Language
    group: str
    answerable: bool
    signals: Signals


@dataclass(frozen=True, slots=True)
class Fit:
    """One language's gate at one moment, and how it did on questions that it had not seen (cross-validated)."""

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
        # One language after the other: the generator keeps the part of the prompt that all of them share.
        for language in LANGUAGES:
            for question, exclude in questions:
                found = engine.look(question.asked[language], (), exclude)
                key = _key(found)
                if key not in known:
                    known[key] = engine.reply_to(found)
                    sink.write(json.dumps({"key": key, "reply": known[key]}, ensure_ascii=False) + "\n")
                    sink.flush()
                seen = engine.signals_of(found, *known[key])
                examples.append(Example(language, fact_group(question.id), question.answerable and not exclude, seen))
                on_done(len(examples), total)
    return examples


def fact_group(name: str) -> str:
    """What is held out together: a question and the one that asks the same plainly (q017 and q017p)."""
    return name.removesuffix("p")


def fit(examples: Sequence[Example]) -> dict[Language, dict[Moment, Fit]]:
    """A logistic regression a language and moment, and its threshold; both from these examples."""
    return {
        language: {moment: _fit([e for e in examples if e.language == language], moment) for moment in MOMENTS}
        for language in LANGUAGES
    }


def write_gate(fits: dict[Language, dict[Moment, Fit]], path: Path = GATE_FILE) -> None:
    """Write the coefficients where the gate reads them."""
    record: dict[str, Any] = {"features": ["bias", *NAMES]}
    for language, moments in fits.items():
        record[language] = {
            moment: {"weights": [round(w, 4) for w in fit.weights], "threshold": round(fit.threshold, 4)}
            for moment, fit in moments.items()
        }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _fit(examples: Sequence[Example], moment: Moment) -> Fit:
    observed = np.array([astuple(e.signals) for e in examples], np.float64)
    wanted = np.array([e.answerable for e in examples], dtype=int)
    groups = np.array([e.group for e in examples])
    columns = [NAMES.index(name) for name in KNOWN[moment]]
    model = LogisticRegression(C=RIDGE, class_weight="balanced")
    held_out, refused = np.zeros(len(wanted)), np.zeros(len(wanted), bool)
    for train, test in GroupKFold(min(FOLDS, len(set(groups))), shuffle=True, random_state=0).split(
        observed, wanted, groups
    ):
        model.fit(observed[train][:, columns], wanted[train])
        own = model.predict_proba(observed[train][:, columns])[:, 1]
        held_out[test] = model.predict_proba(observed[test][:, columns])[:, 1]
        refused[test] = held_out[test] < _threshold(own, wanted[train], moment)
    model.fit(observed[:, columns], wanted)
    weights = np.zeros(len(NAMES))
    weights[columns] = model.coef_[0]
    return Fit(
        weights=(float(model.intercept_[0]), *map(float, weights)),
        threshold=_threshold(held_out, wanted, moment),
        auc=float(roc_auc_score(wanted, held_out)),
        refusal_recall=float(refused[wanted == 0].mean()),
        over_refusal=float(refused[wanted == 1].mean()),
    )


def _threshold(probability: Floats, wanted: NDArray[np.int64], moment: Moment) -> float:
    if moment == "opening":
        return float(np.quantile(probability[wanted == 1], LOST_AT_OPENING))
    return _least_cost(probability, wanted, COST_OF_OVER_REFUSAL[moment])


def _least_cost(probability: Floats, wanted: NDArray[np.int64], weight: float) -> float:
    """The threshold where `weight` * over-refusal + missed refusals, both as rates, is least."""
    candidates = np.unique(np.concatenate([probability, [0.0]]))

    def cost(threshold: float) -> float:
        refused = probability < threshold
        return float(weight * refused[wanted == 1].mean() + (~refused[wanted == 0]).mean())

    return float(min(candidates, key=cost))


def _key(found: Looked) -> str:
    messages = answer_messages(found.asked, found.shown, found.language)
    return digest(message.content or "" for message in messages)


def _read(cache: Path) -> dict[str, tuple[float | None, str, str]]:
    return {entry["key"]: tuple(entry["reply"]) for entry in _lines(cache) if len(entry.get("reply", ())) == 3}


def _lines(cache: Path) -> Iterator[dict[str, Any]]:
    if cache.is_file():
        for line in cache.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # a line torn by an interruption is asked again
