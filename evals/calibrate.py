"""Fit the reranker and the answerability gate on development questions: part of `python -m evals calibrate`.

The results go into rag/rerank.json (written in evals/calibration.py) and rag/gate.json. The opening of the generator's
replies is the only costly signal; each is asked for once and cached (evals/kept.py), so a change elsewhere refits in
seconds. Test questions are never touched. The figures printed are of questions that neither the weights nor the
threshold had seen, nor what reads them (evals/teaching.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from evals import listwise
from evals.gold import Question
from evals.listwise import Candidates, Floats
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language
from rag import rerank
from rag.engine import Engine
from rag.gate import GATE_FILE, KNOWN, Moment, Signals

# A refusal of what the article answers is held to be this many times as bad as an answer to what it does not: what is
# aimed at allows twice as many of these as of those, and who is refused wrongly is left with nothing. Less so where the
# model has read what was found: of what is refused then a part would have been answered from another paragraph.
COST_OF_OVER_REFUSAL: Mapping[Moment, float] = {"question": 2.0, "opening": 1.25}
# Paragraphs read for each question. An answer reads up to one more; few fourth ones state anything, and a third of the
# time would go into them.
READ = 3
# Inverse strength of the ridge on the coefficients; the sample is a few hundred questions.
RIDGE = 0.3
LIST_RIDGE = 1e-3  # of the comparison of what was read
FOLDS = 10
# What the groups of XQuAD's questions are called, before the number of an article.
OF_XQUAD = "XQuAD "
# What is too rare for a regression weighs what counts over all dev questions say (evals/NOTES.md): no paragraph that
# answers one lacks the kind of answer asked for, and few of those that name a year; and who asks only what something is
# is answered more often than others, while the reader is less sure of it.
BY_COUNT: Mapping[Moment, Mapping[str, float]] = {
    "question": {},
    "opening": {"lacking": -2.5, "elsewhen": -1.0, "definition": 0.4},
}
NAMES = tuple(f.name for f in fields(Signals))


@dataclass(frozen=True, slots=True)
class Example:
    """One question in one language, with what is held out together: its signals, and whether to answer it.

    `weight`: how much it counts in the regression, beside the others.
    """

    language: Language
    group: str
    answerable: bool
    signals: Signals
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """One language's gate at one moment, and how it did on questions that it had not seen (cross-validated)."""

    weights: tuple[float, ...]
    threshold: float
    auc: float
    refusal_recall: float
    over_refusal: float


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A paragraph that the generator read for a question: how its reply opened, and whether it states the answer.

    `rank`, `share`: its place in retrieval's ranking. `opening`: of the reply (rag/reply.py). Of a question that
    nothing answers no paragraph states the answer.
    """

    language: Language
    question: str
    group: str
    rank: int
    share: float
    opening: float
    states: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One language's `states` of the reranker, and retrieval before and after it on questions that it had not seen."""

    states: tuple[float, ...]
    auc: float
    before: float  # recall@1 of the questions that are answered
    after: float


@dataclass(frozen=True, slots=True)
class Reranking:
    """The reranker: what is of one language, and the weights by which both compare what was read."""

    sides: Mapping[Language, Side]
    compared: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what it is held out together with, the paragraphs to leave out, and how much it counts."""

    question: Question
    group: str
    exclude: frozenset[int] = frozenset()
    weight: float = 1.0

    @property
    def name(self) -> str:
        """What its readings are known by: an id may be used again by the gold of another document."""
        return f"{self.group}/{self.question.id}{self.exclude}"

    @property
    def is_answered(self) -> bool:
        """Whether the gold has an answer and none of its evidence is left out."""
        return self.question.answerable and not self.exclude


OnProgress = Callable[[int, int], None]


def collect_readings(engine: Engine, questions: Sequence[Asked], on_done: OnProgress) -> list[Reading]:
    """What the generator says of the first READ paragraphs, for every question in both languages."""
    readings = []
    for language, asked in _in_turn(questions, on_done):
        found = engine.look(asked.question.asked[language], (), asked.exclude)
        gold = asked.question.gold if asked.is_answered else frozenset()
        for rank, (number, heard) in enumerate(engine.listener.openings(found, READ).items()):
            reply = heard.reply
            if engine.generator.hears and reply.inside is None:
                raise UserError(
                    f"what the model holds of ¶{number} was not heard: llama.cpp did not save its state. "
                    "Make room on the disk of the folder of prompts, and calibrate again; what was read is kept."
                )
            readings.append(
                Reading(
                    language,
                    asked.name,
                    asked.group,
                    rank,
                    heard.looked.ranking.share[number],
                    reply.opening or 0.0,
                    number in gold,
                )
            )
    return readings


def collect(
    engine: Engine,
    questions: Sequence[Asked],
    on_done: OnProgress,
    moment: Moment = "opening",
) -> list[Example]:
    """The gate's signals at `moment` of every question in both languages."""
    examples = []
    for language, asked in _in_turn(questions, on_done):
        found = engine.look(asked.question.asked[language], (), asked.exclude)
        own = engine.signals_at_opening(found) if moment == "opening" else engine.signals_at_question(found)
        examples.append(Example(language, asked.group, asked.is_answered, own, asked.weight))
    return examples


def _in_turn(questions: Sequence[Asked], on_done: OnProgress) -> Iterator[tuple[Language, Asked]]:
    """One language after the other: the generator keeps the part of the prompt that all of them share."""
    total = len(questions) * len(LANGUAGES)
    for at, (language, asked) in enumerate(product(LANGUAGES, questions)):
        on_done(at, total)
        yield language, asked
    on_done(total, total)


def fit_scale(readings: Sequence[Reading]) -> dict[Language, tuple[float, float]]:
    """{language: slope and intercept} by which the openings' log odds are what they say (Platt 1999)."""
    scales = {}
    for language in LANGUAGES:
        own = [r for r in readings if r.language == language]
        model = LogisticRegression(C=np.inf).fit([[r.opening] for r in own], [r.states for r in own])
        scales[language] = (float(model.coef_[0, 0]), float(model.intercept_[0]))
    return scales


def fit_rerank(readings: Sequence[Reading]) -> Reranking:
    """Two logistic regressions: does this paragraph state the answer, and which of those that were read?

    The first one for each language. The second, of which the sample has a hundred lists a language, for both.
    """
    observed = np.array([rerank.features(r.opening, r.share) for r in readings], np.float64)[:, 1:]
    states = np.array([r.states for r in readings], dtype=int)
    by_question = _by_question(readings)
    lists = _lists(by_question, readings)
    beside = np.zeros(len(states))
    for train, test in folds_of([r.group for r in readings]):
        seen = frozenset(map(int, train))
        beside[test] = observed[test] @ _compared(observed, states, [own for own in lists if seen.issuperset(own)])
    sides = {}
    for language in LANGUAGES:
        rows = np.array([i for i, r in enumerate(readings) if r.language == language])
        answered = [own for own in by_question if readings[own[0]].language == language and states[own].any()]
        weights, auc = _fit_states(observed[rows], states[rows], [readings[i].group for i in rows])
        sides[language] = Side(
            states=weights,
            auc=auc,
            before=float(np.mean([states[min(own, key=lambda i: readings[i].rank)] for own in answered])),
            after=float(np.mean([states[max(own, key=lambda i: beside[i])] for own in answered])),
        )
    return Reranking(sides, tuple(map(float, _compared(observed, states, lists))))


def _fit_states(observed: Floats, states: NDArray[np.int64], groups: Sequence[str]) -> tuple[tuple[float, ...], float]:
    """The coefficients of one language's `states`, and the area under the curve of what they had not seen."""
    model, held_out = LogisticRegression(), np.zeros(len(states))
    for train, test in folds_of(groups):
        held_out[test] = model.fit(observed[train], states[train]).predict_proba(observed[test])[:, 1]
    model.fit(observed, states)
    return (float(model.intercept_[0]), *map(float, model.coef_[0])), float(roc_auc_score(states, held_out))


def _by_question(readings: Sequence[Reading]) -> list[list[int]]:
    """The places in `readings` of what was read for each question, in one language."""
    of: dict[tuple[str, Language], list[int]] = {}
    for i, reading in enumerate(readings):
        of.setdefault((reading.question, reading.language), []).append(i)
    return list(of.values())


def _lists(by_question: Sequence[list[int]], readings: Sequence[Reading]) -> list[list[int]]:
    """Those of the questions of which some of what was read states the answer, and not all.

    None of XQuAD's, whose paragraphs are of many articles: the words found tell more there than within one article.
    """
    own_article = (own for own in by_question if not readings[own[0]].group.startswith(OF_XQUAD))
    return [own for own in own_article if {readings[i].states for i in own} == {True, False}]


def _compared(observed: Floats, states: NDArray[np.int64], lists: Sequence[list[int]]) -> Floats:
    """The weights by which, of what was read for a question, what states the answer has the most.

    Without a question retrieval's share alone.
    """
    if not lists:
        return np.array([0.0, 1.0])
    questions = [Candidates(observed[own], states[own] == 1, 1 / len(lists)) for own in lists]
    return listwise.fit(questions, np.ones(observed.shape[1]), LIST_RIDGE)


def folds_of(groups: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(train, test) rows; what is of one group is never on both sides."""
    folds = GroupKFold(min(FOLDS, len(set(groups))), shuffle=True, random_state=0)
    yield from folds.split(np.zeros(len(groups)), groups=np.array(groups))


def fit(examples: Sequence[Example], moment: Moment) -> dict[Language, Fit]:
    """A logistic regression a language, and its threshold; both from these examples, whose signals are of `moment`."""
    return {language: _fit([e for e in examples if e.language == language], moment) for language in LANGUAGES}


def write_gate(fits: Mapping[Moment, Mapping[Language, Fit]], path: Path = GATE_FILE) -> None:
    """Write the coefficients where the gate reads them; those of a moment that was not fitted stay.

    Unless they are of other signals than today's: then they go, and that moment has to be fitted too.
    """
    record: dict[str, Any] = {"features": ["bias", *NAMES]}
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if known.get("features") != record["features"]:
        known = {}
    for language in LANGUAGES:
        record[language] = known.get(language, {}) | {
            moment: {
                "weights": [round(w, 4) for w in fit[language].weights],
                "threshold": round(fit[language].threshold, 4),
            }
            for moment, fit in fits.items()
        }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _fit(examples: Sequence[Example], moment: Moment) -> Fit:
    observed = np.array([astuple(e.signals) for e in examples], np.float64)
    wanted = np.array([e.answerable for e in examples], dtype=int)
    weight = np.array([e.weight for e in examples], np.float64)
    columns = [NAMES.index(name) for name in KNOWN[moment] if name not in BY_COUNT[moment]]
    model = LogisticRegression(C=RIDGE, class_weight="balanced")
    held_out, refused = np.zeros(len(wanted)), np.zeros(len(wanted), bool)
    for train, test in folds_of([e.group for e in examples]):
        model.fit(observed[train][:, columns], wanted[train], weight[train])
        own = model.predict_proba(observed[train][:, columns])[:, 1]
        held_out[test] = model.predict_proba(observed[test][:, columns])[:, 1]
        refused[test] = held_out[test] < _threshold(own, wanted[train], moment)
    model.fit(observed[:, columns], wanted, weight)
    weights = np.zeros(len(NAMES))
    weights[columns] = model.coef_[0]
    for name, counted in BY_COUNT[moment].items():
        weights[NAMES.index(name)] = counted
    return Fit(
        weights=(float(model.intercept_[0]), *map(float, weights)),
        threshold=_threshold(held_out, wanted, moment),
        auc=float(roc_auc_score(wanted, held_out)),
        refusal_recall=float(refused[wanted == 0].mean()),
        over_refusal=float(refused[wanted == 1].mean()),
    )


def _threshold(probability: Floats, wanted: NDArray[np.int64], moment: Moment) -> float:
    cost = COST_OF_OVER_REFUSAL[moment]
    if moment == "opening":
        # Where answering and refusing are expected to cost alike. The least cost in the sample moves with single
        # questions: 0.26 in one language and 0.32 in the other, by a cost of two.
        return 1 / (1 + cost)
    return _least_cost(probability, wanted, cost)


def _least_cost(probability: Floats, wanted: NDArray[np.int64], weight: float) -> float:
    """The threshold where `weight` * over-refusal + missed refusals, both as rates, is least."""
    candidates = np.unique(np.concatenate([probability, [0.0]]))

    def cost(threshold: float) -> float:
        refused = probability < threshold
        return float(weight * refused[wanted == 1].mean() + (~refused[wanted == 0]).mean())

    return float(min(candidates, key=cost))
