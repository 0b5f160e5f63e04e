"""A linear probe on the default model's activations: does the paragraph it has just read state the answer?

The model's middle layers tell this better than its last one, and than the first token it then writes (evals/NOTES.md).
The probe is a logistic regression, with coefficients for each language, on the value vectors of the prompt's last
token (rag/activations.py) and on the log odds of the two words that the reply may open with. It is fitted on one
model's readings of development questions by `python -m evals calibrate gate`; for any other model only the log odds of
the two words are used. opening.json names the model and holds the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.paragraphs import LANGUAGES, Language

OPENING_FILE = Path(__file__).with_name("opening.json")
# The layers that are listened to, counted from 0, of the default model's 28.
LAYERS = tuple(range(14, 22))
# Log odds beyond these tell nothing more.
LARGEST = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A language's coefficients: `logit` for the log odds of the two words, `weights` (layers, width) for the rest."""

    bias: float
    logit: float
    weights: NDArray[np.float64]

    def heard(self, inside: NDArray[np.float32], logit: float) -> float:
        """The log odds that what was read states the answer.

        `inside`: the value vectors of LAYERS, shaped as the weights. `logit`: the log odds of the reply's two words
        (`generators.stated_logit`).
        """
        return self.bias + self.logit * bounded(logit) + float((self.weights * inside).sum())


def bounded(logit: float) -> float:
    """`logit` clipped to ±LARGEST, beyond which log odds tell nothing more."""
    return max(-LARGEST, min(LARGEST, logit))


def probe(model: str, language: Language) -> Probe | None:
    """The probe fitted for `model`; None for any other model."""
    fitted_model, probes = _probes()
    return probes.get(language) if model == fitted_model else None


def write_probes(model: str, probes: Mapping[Language, Probe], path: Path = OPENING_FILE) -> None:
    """Write the coefficients where the generators read them, a layer a line."""
    lines = [f' "model": {json.dumps(model)}', f' "layers": {json.dumps(LAYERS)}']
    for language, own in probes.items():
        layers = ",\n  ".join(json.dumps([round(float(w), 5) for w in layer]) for layer in own.weights)
        numbers = f'"bias": {own.bias:.5f}, "logit": {own.logit:.5f}'
        lines.append(f' "{language}": {{{numbers}, "weights": [\n  {layers}\n ]}}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    _probes.cache_clear()


@cache
def _probes() -> tuple[str, dict[Language, Probe]]:
    record = json.loads(OPENING_FILE.read_text(encoding="utf-8"))
    if tuple(record["layers"]) != LAYERS:
        raise ValueError(f"opening.json was fitted on the layers {record['layers']}, listened to are {list(LAYERS)}")
    return record["model"], {
        language: Probe(own["bias"], own["logit"], np.asarray(own["weights"], np.float64))
        for language in LANGUAGES
        if (own := record.get(language))
    }
