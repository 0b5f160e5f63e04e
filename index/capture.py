"""Read a captured 中英对照 page: find the article in it, pair the languages, name each paragraph's kind.

The page's text is all there is (no markup), so structure is read from what people print: a translation
next to its original, a date above a timeline entry, ▲ before a caption, a number before a footnote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from index.blocks import Block, footnote_label, read_blocks, split_inline
from index.errors import UserError
from index.pairing import Embed, pair_blocks
from index.paragraphs import Article, Kind, Paragraph, Section

_MEASURE_WORDS = "个種种年月日大点點项項条條步倍次家位名小时時分%％"
_NUMBERED = re.compile(
    rf"^(?:(\d{{1,2}})(?:\s*[.、)）:：]\s*|\s*(?=[^\d\s{_MEASURE_WORDS}.,]))|([一二三四五六七八九十]{{1,3}})、\s*)"
)
_CAPTION = re.compile(r"^\s*(?:[▲△▼◆]|(?:图|圖|表)\s*\d|(?:figure|fig\.|chart|table)\s*\d)", re.IGNORECASE)
_SUMMARY_LABEL = re.compile(r"导读|導讀|摘要|导语|提要|内容概要|^(?:summary|abstract|tl;?dr)\W*$", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"^(?:原文|来源|來源|出处|原?作者|译者|翻译|编译|校对)\s*[:：|]|^(?:本文)?由.{1,40}(?:翻译|翻譯|编译|译)|^本文译自|"
    r"^(?:source|original(?:ly published)?|translated by|translation|author|by)\b\s*:?",
    re.IGNORECASE,
)
_FOOTNOTES_TITLE = re.compile(r"脚注|腳註|尾注|注释|註釋|^\W*(?:foot|end)?notes\W*$", re.IGNORECASE)
_CREDITS = re.compile(
    r"(?:共同|联合)(?:撰写|执笔|撰文)|(?:提供|给予).{0,12}(?:编辑|反馈|意见|帮助)|致谢|鸣谢|"
    r"co-?authored|written by|editorial support|provided feedback|(?:we|authors?) (?:would like to )?thank|acknowledg",
    re.IGNORECASE,
)
# Raise this whenever the reading changes: an index read otherwise is brought up to date.
READER_VERSION = 2
_PROSE_SIZE = {"zh": 30, "en": 60}


@dataclass(frozen=True, slots=True)
class _Item:
    """One step of the page: a pair of blocks, a line that carries both languages, or a bare date."""

    position: int
    zh: str | None
    en: str | None
    inline: bool = False
    date: bool = False

    @property
    def whole(self) -> bool:
        return bool(self.zh and self.en) and not self.inline and not self.date

    @property
    def is_caption(self) -> bool:
        return any(bool(_CAPTION.match(text)) for text in (self.zh, self.en) if text)

    @property
    def is_heading(self) -> bool:
        """Short, and not ended as a sentence is; the Chinese side decides where there is one."""
        if self.zh:
            question = self.zh[-1] in "?？"
            plain = len(self.zh) <= 40 and self.zh[-1] not in "。.!！;；,,:：…"
            return plain and (not question or len(self.zh) <= 25) and len(self.en or "") <= 110
        return bool(self.en) and len(self.en or "") <= 80 and (self.en or "")[-1] not in ".!;:,…"

    @property
    def prose(self) -> str | None:
        """The text of whole sentences that stand here in one language only."""
        text = self.zh or self.en or ""
        is_prose = len(text) >= _PROSE_SIZE["zh" if self.zh else "en"] and text[-1] in "。！？.!?"
        return text if is_prose and not self.inline and not self.date else None

    @property
    def note_label(self) -> str | None:
        for text in (self.zh, self.en):
            if text and (label := footnote_label(text)):
                return label[0]
        return None


def read_captured(path: Path, text: str, embed: Embed | None = None) -> Article:
    """The article inside the captured page `text`, which was read from `path`.

    Raises UserError when the page does not hold the two languages side by side.
    """
    blocks = [block for block in read_blocks(text) if not block.is_furniture]
    prose = _first_prose(path, blocks)
    title = _find_title(blocks[:prose], text, embed)
    head, rest = _split_head(blocks[title:prose])
    items, foot = _cut_foot(_items([*rest, *blocks[prose:]], embed))
    structure = _Structure()
    for item, following in zip(items, [*items[1:], None], strict=True):
        structure.take(item, following)
    return _number([*_head_entries(head), *structure.finish()], path, foot)


def _first_prose(path: Path, blocks: Sequence[Block]) -> int:
    """The index of the first block of prose that stands beside prose in the other language."""
    for i, (a, b) in enumerate(pairwise(blocks)):
        if {a.language, b.language} == {"zh", "en"} and all(x.size >= _PROSE_SIZE[x.language or "en"] for x in (a, b)):
            return i
    zh, en = (sum(block.language == language for block in blocks) for language in ("zh", "en"))
    raise UserError(
        f"{path} holds no Chinese paragraph beside its English one ({zh} Chinese blocks, {en} English). "
        f"A captured article needs both; give a text in one language as .jsonl paragraphs instead."
    )


# --- the head: title, subtitle, summary, origin -------------------------------------------------------------


def _find_title(head: Sequence[Block], page: str, embed: Embed | None) -> int:
    """The index where the article's own head begins (its kicker or title); len(head) when it has none.

    A captured page prints the article's title twice: in the page's own title and above the article.
    """
    lines = [line.strip() for line in page.splitlines()]
    for i, block in enumerate(head):
        beside = [
            b for b in (*head[max(0, i - 1) : i], *head[i + 1 : i + 2]) if {b.language, block.language} == {"zh", "en"}
        ]
        earlier = lines[: block.line - 1]
        repeated = block.size >= 4 and any(block.text in line and block.text != line for line in earlier)
        if beside and repeated:
            return _with_kicker(head, i)
    pairs = [pair for pair in pair_blocks(head, embed) if pair.is_whole]
    positions = [block.position for block in head]
    return _with_kicker(head, positions.index(pairs[0].position)) if pairs else len(head)


def _with_kicker(head: Sequence[Block], title: int) -> int:
    # An English line right above a Chinese title, or one in capitals, is the publisher's name, not furniture.
    previous = head[title - 1] if title else None
    if previous and previous.language == "en" and (head[title].language == "zh" or previous.text.isupper()):
        return title - 1
    return title


def _split_head(blocks: Sequence[Block]) -> tuple[Sequence[Block], Sequence[Block]]:
    """The head proper, and what already belongs to the body (a heading above the first paragraph)."""
    marks = [
        i for i, b in enumerate(blocks) if _ATTRIBUTION.search(b.text) or b.size >= _PROSE_SIZE[b.language or "en"]
    ]
    marks += [i for i, b in enumerate(blocks) if _SUMMARY_LABEL.search(b.text) and b.is_short]
    end = max(marks, default=1) + 1
    return blocks[:end], blocks[end:]


def _head_entries(head: Sequence[Block]) -> list[_Entry]:
    """The `front` paragraph (title, subtitle, origin, translator) and the `summary`, where there is one."""
    front: list[Block] = []
    summary: list[Block] = []
    label: Block | None = None
    for block in head:
        if block.is_short and _SUMMARY_LABEL.search(block.text):
            label = block
        elif label and not _ATTRIBUTION.search(block.text) and (not block.is_short or block.text[-1] in "。.！!？?"):
            summary.append(block)
        else:
            front.append(block)
    if label and not summary:
        front.append(label)
    entries = [_Entry("front", _joined(front, "zh"), _joined(front, "en"), Section())] if front else []
    if summary:
        section = Section(zh=(label.text,) if label else ())
        entries.append(_Entry("summary", _joined(summary, "zh"), _joined(summary, "en"), section))
    return entries


def _joined(blocks: Sequence[Block], language: str) -> str | None:
    wanted = ("zh", "both") if language == "zh" else ("en",)
    return "\n".join(block.text for block in blocks if block.language in wanted) or None


# --- the body ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """A paragraph before it has its number."""

    kind: Kind
    zh: str | None
    en: str | None
    section: Section


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    number: str | None
    zh: str | None
    en: str | None


def _items(blocks: Sequence[Block], embed: Embed | None) -> list[_Item]:
    titles = _figure_titles(blocks)
    special = [b for b in blocks if b.language in ("both", None) or b.is_date or b in titles]
    items = []
    for block in special:
        zh, en = split_inline(block.text) or (block.text, block.text)
        if block in titles:
            items.append(
                _Item(block.position, zh if block.language == "zh" else None, en if block.language == "en" else None)
            )
        elif block.is_date or block.language == "both":
            items.append(_Item(block.position, zh, en, inline=block.language == "both", date=block.is_date))
    taken = {block.position for block in special}
    prose = [block for block in blocks if block.position not in taken]
    items += [
        _Item(p.position, p.zh.text if p.zh else None, p.en.text if p.en else None) for p in pair_blocks(prose, embed)
    ]
    return sorted(items, key=lambda item: item.position)


def _figure_titles(blocks: Sequence[Block]) -> list[Block]:
    """Lone titles right above a caption in the same language; they have no translation to be paired with."""
    titles = []
    for before, block, caption in zip([None, *blocks], blocks, blocks[1:], strict=False):
        heading_pair = before is not None and before.is_short and before.language != block.language
        if block.is_short and block.language == caption.language and _CAPTION.match(caption.text) and not heading_pair:
            titles.append(block)
    return titles


def _cut_foot(items: Sequence[_Item]) -> tuple[Sequence[_Item], Sequence[_Item]]:
    """The article, and what follows its last paragraph in both languages: the page's own foot."""
    end = max((i + 1 for i, item in enumerate(items) if item.whole), default=len(items))
    return items[:end], items[end:]


class _Structure:
    """Walks the items in order and gives each paragraph its kind and its section path."""

    def __init__(self) -> None:
        self._headings: list[_Heading] = []
        self._date: _Item | None = None
        self._entry: tuple[str, str] | None = None  # a timeline entry's "dates title" in both languages
        self._figure_title = Section()
        self._in_notes = False
        self._entries: list[_Entry] = []

    def take(self, item: _Item, following: _Item | None) -> None:
        """Consume one item; `following` is the one after it, which tells a figure's title from a heading."""
        if item.date:
            self._date = item
        elif item.inline:
            self._take_inline(item)
        elif self._in_notes and item.note_label:
            label = item.note_label
            self._add("footnote", item, Section(zh=(f"注 {label}",), en=(f"Note {label}",)))
        elif item.is_caption:
            title, self._figure_title = self._figure_title, Section()
            self._add("figure", item, title)
        elif not item.whole and item.is_heading and following is not None and following.is_caption:
            self._figure_title = Section(zh=(item.zh,) if item.zh else (), en=(item.en,) if item.en else ())
        elif item.is_heading and following is not None:
            self._take_heading(item)
        elif self._entry:
            zh, en = self._entry
            self._add("timeline", item, Section(zh=(zh,), en=(en,)))
        else:
            self._add("body", item, Section())

    def finish(self) -> list[_Entry]:
        """The entries; the last prose before the notes is the credits when it speaks of who made the text."""
        for i in reversed(range(len(self._entries))):
            entry = self._entries[i]
            if entry.kind == "footnote":
                continue
            if entry.kind == "body" and _CREDITS.search(f"{entry.zh}\n{entry.en}"):
                self._entries[i] = replace(entry, kind="credits", section=Section())
            break
        return self._entries

    def _take_inline(self, item: _Item) -> None:
        if self._date is not None:
            date, self._date = self._date, None
            self._entry = (f"{date.zh} {item.zh}", f"{date.en} {item.en}")
        else:
            self._in_notes = bool(_FOOTNOTES_TITLE.search(item.zh or "") or _FOOTNOTES_TITLE.search(item.en or ""))
            self._take_heading(item)

    def _take_heading(self, item: _Item) -> None:
        if not item.inline:
            self._in_notes = any(bool(_FOOTNOTES_TITLE.search(text)) for text in (item.zh, item.en) if text)
        zh_number, zh = _strip_number(item.zh)
        en_number, en = _strip_number(item.en)
        number = zh_number or en_number
        en_number = en_number or (number if number and number.isdigit() else None)
        heading = _Heading(
            self._level(number), number, zh and _numbered(number, zh), en and _numbered(en_number, en.rstrip("."))
        )
        self._headings = [h for h in self._headings if h.level < heading.level] + [heading]
        self._entry = self._date = None

    def _level(self, number: str | None) -> int:
        """Numbered headings nest in one without a number, or with one of the other style (一、 above 1.)."""
        if not number or not self._headings:
            return 1
        outer = self._headings[0].number
        return 1 if outer and outer.isdigit() == number.isdigit() else 2

    def _add(self, kind: Kind, item: _Item, inner: Section) -> None:
        zh = tuple(h.zh for h in self._headings if h.zh) + inner.zh
        en = tuple(h.en for h in self._headings if h.en) + inner.en
        self._entries.append(_Entry(kind, item.zh, item.en, Section(zh=zh, en=en)))


def _numbered(number: str | None, heading: str) -> str:
    if not number:
        return heading
    return f"{number}. {heading}" if number.isdigit() else f"{number}、{heading}"


def _strip_number(heading: str | None) -> tuple[str | None, str | None]:
    match = _NUMBERED.match(heading) if heading else None
    if not heading or not match:
        return None, heading
    return match.group(1) or match.group(2), heading[match.end() :]


def _number(entries: Sequence[_Entry], path: Path, foot: Sequence[_Item]) -> Article:
    paragraphs = tuple(
        Paragraph(number, entry.kind, entry.zh, entry.en, entry.section)
        for number, entry in enumerate(entries, start=1)
    )
    notes = tuple(
        f"¶{p.number} has no {'English' if p.zh else 'Chinese'}: {(p.zh or p.en or '')[:40]}…"
        for p in paragraphs
        if len(p.languages) == 1 and p.kind not in ("front", "summary")
    )
    # A last paragraph without its translation looks like the foot; it is left out, but not in silence.
    notes += tuple(f"left out after the last pair: {text[:40]}…" for item in foot if (text := item.prose))
    front = next((p for p in paragraphs if p.kind == "front"), None)
    title = " / ".join(_title_of(text) for text in (front.en, front.zh) if text) if front else path.stem
    return Article(title=title, paragraphs=paragraphs, notes=notes)


def _title_of(front: str) -> str:
    # The kicker above the title is set in capitals.
    lines = [line for line in front.split("\n") if not (line.isascii() and line.isupper())]
    return (lines or [front])[0]
