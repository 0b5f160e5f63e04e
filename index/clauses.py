"""Articles of a law whose number stands on a line of its own above the text, and not beside the other language's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.blocks import Block, ends_as_a_sentence
from index.lines import with_openings_joined
from index.outline import opens_a_list
from index.paragraphs import Language

_NUMBER: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"第\s*[一二三四五六七八九十百零〇两\d]+\s*[条條款]"),
    "en": re.compile(r"(?:article|section|clause|rule|art\.|sec\.|§)\s*\d+[a-z]?\.?", re.IGNORECASE),
}
# So many articles make a text a law's; one by itself is referred to.
_ARTICLES = 2


def with_articles_joined(blocks: Sequence[Block]) -> list[Block]:
    """`blocks`, an article's number that stands alone as the beginning of the text below it, in the same language.

    Where the number in the other language stands right above it both are a heading, as where a title stands below it.
    """
    around = zip([None, *blocks], blocks, [*blocks[1:], None], strict=False)
    numbers = {own.position for above, own, below in around if below and _opens(own, above, below)}
    counted = [sum(b.language == own and bool(number.match(b.text)) for b in blocks) for own, number in _NUMBER.items()]
    are_of_a_law = len(numbers) >= _ARTICLES <= min(counted)
    return with_openings_joined(blocks, numbers) if are_of_a_law else list(blocks)


def _opens(own: Block, above: Block | None, below: Block) -> bool:
    if own.language not in _NUMBER or own.level or own.language != below.language or below.level:
        return False
    is_beside = (
        above is not None
        and above.language in _NUMBER
        and above.language != own.language
        and bool(_NUMBER[above.language].match(above.text))
        and not ends_as_a_sentence(above.text)
    )
    is_text = ends_as_a_sentence(below.text) or opens_a_list(below.text)
    return is_text and not is_beside and _NUMBER[own.language].fullmatch(own.text) is not None
