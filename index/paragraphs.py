"""The unit of everything: a paragraph pair (Chinese, English) with one number for both languages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Language = Literal["zh", "en"]
Kind = Literal["front", "summary", "body", "timeline", "figure", "footnote", "credits"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
KINDS: tuple[Kind, ...] = get_args(Kind)
SECTION_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Section:
    """The headings a paragraph stands under, outermost first, in each language."""

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    def path(self, language: Language) -> str:
        """The headings joined for reading, in `language`, or in the other where it has none."""
        return SECTION_SEPARATOR.join(self._headings(language))

    def innermost(self, language: Language) -> str:
        """The heading directly above, in `language`, or in the other where it has none; empty where there is none."""
        return next(reversed(self._headings(language)), "")

    def own(self, language: Language) -> tuple[str, ...]:
        """The headings that stand in `language`, outermost first."""
        return self.zh if language == "zh" else self.en

    def _headings(self, language: Language) -> tuple[str, ...]:
        return self.own(language) or self.zh or self.en

    def to_json(self) -> dict[str, str]:
        """`{"zh": path, "en": path}`; an empty string where the language has no heading."""
        return {"zh": SECTION_SEPARATOR.join(self.zh), "en": SECTION_SEPARATOR.join(self.en)}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One numbered pair. `number` counts from 1 in reading order and is the same for both languages.

    Either language may be missing (a summary printed in Chinese only), never both.
    introduction: of an item of a list, the sentence that opens the list ("It looks at five things:"). It is searched
    and read with the item, as headings are, and never quoted; index/outline.py tells it from the paragraphs beside it.
    """

    number: int
    kind: Kind
    zh: str | None
    en: str | None
    section: Section = field(default_factory=Section)
    introduction: Section = field(default_factory=Section)

    def text(self, language: Language) -> str | None:
        """The paragraph in `language`, verbatim, or None where it was not published in it."""
        return self.zh if language == "zh" else self.en

    def heading(self, language: Language) -> str:
        """What it is read under: the innermost heading, and the introduction of the list that it is an item of."""
        parts = (self.section.innermost(language), self.introduction.innermost(language))
        return SECTION_SEPARATOR.join(part for part in parts if part)

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages the paragraph was published in."""
        return tuple(language for language in LANGUAGES if self.text(language))

    def to_json(self) -> dict[str, Any]:
        """The line that `python -m index --dump` prints for this paragraph."""
        return {
            "paragraph": self.number,
            "kind": self.kind,
            "section": self.section.to_json(),
            "zh": self.zh,
            "en": self.en,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Paragraph:
        """The inverse of `to_json`."""
        section = record.get("section") or {}
        return cls(
            number=record["paragraph"],
            kind=record["kind"],
            zh=record["zh"],
            en=record["en"],
            section=Section(zh=split_path(section.get("zh")), en=split_path(section.get("en"))),
        )


# What a reader calls a paragraph of each kind; searched with it, never quoted. Body text has no label.
KIND_LABELS: dict[Kind, tuple[str, str]] = {
    "front": ("标题、来源与译者", "Title, source and translator"),
    "summary": ("全文摘要", "Summary of the article"),
    "body": ("", ""),
    "timeline": ("时间线阶段", "Timeline stage"),
    "figure": ("图表", "Figure"),
    "footnote": ("脚注", "Footnote"),
    "credits": ("作者与致谢", "Authors and credits"),
}


def context_of(paragraph: Paragraph, language: Language, ordinal: int = 0) -> str:
    """What a paragraph is searched with besides its text: kind (of figures with a number), headings, introduction."""
    label = KIND_LABELS[paragraph.kind][0 if language == "zh" else 1]
    numbered = f"{label} {ordinal}" if ordinal and paragraph.kind == "figure" else label
    headings = (paragraph.section.path(language), paragraph.introduction.path(language))
    return SECTION_SEPARATOR.join(part for part in (numbered, *headings) if part)


def contexts(paragraphs: Sequence[Paragraph], language: Language) -> list[str]:
    """`context_of` for each of an article's paragraphs, figures counted in reading order."""
    figures = 0
    result = []
    for paragraph in paragraphs:
        figures += paragraph.kind == "figure"
        result.append(context_of(paragraph, language, figures))
    return result


@dataclass(frozen=True, slots=True)
class Article:
    """A document as it was read: its paragraphs, and what the reader wants a person to know."""

    title: str
    paragraphs: tuple[Paragraph, ...]
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over every paragraph; two articles with the same digest give the same index."""
        return digest(json.dumps(p.to_json(), ensure_ascii=False) for p in self.paragraphs)


def count_kinds(paragraphs: Sequence[Paragraph]) -> dict[str, int]:
    """How many paragraphs there are of each kind that occurs."""
    kinds = [paragraph.kind for paragraph in paragraphs]
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}


def split_path(path: str | Sequence[str] | None) -> tuple[str, ...]:
    """A section path as headings; accepts a joined string or a list of headings."""
    parts = path.split(SECTION_SEPARATOR) if isinstance(path, str) else list(path or ())
    return tuple(part.strip() for part in parts if part.strip())


def digest(parts: Iterable[str]) -> str:
    """SHA-256 (hex) of strings, each ended by a zero byte so that ("ab","c") is not ("a","bc")."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() + b"\0")
    return sha.hexdigest()
