"""Fit what tells orders and small talk from questions (rag/asking.py): `python -m evals calibrate asking`.

From messages that were written for it (evals/messages): such as ask nothing of an article, and orders and chat that do,
which are easily taken for those; and from development questions, which all ask something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from evals.calibrate import OnProgress, folds_of
from evals.files import json_lines, readable
from evals.run import sample
from index.embedder import Embedder
from index.paragraphs import LANGUAGES
from rag.asking import ASKING_FILE, write_asking
from rag.frame import sought

MESSAGES = Path(__file__).with_name("messages")
# Questions of each gold file: with these as many ask something as a reader's messages do, and not all of one article.
QUESTIONS = 12
RIDGE = 5.0  # inverse strength
WEIGHT = 2.0  # of a message that was written for it, beside a question of the gold
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody may type, whether it asks nothing, what it is held out together with, and how much it counts."""

    text: str
    asks_nothing: bool
    group: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """How well messages were told apart that the coefficients had not seen (cross-validated)."""

    count: int
    auc: float
    found: float  # of those that ask nothing, the share that is held to
    mistaken: float  # of those that ask something


def written() -> list[Message]:
    """The messages of evals/messages, in both languages; what one writer wrote is held out together."""
    found = []
    for path in sorted(MESSAGES.glob("*.jsonl")):
        for number, line in enumerate(json_lines(path), start=1):
            with readable(f"line {number} of {path}"):
                found += [Message(line[language], not line["asks"], path.stem, WEIGHT) for language in LANGUAGES]
    return found


def asked(gold: Iterable[Path]) -> list[Message]:
    """QUESTIONS of each gold file's dev split, in both languages; an order among them is left out."""
    found = []
    for path in gold:
        with readable(path):
            lines = [line for line in json_lines(path) if line["split"] == "dev" and not _is_an_order(line)]
            for line in sample(lines, QUESTIONS):
                found += [Message(line["question"][language], False, path.name) for language in LANGUAGES]
    return found


def fit(embedder: Embedder, messages: Sequence[Message], on_progress: OnProgress, path: Path = ASKING_FILE) -> Told:
    """Write the coefficients for this embedder; a message that is there twice counts once."""
    own = list({message.text: message for message in messages}.values())
    vectors = []
    for done, message in enumerate(own, start=1):
        vectors.append(embedder.question(sought(message.text)))
        on_progress(done, len(own))
    observed = np.array(vectors, np.float64)
    wanted = np.array([message.asks_nothing for message in own], int)
    weight = np.array([message.weight for message in own])
    model = LogisticRegression(C=RIDGE, max_iter=2000)
    held_out = np.zeros(len(own))
    for train, test in folds_of([message.group for message in own]):
        model.fit(observed[train], wanted[train], weight[train])
        held_out[test] = model.predict_proba(observed[test])[:, 1]
    model.fit(observed, wanted, weight)
    write_asking(embedder.label, float(model.intercept_[0]), model.coef_[0], path)
    sure = held_out > SURE
    return Told(
        count=len(own),
        auc=float(roc_auc_score(wanted, held_out)),
        found=float(sure[wanted == 1].mean()),
        mistaken=float(sure[wanted == 0].mean()),
    )


def _is_an_order(line: Mapping[str, object]) -> bool:
    return line.get("unanswerable_kind") == "instruction"
