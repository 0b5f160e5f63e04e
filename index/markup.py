"""Markdown and HTML as the lines that a captured page prints, and the level of those that are headings.

Both are read once, into HTML: what a browser would show of it, block by block, without its menus and scripts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from index.blocks import language_of_line, split_inline
from index.characters import WIDE
from index.paragraphs import LANGUAGES

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html)\b", re.IGNORECASE)
# So many lines that look like Markdown's headings make a text Markdown, whatever its file is called.
_HEADINGS = 2
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)
_NOTE_TEXT = re.compile(r"^\[\^([^\]\s]+)\]:[ \t]*", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^([^\]\s]+)\]")

_HIDDEN = frozenset("head script style template noscript nav aside footer form button select svg iframe".split())
_INLINE = frozenset(
    "a abbr b bdi bdo cite code data del dfn em font i img ins kbd label mark q rp rt ruby s samp small span strong "
    "strike sub sup time tt u var wbr".split()
)
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_ROOTS = ("article", "main")
_NO_HEADINGS = frozenset(("ul", "ol", "dl", "blockquote", "table", "pre", "figcaption"))
_WIDE = rf"{WIDE}“”‘’…—"
_BETWEEN_WIDE = re.compile(rf"(?<=[{_WIDE}])\n|\n(?=[{_WIDE}])")
# What heads a column of a table in two languages, and is none of its text.
_COLUMNS = frozenset("中文 英文 中文版 英文版 汉语 英语 原文 译文 chinese english original translation".split())
_ITEM_NUMBER = re.compile(r"\d+\. ")
# What stands in a block's text for a tag: a line's end, a cell's beginning, the ends of what is raised.
_BREAK, _CELL, _RAISED, _LOWERED = "\v", "\t", "\x02", "\x03"
_SIGNS = {"br": _BREAK, "td": _CELL, "th": _CELL, "sup": _RAISED}
_RAISED_NUMBER = re.compile(rf"{_RAISED}\s*[\[(（]?(\d{{1,3}})[\])）]?\s*{_LOWERED}")

# A heading in Chinese and then in English, or the other way about.
_NUMBER = r"(?P<number>\d{1,2}(?:[.．]\d{1,2})+[.．]?\s*|\d{1,2}(?:[.．、]\s*|\s+)|[一二三四五六七八九十]{1,3}、\s*)?"
_TWICE = (
    re.compile(rf"{_NUMBER}(?P<first>[^A-Za-z\d\s].*[{WIDE}])\s+(?P<second>[A-Za-z][^{WIDE}]*)"),
    re.compile(rf"{_NUMBER}(?P<first>[A-Za-z][^{WIDE}]*?)\s+(?P<second>[{WIDE}].*[{WIDE}])"),
)


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without markup, and {number of a line of it, from 1: its level} of what is marked.

    The level is a heading's, 1 the outermost, or 0 of what is surely none: an item of a list, a quotation, a row.
    """

    text: str
    levels: dict[int, int] = field(default_factory=dict)


def plain(text: str, suffix: str = "") -> Plain:
    """What `text` prints as, a block a line: of HTML, of Markdown, else itself. `suffix`: of its file, as ".md"."""
    if suffix.lower() in (".html", ".htm", ".xhtml") or _PAGE.match(text):
        return _of_html(text)
    if suffix.lower() in (".md", ".markdown") or len(_HEADING.findall(text)) >= _HEADINGS:
        return _of_html(_html_of(text))
    return Plain(text)


def _html_of(markdown: str) -> str:
    front = _FRONT_MATTER.match(markdown)
    if front:
        markdown = markdown[front.end() :]
        title = _FRONT_TITLE.search(front[1])
        if title and not re.search(r"^# ", markdown, re.MULTILINE):
            markdown = f"# {title[2]}\n\n{markdown}"
    markdown = _NOTE_MARK.sub(r"[\1]", _NOTE_TEXT.sub(r"\n[\1] ", markdown))
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = reader.parse(markdown)
    for token in tokens:
        if token.type == "list_item_open" and token.info:
            token.attrSet("value", token.info)  # as it was typed: "1." in one language and then in the other
    return str(reader.renderer.render(tokens, reader.options, {}))


def _of_html(html: str) -> Plain:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    blocks = reader.blocks()
    shapes = {level: _shape([_joined(text) for text, own in blocks if own == level]) for level in _LEVELS.values()}
    lines: list[str] = []
    levels: dict[int, int] = {}
    for text, level in blocks:
        for line in _heading(_joined(text), level, shapes[level]) if level else _lines(text):
            lines += [line, ""]
            if level is not None:
                levels[len(lines) - 1] = level
    return Plain("\n".join(lines), levels)


class _Reader(HTMLParser):
    """Collects the blocks of a page: text, level (see Plain; None: not marked), and which elements it stands in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[tuple[str, int | None, frozenset[str]]] = []
        self._text: list[str] = []
        self._level: int | None = None
        self._open: list[str] = []  # of _HIDDEN, _ROOTS and _NO_HEADINGS
        self._counts: list[int] = []  # the next item's number in each list that is open, 0 where they have none

    def blocks(self) -> list[tuple[str, int | None]]:
        """Those of the article where the page marks it, else all."""
        self._end_block()
        for root in _ROOTS:
            if inside := [(text, level) for text, level, roots in self._blocks if root in roots]:
                return inside
        return [(text, level) for text, level, _ in self._blocks]

    @property
    def _is_hidden(self) -> bool:
        return not _HIDDEN.isdisjoint(self._open)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _SIGNS:
            self._text.append(_SIGNS[tag])
        elif tag in _HIDDEN or tag in _ROOTS or tag in _NO_HEADINGS:
            self._end_block()
            self._open.append(tag)
            self._start_list(tag)
        elif tag == "body":
            self._open.clear()  # of a head that nothing ended
        elif tag not in _INLINE:
            self._start_block(tag, dict(attrs).get("value"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "sup":
            self._text.append(_LOWERED)
        elif tag in self._open:
            self._end_block()
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]
            if tag in ("ol", "ul") and self._counts:
                self._counts.pop()
        elif tag not in _INLINE and tag not in _SIGNS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if not self._is_hidden:
            self._text.append(re.sub(r"[^\S\n]+", " ", data))

    def _start_block(self, tag: str, value: str | None) -> None:
        self._end_block()
        self._level = _LEVELS.get(tag)
        if tag == "li" and self._counts and self._counts[-1] and not self._is_hidden:
            number = int(value) if value and value.isdecimal() else self._counts[-1]
            self._text.append(f"{number}. ")
            self._counts[-1] = number + 1

    def _start_list(self, tag: str) -> None:
        if tag in ("ol", "ul"):
            self._counts.append(1 if tag == "ol" else 0)

    def _end_block(self) -> None:
        text = _RAISED_NUMBER.sub(r"[\1]", "".join(self._text)).replace(_RAISED, "").replace(_LOWERED, "")
        self._text = []
        if _ITEM_NUMBER.fullmatch(text.strip("\n")):
            self._text = [text.strip("\n")]  # it stands before the item's first block: <li><p>
        elif text.strip():
            level = 0 if self._level is None and not _NO_HEADINGS.isdisjoint(self._open) else self._level
            self._blocks.append((text, level, frozenset(self._open)))
        self._level = None


def _lines(text: str) -> list[str]:
    """The lines of a block: where it breaks, and where the language changes from one line of the source to the next."""
    if _CELL in text:
        return _row(text.split(_CELL))
    lines: list[str] = []
    for part in text.split(_BREAK):
        own: list[str] = []
        for line in filter(None, (_joined(line) for line in part.split("\n"))):
            if own and language_of_line(line) in (language_of_line(own[-1]), None):
                own[-1] = _BETWEEN_WIDE.sub("", f"{own[-1]}\n{line}").replace("\n", " ")
            else:
                own.append(line)
        lines += own
    return lines


def _row(cells: Sequence[str]) -> list[str]:
    """A table's row as a line a language, each with what stands in neither: numbers, dates."""
    texts = [text for cell in cells if (text := _joined(cell)) and text.lower() not in _COLUMNS]
    languages = [language_of_line(text) for text in texts]
    if not {"zh", "en"} <= set(languages):
        return ["; ".join(texts)] if texts else []
    return [
        mark.join(text for text, own in zip(texts, languages, strict=True) if own in (language, None))
        for language, mark in zip(LANGUAGES, ("；", "; "), strict=True)
    ]


def _shape(headings: Sequence[str]) -> re.Pattern[str] | None:
    """How headings stand in both languages one behind the other, 传感器 Sensors, where all of them do."""
    return next((s for s in _TWICE if len(headings) > 1 and all(map(s.fullmatch, headings))), None)


def _heading(line: str, level: int, shape: re.Pattern[str] | None) -> list[str]:
    """A heading is one line, but for what stands in it twice: each language's with the number."""
    if shape and (match := shape.fullmatch(line)):
        return [f"{match['number'] or ''}{match[name]}" for name in ("first", "second")]
    both = split_inline(line) if level == 1 else None
    return sorted(both, key=line.index) if both else [line]


def _joined(text: str) -> str:
    return " ".join(text.split())
