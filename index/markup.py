"""Markdown and HTML as the lines that a captured page prints, and what of them is marked as what.

Both are read once, as HTML: what a browser would show of it, block by block, without its menus, scripts and code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import groupby

from index.blocks import Mark, ends_as_a_sentence, footnote_label, language_of_line, split_inline
from index.characters import joined
from index.lines import PAGE_ENDS, as_meant, without_labels
from index.outline import speaker_of
from index.paragraphs import LANGUAGES
from index.table import (
    are_twice,
    in_both,
    is_named_twice,
    language_of_row,
    languages_of_cells,
    row,
    told_by_heads,
    told_rows,
)
from index.twice import (
    GLOSSED,
    LETTERS_AMONG_OTHERS,
    SENTENCES,
    TWICE,
    halves,
    is_as_long,
    is_no_name,
    labelled,
    of_each_language,
    parts,
    says_again,
)

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html)\b", re.IGNORECASE)
# So many lines that look like Markdown's headings make a text Markdown, whatever its file is called.
_HEADINGS = 2
_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^# +(.+?)(?: +#+)?[ \t]*$", re.MULTILINE)
# The titles at the beginning, and the line below one alone that may be its other half.
_TITLES = re.compile(r"\s*(?:(?:# .+\s*){2,}|# .+\n\s*(?:[^\s#>|*!\[-][^\n]{0,100}[^\s。.！!？?：:]\n)?)(?=\s)")
# Who made a text, as its front matter names them.
_MAKERS = {"Author": "(?:author|作者)", "Translator": "(?:translator|译者)"}
_FRONT_LINE = r"^{}[ \t]*[:=][ \t]*(['\"]?)(.+?)\1[ \t]*$"
_FOLDED = re.compile(r"[>|][+-]?[ \t]*\n((?:[ \t]+\S.*\n?)+)")
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_NOTE_TEXT = re.compile(r"^\[\^([^\]\s]+)\]:[ \t]*", re.MULTILINE)
# A note's further paragraphs, which are indented.
_NOTE_GOES_ON = re.compile(r"^\[\^[^\]\s]+\]:.*(?:\n(?:[ \t]*\n)*(?: {2,}|\t).*\S.*)+", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^([^\]\s]+)\]")

# What dialects of Markdown add: ![[image]], {#id} of a heading, [[page|words]], ==marked==, [x] of a task, [!note] of a
# callout.
_DIALECTS = (
    (re.compile(r"!\[\[[^\]\n]*\]\]"), ""),
    (re.compile(r"[ \t]*\{#[^}\s]+\}[ \t]*$", re.MULTILINE), ""),
    (re.compile(r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]+)\]\]"), r"\1"),
    (re.compile(r"(?<!=)==(?!=)(\S(?:[^=\n]*\S)?)==(?!=)"), r"\1"),
    (re.compile(r"^([ \t]*[-*+][ \t]+)\[[ xX]\][ \t]+", re.MULTILINE), r"\1"),
    # The title of a callout opens its text: "> 译注：".
    (
        re.compile(
            r"^((?:[ \t]*>)+[ \t]*)\[![\w-]+\][+-]?[ \t]*(\S[^\n]*?)[:：]?[ \t]*(?=\n[ \t]*>[ \t]*\S)", re.MULTILINE
        ),
        r"\1\2：",
    ),
    (re.compile(r"^((?:[ \t]*>)+[ \t]*)\[![\w-]+\][+-]?[ \t]*", re.MULTILINE), r"\1"),
    (re.compile(r"(?<!\S)%%(?:[^%]|%(?!%))*%%(?!\S)"), ""),
    (re.compile(r"(?<=[^\d\s])[ \t]+\^[A-Za-z][\w-]+[ \t]*$", re.MULTILINE), ""),
)

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HIDDEN = frozenset(
    "head script style template noscript nav aside footer button select textarea svg iframe pre rt rp "
    "annotation".split()
)
# Classes that sites give to what stands around an article; a wrapper's, as "has-sidebar", are none of them.
_AROUND = re.compile(
    r"(?:pull-?quote|social|share|sharing|related|comments?|newsletter|subscribe|breadcrumbs?|toc|sidebar|footnote-backref)"
    r"(?:[-_]?(?:list|box|buttons?|links|posts|articles|section|area|form|bar|widget))?|"
    r"(?:share|social)[-_](?:side|left|right|icons?|tools?|panel)|ads?[-_]+(?:label|slot|banner|unit|leaderboard)",
    re.IGNORECASE,
)
# How sites name a box within an article that is of it, as an <aside> otherwise is not.
_BOX = re.compile(
    r"(?:callout|call-out|admonition|note|notice|tip|hint|warning|warn|caution|important|definition|key-?points|"
    r"takeaways?|tldr)(?:[-_]+[\w-]*)?",
    re.IGNORECASE,
)
# How a browser's translator names what it adds behind the text that it translates.
_TRANSLATED = re.compile(r"\S*translat\S*wrapper\S*", re.IGNORECASE)
# So many links of so many letters on average, and nothing else, are a menu, or buttons to share.
_LINKS, _LETTERS_OF_A_LINK = 3, 12
_NOT_SHOWN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
# What begins and ends a paragraph; any other element, of mathematics or of a site's own, stands within a line. Cells
# have a sign of their own.
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol option optgroup p pre search "
    "section select summary table tbody textarea tfoot thead tr ul".split()
)
# An article that is shorter than such a share of the longest is another one's card.
_OF_THE_LONGEST = 0.2
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_NO_HEADINGS = frozenset(("ul", "ol", "dl", "blockquote", "table", "aside"))
# What an answer is folded under, or defined by, heads it where it asks: "How do I leave?"; as a heading of this level.
_OPENS_AN_ANSWER, _ASKED = frozenset(("summary", "dt")), "h6"
# Where links are what an article tells, however many stand there.
_TELL_LINKS = frozenset(("li", "td", "th", "dd", "blockquote", *_LEVELS))
# Blanks of no width: a line of them alone is a blank line.
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_BACK = re.compile(r"\s*[¶↩⤴]\ufe0e?\s*$|(?<=\S)\s+#$")
# How sites name what holds the notes, and what a block in it has among the names of its elements.
_HOLDS_NOTES = re.compile(r"(?:doc-)?(?:foot|end)[-_]?notes?(?:[-_](?:list|section))?", re.IGNORECASE)
_NOTES = "notes"
_ITEM_NUMBER = re.compile(r"\d+\. ")
# What stands in a block's text for a tag: a line's end, a cell's beginning, the ends of what is raised.
_BREAK, _CELL, _RAISED, _LOWERED = "\v", "\t", "\x02", "\x03"
_HEAD = "\x05"  # behind a cell's beginning: it heads a column or a row
_CELLS = frozenset(("td", "th"))
_SIGNS = {"br": _BREAK, "td": _CELL, "th": _CELL + _HEAD, "sup": _RAISED}
_CAPTIONS = frozenset(("caption", "figcaption"))
_SHORTEST_CAPTION = 5  # characters of a half: a photographer's name is none
# A line of a list of amounts, "Scanning: 121,000 euros": it does not go on in the next one.
_TELLS = re.compile(r"[^:：]{1,40}[:：]\s*(?=.*\d)\S.{0,40}")
# A table of so many columns has its rows told by their heads; in one of two, the first names what the second tells.
_COLUMNS = 3
_LONGEST_CELL = 200  # of data; a longer one is a text
_LINK = "\x04"  # within what is raised, or around it
_RAISED_TEXT = re.compile(rf"{_RAISED}(?P<link>{_LINK}?)(?P<own>[^{_RAISED}{_LOWERED}]*){_LOWERED}")
_NOTE_NUMBER = re.compile(r"[\[(（]?(\d{1,3})[\])）]?")
# Behind a number, a letter by itself or a unit stands an exponent, unless it is a link: 10²⁶, n², km².
_POWER = re.compile(r"(?:\d|(?<![A-Za-z])(?:[A-Za-z]|[kcmd]m|ft|mi)|[米尺])$")
_EXPONENT = re.compile(r"[\dn+−-]+")
_AS_RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without markup, and {number of a line of it, from 1: what it is marked as}.

    `is_alone`: it was written as Markdown, with nothing of a site around it.
    """

    text: str
    marks: Mapping[int, Mark] = field(default_factory=dict)
    is_alone: bool = False


def plain(text: str, suffix: str = "") -> Plain:
    """What `text` prints as, a block a line: of HTML, of Markdown, else itself. `suffix`: of its file, as ".md"."""
    text = _INVISIBLE.sub("", text)
    if suffix.lower() in (".html", ".htm", ".xhtml") or _PAGE.match(text):
        return _unlabelled(_of_html(text, frozenset()))
    if suffix.lower() in (".md", ".markdown") or len(_HEADING.findall(text)) >= _HEADINGS:
        text = text.replace("\r\n", "\n")
        own = _of_html(_html_of(text), frozenset(_NOTE_TEXT.findall(text)))
        return replace(_unlabelled(own), is_alone=True)
    lines, rows = told_rows(text.replace("\f", f"\n{PAGE_ENDS}\n").splitlines())
    meant, notes = as_meant("\n".join(lines))
    marked = {**dict.fromkeys(rows, Mark("text")), **dict.fromkeys(notes, Mark("note"))}
    return Plain(meant, {n: marked[line] for n, line in enumerate(meant.splitlines(), start=1) if line in marked})


def _unlabelled(page: Plain) -> Plain:
    return replace(page, text="\n".join(without_labels(page.text.split("\n"))))


def _html_of(markdown: str) -> str:
    from markdown_it import MarkdownIt  # here: whoever opens an index imports this module, and few read Markdown

    if front := _FRONT_MATTER.match(markdown):
        markdown = _head_of(front[2], markdown[front.end() :])
    markdown = _NOTE_GOES_ON.sub(lambda note: re.sub(r"\n[ \t]+", "\n", note.group()), markdown)
    markdown = _NOTE_MARK.sub(r"[\1]", _NOTE_TEXT.sub(r"\n[\1] ", markdown))
    for pattern, words in _DIALECTS:
        markdown = pattern.sub(words, markdown)
    # Code is fenced; what is only indented is text whose indent means something else, or nothing.
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).disable("code")
    tokens = reader.parse(markdown)
    for token in tokens:
        if token.type == "list_item_open" and token.info:
            token.attrSet("value", token.info)  # as it was typed: "1." in one language and then in the other
    return str(reader.renderer.render(tokens, reader.options, {}))


def _head_of(front_matter: str, markdown: str) -> str:
    """`markdown` below the title, and who made it, that its front matter alone states."""
    front_matter = _FOLDED.sub(lambda folded: " ".join(folded[1].split()) + "\n", front_matter)
    title = re.search(_FRONT_LINE.format("title"), front_matter, re.MULTILINE)
    makers = "\n\n".join(
        f"{name}: {found[2]}"
        for name, keys in _MAKERS.items()
        if (found := re.search(_FRONT_LINE.format(keys), front_matter, re.MULTILINE)) and found[2] not in markdown
    )
    if not title or _states_title(markdown, title[2]):
        head = _TITLES.match(markdown)
        return f"{head[0]}\n{makers}\n\n{markdown[head.end() :]}" if head and makers else markdown
    # Its outermost headings are those of parts.
    markdown = re.sub(r"^#{1,5}(?=[ \t])", r"#\g<0>", markdown, flags=re.MULTILINE)
    return "\n\n".join(filter(None, [f"# {title[2]}", makers, markdown]))


def _states_title(markdown: str, title: str) -> bool:
    """Whether `markdown` has the title that its front matter has, or begins with all that is marked as one."""
    text = _FENCED.sub("", markdown)
    begins = re.match(r"(?:\s*# .+)*", text)
    first, outermost = (_TITLE.findall(own) for own in (begins[0] if begins else "", text))
    names = (title, *(split_inline(title) or ()))
    return (bool(first) and first == outermost) or any(name in own for own in outermost[:2] for name in names)


def _of_html(html: str, notes: frozenset[str]) -> Plain:
    """`notes`: the labels of the notes, whose texts begin with them in brackets."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    blocks = _with_columns(_with_subtitle(reader.blocks()))
    headings = [b for b in blocks if b.level]
    of_most = _shape(headings)
    shapes = {level: _shape([b for b in headings if b.level == level]) or of_most for level in _LEVELS.values()}
    has_parts = sum(b.level > 1 for b in blocks) > 1
    items = _items_in_both(blocks)
    lines: list[str] = []
    marks: dict[int, Mark] = {}
    for block in blocks:
        own = items.get(block) or (_heading(block, shapes[block.level]) if block.level else _lines_of(block))
        # What a block says in both languages is a pair, whichever stands first elsewhere: no blank line parts it.
        gap = [] if _are_of_both(own) else [""]
        for line in own:
            lines += [line, *gap]
            label = re.match(r"\[(\S+?)\] ", line)
            is_note = bool(label and label[1] in notes) or (_NOTES in block.within and bool(footnote_label(line)))
            mark = Mark("note") if is_note else block.mark(has_parts)
            if mark:
                marks[len(lines) - len(gap)] = mark
        lines += [""] if not gap else []
    return Plain("\n".join(lines), marks)


def _items_in_both(blocks: Sequence[_Block]) -> dict[_Block, list[str]]:
    """{item of a list: its two halves}, where most of the list's items say the same twice: 修暖气 Mend the heating."""
    found: dict[_Block, list[str]] = {}
    for is_list, run in groupby(blocks, key=lambda block: "li" in block.within):
        own = list(run) if is_list else []
        whole = [b for b in own if len(line := _lines_of(b)) == 1 and split_inline(line[0]) is None]
        for shape in TWICE:
            matches = {b: m for b in whole if (m := shape.fullmatch(_joined(b.text))) and is_as_long(m)}
            twice = {b: parts(m) for b, m in matches.items() if " " in m["en"].strip()}
            if len(twice) > 1 and 2 * len(twice) > len(own):
                found |= twice
    return found


def _with_subtitle(blocks: Sequence[_Block]) -> list[_Block]:
    """`blocks`, those right below the title that are marked deeper than the headings that follow as no headings."""
    first = next((i for i, b in enumerate(blocks) if b.level != 1), len(blocks))
    end = next((i for i, b in enumerate(blocks) if i >= first and b.level != blocks[first].level), len(blocks))
    following = next((b.level for b in blocks[end:] if b.level), 0)
    if not first or not 1 < following < blocks[first].level:
        return list(blocks)
    subtitle = (replace(b, within=frozenset(b.within - _LEVELS.keys()), is_bold=False) for b in blocks[first:end])
    return [*blocks[:first], *subtitle, *blocks[end:]]


def _with_columns(blocks: Sequence[_Block]) -> list[_Block]:
    """`blocks`, each row of a table told with the heads of its columns: "75" says nothing without "Phase two"."""
    told: list[_Block] = []
    heads: list[str] = []
    heads_in_both: Sequence[Sequence[str]] = ()
    width = 0  # cells of the block above
    for block in blocks:
        text = block.text.replace(_HEAD, "")
        parts_of_cells = [_parts(cell) for cell in text.split(_CELL)[1:]]
        cells = list(map(" ".join, parts_of_cells))
        is_first, width = width != len(cells), len(cells)
        if len(cells) >= _COLUMNS and (block.text.count(_HEAD) == len(cells) or (block.is_bold and is_first)):
            heads, heads_in_both = cells, _cells_in_both(parts_of_cells)
            text = _row_in_both(heads_in_both) if are_twice(heads) else text
        elif len(cells) != len(heads):
            heads = []
        elif heads and (are_twice(heads) or is_named_twice(heads, cells)):
            in_languages = zip(LANGUAGES, heads_in_both, _cells_in_both(parts_of_cells), strict=True)
            text = _BREAK.join(told_by_heads(*own) for own in in_languages)
        elif language := language_of_row(heads, cells):
            text = told_by_heads(language, heads, cells)
        told.append(replace(block, text=text))
    return told


def _parts(cell: str) -> list[str]:
    """A cell's lines."""
    return [part for part in map(_joined, cell.split(_BREAK)) if part]


def _cells_in_both(cells: Sequence[Sequence[str]]) -> list[list[str]]:
    """The cells of a row, each as its lines, in Chinese and in English: a line in each, or what its words tell."""
    told = in_both(list(map(" ".join, cells)))
    return [
        [
            next(part for part in parts_of_cell if language_of_line(part) == language)
            if _are_of_both(parts_of_cell)
            else own
            for parts_of_cell, own in zip(cells, of_cells, strict=True)
        ]
        for language, of_cells in zip(LANGUAGES, told, strict=True)
    ]


def _row_in_both(in_both_languages: Sequence[Sequence[str]]) -> str:
    """A row whose cells have a line a language; what stands there once, as a number, is both's."""
    return _CELL.join(["", *(_BREAK.join(dict.fromkeys(own)) for own in zip(*in_both_languages, strict=True))])


@dataclass(frozen=True, slots=True)
class _Block:
    """A block's text with its signs, the names of the elements it stands in, and the number of its <article>.

    `row`, `cell`: which <tr> and <td> it stands in; 0 in none.
    """

    text: str
    within: frozenset[str]
    article: int
    is_bold: bool
    row: int = 0
    cell: int = 0

    @property
    def level(self) -> int:
        return min((level for name, level in _LEVELS.items() if name in self.within), default=0)

    def mark(self, has_parts: bool) -> Mark | None:
        """`has_parts`: the page marks headings of its parts, so that another line is one only where it is bold."""
        if self.level:
            return Mark("heading", self.level)
        if not _CAPTIONS.isdisjoint(self.within):
            return Mark("caption")
        if not _NO_HEADINGS.isdisjoint(self.within) and not _is_a_pair(self.text):
            return Mark("text")
        return Mark("text") if has_parts and (not self.is_bold or speaker_of(self.text)) else None


@dataclass(slots=True)
class _Open:
    """An element that is open. `next_number`: of a numbered list's next item; 0 of anything else."""

    name: str
    is_hidden: bool
    is_link: bool
    links_here: bool
    next_number: int
    has_notes: bool
    is_bold: bool
    number: int


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of a row, by the number of its element; `heads`: whether it heads a column or a row."""

    number: int
    heads: bool


class _Reader(HTMLParser):
    """Collects the blocks that a page shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[_Block] = []
        self._text: list[str] = []
        # Letters of the block: all, bold ones, those of links within the page, and of each link.
        self._letters = self._bold = self._linked = 0
        self._links: Counter[int] = Counter()
        self._open: list[_Open] = []
        self._articles = self._elements = 0
        self._cells: dict[int, list[_Cell]] = {}

    def blocks(self) -> list[_Block]:
        """What the article's blocks show, each row of data as one."""
        return _with_rows(self._of_the_article(), self._cells)

    def _of_the_article(self) -> list[_Block]:
        """Those of the longest article and others like it, a language's or a part's; or of the main thing; else all."""
        self._end_block()
        sizes: dict[int, int] = {}
        for block in self._blocks:
            sizes[block.article] = sizes.get(block.article, 0) + len(block.text)
        if articles := sizes.keys() - {0}:
            least = _OF_THE_LONGEST * max(sizes[article] for article in articles)
            kept = {article for article in articles if sizes[article] >= least}
            return [block for block in self._blocks if block.article in kept]
        return [block for block in self._blocks if "main" in block.within] or self._blocks

    @property
    def _is_hidden(self) -> bool:
        return any(element.is_hidden for element in self._open)

    @property
    def _names(self) -> frozenset[str]:
        names = frozenset(element.name for element in self._open)
        return names | {_NOTES} if any(element.has_notes for element in self._open) else names

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _BLOCKS:
            self._end_block()
            self._end_implied(tag)
        if tag in _SIGNS:
            self._text.append(_SIGNS[tag])
        elif values.get("lang") and any(map(_TRANSLATED.fullmatch, (values.get("class") or "").split())):
            self._text.append(_BREAK)
        if (tag == "a" and "sup" in self._names) or (tag == "sup" and "a" in self._names):
            self._text.append(_LINK)
        if tag in _VOID:
            return
        if tag == "article" and tag not in self._names:
            self._articles += 1
        is_boxed = tag == "aside" and self._articles > 0 and _is_box(values)
        is_hidden = (tag in _HIDDEN and not is_boxed) or _is_around(tag, values)
        # An anchor that others lead to is no link.
        is_link = tag == "a" and ("href" in values or values.keys().isdisjoint(("id", "name")))
        links_here = tag == "a" and (values.get("href") or "").startswith("#")
        has_notes = any(map(_HOLDS_NOTES.fullmatch, f"{values.get('class')} {values.get('role')}".split()))
        is_bold = tag in ("b", "strong") or bool(_BOLD.search(values.get("style") or ""))
        self._elements += 1
        if tag in _CELLS:
            self._cells.setdefault(self._innermost("tr"), []).append(_Cell(self._elements, tag == "th"))
        self._open.append(
            _Open(tag, is_hidden, is_link, links_here, int(tag == "ol"), has_notes, is_bold, self._elements)
        )
        if tag == "li":
            self._count(values.get("value"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "sup":
            self._text.append(_LOWERED)
        if tag in _BLOCKS:
            self._end_block()
        at = next((i for i in range(len(self._open) - 1, -1, -1) if self._open[i].name == tag), None)
        if at is not None:
            # What ends an inline element ends no block within it.
            self._open[at:] = [e for e in self._open[at + 1 :] if tag not in _BLOCKS and e.name in _BLOCKS]

    def handle_data(self, data: str) -> None:
        if not self._is_hidden:
            letters = len("".join(data.split()))
            self._letters += letters
            self._bold += letters if any(element.is_bold for element in self._open) else 0
            self._linked += letters if any(element.links_here for element in self._open) else 0
            if letters and (link := next((own.number for own in reversed(self._open) if own.is_link), 0)):
                self._links[link] += letters
            self._text.append(re.sub(r"[^\S\n]+", " ", _INVISIBLE.sub("", data)))

    def _innermost(self, *names: str) -> int:
        """The number of the innermost open element of these names; 0 of none."""
        return next((own.number for own in reversed(self._open) if own.name in names), 0)

    def _end_implied(self, tag: str) -> None:
        """What a browser ends where `tag` begins though nothing says so: a head, a paragraph, an item."""
        own = {"body": "head", "li": "li"}.get(tag, "p")
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].name == own:
                del self._open[at:]
                return
            if own == "li" and self._open[at].name in ("ol", "ul"):
                return

    def _count(self, value: str | None) -> None:
        lists = [element for element in self._open if element.name in ("ol", "ul")]
        if lists and lists[-1].next_number and not self._is_hidden:
            number = int(value) if value and value.isdecimal() else lists[-1].next_number
            self._text.append(f"{number}. ")
            lists[-1].next_number = number + 1

    def _end_block(self) -> None:
        text = _RAISED_TEXT.sub(_raised, "".join(self._text))
        text = re.sub(f"[{_RAISED}{_LOWERED}{_LINK}]", "", text)
        self._text = []
        if _ITEM_NUMBER.fullmatch(text.strip("\n")):
            self._text = [text.strip("\n")]  # it stands before the item's first block: <li><p>
        elif text.strip() and not self._is_for_going_elsewhere(text):
            within = self._names
            if not _OPENS_AN_ANSWER.isdisjoint(within) and re.search("[?？]", text):
                within |= {_ASKED}
            article = self._articles if "article" in within else 0
            is_bold = self._bold == self._letters > 0
            row, cell = self._innermost("tr"), self._innermost("td", "th")
            self._blocks.append(_Block(_BACK.sub("", text), within, article, is_bold, row, cell))
        self._letters = self._bold = self._linked = 0
        self._links.clear()

    def _is_for_going_elsewhere(self, text: str) -> bool:
        """Whether the block, which says `text`, is an entry of a table of contents, or nothing but several links."""
        is_menu = (
            len(self._links) >= _LINKS
            and self._links.total() == self._letters <= _LETTERS_OF_A_LINK * len(self._links)
            and _TELL_LINKS.isdisjoint(self._names)
            and not {_BREAK, _CELL} & set(text)
            and not ends_as_a_sentence(text.rstrip())
        )
        return is_menu or self._linked == self._letters > 0


def _with_rows(blocks: Sequence[_Block], cells: Mapping[int, Sequence[_Cell]]) -> list[_Block]:
    """`blocks`, those of a row of data as one, though each stands in an element of its own within its cell.

    So editors write the tables of a document that they export. `cells`: those of each row.
    """
    kept: list[_Block] = []
    for row_number, run in groupby(blocks, key=lambda block: block.row):
        own = list(run)
        of_cells = {block.cell: block for block in own}
        if row_number and len(of_cells) == len(own) and _are_data(own, cells[row_number]):
            told = (
                _CELL + (_HEAD if cell.heads else "") + (of_cells[cell.number].text if cell.number in of_cells else "")
                for cell in cells[row_number]
            )
            own = [replace(own[0], text="".join(told), is_bold=all(block.is_bold for block in own))]
        kept += own
    return kept


def _are_data(blocks: Sequence[_Block], cells: Sequence[_Cell]) -> bool:
    """Whether a row's blocks are cells of data, or a heading's halves, and no columns of a layout.

    Data are three cells or more, or one beside a number; a heading's halves are bold, one in each language.
    """
    if not {block.cell for block in blocks} <= {cell.number for cell in cells}:
        return False
    if any(block.level or _CELL in block.text or len(block.text) > _LONGEST_CELL for block in blocks):
        return False
    texts = [_joined(block.text) for block in blocks]
    is_heading = all(block.is_bold for block in blocks) and _are_of_both(texts)
    has_number = len(texts) == len(LANGUAGES) and None in map(language_of_line, texts)
    return len(blocks) >= _COLUMNS or is_heading or has_number


def _raised(match: re.Match[str]) -> str:
    """What is raised: a note's number in brackets, an exponent as one, anything else as it is (1st)."""
    own = match["own"].replace(_LINK, "").strip()
    before = match.string[max(0, match.start() - 3) : match.start()]
    if not match["link"] and _EXPONENT.fullmatch(own) and _POWER.search(before):
        return own.translate(_AS_RAISED)
    number = _NOTE_NUMBER.fullmatch(own)
    return f"[{number[1]}]" if number else own


def _is_around(tag: str, values: Mapping[str, str | None]) -> bool:
    """Whether an element is not shown, or is what sites put around an article."""
    if "hidden" in values or values.get("aria-hidden") == "true" or _NOT_SHOWN.search(values.get("style") or ""):
        return True
    names = f"{values.get('class') or ''} {values.get('id') or ''}".split()
    return tag not in ("html", "body", "main", "article") and any(map(_AROUND.fullmatch, names))


def _is_box(values: Mapping[str, str | None]) -> bool:
    """Whether an element's names, or its role, are those of a box of the article's own: a note, a warning."""
    return any(map(_BOX.fullmatch, f"{values.get('class') or ''} {values.get('role') or ''}".split()))


def _lines_of(block: _Block) -> list[str]:
    """The lines of a block; a caption that says the same twice without a full stop is one a language, too."""
    lines = _lines(block.text)
    if len(lines) != 1 or _CAPTIONS.isdisjoint(block.within):
        return lines
    own = of_each_language(lines[0])
    return sorted(own, key=lines[0].index) if min(map(len, own)) >= _SHORTEST_CAPTION else lines


def _lines(text: str) -> list[str]:
    """The lines of a block: where it breaks, and where the language changes from one line of the source to the next."""
    if _CELL in text:
        cells = [list(filter(None, map(_joined, cell.split(_BREAK)))) for cell in text.split(_CELL)]
        return _row_of_both(cells) if any(map(_are_of_both, cells)) else row([" ".join(cell) for cell in cells])
    lines: list[str] = []
    for part in text.split(_BREAK):
        own: list[str] = []
        for line in filter(None, (_joined(line) for line in part.split("\n"))):
            goes_on = own and language_of_line(line) in (language_of_line(own[-1]), None)
            if goes_on and not (_TELLS.fullmatch(own[-1]) and _TELLS.fullmatch(line)):
                own[-1] = joined(own[-1], line)
            else:
                own.append(line)
        lines += own
    return [half for line in lines for half in halves(line, SENTENCES) or labelled(line) or [line]]


def _is_a_pair(text: str) -> bool:
    """Whether a block is a table's row of two cells, one in each language: what a page prints as two lines."""
    return _are_of_both([cell for cell in map(_joined, text.split(_CELL)) if cell])


def _are_of_both(texts: Sequence[str]) -> bool:
    """Whether they are two, one in each language."""
    return sorted(language or "" for language in languages_of_cells(texts)) == ["en", "zh"]


def _row_of_both(cells: Sequence[Sequence[str]]) -> list[str]:
    """A table's row as a line a language, of cells that hold both languages; what holds but one stands in each."""
    return [
        mark.join(
            next((part for part in cell if language_of_line(part) == language), cell[0]) for cell in cells if cell
        )
        for language, mark in (("zh", "；"), ("en", "; "))
    ]


def _shape(headings: Sequence[_Block]) -> re.Pattern[str] | None:
    """How headings stand in both languages one behind the other, 传感器 Sensors, where most of them do.

    Most of those that no heading beside them says in the other language.
    """
    texts = [_joined(heading.text) for heading in headings]
    around = zip(["", *texts], texts, [*texts[1:], ""], strict=False)
    alone = [own for above, own, below in around if not says_again(own, above) and not says_again(own, below)]
    for shape in TWICE:
        found = [m for own in alone if (m := shape.fullmatch(own)) and is_as_long(m)]
        if len(found) > 1 and 2 * len(found) > len(alone):
            return shape
    return None


def _heading(block: _Block, shape: re.Pattern[str] | None) -> list[str]:
    """A heading is one line, but for what stands in it twice: each language's with the number."""
    broken = [_joined(line) for line in block.text.split(_BREAK) if line.strip()]
    if _are_of_both(broken):
        return broken
    line = _joined(block.text)
    if shape and (match := shape.fullmatch(line)) and is_as_long(match, LETTERS_AMONG_OTHERS):
        return parts(match)
    if block.level > 1:
        return next(filter(None, (_halves_of_no_name(line), _halves_of_gloss(line))), [line])
    both = split_inline(line)
    return sorted(both, key=line.index) if both else halves(line, TWICE) or _halves_of_gloss(line) or [line]


def _halves_of_no_name(line: str) -> list[str]:
    """The halves of a heading in both languages whose English one is no name: "关键数字 Key numbers"."""
    found = (shape.fullmatch(line) for shape in TWICE)
    return next((parts(m) for m in found if m and is_as_long(m) and is_no_name(m["en"])), [])


def _halves_of_gloss(line: str) -> list[str]:
    """The halves of a heading with its translation in brackets; a name is none: 磨坊主人（Otto Braun）."""
    behind = GLOSSED[1].fullmatch(line)
    return [] if behind and not is_no_name(behind["en"]) else halves(line, GLOSSED)


def _joined(text: str) -> str:
    return " ".join(text.split())
