"""Lines of numbers alone, joined to what they belong to: table rows (2021; 35) to their head, 80% to the text below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.blocks import Block, renumbered
from index.characters import joined
from index.paragraphs import LANGUAGES
from index.vocabulary import is_caption

_ROW = re.compile(r"(?=.*\d).+; .+")
_CELLS = re.compile(r"[;；]")
_AMOUNT = re.compile(r"[~≈<>+−-]?\s?\d[\d.,]*\s?[%％‰×]\+?|[$€£¥￥]\s?\d[\d.,]*")


def with_numbers_joined(blocks: Sequence[Block]) -> list[Block]:
    """`blocks`, each line without words joined to the block that it is of, or to both of a pair."""
    return renumbered(_with_amounts(_with_rows(blocks)))


def _with_rows(blocks: Sequence[Block]) -> list[Block]:
    kept: list[Block] = []
    heads: list[Block] = []
    for last, block in zip([None, *blocks], blocks, strict=False):
        is_row = block.language is None and block.mark is not None and _ROW.fullmatch(block.text)
        if not is_row or last is None or last.language is not None:
            heads = [head for head in _beside(kept[:-3:-1]) if _may_head_rows(head)] if is_row else []
        if heads:
            heads = [replace(head, text=f"{head.text}\n{block.text}") for head in heads]
            kept[-len(heads) :] = reversed(heads)
        else:
            kept.append(block)
    return kept


def _may_head_rows(block: Block) -> bool:
    """Whether it has the heads of a table's columns, or is a caption."""
    return bool(_CELLS.search(block.text)) or is_caption(block.text)


def _with_amounts(blocks: Sequence[Block]) -> list[Block]:
    below: list[Block] = []
    for block in reversed(blocks):
        is_amount = block.language is None and _AMOUNT.fullmatch(block.text)
        if texts := _beside(below[:-3:-1]) if is_amount else []:
            below[-len(texts) :] = [replace(text, text=joined(block.text, text.text)) for text in reversed(texts)]
        else:
            below.append(block)
    return below[::-1]


def _beside(nearest: Sequence[Block]) -> list[Block]:
    """Of the two blocks nearest to a line without words those that it is of: a pair, or one; no headings."""
    own = [block for block in nearest[:1] if block.language in LANGUAGES and not block.level]
    pair = [b for b in nearest[1:] if own and {b.language, own[0].language} == {"zh", "en"} and b.mark == own[0].mark]
    return own + [block for block in pair if "\n" not in block.text]
