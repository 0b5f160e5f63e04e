"""Baselines that no good system should lose to, made from the same run; they show what a metric is worth.

If one of them does better than the system on a headline figure, the metric or the system is broken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evals.gold import Question
from evals.metrics import AnswerJson, ranking
from index.keywords import KeywordIndex
from index.paragraphs import Language, Paragraph

Paragraphs = Mapping[int, Paragraph]
# (question, language, the system's answer) -> the control's answer
Control = Callable[[Question, Language, AnswerJson], AnswerJson]

# Knows the gold, so it may do better: a ceiling, not a rival.
CEILING = "oracle paragraphs"


def make_controls(paragraphs: Paragraphs) -> dict[str, Control]:
    """Every control that needs no model, by the name it has in the report."""
    keywords = KeywordIndex.build(list(paragraphs.values()))
    return {
        "top-1 parrot": lambda q, language, a: parrot(a, language, ranking(a)[:1], paragraphs),
        "cite everything shown": lambda q, language, a: cite_all(a, language, paragraphs),
        "random citation": lambda q, language, a: cite_at_random(q, a, language, paragraphs),
        "always refuse": lambda q, language, a: refusal(a),
        "never refuse": lambda q, language, a: (
            parrot(a, language, ranking(a)[:1], paragraphs) if a.get("refused") else a
        ),
        "BM25 alone": lambda q, language, a: bm25(q, a, language, paragraphs, keywords),
        CEILING: lambda q, language, a: oracle(q, a, language, paragraphs),
    }


def refusal(answer: AnswerJson) -> AnswerJson:
    """`answer` as a refusal."""
    return {**answer, "refused": True, "statements": [], "citations": []}


def parrot(answer: AnswerJson, language: Language, numbers: Sequence[int], paragraphs: Paragraphs) -> AnswerJson:
    """The whole paragraphs `numbers`, each recited with its own citation; never a refusal."""
    citations = [cite(paragraphs[number], language) for number in numbers if number in paragraphs]
    statements = [_statement(citation["text"], [i]) for i, citation in enumerate(citations)]
    return {**answer, "refused": False, "statements": statements, "citations": citations}


def cite_all(answer: AnswerJson, language: Language, paragraphs: Paragraphs) -> AnswerJson:
    """The system's statements, each citing everything that was retrieved (the first ten)."""
    if answer.get("refused"):
        return answer
    citations = [cite(paragraphs[number], language) for number in ranking(answer)[:10] if number in paragraphs]
    indices = list(range(len(citations)))
    statements = [_statement(s["text"], indices) for s in answer.get("statements") or ()]
    return {**answer, "statements": statements, "citations": citations}


def cite_at_random(question: Question, answer: AnswerJson, language: Language, paragraphs: Paragraphs) -> AnswerJson:
    """The system's statements with as many citations each, of paragraphs drawn blindly (the same at every scoring)."""
    if answer.get("refused"):
        return answer
    draw = random.Random(f"{question.id}/{language}")  # noqa: S311 - a control, not a secret
    numbers = sorted(paragraphs)
    statements: list[dict[str, Any]] = []
    citations: list[dict[str, Any]] = []
    for statement in answer.get("statements") or ():
        drawn = draw.sample(numbers, min(len(numbers), len(statement.get("citations") or ())))
        indices = range(len(citations), len(citations) + len(drawn))
        citations += [cite(paragraphs[number], language) for number in drawn]
        statements.append(_statement(statement["text"], indices))
    return {**answer, "statements": statements, "citations": citations}


def oracle(question: Question, answer: AnswerJson, language: Language, paragraphs: Paragraphs) -> AnswerJson:
    """The gold paragraphs recited (one evidence set a fact) and a refusal where there are none.

    What no extractive answer can pass; it falls short of 1 where a fact was derived, or stands in one language.
    """
    if not question.answerable:
        return refusal(answer)
    numbers = sorted({number for fact in question.facts for number in _best_set(fact.evidence)})
    rest = [entry for entry in answer.get("retrieved") or () if entry["paragraph"] not in numbers]
    retrieved = [{"paragraph": number, "score": 1.0} for number in numbers] + rest
    return {**parrot(answer, language, numbers, paragraphs), "retrieved": retrieved}


def bm25(
    question: Question, answer: AnswerJson, language: Language, paragraphs: Paragraphs, keywords: KeywordIndex
) -> AnswerJson:
    """A keyword search in the question's language, and its first paragraph recited."""
    scores = keywords.scores(question.asked[language], language, 10)
    retrieved = [{"paragraph": number, "score": score} for number, score in scores.items()]
    return {**parrot(answer, language, list(scores)[:1], paragraphs), "retrieved": retrieved}


def cite(paragraph: Paragraph, language: Language) -> dict[str, Any]:
    """A citation of a whole paragraph, in `language` or the only one it has."""
    own = language if paragraph.text(language) else paragraph.languages[0]
    text = paragraph.text(own) or ""
    return {
        "paragraph": paragraph.number,
        "kind": paragraph.kind,
        "section": paragraph.section.to_json(),
        "language": own,
        "text": text,
        "start": 0,
        "end": len(text),
        "quote": text,
        "zh": paragraph.zh,
        "en": paragraph.en,
    }


def _best_set(evidence: Sequence[frozenset[int]]) -> frozenset[int]:
    return min(evidence, key=lambda numbers: (len(numbers), sorted(numbers)))


def _statement(text: str, citations: Iterable[int]) -> dict[str, Any]:
    return {"text": text, "citations": list(citations), "verdict": "supported"}
