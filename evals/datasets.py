"""A dataset is a small class that yields paragraphs and questions; everything else here works on those two.

To add one: a `name`, `paragraphs()` numbered from 1 as the index will number them, and `questions()` whose
facts name their evidence by those numbers. See README.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from evals.gold import DEFAULT_GOLD, Fact, Question, Split, load_gold
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.source import BUNDLED_ARTICLE, ArticleReader

PARAGRAPHS_OF_ONE_ARTICLE = 5  # XQuAD takes as many of each


class Dataset(Protocol):
    """Paragraphs, and questions whose evidence is named by paragraph number."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def paragraphs(self) -> Sequence[Paragraph]:
        """Every paragraph, numbered from 1 in the order in which it is to be indexed."""

    def questions(self) -> Sequence[Question]:
        """The questions; their gold is paragraph numbers."""


@dataclass(frozen=True)
class OwnArticle:
    """The bundled article and the gold that was written for it. Reading it needs no index and no weights."""

    gold: Path = DEFAULT_GOLD
    source: Path = BUNDLED_ARTICLE
    name: str = "when-ai-builds-itself"

    @cached_property
    def _paragraphs(self) -> tuple[Paragraph, ...]:
        return ArticleReader().read(self.source).paragraphs

    def paragraphs(self) -> Sequence[Paragraph]:
        """The article's paragraphs."""
        return self._paragraphs

    def questions(self) -> Sequence[Question]:
        """The gold questions. Raises UserError where the gold is wrong."""
        return load_gold(self.gold, self._paragraphs)


@dataclass(frozen=True, slots=True)
class SpanQuestion:
    """A question of one paragraph, whose answer is one of some strings in the language of the answer."""

    id: str
    paragraph: int
    asked: Mapping[Language, str]
    answers: Mapping[Language, tuple[str, ...]]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SpanQuestion:
        """The question that `dataclasses.asdict` gave."""
        return cls(
            record["id"],
            record["paragraph"],
            record["asked"],
            {language: tuple(texts) for language, texts in record["answers"].items()},
        )

    @property
    def article(self) -> int:
        """Which of XQuAD's articles it is asked of, from 0."""
        return (self.paragraph - 1) // PARAGRAPHS_OF_ONE_ARTICLE

    def as_question(self) -> Question:
        """The question as gold, its one fact stated by an answer string of either language.

        Every third article is of the test split: nothing is fitted on its questions but the weights of retrieval.
        """
        aliases = tuple(dict.fromkeys(text for texts in self.answers.values() for text in texts))
        fact = Fact(id=f"{self.id}.f1", weight=1, aliases=aliases, evidence=(frozenset({self.paragraph}),))
        split: Split = "test" if self.article % 3 == 2 else "dev"
        return Question(id=self.id, split=split, kind="explain", asked=self.asked, facts=(fact,))


@dataclass(frozen=True)
class XQuAD:
    """XQuAD (Artetxe, Ruder and Yogatama 2020), English and Chinese: paragraph i of one file translates i of the other.

    `folder` holds xquad.dev.en.json and xquad.dev.zh.json. The gold is a paragraph number, never a string:
    many answer strings stand in several paragraphs.
    """

    folder: Path
    name: str = "xquad"

    @cached_property
    def _entries(self) -> dict[Language, list[dict[str, Any]]]:
        entries = {
            language: list(_squad_paragraphs(self.folder / f"xquad.dev.{language}.json")) for language in LANGUAGES
        }
        counts = {language: len(entries[language]) for language in LANGUAGES}
        if len(set(counts.values())) != 1:
            raise UserError(
                f"{self.folder} holds {counts['zh']} Chinese and {counts['en']} English paragraphs; not a pair."
            )
        return entries

    def paragraphs(self) -> Sequence[Paragraph]:
        """One pair a paragraph."""
        pairs = zip(self._entries["zh"], self._entries["en"], strict=True)
        return [
            Paragraph(number, "body", zh["context"], en["context"]) for number, (zh, en) in enumerate(pairs, start=1)
        ]

    def spans(self) -> list[SpanQuestion]:
        """Every question that stands in both languages, with its answer strings in each."""
        return list(self._spans())

    def questions(self) -> Sequence[Question]:
        """The same as gold: the evidence is the paragraph it was asked about, the aliases those of both languages."""
        return [span.as_question() for span in self._spans()]

    def _spans(self) -> Iterator[SpanQuestion]:
        for number, (zh, en) in enumerate(zip(self._entries["zh"], self._entries["en"], strict=True), start=1):
            english = {entry["id"]: entry for entry in en["qas"]}
            for entry in zh["qas"]:
                if (other := english.get(entry["id"])) is not None:
                    yield _span_question(number, entry, other)


def as_jsonl(paragraphs: Sequence[Paragraph], languages: Sequence[Language] = LANGUAGES) -> str:
    """Paragraphs as a source that `python -m index` reads, in some of their languages; numbers stay as they are.

    Raises UserError where a paragraph would be left without text.
    """
    lines = []
    for paragraph in paragraphs:
        texts = {language: paragraph.text(language) for language in languages if paragraph.text(language)}
        if not texts:
            raise UserError(
                f"¶{paragraph.number} has no text in {' or '.join(languages)}. Ask for its language as well."
            )
        sections = {f"section_{language}": list(getattr(paragraph.section, language)) for language in languages}
        lines.append(json.dumps({**texts, **sections, "kind": paragraph.kind}, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def _squad_paragraphs(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise UserError(f"{path} is not there. Name the folder that holds XQuAD's two files.")
    try:
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            yield from map(_squad_paragraph, article["paragraphs"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not in SQuAD's format ({type(error).__name__}: {error}). Give XQuAD's own files."
        ) from None


def _squad_paragraph(record: dict[str, Any]) -> dict[str, Any]:
    """What is used of a paragraph's record, so that what it lacks is missed here, where its file is known."""
    asked = [
        {"id": e["id"], "question": e["question"], "answers": [{"text": a["text"]} for a in e["answers"]]}
        for e in record["qas"]
    ]
    return {"context": record["context"], "qas": asked}


def _span_question(number: int, zh: dict[str, Any], en: dict[str, Any]) -> SpanQuestion:
    sides: dict[Language, dict[str, Any]] = {"zh": zh, "en": en}
    return SpanQuestion(
        id=f"x{number}.{zh['id']}",
        paragraph=number,
        asked={own: entry["question"] for own, entry in sides.items()},
        answers={own: tuple(dict.fromkeys(a["text"] for a in entry["answers"])) for own, entry in sides.items()},
    )
