"""Articles of a law whose number stands on a line of its own above the text, and not beside the other language's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.blocks import Block
from index.lines import joined
from index.paragraphs import Language

_ALONE: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"第\s*[一二三四五六七八九十百零〇两\d]+\s*[条條款]"),
    "en": re.compile(r"(?:article|section|clause|rule|art\.|sec\.|§)\s*\d+[a-z]?\.?", re.IGNORECASE),
}
# The head of a part, which a line in the other language may stand beside.
_PART = re.compile(
    r"(?:第\s*[一二三四五六七八九十百零〇两\d]+\s*[条條款节節章部编編]|[a-z]{3,8}\W*(?:\d+|[ivxl]+))\W*", re.IGNORECASE
)
# So many articles make a text a law's; one by itself is referred to.
_ARTICLES = 2


def with_articles_joined(blocks: Sequence[Block]) -> list[Block]:
    """`blocks`, an article's number that stands alone as the beginning of the text below it, in the same language.

    Where the number in the other language stands right above it, both are a heading.
    """
    around = zip([None, *blocks], blocks, [*blocks[1:], None], strict=False)
    numbers = [own for above, own, below in around if below and _opens(own, above, below)]
    if len(numbers) < _ARTICLES:
        return list(blocks)
    kept: list[Block] = []
    number: Block | None = None
    for block in blocks:
        if number is not None:
            kept.append(replace(block, text=joined(number.text, block.text)))
        elif block not in numbers:
            kept.append(block)
        number = block if number is None and block in numbers else None
    return [replace(block, position=position) for position, block in enumerate(kept)]


def _opens(own: Block, above: Block | None, below: Block) -> bool:
    if own.language not in _ALONE or own.level or own.language != below.language or below.level:
        return False
    is_beside = above is not None and above.language != own.language and _PART.fullmatch(above.text)
    return not is_beside and _ALONE[own.language].fullmatch(own.text) is not None
