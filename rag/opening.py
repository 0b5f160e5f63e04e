"""What the first token of a small model's reply tells of the answer, beyond the two words that it may begin with.

How likely the model held other beginnings ("Sorry", "There", 无, 如果有) tells how sure it is, and of what: a logistic
regression on the log probabilities of the tokens that are listed most often, whatever is asked. It is a linear probe
of the model's last layer, through the rows of its output matrix that belong to those tokens. Fitted on one model's
replies to development questions by `python -m evals calibrate gate`; of another model the two words are all that is
heard. The file, opening.json, names the model, and the tokens with their weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.paragraphs import LANGUAGES, Language

OPENING_FILE = Path(__file__).with_name("opening.json")
# Log odds beyond these tell nothing more, nor do log probabilities below this; nor is a token taken for less likely
# than the least likely one listed.
LARGEST = 8.0
LEAST = -25.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One language's regression; `weights` has one for each of `tokens`. `logit` weighs the odds of the two words."""

    bias: float
    logit: float
    tokens: tuple[str, ...]
    weights: tuple[float, ...]

    def heard(self, first: Mapping[str, float], logit: float) -> float:
        """The log odds that the evidence states the answer, from {token: log probability} of a reply's first token.

        `logit`: the log odds of its two words (`generators.stated_logit`).
        """
        own, *told = features(first, logit, self.tokens)
        return self.bias + self.logit * own + sum(w * x for w, x in zip(self.weights, told, strict=True))


def features(first: Mapping[str, float], logit: float, tokens: Sequence[str]) -> list[float]:
    """A reply's row: the log odds of its two words, and the log probability of each of `tokens`."""
    least = max(min(first.values()), LEAST)
    return [max(-LARGEST, min(LARGEST, logit)), *(max(first.get(token, least), least) for token in tokens)]


def probe(model: str, language: Language) -> Probe | None:
    """What was fitted of that model; None for any other."""
    fitted_model, probes = _probes()
    return probes.get(language) if model == fitted_model else None


def write_probes(model: str, probes: Mapping[Language, Probe], path: Path = OPENING_FILE) -> None:
    """Write the coefficients where the generators read them."""
    record: dict[str, object] = {"model": model}
    for language, own in probes.items():
        weights = {token: round(weight, 5) for token, weight in zip(own.tokens, own.weights, strict=True)}
        record[language] = {"bias": round(own.bias, 5), "logit": round(own.logit, 5), "tokens": weights}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _probes.cache_clear()


@cache
def _probes() -> tuple[str, dict[Language, Probe]]:
    record = json.loads(OPENING_FILE.read_text(encoding="utf-8"))
    return record["model"], {
        language: Probe(own["bias"], own["logit"], tuple(own["tokens"]), tuple(own["tokens"].values()))
        for language in LANGUAGES
        if (own := record.get(language))
    }
