"""Pair each Chinese block with the English block that says the same.

Order decides first: in an interleaved text a block's partner stands next to it. The whole text is
aligned at once by dynamic programming over the two sequences (after Gale and Church 1993, with skips),
so one missing translation shifts nothing. Only where order leaves a doubt are the doubtful blocks
embedded and their similarity added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.blocks import Block, ends_as_a_sentence, footnote_label, tokens_shared_by_translations
from index.paragraphs import LANGUAGES

# Embeds texts; rows are unit vectors. Shape (n,) -> (n, dimension).
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SKIP = -0.6  # the price of leaving a block alone, per block
DOUBT = 1.0  # a pair that scores less than this is looked at again with embeddings
TOUCHING = 8.0  # two lines without a blank line between them, and blank lines around: one unit
WINDOW = 8  # blocks further apart than this never pair
CHARACTERS_EN_PER_ZH = 2.6  # typical English characters for one Chinese one; refined from the text itself
ENOUGH = 3  # pairs that refine it, or tell which language stands first
JOINED = 0.1  # by so much the lengths must fit better of two blocks that are read as one
PLAIN = 0.3  # by so much the likenesses must differ to tell it


@dataclass(frozen=True, slots=True)
class Pair:
    """A Chinese block and its English partner; one of them is None where the partner is missing."""

    zh: Block | None
    en: Block | None

    @property
    def position(self) -> int:
        """Where the pair stands in the page."""
        return min(block.position for block in (self.zh, self.en) if block)

    @property
    def is_whole(self) -> bool:
        """Whether both languages are there."""
        return self.zh is not None and self.en is not None


def pair_blocks(blocks: Sequence[Block], embed: Embed | None = None, order: int | None = None) -> list[Pair]:
    """Align the zh and en blocks among `blocks` monotonically; returns pairs and lone blocks in page order.

    `order`: the page's, where `blocks` are a part of it; see `prevailing_order`.
    """
    zh = [block for block in blocks if block.language == "zh"]
    en = [block for block in blocks if block.language == "en"]
    order = order or prevailing_order(blocks)
    ratio = _length_ratio(zh, en, order)
    scores = _order_scores(zh, en, order, ratio)
    matches = align(scores)
    if embed and (doubtful := _doubtful(scores, matches)):
        scores = scores + _similarity_scores(zh, en, scores, doubtful, embed)
        matches = align(scores)
    return _with_parts_joined(_as_pairs(zh, en, matches), ratio)


def _order_scores(zh: Sequence[Block], en: Sequence[Block], order: int, ratio: float) -> NDArray[np.float64]:
    """(len(zh), len(en)) scores from order, length and shared tokens; -inf of what lies too far apart or is no pair."""
    scores = np.full((len(zh), len(en)), -math.inf)
    touching = _touching_lines([*zh, *en])
    for i, z in enumerate(zh):
        for j, e in enumerate(en):
            if abs(e.position - z.position) <= WINDOW and not _is_heading_of_prose(z, e):
                scores[i, j] = (
                    _order_score(e.position - z.position, order)
                    + content_score(z, e, ratio)
                    + (TOUCHING if (z.line, e.line) in touching or (e.line, z.line) in touching else 0.0)
                )
    return scores


def _is_heading_of_prose(one: Block, other: Block) -> bool:
    """Whether one of the two is marked as a heading, and the other is whole sentences: no translation of it."""
    if bool(one.level) == bool(other.level):
        return False
    text = other if one.level else one
    return not text.is_short and ends_as_a_sentence(text.text)


def _touching_lines(blocks: Sequence[Block]) -> set[tuple[int, int]]:
    """Line numbers of blocks printed as two lines with blank lines around them: meant as one unit."""
    lines = {block.line for block in blocks}
    starts = [n for n in lines if n + 1 in lines]
    return {(n, n + 1) for n in starts if n - 1 not in lines and n + 2 not in lines}


def prevailing_order(blocks: Sequence[Block]) -> int:
    """+1 where Chinese stands before its English, -1 where it follows.

    In a text that alternates each block has the other language on both sides; its partner is the one of like length
    that keeps its numbers and names. Where that tells nothing, the two ends do; on a whole page they may be the site's.
    """
    both = [block for block in blocks if block.language in LANGUAGES]
    prose = [block for block in both if not block.is_short]
    used = prose if len(prose) >= 2 * ENOUGH else both
    before, after = (_likeness(used, step) for step in (-1, 1))
    if math.isfinite(before) and math.isfinite(after) and abs(after - before) >= PLAIN:
        return 1 if after > before else -1
    return _order_by_ends(both)


def content_score(z: Block, e: Block, ratio: float) -> float:
    """How well the lengths, numbers and names of two blocks go together; `ratio`: English characters a Chinese one."""
    shared = tokens_shared_by_translations(z.text), tokens_shared_by_translations(e.text)
    return _length_score(z, e, ratio) + _token_score(*shared)


def _likeness(blocks: Sequence[Block], step: int) -> float:
    """How well each Chinese block goes with the English one `step` blocks on, on average; -inf where none stands so."""
    en = {block.position: block for block in blocks if block.language == "en"}
    pairs = [(z, en[z.position + step]) for z in blocks if z.language == "zh" and z.position + step in en]
    if not pairs:
        return -math.inf
    ratio = float(np.median([e.size / z.size for z, e in pairs])) if len(pairs) >= ENOUGH else CHARACTERS_EN_PER_ZH
    return float(np.mean([content_score(z, e, ratio) for z, e in pairs]))


def _order_by_ends(blocks: Sequence[Block]) -> int:
    """The order by the blocks at both ends; by how alike the lengths of pairs are where these disagree."""
    if not blocks:
        return 1
    first = 1 if blocks[0].language == "zh" else -1
    last = 1 if blocks[-1].language == "en" else -1
    zh, en = ([block for block in blocks if block.language == language] for language in LANGUAGES)
    return first if first == last else _order_by_length(zh, en)


def _order_by_length(zh: Sequence[Block], en: Sequence[Block]) -> int:
    def misfit(step: int) -> float:
        by_position = {block.position: block for block in en}
        pairs = [(z, by_position[z.position + step]) for z in zh if z.position + step in by_position]
        ratios = [math.log(e.size / z.size) for z, e in pairs]
        return float(np.std(ratios)) if len(ratios) > 1 else math.inf

    return 1 if misfit(1) <= misfit(-1) else -1


def _length_ratio(zh: Sequence[Block], en: Sequence[Block], order: int) -> float:
    by_position = {block.position: block for block in en}
    ratios = [
        by_position[z.position + order].size / z.size
        for z in zh
        if not z.is_short and z.position + order in by_position and not by_position[z.position + order].is_short
    ]
    return float(np.median(ratios)) if len(ratios) >= ENOUGH else CHARACTERS_EN_PER_ZH


def _order_score(step: int, order: int) -> float:
    if step == order:
        return 2.0
    return 0.4 - 0.3 * abs(step - order)


def _length_score(z: Block, e: Block, ratio: float) -> float:
    deviation = _misfit(z, e, ratio)
    slack = 0.9 if z.is_short or e.is_short else 0.45  # short lines are translated more freely
    return -min((deviation / slack) ** 2, 9.0) / 3


def _token_score(a: frozenset[str], b: frozenset[str]) -> float:
    if not a or not b:
        return 0.0
    overlap = len(a & b) / min(len(a), len(b))
    return 1.5 * overlap if overlap else -0.5 * min(len(a), len(b), 4) / 2


def align(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The (row, column) of the monotone matches with the greatest total score; a row or column left over costs SKIP."""
    rows, columns = scores.shape
    best = np.full((rows + 1, columns + 1), -math.inf)
    best[0, :] = SKIP * np.arange(columns + 1)
    best[:, 0] = SKIP * np.arange(rows + 1)
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            best[i, j] = max(best[i - 1, j - 1] + scores[i - 1, j - 1], best[i - 1, j] + SKIP, best[i, j - 1] + SKIP)
    matches: list[tuple[int, int]] = []
    i, j = rows, columns
    while i and j:
        if best[i, j] == best[i - 1, j - 1] + scores[i - 1, j - 1]:
            matches.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif best[i, j] == best[i - 1, j] + SKIP:
            i -= 1
        else:
            j -= 1
    return matches[::-1]


def _doubtful(scores: NDArray[np.float64], matches: list[tuple[int, int]]) -> tuple[set[int], set[int]] | None:
    """Rows and columns that are alone or weakly paired, with their neighbours; None where there is no doubt."""
    rows, columns = scores.shape
    sure = [(i, j) for i, j in matches if scores[i, j] >= DOUBT]
    alone_rows = set(range(rows)) - {i for i, _ in sure}
    alone_columns = set(range(columns)) - {j for _, j in sure}
    if not alone_rows and not alone_columns:
        return None
    doubtful_rows, doubtful_columns = _with_neighbours(alone_rows, rows), _with_neighbours(alone_columns, columns)
    for i, j in matches:  # a neighbour is looked at together with its present partner
        if i in doubtful_rows or j in doubtful_columns:
            doubtful_rows.add(i)
            doubtful_columns.add(j)
    return doubtful_rows, doubtful_columns


def _with_neighbours(indices: set[int], n: int) -> set[int]:
    return {k for i in indices for k in (i - 1, i, i + 1) if 0 <= k < n}


def _similarity_scores(
    zh: Sequence[Block],
    en: Sequence[Block],
    scores: NDArray[np.float64],
    doubtful: tuple[set[int], set[int]],
    embed: Embed,
) -> NDArray[np.float64]:
    rows, columns = sorted(doubtful[0]), sorted(doubtful[1])
    added = np.zeros_like(scores)
    if not rows or not columns:
        return added
    vectors = embed([zh[i].text for i in rows] + [en[j].text for j in columns])
    cosine = vectors[: len(rows)] @ vectors[len(rows) :].T
    candidates = np.isfinite(scores[np.ix_(rows, columns)])
    if candidates.sum() > 1:
        added[np.ix_(rows, columns)] = standing_out(cosine, candidates)
    return added


def standing_out(cosine: NDArray[np.float32], candidates: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cosines as scores relative to the `candidates`: embedders differ in range; only how a pair stands out counts."""
    mean, spread = cosine[candidates].mean(), cosine[candidates].std() + 1e-6
    return np.asarray(np.clip((cosine - mean) / spread, -2.5, 2.5) * 1.5, dtype=np.float64)


def _as_pairs(zh: Sequence[Block], en: Sequence[Block], matches: list[tuple[int, int]]) -> list[Pair]:
    matched_zh, matched_en = {i for i, _ in matches}, {j for _, j in matches}
    pairs = [Pair(zh[i], en[j]) for i, j in matches]
    pairs += [Pair(block, None) for i, block in enumerate(zh) if i not in matched_zh]
    pairs += [Pair(None, block) for j, block in enumerate(en) if j not in matched_en]
    return sorted(pairs, key=lambda pair: pair.position)


def _with_parts_joined(pairs: Sequence[Pair], ratio: float) -> list[Pair]:
    """`pairs`, with a block that is left over joined to the one right beside it whose translation is as long as both.

    A translator may make two paragraphs of one, or one of two.
    """
    joined: list[Pair] = []
    for pair in pairs:
        above = joined[-1] if joined else None
        both = _joined(above, pair, ratio) if above else None
        joined[-1:] = [both] if both else [*joined[-1:], pair]
    return joined


def _joined(above: Pair, below: Pair, ratio: float) -> Pair | None:
    """The two as one pair, where one of them is whole, the other a part of its text in one language; else None."""
    whole, lone = (above, below) if above.is_whole else (below, above)
    zh, en = ([block for block in blocks if block] for blocks in ((above.zh, below.zh), (above.en, below.en)))
    if whole.zh is None or whole.en is None or lone.is_whole:
        return None
    stand_together = all(b.position - a.position == 1 for own in (zh, en) for a, b in pairwise(own))
    if not stand_together or not all(map(_is_text, (*zh, *en))):
        return None
    both = _as_one(zh), _as_one(en)
    return Pair(*both) if _misfit(whole.zh, whole.en, ratio) - _misfit(*both, ratio) >= JOINED else None


def _as_one(blocks: Sequence[Block]) -> Block:
    return replace(blocks[0], text="\n".join(block.text for block in blocks))


def _is_text(block: Block) -> bool:
    """Whether it is no heading, caption or note: it ends as a sentence, and nothing marks or numbers it."""
    is_marked = block.mark is not None and block.mark.role != "text"
    return not is_marked and ends_as_a_sentence(block.text) and not footnote_label(block.text)


def _misfit(z: Block, e: Block, ratio: float) -> float:
    return abs(math.log(e.size / (z.size * ratio)))
