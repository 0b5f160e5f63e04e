"""Beds: what is done to the article or the question before it is asked (after RGB, Chen et al. 2024).

`plain` does nothing. The others put the same gold questions into a harder world in which the right behaviour
is known, so that they are scored by the same functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import opencc

from evals.datasets import XQuAD
from evals.gold import GOLD_FOLDER, Question
from evals.metrics import AnswerJson, is_verbatim
from evals.normalise import states_any
from index.characters import WIDE
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.source import read_jsonl

EDITS = GOLD_FOLDER / "counterfactual.jsonl"


@dataclass(frozen=True, slots=True)
class Bed:
    """One way of asking. `paragraphs` makes the article that is indexed; None: the index as it is."""

    name: str
    questions: Callable[[Sequence[Question]], list[Question]] = list
    paragraphs: Callable[[Sequence[Paragraph]], list[Paragraph]] | None = None
    exclude: Callable[[Question], frozenset[int]] = lambda question: frozenset()


@dataclass(frozen=True, slots=True)
class Edit:
    """A value changed in a copy of the article, and how the answer to one question changes with it."""

    question: str
    old: Mapping[Language, str]
    new: Mapping[Language, str]
    aliases: tuple[str, ...]
    stale: tuple[str, ...]

    def apply(self, text: str, language: Language) -> str:
        """`text` with the new value."""
        return text.replace(self.old[language], self.new[language])


def make_bed(name: str, noise: Path | None = None) -> Bed:
    """The bed called `name`. Raises UserError for an unknown name, or noise without a source of it."""
    if name == "plain":
        return Bed("plain")
    if name == "withheld":
        return Bed(  # every paragraph that may be cited is taken away: all must be refused
            "withheld",
            questions=lambda questions: [withhold(q) for q in questions if q.answerable],
            exclude=lambda question: question.supporting,
        )
    if name == "noise":
        if noise is None:
            raise UserError("the bed noise needs other paragraphs. Give an XQuAD folder or a .jsonl with --noise PATH.")
        return Bed(  # paragraphs of other texts are mixed in: nothing may change
            "noise",
            paragraphs=lambda own: [*own, *noise_paragraphs(noise, len(own))],
        )
    if name == "counterfactual":
        edits = read_edits()
        return Bed(  # values edited in a copy of the article: the answer must follow the text
            "counterfactual",
            questions=lambda questions: edited_questions(questions, edits),
            paragraphs=lambda own: edited_paragraphs(own, edits),
        )
    if name == "unspaced":
        return Bed(  # Chinese and Latin letters without spaces between them, as most people type: nothing may change
            "unspaced",
            questions=lambda questions: [_typed(q, unspaced) for q in questions],
            paragraphs=lambda own: [replace(p, zh=p.zh and unspaced(p.zh)) for p in own],
        )
    if name in _SPELLINGS:
        return Bed(name, questions=lambda questions: [_typed(q, *_SPELLINGS[name]) for q in questions])
    raise UserError(f"no bed is named {name!r}. Choose from: {', '.join(BEDS)}.")


def titled(text: str) -> str:
    """`text` with a capital on every word, as a title is typed."""
    return re.sub(r"(?<![\w’'])[a-z]", lambda match: match.group().upper(), text)


def traditional(text: str) -> str:
    """`text` in traditional characters."""
    written: str = _to_traditional().convert(text)
    return written


# The questions of one language, typed otherwise: nothing may change.
_SPELLINGS: Mapping[str, tuple[Callable[[str], str], Language]] = {
    "traditional": (traditional, "zh"),
    "titled": (titled, "en"),
    "capitals": (str.upper, "en"),
}
BEDS = ("plain", "withheld", "noise", "counterfactual", "unspaced", *_SPELLINGS)
_SPACED = re.compile(rf"(?<=[{WIDE}])[^\S\n]+(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])[^\S\n]+(?=[{WIDE}])")


def withhold(question: Question) -> Question:
    """`question` as it stands when its evidence is taken away: unanswerable. `supporting` says what is taken."""
    return replace(
        question,
        kind="unanswerable",
        unanswerable_kind="withheld_gold",
        facts=(),
        supporting=question.citable,
        supporting_sentences=(),
    )


def noise_paragraphs(source: Path, after: int) -> list[Paragraph]:
    """Paragraphs of another text, numbered behind the article's own."""
    if source.is_dir():
        others: Sequence[Paragraph] = XQuAD(source).paragraphs()
    elif source.is_file():
        others = read_jsonl(source, source.read_text(encoding="utf-8")).paragraphs
    else:
        raise UserError(f"the noise {source} is not there. Give an XQuAD folder or a .jsonl of paragraphs.")
    return [replace(paragraph, number=after + i, kind="body") for i, paragraph in enumerate(others, start=1)]


def unspaced(text: str) -> str:
    """`text` without the spaces between Chinese characters and Latin letters or digits."""
    return _SPACED.sub("", text)


@cache
def _to_traditional() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


def _typed(question: Question, spelling: Callable[[str], str], language: Language = "zh") -> Question:
    return replace(question, asked={**question.asked, language: spelling(question.asked[language])})


def needs_several(question: Question) -> bool:
    """Whether no single paragraph holds all vital facts (integration, in RGB's words)."""
    vital = [fact for fact in question.facts if fact.is_vital]
    if not vital:
        return False
    return not any(all(frozenset({n}) in fact.evidence for fact in vital) for n in question.gold)


# --- counterfactual -----------------------------------------------------------------------------------------


def read_edits(path: Path = EDITS) -> list[Edit]:
    """The edits of a counterfactual file (JSONL)."""
    records = (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip())
    return [
        Edit(r["question"], r["old"], r["new"], aliases=tuple(r["aliases"]), stale=tuple(r["stale"])) for r in records
    ]


def edited_paragraphs(paragraphs: Sequence[Paragraph], edits: Sequence[Edit]) -> list[Paragraph]:
    """A copy of the article with every edit made, in both languages.

    Raises UserError for an edit whose old wording stands nowhere, or still states the old value where it stood.
    """
    edited = list(paragraphs)
    for edit in edits:
        for language in LANGUAGES:
            hits = [i for i, p in enumerate(edited) if edit.old[language] in (p.text(language) or "")]
            if len(hits) != 1:
                raise UserError(
                    f"the edit of {edit.question} looks for {edit.old[language]!r}, found in {len(hits)} paragraphs; "
                    f"exactly one is needed. Correct {EDITS.name}."
                )
            edited[hits[0]] = _edit(edited[hits[0]], edit, language)
    return edited


def edited_questions(questions: Sequence[Question], edits: Sequence[Edit]) -> list[Question]:
    """The questions that the edits touch, their one edited fact now having the new value and forbidding the old."""
    by_id = {question.id: question for question in questions}
    return [_edited(by_id[edit.question], edit) for edit in edits if edit.question in by_id]


def stale_quotes(answer: AnswerJson, edited: Mapping[int, Paragraph], edit: Edit) -> tuple[int, int]:
    """(how many of the answer's quotes state the old value, how many of those the verbatim check refuses now).

    `answer` was given from the article before the edit; the two must be equal, or a stale quote would pass.
    """
    stale = [c for c in answer.get("citations") or () if states_any(c["quote"], edit.stale)]
    return len(stale), sum(not is_verbatim(citation, edited) for citation in stale)


def _edited(question: Question, edit: Edit) -> Question:
    fact = next((fact for fact in question.facts if set(fact.aliases) & set(edit.stale)), question.facts[0])
    changed = replace(fact, weight=1, aliases=edit.aliases, forbidden=edit.stale)
    return replace(question, facts=(changed,))


def _edit(paragraph: Paragraph, edit: Edit, language: Language) -> Paragraph:
    text = edit.apply(paragraph.text(language) or "", language)
    return replace(paragraph, zh=text) if language == "zh" else replace(paragraph, en=text)
