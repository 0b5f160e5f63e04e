"""The article as HTML: numbered pairs, sentence by sentence, with its headings, timeline, figures and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from index.paragraphs import Language, Paragraph
from index.sentences import split_sentences
from ui.markup import render
from ui.outline import outline


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: a sentence, with the offsets by which citations find it, or what lies between two."""

    text: str
    start: int | None = None
    end: int | None = None


def render_article(title: str, paragraphs: Sequence[Paragraph]) -> Markup:
    """The article's pane. Each pair is `#p<number>`; each sentence carries its language and offsets."""
    titles = {title.strip(), *(part.strip() for part in title.split(" / "))}
    return render(
        "article", title=title, titles=titles, parts=outline(paragraphs), total=len(paragraphs), pieces=pieces
    )


def pieces(paragraph: Paragraph, language: Language) -> list[Piece]:
    """The text of a paragraph in pieces; joined they are the text, verbatim."""
    text = paragraph.text(language) or ""
    out: list[Piece] = []
    at = 0
    for start, end in split_sentences(text):
        if start > at:
            out.append(Piece(text[at:start]))
        out.append(Piece(text[start:end], start, end))
        at = end
    if at < len(text):
        out.append(Piece(text[at:]))
    return out
