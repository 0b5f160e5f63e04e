"""Turns of a conversation whose speaker stands on a line of its own, above what is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from index.blocks import Block
from index.lines import with_openings_joined
from index.outline import TIME

# "[00:00:42] 林知远(主持人)": when, who it is, and as what.
_NAME = r"[^\W\d_][^:：()（）。！？.!?,，;；]{0,24}?"
_WHO = rf"(?P<time>{TIME})(?P<name>{_NAME})\s*(?P<role>[(（][^()（）]{{1,20}}[)）])?\s*"
# "Lin: …"; and on a line of its own "Lin:", "林知远 00:12:31".
_NAMED = re.compile(rf"{_WHO}[:：]")
_SPEAKER_ALONE = re.compile(rf"{_WHO}(?:[:：]|(?<=\s){TIME}(?<=\S)[:：]?)")
# A name before a colon is a speaker's where it opens so many lines; or where it has a role, or a time before it.
_TURNS = 2


def with_speakers_joined(blocks: Sequence[Block]) -> list[Block]:
    """`blocks`, a speaker's line as the beginning of the one below it, in the same language, and not as a heading."""
    named = Counter(m["name"] for b in blocks if (m := _NAMED.match(b.text) or _SPEAKER_ALONE.fullmatch(b.text)))
    speakers = {own.position for own, below in pairwise(blocks) if _is_speaker(own, below, named)}
    return with_openings_joined(blocks, speakers, _called)


def _is_speaker(block: Block, below: Block, named: Counter[str]) -> bool:
    match = _SPEAKER_ALONE.fullmatch(block.text)
    if (
        not match
        or block.language != below.language
        or block.level
        or below.level
        or _SPEAKER_ALONE.fullmatch(below.text)
    ):
        return False
    return bool(match["time"] or match["role"]) or named[match["name"]] >= _TURNS


def _called(line: str) -> str:
    """A speaker's line with a colon at its end, for what is said."""
    return line if line[-1] in ":：" else f"{line}:"
