"""Notes at the feet of a printed text's pages: taken from within the paragraphs that go on overleaf."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from index.characters import HAN, joined

# What a number counts or names in Chinese, and calls no note: 3 月, 1号窑.
_COUNTED = "号台个年月日时点分次种只家位人名所处条项级期成倍万亿千百米天周票头辆艘座枚本层元吨岁公卷章节类等度"
# "1 Annual Statement 2018, p. 11." begins a note where a word above calls it: "operators.1", 吞吐量。1.
_NOTE = re.compile(rf"\s*(?:\[(\d{{1,2}})\]|(\d{{1,2}}))\s+(?![{_COUNTED}])(?=\S)")
# What stands before a number that calls a note: the end of a sentence, in English a comma or a word; no "Art.8".
_CALLS = r"(?:(?<=[^\W\d_][^\W\d_])[.,;:!?”\")]+(?<!\b[A-Z][a-z]\.)(?<!\b[A-Z][a-z]{2}\.)|[。！？；”）]+|(?<=[a-z]{3}))"
_BEHIND = rf"(?=\s|$|(?![{_COUNTED}])[{HAN}“‘])"


@dataclass(frozen=True, slots=True)
class Note:
    """A note's number and its text, on one line."""

    number: str
    text: str


def without_foot(lines: Sequence[str], known: Collection[str] = ()) -> tuple[list[str], list[Note]]:
    """`lines`, which end where a page does, without the notes at its foot; and these.

    A note begins a group of lines with its number, and that number is printed behind a word of the text above. They
    are counted from 1. `known`: the numbers of those before.
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
    numbers = {int(number) for number in [*known, *(note.number for note in foot)]}
    if not foot or numbers != set(range(1, len(numbers) + 1)):
        return list(lines), []
    return list(lines[:end]), foot


def told(notes: Sequence[Note]) -> list[str]:
    """The notes as lines of a text, each behind its number in brackets."""
    return [line for note in notes for line in ("", f"[{note.number}] {note.text}")]


def with_calls_marked(paragraphs: Sequence[str], notes: Sequence[Note]) -> list[str]:
    """`paragraphs` with the numbers that call the notes in brackets, as theirs are: the first in each language."""
    text = "\n".join(paragraphs)
    for number in sorted({note.number for note in notes}):
        for begins in (rf"{_CALLS}(?<![{HAN}。！？；”）])", r"(?<=[。！？；”）])", r"(?<=\d\.\d)\."):
            call = re.search(rf"(?:{begins})({number}){_BEHIND}", text)
            text = f"{text[: call.start(1)]}[{number}]{text[call.end(1) :]}" if call else text
    return text.split("\n")


def _notes(group: Sequence[str], above: str) -> list[Note]:
    """The notes that a group of lines holds; none where its first line begins none."""
    found: list[Note] = []
    for line in group:
        begins = _NOTE.match(line)
        number = begins and (begins[1] or begins[2])
        if begins and number and _is_called(number, above):
            found.append(Note(number, line[begins.end() :].strip()))
        elif found:
            found[-1] = Note(found[-1].number, joined(found[-1].text, line.strip()))
        else:
            return []
    return found


def _is_called(number: str, above: str) -> bool:
    return re.search(rf"(?:{_CALLS}|(?<=\d\.\d)\.){number}{_BEHIND}|\S\[{number}\]", above) is not None
