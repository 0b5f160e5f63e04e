"""Cut documents into what has a vector: passages (a paragraph in one language) and their sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, MetadataMode, TextNode
from llama_index.core.utils import get_tqdm_iterable

from index.keywords import simplified
from index.paragraphs import SECTION_SEPARATOR, digest
from index.sentences import Span, split_sentences
from index.tokens import count_tokens

# Raise this whenever the cutting below changes: an index cut otherwise is refused.
SPLITTER_VERSION = 10
# Passages are sized with tiktoken; 340 of its tokens are at most some 460 of the embedder's 512.
PASSAGE_TOKENS = 340
# What travels beside a vector but is not part of what is embedded.
_NOT_EMBEDDED = ["paragraph", "language", "level", "start", "end", "digest"]

# Whether a text is longer than the embedder's window, by the embedder's own tokenizer.
Overflows = Callable[[str], bool]


class PassageSplitter(NodeParser):
    """Documents of `index.source.documents_of` to nodes: passages, then their sentences.

    A node's metadata says where it comes from: `paragraph`, `language`, `level` ("passage" or
    "sentence"), and `start`, `end` so that `paragraph text[start:end] == node.text`. A paragraph that
    does not fit the embedder's window becomes several passages cut at sentence ends; a sentence that does
    not fit becomes several pieces. Nothing is ever truncated.
    """

    _overflows: Overflows = PrivateAttr()

    def __init__(self, overflows: Overflows = lambda text: False, **kwargs: Any) -> None:
        super().__init__(include_metadata=True, include_prev_next_rel=False, **kwargs)
        self._overflows = overflows

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:
        cut: list[BaseNode] = []
        for node in get_tqdm_iterable(nodes, show_progress, "Cutting"):
            cut.extend(self._cut(node))
        return cut

    def _cut(self, document: BaseNode) -> list[TextNode]:
        text = document.get_content(metadata_mode=MetadataMode.NONE)
        section = self._fitting_section(str(document.metadata["section"]))
        sentences = split_sentences(text)
        passages = self._pieces(text, _whole(text, sentences), section, sentences)
        nodes = [_node(document, "passage", n, span, text, section) for n, span in enumerate(passages)]
        # A caption, a note or a timeline entry says little without knowing what it is; prose does (measured). It
        # matters where sentences are embedded by themselves; else their passages tell it (index/vectors.py).
        context = section if document.metadata["kind"] != "body" else ""
        read = [node.metadata["digest"] for node in nodes]
        pieces = [piece for span in sentences for piece in self._pieces(text, span, context, ())]
        return nodes + [
            _node(document, "sentence", n, span, text, context, within=read) for n, span in enumerate(pieces)
        ]

    def _fitting_section(self, section: str) -> str:
        """`section` without its outermost headings where they would fill more than half of the window."""
        headings = section.split(SECTION_SEPARATOR)
        while section and (count_tokens(section) > PASSAGE_TOKENS // 2 or self._overflows(f"{section}\n{section}")):
            headings = headings[1:]
            section = SECTION_SEPARATOR.join(headings)
        return section

    def _pieces(self, text: str, span: Span, section: str, sentences: Sequence[Span]) -> list[Span]:
        """`span` itself when it fits the window, else halves of it (at a sentence end where there is one)."""
        piece = text[slice(*span)]
        whole = f"{section}\n{piece}"
        if len(piece) < 2 or (count_tokens(whole) <= PASSAGE_TOKENS and not self._overflows(whole)):
            return [span]
        middle = _cut_point(text, span, sentences)
        return [
            fitting
            for half in ((span[0], middle), (middle, span[1]))
            if text[slice(*half)].strip()
            for fitting in self._pieces(text, _stripped(text, half), section, sentences)
        ]


def _whole(text: str, sentences: Sequence[Span]) -> Span:
    return (sentences[0][0], sentences[-1][1]) if sentences else _stripped(text, (0, len(text)))


def _stripped(text: str, span: Span) -> Span:
    piece = text[slice(*span)]
    return span[0] + len(piece) - len(piece.lstrip()), span[1] - (len(piece) - len(piece.rstrip()))


def _cut_point(text: str, span: Span, sentences: Sequence[Span]) -> int:
    """The place nearest the middle of `span` where a sentence, else a clause or word, else a character ends."""
    middle = (span[0] + span[1]) // 2
    ends = [end for _, end in sentences if span[0] < end < span[1]]
    if not ends:
        ends = [m.end() for m in re.finditer(r"[，,、：:]\s*|\s+", text) if span[0] < m.end() < span[1]]
    return min(ends, key=lambda end: abs(end - middle), default=middle)


def _node(
    document: BaseNode, level: str, n: int, span: Span, text: str, section: str, *, within: Sequence[str] = ()
) -> TextNode:
    """`within`: the digests of the passages that a sentence is read in."""
    node = TextNode(
        id_=f"{document.node_id}.{level[0]}{n}",
        text=text[slice(*span)],
        metadata={
            "section": section,
            "paragraph": document.metadata["paragraph"],
            "language": document.metadata["language"],
            "level": level,
            "start": span[0],
            "end": span[1],
        },
        excluded_embed_metadata_keys=_NOT_EMBEDDED,
        metadata_template="{value}",
        text_template="{metadata_str}\n{content}",
        start_char_idx=span[0],
        end_char_idx=span[1],
    )
    # Names what the vector is made of, so that what is unchanged keeps its vector at the next build.
    own = simplified(node.get_content(metadata_mode=MetadataMode.EMBED))
    node.metadata["digest"] = digest([*within, *map(str, span if within else ()), own])[:32]
    return node
