"""Named bars from thresholds.toml, and which of them a run fell short of."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.run import RunInfo
from evals.score import Scores
from evals.tables import WINNERS
from index.errors import UserError
from index.paragraphs import LANGUAGES

THRESHOLDS = Path(__file__).with_name("thresholds.toml")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. A figure that a run does not have (no such kind of question in it) is not held against it."""

    name: str
    figure: str
    at_least: float | None = None
    at_most: float | None = None
    bed: str = "plain"
    split: str | None = None
    generator: str | None = None
    whole: bool = False  # holds only for a run of every question in both languages

    def applies(self, info: RunInfo) -> bool:
        """Whether the bar is meant for this run."""
        if self.whole and (info.limit is not None or set(info.languages) != set(LANGUAGES)):
            return False
        wanted = (self.bed, self.split, self.generator)
        return all(
            want in (None, "any", have)
            for want, have in zip(wanted, (info.bed, info.split, info.generator), strict=True)
        )

    def missed_by(self, value: float) -> str | None:
        """One line where `value` falls short, else None."""
        if self.at_least is not None and value < self.at_least:
            return f"{self.name}: {self.figure} is {value:.4g}, at least {self.at_least:g} is asked for"
        if self.at_most is not None and value > self.at_most:
            return f"{self.name}: {self.figure} is {value:.4g}, at most {self.at_most:g} is allowed"
        return None


def read_bars(path: Path = THRESHOLDS) -> list[Bar]:
    """The bars of a thresholds file. Raises UserError for one that is misspelt or asks for nothing."""
    try:
        bars = [Bar(**record) for record in tomllib.loads(path.read_text(encoding="utf-8")).get("bar", [])]
    except (tomllib.TOMLDecodeError, TypeError, OSError) as error:
        raise UserError(f"the thresholds {path} cannot be read: {error}. Correct that entry.") from None
    for bar in bars:
        if (bar.at_least is None) == (bar.at_most is None):
            raise UserError(f"the bar {bar.name!r} in {path} needs exactly one of at_least and at_most. Correct it.")
    return bars


def shortfalls(scores: Scores, info: RunInfo, bars: list[Bar]) -> list[str]:
    """One line for each bar that the run does not clear. Raises UserError for a figure that no run ever has."""
    values = flat(scores)
    lines = []
    for bar in bars:
        if bar.figure not in values:
            raise UserError(f"the bar {bar.name!r} names the figure {bar.figure!r}, which no report has. Correct it.")
        value = values[bar.figure]
        if bar.applies(info) and value is not None and (line := bar.missed_by(value)):
            lines.append(line)
    return lines


def flat(scores: Scores) -> Mapping[str, float | None]:
    """Every single figure of a report by its name."""
    found: dict[str, float | None] = {name: figure.value for name, figure in scores.system.items()}
    for language, figures in scores.by_language.items():
        found |= {f"{language}.{name}": figure.value for name, figure in figures.items()}
    for kind, figures in scores.by_kind.items():
        found |= {f"kind.{kind}.{name}": figure.value for name, figure in figures.items()}
    for style, figures in scores.by_style.items():
        found |= {f"style.{style}.{name}": figure.value for name, figure in figures.items()}
    found |= {f"parity.{name}": figure.value for name, figure in scores.parity.items()}
    found |= {f"gate.{name}": float(count) for name, count in scores.gates.items()}
    found |= {f"cost.{name}": value for name, value in scores.cost.items()}
    return found | {WINNERS: float(len(scores.winners)), "gate.auc": scores.reliability.auc}
