"""Does the paragraph that the default model has just read state the answer? An adapter, and a linear probe behind it.

The model's middle layers tell this better than its last one, and than the first token it then writes; and they tell
more where the question is read through an adapter (LoRA) that was fitted for it (evals/NOTES.md). It is an activated
one (Greenewald et al. 2025): it works behind `prompts.MARK` and nowhere else, so what was read ahead of a paragraph
serves with it and without, and what is written is the model's own. The probe is a logistic regression, with
coefficients for each language, on the value vectors of the prompt's last token (rag/activations.py).

Both are fitted together, for one model, on development questions: `python -m evals calibrate reader`. reader.gguf is
the adapter; opening.json names the model and holds the probe. Any other model is heard by the log odds of the two words
that its reply may open with.
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
READER_FILE = Path(__file__).with_name("reader.gguf")
# The layers that are listened to, counted from 0, of the default model's 28.
LAYERS = tuple(range(14, 22))


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A language's coefficients; `weights`: (layers, width)."""

    bias: float
    weights: NDArray[np.float64]

    def heard(self, inside: NDArray[np.float32]) -> float:
        """The log odds that what was read states the answer. `inside`: the value vectors of LAYERS, (layers, width)."""
        return self.bias + float((self.weights * inside).sum())

    def scaled(self, slope: float, intercept: float) -> Probe:
        """The probe whose log odds are `slope` times these, and `intercept` more."""
        return Probe(self.bias * slope + intercept, self.weights * slope)


def probe(model: str, language: Language) -> Probe | None:
    """The probe fitted for `model`; None for any other model."""
    fitted_model, probes = _probes()
    return probes.get(language) if model == fitted_model else None


def write_probes(model: str, probes: Mapping[Language, Probe], path: Path = OPENING_FILE) -> None:
    """Write the coefficients where the generators read them, a layer a line."""
    lines = [f' "model": {json.dumps(model)}', f' "layers": {json.dumps(LAYERS)}']
    for language, own in probes.items():
        layers = ",\n  ".join(json.dumps([round(float(w), 5) for w in layer]) for layer in own.weights)
        lines.append(f' "{language}": {{"bias": {own.bias:.5f}, "weights": [\n  {layers}\n ]}}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    _probes.cache_clear()


@cache
def _probes() -> tuple[str, dict[Language, Probe]]:
    record = json.loads(OPENING_FILE.read_text(encoding="utf-8"))
    if tuple(record["layers"]) != LAYERS:
        raise ValueError(f"opening.json was fitted on the layers {record['layers']}, listened to are {list(LAYERS)}")
    return record["model"], {
        language: Probe(own["bias"], np.asarray(own["weights"], np.float64))
        for language in LANGUAGES
        if (own := record.get(language))
    }
