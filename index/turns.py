"""Turns of a conversation whose speaker stands on a line of its own, above what is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from index.blocks import Block
from index.lines import joined
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
    kept: list[Block] = []
    speaker: Block | None = None
    for block, below in zip(blocks, [*blocks[1:], None], strict=True):
        if speaker is not None:
            kept.append(replace(block, text=joined(_called(speaker.text), block.text), mark=block.mark or speaker.mark))
            speaker = None
        elif below is not None and below.language == block.language and _is_speaker(block, below, named):
            speaker = block
        else:
            kept.append(block)
    return [replace(block, position=position) for position, block in enumerate(kept)]


def _is_speaker(block: Block, below: Block, named: Counter[str]) -> bool:
    match = _SPEAKER_ALONE.fullmatch(block.text)
    if not match or block.level or below.level or _SPEAKER_ALONE.fullmatch(below.text):
        return False
    return bool(match["time"] or match["role"]) or named[match["name"]] >= _TURNS


def _called(line: str) -> str:
    """A speaker's line with a colon at its end, for what is said."""
    return line if line[-1] in ":：" else f"{line}:"
