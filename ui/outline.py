"""The article as it is laid out: headings where they begin, and runs of paragraphs of one kind under them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from index.paragraphs import Kind, Paragraph

# Kinds whose last heading is a title of their own (an entry's date, a figure's name, "Note 3"), not a chapter.
_TITLED: tuple[Kind, ...] = ("timeline", "figure", "footnote")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in each language; an empty string where the language has none."""

    zh: str
    en: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A paragraph and the title that stands above it alone, if any."""

    paragraph: Paragraph
    title: Heading | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the article under the same headings. `headings` are those that begin here, outermost first."""

    headings: tuple[Heading, ...]
    entries: tuple[Entry, ...] = field(default=())

    @property
    def name(self) -> Heading | None:
        """The innermost heading that begins here."""
        return self.headings[-1] if self.headings else None

    @property
    def runs(self) -> list[tuple[Kind, list[Entry]]]:
        """Neighbouring entries of one kind, in order: a timeline's or the footnotes' together."""
        grouped = groupby(self.entries, key=lambda entry: entry.paragraph.kind)
        return [(kind, list(entries)) for kind, entries in grouped]


def outline(paragraphs: Sequence[Paragraph]) -> tuple[Part, ...]:
    """The parts of an article in reading order; every paragraph is in exactly one."""
    parts: list[tuple[tuple[Heading, ...], list[Entry]]] = []
    current: tuple[tuple[str, str], ...] = ()
    for paragraph in paragraphs:
        path, title = _place(paragraph, current)
        if not parts or path != current:
            parts.append((_beginning(path, current), []))
            current = path
        parts[-1][1].append(Entry(paragraph, title))
    return tuple(Part(headings, tuple(entries)) for headings, entries in parts)


def _place(
    paragraph: Paragraph, current: tuple[tuple[str, str], ...]
) -> tuple[tuple[tuple[str, str], ...], Heading | None]:
    """The chapter path of a paragraph as (zh, en) pairs, and its own title where the last heading is one."""
    path = _pairs(paragraph)
    if paragraph.kind not in _TITLED or not path or path == current:
        return path, None
    title = Heading(*path[-1], level=len(path) + 1)
    above = path[:-1]
    # A figure printed with a title in one language only still belongs to the chapter it stands in.
    return (current if _is_within(above, current) else above), title


def _pairs(paragraph: Paragraph) -> tuple[tuple[str, str], ...]:
    zh, en = paragraph.section.zh, paragraph.section.en
    depth = max(len(zh), len(en))
    return tuple((zh[i] if i < len(zh) else "", en[i] if i < len(en) else "") for i in range(depth))


def _is_within(path: Sequence[tuple[str, str]], current: Sequence[tuple[str, str]]) -> bool:
    return len(path) == len(current) and all(
        a == b or (a[0] == b[0] and not a[1]) or (a[1] == b[1] and not a[0]) for a, b in zip(path, current, strict=True)
    )


def _beginning(path: Sequence[tuple[str, str]], before: Sequence[tuple[str, str]]) -> tuple[Heading, ...]:
    shared = 0
    while shared < min(len(path), len(before)) and path[shared] == before[shared]:
        shared += 1
    return tuple(Heading(zh, en, level=depth + 2) for depth, (zh, en) in enumerate(path) if depth >= shared)


def numbers(entries: Iterable[Entry]) -> list[int]:
    """The paragraph numbers of entries."""
    return [entry.paragraph.number for entry in entries]
