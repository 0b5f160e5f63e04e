"""Gold questions: what is asked, which facts answer it, and the paragraphs each fact stands in.

A gold file (JSONL, see README.md) names its evidence by verbatim snippets. They are resolved to paragraph
numbers here, once; after that the gold is about numbers, and a re-parsed article never voids it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.files import readable
from evals.normalise import normalise, states, states_any
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.sentences import split_sentences

Split = Literal["dev", "test"]
QuestionKind = Literal[
    "number", "definition", "explain", "list", "multi", "cross", "figure", "footnote", "timeline", "credits",
    "unanswerable",
]  # fmt: skip
UnanswerableKind = Literal["out_of_article", "false_premise", "near_miss_entity", "withheld_gold", "instruction"]

SPLITS: tuple[Split, ...] = get_args(Split)
QUESTION_KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)
UNANSWERABLE_KINDS: tuple[UnanswerableKind, ...] = get_args(UnanswerableKind)
WEIGHTS = (1.0, 0.5)  # vital, okay
# Kinds of paragraph whose two languages do not translate each other: a caption says more in one of them.
ONE_SIDED = ("front", "figure")
GOLD_FOLDER = Path(__file__).parent / "gold"
DEFAULT_GOLD = GOLD_FOLDER / "when-ai-builds-itself.jsonl"
PLAIN_GOLD = GOLD_FOLDER / "plainly-asked.jsonl"  # the same facts, asked in plain words
SHORT_GOLD = GOLD_FOLDER / "asked-in-short.jsonl"  # in a few words, as people type first; never fitted on
ASKED_OF_XQUAD = GOLD_FOLDER / "asked-of-xquad.jsonl"  # of a corpus that is not shipped
# Evidence in a corpus that is not shipped is named by the number of its paragraph.
_NUMBERED = re.compile(r"¶(\d+)")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a paragraph in one language: `paragraph.text(language)[start:end]`."""

    paragraph: int
    language: Language
    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a character."""
        same = (self.paragraph, self.language) == (other.paragraph, other.language)
        return same and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing an answer should say. Each set of `evidence` suffices; all of its paragraphs are needed."""

    id: str
    weight: float  # 1 vital, 0.5 okay
    aliases: tuple[str, ...]  # any of them, in either language, states the fact
    forbidden: tuple[str, ...] = ()  # known wrong values
    evidence: tuple[frozenset[int], ...] = ()
    sentences: tuple[Span, ...] = ()  # the gold sentences, in both languages
    derived: bool = False  # worked out from the evidence, not standing in it

    @property
    def is_vital(self) -> bool:
        """Whether an answer without it is not right."""
        return self.weight >= 1


@dataclass(frozen=True, slots=True)
class Question:
    """One question pair: the same thing asked in Chinese and in English.

    An unanswerable question has no facts, except a false premise: its facts are the correction.
    """

    id: str
    split: Split
    kind: QuestionKind
    asked: Mapping[Language, str]
    facts: tuple[Fact, ...] = ()
    unanswerable_kind: UnanswerableKind | None = None
    supporting: frozenset[int] = frozenset()  # paragraphs that may be cited but are not needed
    supporting_sentences: tuple[Span, ...] = ()
    reference: Mapping[Language, str] | None = None

    @property
    def answerable(self) -> bool:
        """Whether the article answers it."""
        return self.kind != "unanswerable"

    @property
    def gold(self) -> frozenset[int]:
        """Every paragraph that is evidence for some fact (G)."""
        return frozenset().union(*(numbers for fact in self.facts for numbers in fact.evidence))

    @property
    def citable(self) -> frozenset[int]:
        """Every paragraph whose citation is right (G or S)."""
        return self.gold | self.supporting


def load_gold(path: Path, paragraphs: Sequence[Paragraph]) -> tuple[Question, ...]:
    """The questions of a gold file, their evidence resolved against `paragraphs`.

    Raises UserError with the first thing that is wrong and how many more there are.
    """
    questions, problems = examine(path, paragraphs)
    if problems:
        more = f" ({len(problems) - 1} more; list them with: python -m evals validate)" if len(problems) > 1 else ""
        raise UserError(f"{problems[0]}{more}")
    return questions


def examine(path: Path, paragraphs: Sequence[Paragraph]) -> tuple[tuple[Question, ...], list[str]]:
    """The questions that could be read and one line for each thing that is wrong with the file."""
    problems: list[str] = []
    resolver = _Resolver(paragraphs, problems)
    lines: list[_Line] = []
    questions: list[Question] = []
    for number, text in _numbered_lines(path):
        line = _parse(f"line {number} of {path.name}", text, problems)
        if line is None:
            continue
        if line.id in {known.id for known in lines}:
            problems.append(f"{line.id} stands twice in {path.name}. Give each question an id of its own.")
        lines.append(line)
        question = resolver.question(line)
        questions.append(question)
        problems += _shape_problems(line)
        problems += [problem for fact in question.facts for problem in _fact_problems(question, fact)]
        problems += [problem for fact in question.facts for problem in resolver.recital_problems(question, fact)]
    if not lines and not problems:
        problems.append(f"{path} holds 0 questions, at least 1 is needed. Give another gold file.")
    problems += _same_questions(questions)
    problems += _shared_facts(questions, resolver.texts)
    return tuple(questions), problems


def conflicts(questions: Sequence[Question], paragraphs: Sequence[Paragraph]) -> list[str]:
    """What may not stand in two gold files of one article either: a question asked twice, a fact in both splits.

    What is wrong within each of the files is `examine`'s to say.
    """
    return [*_same_questions(questions), *_shared_facts(questions, _texts(paragraphs))]


# --- the file's shape ---------------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Both(_Strict):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def by_language(self) -> dict[Language, str]:
        return {"zh": self.zh, "en": self.en}


class _Aliases(_Strict):
    zh: tuple[str, ...] = Field(min_length=1)
    en: tuple[str, ...] = Field(min_length=1)


class _Fact(_Strict):
    id: str
    weight: float
    aliases: _Aliases
    forbidden: tuple[str, ...] = ()
    evidence: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = Field(min_length=1)
    derived: bool = False


class _Line(_Strict):
    id: str = Field(min_length=1)
    split: Split
    kind: QuestionKind
    question: _Both
    answerable: bool
    unanswerable_kind: UnanswerableKind | None
    facts: tuple[_Fact, ...]
    also_supporting: tuple[str, ...] = ()
    reference: _Both | None = None


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise UserError(f"the gold file {path} is not there. Give another with --gold FILE.")
    with readable(path):
        lines = path.read_text(encoding="utf-8").split("\n")
    for number, text in enumerate(lines, start=1):
        if text.strip():
            yield number, text


def _parse(where: str, text: str, problems: list[str]) -> _Line | None:
    try:
        return _Line.model_validate_json(text)
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the line"
        problems.append(f"{where}: {field} is {str(first.get('input'))[:60]!r}: {first['msg']}. Mend that line.")
        return None


def _shape_problems(line: _Line) -> Iterator[str]:
    if line.answerable != (line.kind != "unanswerable"):
        yield f"{line.id} has answerable = {line.answerable} and the kind {line.kind}. Make the two agree."
    if line.answerable != (line.unanswerable_kind is None):
        yield f"{line.id} has answerable = {line.answerable} and unanswerable_kind = {line.unanswerable_kind}."
    if line.answerable and not line.facts:
        yield f"{line.id} is answerable and has 0 facts. Give it at least one."
    if not line.answerable and line.facts and line.unanswerable_kind != "false_premise":
        yield f"{line.id} is unanswerable and has {len(line.facts)} facts; only a false premise has (its correction)."
    if line.facts and line.reference is None:
        yield f"{line.id} has facts and no reference answer. Write one in both languages."
    for fact in line.facts:
        if fact.weight not in WEIGHTS:
            yield f"{fact.id} has the weight {fact.weight}; 1 (vital) or 0.5 (okay) is needed. Correct it."
    if line.facts and not any(fact.weight == 1 for fact in line.facts):
        yield f"{line.id} has no fact of weight 1, so any answer would do. Make one vital."
    ids = [fact.id for fact in line.facts]
    if len(set(ids)) < len(ids) or any(not name.startswith(f"{line.id}.") for name in ids):
        yield f"{line.id} has facts named {', '.join(ids)}. Name them {line.id}.f1, {line.id}.f2 and so on."


def _texts(paragraphs: Sequence[Paragraph]) -> dict[int, str]:
    return {p.number: "\n".join(p.text(language) or "" for language in p.languages) for p in paragraphs}


# --- snippets to numbers ------------------------------------------------------------------------------------


class _Resolver:
    """Finds snippets in paragraphs; what cannot be found is noted in `problems` and left out."""

    def __init__(self, paragraphs: Sequence[Paragraph], problems: list[str]) -> None:
        self._paragraphs = {paragraph.number: paragraph for paragraph in paragraphs}
        self._problems = problems
        self.texts = _texts(paragraphs)

    def question(self, line: _Line) -> Question:
        supporting = self._find_all(line.id, line.also_supporting)
        return Question(
            id=line.id,
            split=line.split,
            kind=line.kind,
            asked=line.question.by_language(),
            facts=tuple(self._fact(fact) for fact in line.facts),
            unanswerable_kind=line.unanswerable_kind,
            supporting=frozenset(span.paragraph for span in supporting),
            supporting_sentences=tuple(self._sentences(supporting, ())),
            reference=line.reference.by_language() if line.reference else None,
        )

    def _fact(self, fact: _Fact) -> Fact:
        aliases = (*fact.aliases.zh, *fact.aliases.en)
        found = [self._find_all(fact.id, snippets, aliases) for snippets in fact.evidence]
        evidence = dict.fromkeys(frozenset(span.paragraph for span in spans) for spans in found if spans)
        if not fact.derived:
            self._check_aliases(fact.id, aliases, evidence)
        sentences = self._sentences([span for spans in found for span in spans], aliases)
        return Fact(
            id=fact.id,
            weight=fact.weight,
            aliases=aliases,
            forbidden=fact.forbidden,
            evidence=tuple(evidence),
            sentences=tuple(dict.fromkeys(sentences)),
            derived=fact.derived,
        )

    def _check_aliases(self, fact: str, aliases: Sequence[str], evidence: Iterable[frozenset[int]]) -> None:
        for numbers in evidence:
            if not any(states_any(self.texts[number], aliases) for number in numbers):
                shown = " and ".join(f"¶{number}" for number in sorted(numbers))
                self._problems.append(
                    f"{fact}: none of its aliases ({aliases[0]!r}, …) stands in its evidence {shown}. "
                    f"Correct the alias or the snippet, or mark the fact derived."
                )

    def recital_problems(self, question: Question, fact: Fact) -> Iterator[str]:
        """What would make an answer wrong that only recites the article's own words for `fact`, in either language."""
        for numbers in () if fact.derived else fact.evidence:
            shown = " and ".join(f"¶{number}" for number in sorted(numbers))
            stated = {
                language: states_any("\n".join(map(self._read, spans)), fact.aliases)
                for language in LANGUAGES
                if (spans := [s for s in fact.sentences if s.paragraph in numbers and s.language == language])
            }
            one_sided = any(self._paragraphs[number].kind in ONE_SIDED for number in numbers)
            if stated and one_sided and not any(stated.values()):
                yield f"{fact.id}: no gold sentence in {shown} states it. Choose another snippet, or add an alias."
            for language in (own for own, does in stated.items() if not does and not one_sided):
                yield (
                    f"{fact.id}: reciting the {language} gold sentence in {shown} does not state it. "
                    f"Choose the snippet that does, or add an alias."
                )
        for value in fact.forbidden:
            if number := next((n for n in sorted(question.gold) if states(self.texts[n], value)), None):
                yield f"{fact.id}: {value!r} is forbidden and stands in the evidence ¶{number}. Take it off the list."

    def _find_all(self, owner: str, snippets: Iterable[str], aliases: Sequence[str] = ()) -> list[Span]:
        found: list[Span] = []
        for snippet in snippets:
            if named := _NUMBERED.fullmatch(snippet):
                found += self._stating(owner, int(named[1]), aliases)
            elif span := self._find(owner, snippet):
                found.append(span)
        return found

    def _stating(self, owner: str, number: int, aliases: Sequence[str]) -> list[Span]:
        """The sentences of a paragraph, in both languages, that state one of `aliases`; all where none is given."""
        known = LANGUAGES if number in self._paragraphs else ()
        sentences = [sentence for language in known for sentence in self._split(number, language)]
        stating = [sentence for sentence in sentences if not aliases or states_any(self._read(sentence), aliases)]
        if not stating:
            self._problems.append(f"{owner}: no sentence of ¶{number} states it. Name another, or add an alias.")
        return stating

    def _find(self, owner: str, snippet: str) -> Span | None:
        spans = [
            Span(number, language, at, at + len(snippet))
            for number, paragraph in self._paragraphs.items()
            for language in paragraph.languages
            if snippet and (at := (paragraph.text(language) or "").find(snippet)) >= 0
        ]
        numbers = sorted({span.paragraph for span in spans})
        if len(numbers) == 1:
            return spans[0]
        found = " and ".join(f"¶{number}" for number in numbers) or "no paragraph"
        self._problems.append(f"{owner}: the snippet {snippet!r} stands in {found}; exactly one is needed. Change it.")
        return None

    def _sentences(self, spans: Iterable[Span], aliases: Sequence[str]) -> Iterator[Span]:
        """The sentences that hold `spans`, and their counterparts in the other language."""
        for span in spans:
            own = self._split(span.paragraph, span.language)
            ordinals = [i for i, sentence in enumerate(own) if sentence.overlaps(span)]
            yield from (own[i] for i in ordinals)
            for language in LANGUAGES:
                if language != span.language and (other := self._split(span.paragraph, language)):
                    yield from self._counterparts(ordinals, len(own), other, aliases)

    def _counterparts(
        self, ordinals: Sequence[int], count: int, other: Sequence[Span], aliases: Sequence[str]
    ) -> Iterator[Span]:
        if len(other) == count:
            yield from (other[i] for i in ordinals)
            return
        # Translators merge and split sentences: then the one at the same depth, and those that state the fact.
        yield from (other[min(len(other) - 1, round((i + 0.5) * len(other) / count - 0.5))] for i in ordinals)
        yield from (sentence for sentence in other if states_any(self._read(sentence), aliases))

    def _split(self, number: int, language: Language) -> list[Span]:
        text = self._paragraphs[number].text(language) or ""
        return [Span(number, language, start, end) for start, end in split_sentences(text)]

    def _read(self, span: Span) -> str:
        return (self._paragraphs[span.paragraph].text(span.language) or "")[span.start : span.end]


# --- what would let the gold be fooled ----------------------------------------------------------------------


def _fact_problems(question: Question, fact: Fact) -> Iterator[str]:
    for language in LANGUAGES:
        echoed = next((alias for alias in fact.aliases if states(question.asked[language], alias)), None)
        if echoed:
            yield f"{fact.id}: the {language} question already states the alias {echoed!r}; an echo would score."
        if question.reference is None:
            continue
        reference = question.reference[language]
        if not states_any(reference, fact.aliases):
            yield f"{fact.id}: the {language} reference states none of its aliases ({fact.aliases[0]!r}, …)."
        wrong = next((value for value in fact.forbidden if states(reference, value)), None)
        if wrong:
            yield f"{fact.id}: the {language} reference states {wrong!r}, which is forbidden. Correct one of them."
    for alias in fact.aliases:
        if wrong := next((value for value in fact.forbidden if states(alias, value)), None):
            yield f"{fact.id}: the alias {alias!r} states {wrong!r}, which is forbidden. Correct one of them."


def _same_questions(questions: Sequence[Question]) -> Iterator[str]:
    """Questions that differ in spelling, spacing or punctuation alone: one draw that would be counted as two."""
    seen: dict[tuple[Language, str], str] = {}
    for question in questions:
        for language in LANGUAGES:
            asked = re.sub(r"[\W_]+", "", normalise(question.asked[language]))
            other = seen.setdefault((language, asked), question.id)
            if other != question.id:
                yield (
                    f"{other} and {question.id} ask the same in {language}: {question.asked[language]!r}. "
                    f"Drop one of them, or ask something else."
                )


def _shared_facts(questions: Sequence[Question], texts: Mapping[int, str]) -> Iterator[str]:
    """Facts that stand in both splits: the same alias in the same paragraph."""
    seen: dict[tuple[int, str], tuple[Split, str]] = {}
    told: set[frozenset[str]] = set()
    for question in questions:
        for fact in question.facts:
            for number in {number for numbers in fact.evidence for number in numbers}:
                for alias in fact.aliases:
                    if not states(texts[number], alias):
                        continue
                    split, other = seen.setdefault((number, normalise(alias)), (question.split, fact.id))
                    if split != question.split and frozenset((other, fact.id)) not in told:
                        told.add(frozenset((other, fact.id)))
                        yield (
                            f"{other} ({split}) and {fact.id} ({question.split}) are one fact: {alias!r} in ¶{number}. "
                            f"Put both questions into the same split."
                        )
