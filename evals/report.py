"""One report in three forms: a self-contained HTML page, the same figures as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evals.metrics import Outcome, cited, ranking
from evals.page import as_html
from evals.run import RunInfo
from evals.score import Figures, Scores
from evals.tables import Table, fact_word, heading, origin, reasons, tables, verdicts, why
from index.paragraphs import Paragraph


def write(
    folder: Path, info: RunInfo, scores: Scores, paragraphs: Mapping[int, Paragraph], missed: Sequence[str]
) -> Path:
    """Write report.html, report.md and report.json into `folder`; returns the page."""
    (folder / "report.json").write_text(as_json(info, scores, missed), encoding="utf-8")
    (folder / "report.md").write_text(as_markdown(info, scores, missed), encoding="utf-8")
    page = folder / "report.html"
    page.write_text(as_html(info, scores, paragraphs, missed), encoding="utf-8")
    return page


def as_json(info: RunInfo, scores: Scores, missed: Sequence[str]) -> str:
    """Every figure, and every question's values."""
    record = {
        "run": asdict(info),
        "missed": list(missed),
        "winning_controls": scores.winners,
        "system": _json(scores.system),
        "controls": {name: _json(figures) for name, figures in scores.controls.items()},
        "by_language": {name: _json(figures) for name, figures in scores.by_language.items()},
        "by_kind": {name: _json(figures) for name, figures in scores.by_kind.items()},
        "by_style": {name: _json(figures) for name, figures in scores.by_style.items()},
        "parity": _json(scores.parity),
        "gates": dict(scores.gates),
        "cost": dict(scores.cost),
        "reliability": asdict(scores.reliability),
        "questions": [_question_json(outcome) for outcome in scores.outcomes],
    }
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def as_markdown(info: RunInfo, scores: Scores, missed: Sequence[str]) -> str:
    """The tables and a line for each failed question, for a commit; the page shows the questions in full."""
    parts = [f"# {heading(info)}", "", origin(info), "", f"    {info.command}", ""]
    parts += [f"- **{line}**" for line in verdicts(scores, missed)]
    for table in tables(scores):
        parts += ["", f"## {table.title}", "", table.note, "", *markdown_rows(table)]
    auc = scores.reliability.auc
    parts += ["", f"Area under the gate's curve: {'–' if auc is None else f'{auc:.2f}'} (0.5 is chance).", ""]
    failed = [outcome for outcome in scores.outcomes if not outcome.values["right"]]
    counted = "; ".join(f"{count} {text}" for text, count in reasons(failed))
    parts += [
        "## Failed questions",
        "",
        f"{len(failed)} of {len(scores.outcomes)}{': ' + counted if counted else ''}.",
        "",
    ]
    parts += [*map(_failed_line, failed), ""]
    return "\n".join(parts)


def _failed_line(outcome: Outcome) -> str:
    question = outcome.question
    kind = (question.unanswerable_kind or question.kind).replace("_", " ")
    sources = _paragraph_list(cited(outcome.answer)) or "nothing"
    gold = f", gold {_paragraph_list(question.gold)}" if question.gold else ""
    asked = " ".join(question.asked[outcome.language].split())
    return f"- {question.id}.{outcome.language} ({kind}) {asked} — {why(outcome)}; cited {sources}{gold}"


def _paragraph_list(numbers: Iterable[int]) -> str:
    return " ".join(f"¶{number}" for number in sorted(numbers))


def markdown_rows(table: Table) -> Iterator[str]:
    """A table's lines in Markdown."""
    yield "| " + " | ".join(table.head) + " |"
    yield "|---" * len(table.head) + "|"
    for row in table.rows:
        name = f"**{row[0]}**" if row[0] in table.marked else row[0]
        yield "| " + " | ".join((name, *row[1:])) + " |"


def _json(figures: Figures) -> dict[str, Any]:
    return {name: figure.to_json() for name, figure in figures.items()}


def _question_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.question.id,
        "language": outcome.language,
        "kind": outcome.question.kind,
        "refused": outcome.refused,
        "corrected": outcome.corrected,
        "gate": outcome.answer.get("gate"),
        "cited": sorted(cited(outcome.answer)),
        "retrieved": ranking(outcome.answer)[:10],
        "values": {k: None if v is None else round(v, 4) for k, v in outcome.values.items()},
        "facts": {fact.fact.id: fact_word(fact) for fact in outcome.facts},
    }
