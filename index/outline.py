"""The article's outline: which parts a paragraph introduces, and which entries stand beside it."""

from __future__ import annotations

from collections.abc import Sequence

from index.paragraphs import Paragraph


class Outline:
    """Sections of one article, from the paragraphs' section paths."""

    def __init__(self, paragraphs: Sequence[Paragraph]) -> None:
        self._paragraphs = paragraphs
        self._position = {paragraph.number: i for i, paragraph in enumerate(paragraphs)}

    def introduced_by(self, paragraph: Paragraph) -> list[Paragraph]:
        """The first paragraph of each subsection that `paragraph` leads into; empty when it leads into none.

        A paragraph leads into subsections when the next one stands one heading deeper under the same path.
        """
        position = self._position[paragraph.number]
        following = self._paragraphs[position + 1 : position + 2]
        if not following or following[0].kind != paragraph.kind or not _stands_under(following[0], paragraph):
            return []
        heads: dict[tuple[str, ...], Paragraph] = {}
        for other in self._paragraphs[position + 1 :]:
            if path_of(other)[: len(path_of(paragraph))] != path_of(paragraph):
                break
            if _stands_under(other, paragraph):
                heads.setdefault(path_of(other), other)
        return list(heads.values())

    def siblings_of(self, found: Sequence[Paragraph]) -> list[Paragraph]:
        """Every entry of the timeline that at least two of `found` belong to, in order; else empty."""
        for paragraph in found:
            if paragraph.kind == "timeline":
                parent = parent_path(paragraph)
                entries = [p for p in self._paragraphs if p.kind == "timeline" and parent_path(p) == parent]
                if sum(p in entries for p in found) >= 2:
                    return entries
        return []


def _stands_under(other: Paragraph, paragraph: Paragraph) -> bool:
    """Whether `other` has the headings of `paragraph` and one more."""
    return bool(path_of(other)) and parent_path(other) == path_of(paragraph)


def path_of(paragraph: Paragraph) -> tuple[str, ...]:
    """The paragraph's headings, in the language that has more of them."""
    zh, en = paragraph.section.zh, paragraph.section.en
    return zh if len(zh) >= len(en) else en


def parent_path(paragraph: Paragraph) -> tuple[str, ...]:
    """The headings above the paragraph's own."""
    return path_of(paragraph)[:-1]
