"""Notes at the feet of a printed text's pages: taken from within the paragraphs that go on overleaf."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.characters import HAN

# "1 Annual Statement 2018, p. 11." begins a note where a word above ends with its number: "operators.1".
_NOTE = re.compile(r"\s*(?:\[(\d{1,2})\]|(\d{1,2}))\s+(?=\S)")
# What a number counts or names that begins a sentence in Chinese, and calls no note: 。1号窑.
_COUNTED = "号台个年月日时点分次种只家位人名所处条项级期成倍万亿千百"
_STOPS = '.,;:!?。，；：！？”"’）)'


@dataclass(frozen=True, slots=True)
class Note:
    """A note's number and its text, on one line."""

    number: str
    text: str


def without_foot(lines: Sequence[str]) -> tuple[list[str], list[Note]]:
    """`lines`, which end where a page does, without the notes at its foot; and these.

    A note begins a group of lines with its number, and that number is printed behind a word of the text above.
    """
    end = len(lines)
    foot: list[Note] = []
    while end:
        last = end
        while last and not lines[last - 1].strip():
            last -= 1
        first = last
        while first and lines[first - 1].strip():
            first -= 1
        notes = _notes(lines[first:last], "\n".join(lines[:first]))
        if not notes:
            break
        foot, end = notes + foot, first
    return list(lines[:end]), foot


def told(notes: Sequence[Note]) -> list[str]:
    """The notes as lines of a text, each behind its number in brackets."""
    return [line for note in notes for line in ("", f"[{note.number}] {note.text}")]


def called(paragraphs: Sequence[str], notes: Sequence[Note]) -> list[str]:
    """`paragraphs` with the numbers that call the notes in brackets, as theirs are."""
    if not notes:
        return list(paragraphs)
    numbers = "|".join(sorted({note.number for note in notes}))
    calls = re.compile(rf"(?<=[^\W\d_])([{_STOPS}]+)({numbers})(?=\s|$|(?![{_COUNTED}])[{HAN}“‘])")
    behind_a_decimal = re.compile(rf"(?<=\d\.\d)\.({numbers})(?=\s|$)")
    return [behind_a_decimal.sub(r".[\1]", calls.sub(r"\1[\2]", paragraph)) for paragraph in paragraphs]


def _notes(group: Sequence[str], above: str) -> list[Note]:
    """The notes that a group of lines holds; none where its first line begins none."""
    found: list[Note] = []
    for line in group:
        begins = _NOTE.match(line)
        number = begins and (begins[1] or begins[2])
        if begins and number and _is_called(number, above):
            found.append(Note(number, line[begins.end() :].strip()))
        elif found:
            found[-1] = Note(found[-1].number, _joined(found[-1].text, line.strip()))
        else:
            return []
    return found


def _is_called(number: str, above: str) -> bool:
    mark = rf"[^\W\d_](?:[{_STOPS}]*{number}|\[{number}\])(?=\s|$|[{HAN}“‘])|\d[{_STOPS}]{number}(?=\s)"
    return re.search(mark, above) is not None


def _joined(above: str, below: str) -> str:
    return above + ("" if re.search(rf"[{HAN}，。、；：]$", above) else " ") + below
