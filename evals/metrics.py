"""What one answer is worth: pure functions of a gold question and the JSON object that `python -m rag --json` prints.

The formulas and their sources are in README.md. Nothing here reads wording to find a refusal, trusts an index
that an answer gives, or turns "could not judge" into a zero: that is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.gold import Fact, Question, Span
from evals.normalise import states, states_any
from index.characters import HAN
from index.paragraphs import Language, Paragraph

AnswerJson = Mapping[str, Any]
KS = (1, 3, 5, 10)
# The depth at which retrieval is said to have had the gold.
DEPTH = 10

_HAN = re.compile(f"[{HAN}]")
_LATIN_WORD = re.compile(r"(?<![A-Za-z0-9])[a-z][a-z'’-]*(?![A-Za-z0-9./])")
_MARKER = re.compile(r"\[¶[^\]]*\]")


# --- retrieval: rankings of paragraph numbers ---------------------------------------------------------------


def ranking(answer: AnswerJson) -> list[int]:
    """The retrieved paragraph numbers, best first; a number counts once, at its best rank."""
    return list(dict.fromkeys(entry["paragraph"] for entry in answer.get("retrieved") or ()))


def holds(numbers: Iterable[int], fact: Fact) -> bool:
    """Whether all paragraphs of some evidence set of `fact` are among `numbers` (an OR of ANDs)."""
    held = set(numbers)
    return any(needed <= held for needed in fact.evidence)


def fact_share(facts: Sequence[Fact], has: Mapping[str, bool]) -> float | None:
    """The weighted share of `facts` that `has` says yes to; None for no facts."""
    total = sum(fact.weight for fact in facts)
    return sum(fact.weight for fact in facts if has[fact.id]) / total if total else None


def recall_at(numbers: Sequence[int], facts: Sequence[Fact], k: int) -> float | None:
    """The weighted share of facts with an evidence set wholly within the first `k`; an empty ranking scores 0."""
    return fact_share(facts, {fact.id: holds(numbers[:k], fact) for fact in facts})


def reciprocal_rank(numbers: Sequence[int], gold: frozenset[int]) -> float:
    """1 / rank of the first gold paragraph; 0 where there is none."""
    return next((1 / rank for rank, number in enumerate(numbers, start=1) if number in gold), 0.0)


def ndcg_at(numbers: Sequence[int], gold: frozenset[int], k: int) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002), binary gains.

    The ideal fills min(k, #gold) places, not every place that was retrieved.
    """
    gain = sum(1 / math.log2(rank + 1) for rank, number in enumerate(numbers[:k], start=1) if number in gold)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(gold)) + 1))
    return gain / ideal if ideal else 0.0


# --- citations ----------------------------------------------------------------------------------------------


def cited_by(statement: Mapping[str, Any], citations: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The paragraphs a statement cites (C_i). An index out of range is a paragraph that cannot exist (≤ 0).

    Never Python's own reading of an index, by which -1 would be the last source.
    """
    numbers = set()
    for index in statement.get("citations") or ():
        inside = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(citations)
        numbers.add(citations[index]["paragraph"] if inside else -abs(int(index)) - 1)
    return frozenset(numbers)


def cited(answer: AnswerJson) -> frozenset[int]:
    """Every paragraph the reader is shown as a source: cited by a statement, or listed and used by none."""
    citations = answer.get("citations") or []
    by_statements = (cited_by(statement, citations) for statement in answer.get("statements") or ())
    return frozenset(citation["paragraph"] for citation in citations).union(*by_statements)


def precision(numbers: frozenset[int], right: frozenset[int]) -> float:
    """#(numbers within right) / #numbers; nothing cited scores 0, and so does a phantom."""
    return len(numbers & right) / len(numbers) if numbers else 0.0


def quotes(answer: AnswerJson) -> list[Span]:
    """Where the quoted sentences stand."""
    return [
        Span(citation["paragraph"], citation["language"], citation["start"], citation["end"])
        for citation in answer.get("citations") or ()
    ]


def _quotes_fact(spans: Sequence[Span], fact: Fact) -> bool:
    gold = {number: [s for s in fact.sentences if s.paragraph == number] for e in fact.evidence for number in e}
    hit = {number for number, own in gold.items() if any(span.overlaps(s) for span in spans for s in own)}
    return holds(hit, fact)


def _quote_precision(spans: Sequence[Span], question: Question) -> float:
    gold = [*question.supporting_sentences, *(span for fact in question.facts for span in fact.sentences)]
    return sum(any(span.overlaps(s) for s in gold) for span in spans) / len(spans) if spans else 0.0


# --- gates --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gates:
    """What no answer may get wrong; counted, never averaged into a score."""

    citations: int  # shown with the answer
    phantoms: int  # citations of what is not there, and refusals that cite
    not_verbatim: int  # quotes that are not text[start:end] of the indexed paragraph
    wrong_language: int  # 1 where the answer is not in the question's language
    error: int = 0  # 1 where there is no answer because the engine failed


def gates(answer: AnswerJson, language: Language, paragraphs: Mapping[int, Paragraph]) -> Gates:
    """The gates of one answer."""
    citations = answer.get("citations") or []
    statements = answer.get("statements") or []
    bad_indices = sum(number <= 0 for statement in statements for number in cited_by(statement, citations))
    missing = sum(citation["paragraph"] not in paragraphs for citation in citations)
    return Gates(
        citations=len(citations),
        phantoms=bad_indices + missing + (len(citations) if answer.get("refused") else 0),
        not_verbatim=sum(not is_verbatim(citation, paragraphs) for citation in citations),
        wrong_language=int(
            in_language(_own_words(answer, language, paragraphs), language) is False
            or (answer.get("language") or language) != language  # a refusal has no words of its own to be judged by
        ),
        error=int("error" in answer),
    )


def is_verbatim(citation: Mapping[str, Any], paragraphs: Mapping[int, Paragraph]) -> bool:
    """Whether the quote is `text[start:end]` and `text` is the indexed paragraph in the citation's language."""
    paragraph = paragraphs.get(citation["paragraph"])
    start, end, text = citation["start"], citation["end"], citation["text"]
    if paragraph is None or text != paragraph.text(citation["language"]):
        return False
    return bool(0 <= start < end <= len(text) and text[start:end] == citation["quote"])


def has_chinese(text: str) -> bool:
    """Whether a Chinese character stands in `text`."""
    return _HAN.search(text) is not None


def in_language(text: str, language: Language) -> bool | None:
    """Whether running text is Chinese or English as asked; names and terms of the other are let pass. None: no text.

    Chinese characters are weighed against lower-case Latin words, so an answer of nothing but names is neither.
    """
    text = _MARKER.sub("", text)
    chinese, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    if not any(character.isalpha() for character in text):
        return None
    return chinese >= latin if language == "zh" else latin >= chinese


def _own_words(answer: AnswerJson, language: Language, paragraphs: Mapping[int, Paragraph]) -> str:
    """The statements, without quotes of paragraphs that were never published in `language`."""
    only_foreign = {
        citation["quote"]
        for citation in answer.get("citations") or ()
        if (p := paragraphs.get(citation["paragraph"])) is not None and p.text(language) is None
    }
    statements = answer.get("statements") or ()
    return "\n".join(statement["text"] for statement in statements if statement["text"] not in only_foreign)


# --- one question, one answer -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactOutcome:
    """What became of one gold fact."""

    fact: Fact
    stated: bool  # some statement states it
    cited: bool  # its evidence is among the cited paragraphs
    cited_where_stated: bool  # its evidence is cited by the statements that state it
    quoted: bool  # its gold sentences are quoted
    wrong: tuple[str, ...]  # known-wrong values that were stated


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question asked in one language, its answer, and what the answer is worth.

    `values` holds the metrics by name; None where a metric has nothing to judge.
    """

    question: Question
    language: Language
    answer: AnswerJson
    facts: tuple[FactOutcome, ...]
    refused: bool  # counts as a refusal: it refused, or it corrected the false premise and cited the correction
    corrected: bool
    values: Mapping[str, float | None]
    gates: Gates

    @property
    def had_gold(self) -> bool:
        """Whether the evidence of some fact was among the first ten retrieved."""
        return any(holds(ranking(self.answer)[:DEPTH], outcome.fact) for outcome in self.facts)

    def was_shown(self, outcome: FactOutcome) -> bool | None:
        """Whether the generator was shown the paragraphs of a fact's evidence; None where the answer does not tell."""
        shown = self.answer.get("shown")
        return holds((entry["paragraph"] for entry in shown), outcome.fact) if shown else None


def judge(question: Question, language: Language, answer: AnswerJson, paragraphs: Mapping[int, Paragraph]) -> Outcome:
    """What `answer` is worth as an answer to `question` in `language`."""
    facts = tuple(judge_fact(fact, answer) for fact in question.facts)
    said_no = bool(answer.get("refused"))
    corrected = not question.answerable and not said_no and _is_stated(facts)
    refused = said_no or corrected
    values = _answerable_values(question, answer, facts) if question.answerable else {}
    sourced = values.get("citation_precision") or 0.0
    values |= {"right": float(_is_right(question, facts, refused, sourced)), "refused": float(refused)}
    return Outcome(question, language, answer, facts, refused, corrected, values, gates(answer, language, paragraphs))


def judge_fact(fact: Fact, answer: AnswerJson) -> FactOutcome:
    """What became of `fact`; a refusal states nothing."""
    statements = [] if answer.get("refused") else answer.get("statements") or []
    citations = answer.get("citations") or []
    stating = [statement for statement in statements if states_any(statement["text"], fact.aliases)]
    anywhere: frozenset[int] = frozenset().union(*(cited_by(s, citations) for s in statements))
    there: frozenset[int] = frozenset().union(*(cited_by(s, citations) for s in stating))
    return FactOutcome(
        fact=fact,
        stated=bool(stating),
        cited=holds(anywhere, fact),
        cited_where_stated=bool(stating) and holds(there, fact),
        quoted=_quotes_fact(quotes(answer), fact),
        wrong=tuple(value for value in fact.forbidden if any(states(s["text"], value) for s in statements)),
    )


def _answerable_values(
    question: Question, answer: AnswerJson, outcomes: Sequence[FactOutcome]
) -> dict[str, float | None]:
    numbers, spans = ranking(answer), quotes(answer)
    right = sum(outcome.stated for outcome in outcomes)
    wrong = sum(len(outcome.wrong) for outcome in outcomes)
    by = {o.fact.id: o for o in outcomes}
    return {
        "cited_fact_recall": fact_share(question.facts, {name: o.cited_where_stated for name, o in by.items()}),
        "fact_recall": fact_share(question.facts, {name: o.stated for name, o in by.items()}),
        "fact_precision": right / (right + wrong) if right + wrong else None,
        "citation_precision": precision(cited(answer), question.citable),
        "citation_recall": fact_share(question.facts, {name: o.cited for name, o in by.items()}),
        "sentence_precision": _quote_precision(spans, question),
        "sentence_recall": fact_share(question.facts, {name: o.quoted for name, o in by.items()}),
        **{f"recall@{k}": recall_at(numbers, question.facts, k) for k in KS},
        "mrr": reciprocal_rank(numbers, question.gold),
        f"ndcg@{DEPTH}": ndcg_at(numbers, question.gold, DEPTH),
    }


def _is_right(question: Question, facts: Sequence[FactOutcome], refused: bool, citation_precision: float) -> bool:
    """Whether a person would be content.

    A refusal where the article is silent; else all vital facts, each cited where it is stated, nothing known
    to be wrong, and sources of which at least half are right (citing everything is no answer).
    """
    if not question.answerable:
        return refused
    return not refused and _is_stated(facts) and citation_precision >= 0.5


def _is_stated(facts: Sequence[FactOutcome]) -> bool:
    """Whether all vital facts are cited where they are stated, and nothing that is known to be wrong is."""
    vital = [fact.cited_where_stated for fact in facts if fact.fact.is_vital]
    return bool(vital) and all(vital) and not any(fact.wrong for fact in facts)
