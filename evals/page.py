"""The report's page: one HTML file that needs nothing else; no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.metrics import Outcome, has_chinese, ranking
from evals.run import RunInfo
from evals.score import Scores
from evals.tables import fact_word, heading, origin, reasons, tables, verdicts, why
from index.paragraphs import Paragraph

SHOWN = 3  # retrieved paragraphs whose text stands in a card
TEMPLATES = Path(__file__).parent / "templates"


def as_html(info: RunInfo, scores: Scores, paragraphs: Mapping[int, Paragraph], missed: Sequence[str]) -> str:
    """The whole report as one page: no script, nothing fetched."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from evals import plots

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.jinja")
    failed = [outcome for outcome in scores.outcomes if not outcome.values["right"]]
    return template.render(
        title=heading(info),
        origin=origin(info),
        command=info.command,
        verdicts=verdicts(scores, missed),
        tables=tables(scores),
        auc=scores.reliability.auc,
        plots={name: Markup(svg) for name, svg in plots.draw(scores).items()},  # noqa: S704 - our own drawings
        total=len(scores.outcomes),
        reasons=reasons(failed),
        failed=[_card(outcome, paragraphs) for outcome in failed],
    )


def _card(outcome: Outcome, paragraphs: Mapping[int, Paragraph]) -> dict[str, Any]:
    """One failed question as the page shows it: enough to judge it without opening anything else."""
    answer, question, language = outcome.answer, outcome.question, outcome.language
    citations = answer.get("citations") or []
    wanted = sorted(question.gold) or sorted(question.supporting)
    return {
        "id": question.id,
        "language": language,
        "kind": question.unanswerable_kind or question.kind,
        "why": why(outcome),
        "asked": question.asked[language],
        "error": answer.get("error"),
        "refused": bool(answer.get("refused")),
        "gate": answer.get("gate"),
        "statements": [
            {
                "text": statement["text"],
                "verdict": statement.get("verdict", ""),
                "cited": [
                    citations[i]["paragraph"] for i in statement.get("citations") or () if 0 <= i < len(citations)
                ],
            }
            for statement in answer.get("statements") or ()
        ],
        "citations": [
            {"paragraph": c["paragraph"], "right": c["paragraph"] in question.citable, "quote": c["quote"]}
            for c in citations
        ],
        "reference": (question.reference or {}).get(language),
        "facts": [
            {
                "word": fact_word(fact),
                "done": fact.cited_where_stated,
                "aliases": " / ".join(_aliases(fact.fact.aliases, language)[:6]),
                "evidence": " or ".join("+".join(f"¶{n}" for n in sorted(e)) for e in fact.fact.evidence),
                "wrong": ", ".join(fact.wrong),
            }
            for fact in outcome.facts
        ],
        "retrieved": [{"paragraph": n, "right": n in question.citable} for n in ranking(answer)[:10]],
        "evidence": _evidence(answer, language, paragraphs),
        "gold": [{"paragraph": n, "text": _text(paragraphs.get(n), language)} for n in wanted],
    }


def _evidence(answer: Mapping[str, Any], language: str, paragraphs: Mapping[int, Paragraph]) -> list[dict[str, Any]]:
    """What the generator was shown, a paragraph an entry; of an answer that does not tell, the first retrieved."""
    if not answer.get("shown"):
        return [{"paragraph": n, "text": _text(paragraphs.get(n), language)} for n in ranking(answer)[:SHOWN]]
    texts: dict[int, list[str]] = {}
    for sentence in answer["shown"]:
        texts.setdefault(sentence["paragraph"], []).append(sentence["text"])
    return [{"paragraph": n, "text": " ".join(sentences)} for n, sentences in texts.items()]


def _aliases(aliases: Sequence[str], language: str) -> list[str]:
    """Each alias once, those of the language that was asked in first."""
    return sorted(dict.fromkeys(aliases), key=lambda alias: has_chinese(alias) != (language == "zh"))


def _text(paragraph: Paragraph | None, language: str) -> str:
    if paragraph is None:
        return "not in the index"
    return (paragraph.zh if language == "zh" else paragraph.en) or paragraph.zh or paragraph.en or ""
