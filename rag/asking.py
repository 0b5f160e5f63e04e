"""Does a message ask anything that an article could state? Orders, small talk, and talk to the program itself do not.

A logistic regression on the vector that retrieval has of the message anyway, fitted on messages written for it
(evals/messages) and on development questions: `python -m evals calibrate asking`. asking.json holds the coefficients
and names the embedder, with its adapter, that they are of; of any other embedder's vectors nothing is known.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.retrieve import sigmoid

ASKING_FILE = Path(__file__).with_name("asking.json")


def asks_nothing(vector: NDArray[np.float32], embedder: str) -> float:
    """The probability that the message asks nothing of an article; 0 where nothing is known.

    `vector`: (dimension,), of the message as it is searched for. `embedder`: its label.
    """
    fitted, bias, weights = _coefficients()
    if embedder != fitted:
        return 0.0
    return sigmoid(bias + float(weights @ vector))


def write_asking(embedder: str, bias: float, weights: NDArray[np.float64], path: Path = ASKING_FILE) -> None:
    """Write the coefficients where `asks_nothing` reads them. `weights`: (dimension,)."""
    record = {"embedder": embedder, "bias": round(bias, 4), "weights": [round(float(w), 4) for w in weights]}
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    _coefficients.cache_clear()


@cache
def _coefficients() -> tuple[str, float, NDArray[np.float64]]:
    record = json.loads(ASKING_FILE.read_text(encoding="utf-8"))
    return record["embedder"], record["bias"], np.asarray(record["weights"], np.float64)
