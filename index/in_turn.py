"""Pages that give a text, or a section of it, first in one language and then in the other: interleave their blocks.

If headings are marked, the same sequence of marks must occur in both languages. In plain text, all blocks of one
language are aligned with all of the other, by the same dynamic programming as pairs (`index/pairing.py`) but regardless
of distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from index.blocks import Block, ends_as_a_sentence, renumbered
from index.lines import INTERLEAVED, share_of_changes
from index.ordinals import label
from index.pairing import CHARACTERS_EN_PER_ZH, Embed, align, content_score, standing_out
from index.paragraphs import LANGUAGES
from index.vocabulary import names_a_language

# Of neighbouring lines, the site's own among them, fewer than this are in different languages; interleaved, 0.7 are.
_OF_ALL_LINES = 0.4
# Paragraphs of prose in each language, at least, that tell it; and where all of one stands before all of the other.
_PROSE, _PROSE_APART = 3, 2
# What is lost where one is short and the other prose, or one a heading, or both begin with a number and these differ;
# and where the English is in capitals, as a publisher's name above a title is. The weight of the square of how far
# apart they stand, as shares of their language's blocks.
_UNLIKE, _CAPITALS, _FAR = 3.0, 1.0, 6.0

# How a block is numbered, see `ordinals.label`.
Label = tuple[str, int] | None


def side_by_side(blocks: Sequence[Block], embed: Embed | None = None) -> list[Block]:
    """`blocks` with what stands in one language and then in the other interleaved; any other page's as they are."""
    # Where a whole text stands in turn and no heading is marked, runs that are alike are so by chance.
    if any(block.level for block in blocks) or (any(block.mark for block in blocks) and not _stand_in_turn(blocks)):
        blocks = renumbered(_marked_alike(blocks))
    return renumbered(_aligned(blocks, embed)) if _stand_in_turn(blocks) else list(blocks)


# --- marked ------------------------------------------------------------------------------------------------


def _marked_alike(blocks: Sequence[Block]) -> list[Block]:
    """Runs of one language, followed by as many of the other that are marked alike, interleaved.

    What stands before the heading of such a section stays there.
    """
    runs = [list(run) for _, run in groupby(blocks, key=lambda block: block.language)]
    ordered: list[Block] = []
    while runs:
        one, *runs = runs
        if alike := _alike(one, runs[0]) if runs else 0:
            ordered += one[:-alike]
            ordered += [block for pair in zip(one[-alike:], runs[0], strict=True) for block in pair]
            runs = runs[1:]
        else:
            ordered += one
    return ordered


def _alike(one: Sequence[Block], other: Sequence[Block]) -> int:
    """How many at the end of `one` are marked as all of `other` are, which is in the other language; 0: not all."""
    of_both = {one[0].language, other[0].language} == {"zh", "en"}
    begins = len(one) == len(other) or bool(other[0].level)
    is_alike = [block.mark for block in one[-len(other) :]] == [block.mark for block in other]
    return len(other) if of_both and begins and is_alike else 0


# --- by what they say --------------------------------------------------------------------------------------


def _stand_in_turn(blocks: Sequence[Block]) -> bool:
    of_all = [block for block in blocks if block.language in LANGUAGES]
    prose = [block.language for block in of_all if _is_prose(block)]
    are_apart = sum(one != other for one, other in pairwise(prose)) == 1
    if min(prose.count("zh"), prose.count("en")) < (_PROSE_APART if are_apart else _PROSE):
        return False
    of_all_changes = share_of_changes([block.language for block in of_all])
    return share_of_changes(prose) < INTERLEAVED or of_all_changes < _OF_ALL_LINES


def _is_prose(block: Block) -> bool:
    """Whether it is a paragraph, however short; not a label with a colon."""
    return not block.is_short or ends_as_a_sentence(block.text)


def _aligned(blocks: Sequence[Block], embed: Embed | None) -> list[Block]:
    """The blocks, each followed by what says the same, in the order of the language that stands first.

    What has no partner in the other language stands behind the one that it follows in its own.
    """
    kept = [block for block in blocks if not names_a_language(block.text)]
    zh, en = ([block for block in kept if block.language == language] for language in LANGUAGES)
    pairs = [(zh[i], en[j]) for i, j in align(_scores(zh, en, embed))]
    first = next(block.language for block in kept if block.language in LANGUAGES and _is_prose(block))
    partner = {one.position: other for pair in pairs for one, other in (pair, pair[::-1]) if one.language == first}
    placed = {block.position for block in partner.values()}
    ordered: list[Block] = []
    for block in kept:
        if block.language == first or block.language not in LANGUAGES:
            ordered += [block, partner[block.position]] if block.position in partner else [block]
    second: Block | None = None
    for block in kept:
        if block.language in LANGUAGES and block.language != first:
            if block.position not in placed:
                ordered.insert(ordered.index(second) + 1 if second else 0, block)
            second = block
    return ordered


def _scores(zh: Sequence[Block], en: Sequence[Block], embed: Embed | None) -> NDArray[np.float64]:
    """(len(zh), len(en)): how well each Chinese block goes with each English one."""
    ratio = sum(block.size for block in en) / max(1, sum(block.size for block in zh))
    ratio = min(max(ratio, CHARACTERS_EN_PER_ZH / 1.5), CHARACTERS_EN_PER_ZH * 1.5)
    labels = {block.position: label(block.text) for block in (*zh, *en)}
    scores = np.array(
        [[content_score(z, e, ratio) - _unlike(z, e, labels[z.position], labels[e.position]) for e in en] for z in zh]
    )
    places = (np.linspace(0, 1, len(own)) for own in (zh, en))
    scores -= _FAR * np.abs(np.subtract.outer(*places)) ** 2
    if embed:
        vectors = embed([block.text for block in (*zh, *en)])
        cosine = vectors[: len(zh)] @ vectors[len(zh) :].T
        scores += standing_out(cosine, np.ones_like(cosine, dtype=bool))
    return scores


def _unlike(z: Block, e: Block, z_label: Label, e_label: Label) -> float:
    numbers_differ = z_label is not None and e_label is not None and z_label[1] != e_label[1]
    unlike = (_is_prose(z) != _is_prose(e)) + (z.level != e.level) + numbers_differ
    return _UNLIKE * unlike + _CAPITALS * e.text.isupper()
