"""What a run on XQuAD shows: figures from its kept answers, and the same as tables, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals import stats
from evals.datasets import SpanQuestion
from evals.gold import Fact
from evals.metrics import AnswerJson, gates, judge_fact, ranking, recall_at, reciprocal_rank
from evals.report import markdown_rows
from evals.run import ANSWERS, Key, RunFolder, RunInfo
from evals.score import cost, gate_counts
from evals.stats import Figure
from evals.tables import GATES, Table, cost_rows, origin, shown
from evals.xquad import BOTH, CORPORA, WITHHELD, answered_questions, asked_questions, retrieval_file
from index.paragraphs import LANGUAGES, Language

RETRIEVAL = ("recall@1", "recall@5", "recall@10", "mrr")
ANSWERED = {
    "states_answer": "Answered with one of XQuAD's answer strings",
    "cites_gold": "Cites the paragraph that was asked about",
    "states_and_cites": "Both, in one statement",
    "refused": "Refused, full index (should be 0)",
    "refused_withheld": "Refused, gold paragraph withheld (should be 1)",
    "states_answer_withheld": "States an answer string all the same, gold paragraph withheld",
}
SIDES = ("all", *LANGUAGES)
Cell = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class XQuADScores:
    """Every figure. Questions on one paragraph, in both languages, count as one draw as far as they agree."""

    retrieval: Mapping[tuple[Language, str], Cell]  # by (language asked in, corpus)
    answers: Mapping[str, Cell]  # by side: all, zh, en
    gates: Mapping[str, int]
    cost: Mapping[str, float | None]
    questions: Mapping[Key, Mapping[str, float]]  # each answered question's values


def scored(folder: RunFolder) -> XQuADScores:
    """The figures of what a run has answered so far."""
    spans, chosen = asked_questions(folder), answered_questions(folder)
    plain, without = (
        {key: answer for key, answer in folder.answers(file).items() if key[0] in chosen}
        for file in (ANSWERS, WITHHELD)
    )
    values = {key: judged(spans[key[0]], key[1], plain[key], without[key]) for key in plain if key in without}
    given = [*plain.items(), *without.items()]
    broken = [gates(answer, language, folder.paragraphs) for (_, language), answer in given]
    cells = {}
    for corpus in CORPORA:
        rankings = folder.answers(retrieval_file(corpus))
        for language in LANGUAGES:
            own = [(spans[name], ranking(a)) for (name, asked), a in rankings.items() if asked == language]
            if own:
                cells[language, corpus] = retrieval_cell(own)
    return XQuADScores(
        retrieval=cells,
        answers={side: _answer_cell(spans, values, side) for side in SIDES},
        gates=gate_counts(broken),
        cost=cost(list(plain.values())),
        questions=values,
    )


def retrieval_cell(rankings: Sequence[tuple[SpanQuestion, Sequence[int]]]) -> Cell:
    """Recall and mean reciprocal rank over questions, each with its ranking of paragraph numbers."""

    def grouped(of: Callable[[SpanQuestion, Sequence[int]], float]) -> list[list[float]]:
        groups: dict[int, list[float]] = {}
        for span, numbers in rankings:
            groups.setdefault(span.paragraph, []).append(of(span, numbers))
        return list(groups.values())

    def recall(k: int) -> Figure:
        return stats.rate(grouped(lambda span, numbers: recall_at(numbers, (_fact(span),), k) or 0.0))

    mrr = stats.mean(grouped(lambda span, numbers: reciprocal_rank(numbers, frozenset({span.paragraph}))))
    return {"recall@1": recall(1), "recall@5": recall(5), "recall@10": recall(10), "mrr": mrr}


def judged(span: SpanQuestion, language: Language, plain: AnswerJson, without: AnswerJson) -> dict[str, float]:
    """What an answer from the full index, and one with the gold paragraph withheld, are worth.

    An answer string counts in the language of the answer alone, as SQuAD counts it, but found in a sentence.
    """
    fact = _fact(span, plain.get("language") or language)
    full, bare = judge_fact(fact, plain), judge_fact(fact, without)
    return {
        "states_answer": float(full.stated),
        "cites_gold": float(full.cited),
        "states_and_cites": float(full.cited_where_stated),
        "refused": float(bool(plain.get("refused"))),
        "refused_withheld": float(bool(without.get("refused"))),
        "states_answer_withheld": float(bare.stated),
    }


def _fact(span: SpanQuestion, language: Language = "en") -> Fact:
    return Fact(f"{span.id}.f1", 1, span.answers[language], evidence=(frozenset({span.paragraph}),))


def _answer_cell(spans: Mapping[str, SpanQuestion], values: Mapping[Key, Mapping[str, float]], side: str) -> Cell:
    chosen = {key: value for key, value in values.items() if side in ("all", key[1])}

    def grouped(metric: str) -> list[list[float]]:
        groups: dict[int, list[float]] = {}
        for (name, _), value in chosen.items():
            groups.setdefault(spans[name].paragraph, []).append(value[metric])
        return list(groups.values())

    return {metric: stats.rate(grouped(metric)) for metric in ANSWERED}


# --- forms --------------------------------------------------------------------------------------------------


def tables(scores: XQuADScores) -> list[Table]:
    """Every table, in order; those of answers are left out where none was asked."""
    retrieval = tuple(
        (
            f"asked in {asked}, corpus in {'both' if corpus == BOTH else corpus}",
            *(shown(cell[name]) for name in RETRIEVAL),
            str(cell["mrr"].n),
        )
        for (asked, corpus), cell in scores.retrieval.items()
    )
    found = [
        Table(
            "Retrieval",
            "A question finds the paragraph it was asked about, in every pair of languages. 95% intervals.",
            ("", "Recall@1", "Recall@5", "Recall@10", "MRR", "n"),
            retrieval,
        )
    ]
    if not scores.questions:
        return found
    rows = tuple(
        (text, *(shown(scores.answers[side][metric]) for side in SIDES), str(scores.answers["all"][metric].n))
        for metric, text in ANSWERED.items()
    )
    counted = f"{scores.gates['answers']} answers and {scores.gates['quotes']} quotes"
    return [
        *found,
        Table(
            "Answers",
            "From the index of both languages. An answer string counts in the language of the answer. Another "
            "paragraph may answer where the gold one is withheld: the last row says how often a string of it came.",
            ("", "All", "Asked in Chinese", "Asked in English", "n"),
            rows,
        ),
        Table(
            "Gates",
            f"Counted over {counted}; all must be 0.",
            ("", "Count"),
            tuple((text, str(scores.gates[name])) for name, text in GATES.items()),
        ),
        Table(
            "Cost",
            "On the machine of the run, full index; a dash where it was not reported.",
            ("", ""),
            tuple(cost_rows(scores.cost)),
        ),
    ]


def write(folder: Path, info: RunInfo, scores: XQuADScores) -> Path:
    """Write report.json and report.md into `folder`; returns the second."""
    (folder / "report.json").write_text(as_json(info, scores), encoding="utf-8")
    path = folder / "report.md"
    path.write_text(as_markdown(info, scores), encoding="utf-8")
    return path


def as_markdown(info: RunInfo, scores: XQuADScores) -> str:
    """The tables, for a commit."""
    parts = [f"# {info.generator} on XQuAD", "", origin(info), "", f"    {info.command}"]
    for table in tables(scores):
        parts += ["", f"## {table.title}", "", table.note, "", *markdown_rows(table)]
    return "\n".join([*parts, ""])


def as_json(info: RunInfo, scores: XQuADScores) -> str:
    """Every figure, and every answered question's values."""
    record = {
        "run": asdict(info),
        "retrieval": [
            {"asked": asked, "corpus": corpus, **_json(cell)} for (asked, corpus), cell in scores.retrieval.items()
        ],
        "answers": {side: _json(cell) for side, cell in scores.answers.items()},
        "gates": dict(scores.gates),
        "cost": dict(scores.cost),
        "questions": [{"id": name, "language": own, **value} for (name, own), value in scores.questions.items()],
    }
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def _json(cell: Cell) -> dict[str, Any]:
    return {name: figure.to_json() for name, figure in cell.items()}
