"""Read a captured 中英对照 page: find the article in it, pair the languages, name each paragraph's kind.

Of most pages the text is all there is (no markup), so structure is read from what people print: a translation
next to its original, a date above a timeline entry, ▲ before a caption, a number before a footnote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise, takewhile, zip_longest
from pathlib import Path

from index.blocks import (
    LABEL,
    Block,
    BlockLanguage,
    Mark,
    ends_as_a_sentence,
    footnote_label,
    is_number,
    language_of_line,
    read_blocks,
    renumbered,
    says_who_is_quoted,
    split_dated,
    split_inline,
    without_mark,
    without_saying_both,
)
from index.characters import CLOSERS, HAN
from index.clauses import with_articles_joined
from index.front import PROSE_SIZE, Entry, find_title, first_prose, head_entries, is_long, parted_title, split_head
from index.headings import Heading, as_counted, paths, unnumbered
from index.in_turn import side_by_side
from index.markup import plain
from index.outline import TIME, speaker_of, who_have_turns
from index.pairing import Embed, pair_blocks, prevailing_order
from index.paragraphs import LANGUAGES, Article, Kind, Paragraph, Section
from index.turns import with_speakers_joined
from index.vocabulary import (
    begins_the_foot,
    explains_a_word,
    heads_study_notes,
    heads_what_is_numbered,
    heads_words,
    is_about,
    is_caption,
    is_labelled_summary,
    is_notes_title,
    is_references_title,
    is_summary_label,
    names_a_maker,
    names_makers,
    says_who_or_when,
)
from index.wordless import with_numbers_joined

# "Part 2: …", 第二部分：… and "Q: …" are no speakers: headings.
_PART = re.compile(
    rf"(?>{TIME})[^:：]*(?:\d|第[一二三四五六七八九十]+)[^:：]*[:：]|\s*(?:Q|Question|[问問]题?)\s?[:：]", re.IGNORECASE
)
# What is closed behind a stop: “……。”
_CLOSING = re.compile(rf"(?<=[。.!！?？…])[{CLOSERS}]+$")
# (Laughter), （掌声）
_ASIDE = re.compile(r"[(（\[][^()（）]*[)）\]]")
# A question with the figures of its answer behind it: "Would you …? Yes: 61%".
_ANSWERED = re.compile(r"[^?？]{1,150}[?？].{0,150}\d\s*[%％][)）]?\s*$")
# A table's row that stands alone: "Total 合计      96,412".
_ROW = re.compile(r"(?!第|chapter|part).{1,60}\S {3,}[\d.,]*\d$", re.IGNORECASE)
# Who did what, as both languages say it: "监制 Producer：苗青屿"; not the heading 翻译：一门手艺.
_ROLE_IN_BOTH = re.compile(rf"[{HAN}]{{2,6}}\s*[A-Za-z ]{{3,24}}[:：]")
# What a label in both languages tells: "Length / 时长： 57:08".
_LABEL_IN_BOTH = re.compile(rf"[A-Za-z ]{{2,24}}\s*[/／]\s*{LABEL}\s*[:：]\s*\S")
# A subtitle of two sentences, the second without a stop: "… could taste its tea. So it taught a cabinet to".
_TWO_SENTENCES, _LONGEST_OF_TWO = re.compile(r"(?<![A-Za-z])[a-z]{3,}[.!?]”? “?[A-Z].*[^?？]$"), 80
# A word that is explained, under a heading of such words, begins with letters and ends in Chinese.
_WORD = re.compile(rf"[\W\d]*[A-Za-z][^{HAN}]*[{HAN}].*")
# What is numbered under a heading of theirs: notes; references.
_NUMBERED = (("注", "Note"), ("文献", "Reference"))
# Of a page's prose, what stands below the article is this share at most.
_A_FOOT = 0.1
# What stands in quotation marks, with a stop or without.
_QUOTATION = re.compile(r"[“「『《‘\"'].*[”」』》’\"']")
# So many lines in a row that stand below again are the entries of a table of contents.
_ENTRIES = 3
# So often a teaching site heads notes for learners; of what a language has, they are this share at most.
_STUDIED, _NOTES_AT_MOST = 3, 0.4
# A summary stands under one of so many first headings.
_SUMMARY_WITHIN = 2
# Raise this whenever the reading changes: an index read otherwise is brought up to date.
READER_VERSION = 19


@dataclass(frozen=True, slots=True)
class _Item:
    """One step of the page: a pair of blocks, a line that carries both languages, or a bare date."""

    position: int
    zh: str | None
    en: str | None
    inline: bool = False
    date: bool = False
    mark: Mark | None = None  # see Block

    @property
    def whole(self) -> bool:
        return bool(self.zh and self.en) and not self.inline and not self.date

    @property
    def is_caption(self) -> bool:
        if self.mark and self.mark.role != "text":
            return self.mark.role == "caption"
        return any(is_caption(text) for text in (self.zh, self.en) if text)

    @property
    def is_heading(self) -> bool:
        """Marked as one; or short, and not ended as a sentence is, where the Chinese side decides if there is one."""
        if self.mark:
            return self.mark.role == "heading"
        zh, en = (_CLOSING.sub("", without_mark(text or "")) for text in (self.zh, self.en))
        if _head_nothing([text for text in (self.zh, self.en) if text]):
            return False
        if zh:
            question = zh[-1] in "?？"
            plain = len(zh) <= 40 and (zh[-1] not in "。.!！;；,，、:：…" or _is_label(zh.rstrip(":：")))
            return plain and (not question or len(zh) <= 25) and len(en) <= 110
        return bool(en) and len(en) <= 80 and en[-1] not in ".!;:,…"

    @property
    def is_inline_title(self) -> bool:
        """Whether it has both languages on a line and heads something: no caption, no item, nor who is quoted."""
        says_who = any(says_who_is_quoted(text) for text in (self.zh, self.en) if text)
        return self.inline and not self.is_caption and (self.mark.role == "heading" if self.mark else not says_who)

    @property
    def prose(self) -> str | None:
        """The text of whole sentences that stand here in one language only."""
        text = self.zh or self.en or ""
        is_prose = len(text) >= PROSE_SIZE["zh" if self.zh else "en"] and text[-1] in "。！？.!?"
        return text if is_prose and not self.inline and not self.date else None

    @property
    def speakers(self) -> frozenset[str]:
        """Who is named before a colon, in each language: "Host: How so?"; a part's number is nobody."""
        return frozenset(
            name for text in (self.zh, self.en) if (name := speaker_of(text)) and not _PART.match(text or "")
        )

    @property
    def is_note(self) -> bool:
        return bool(self.mark and self.mark.role == "note")

    @property
    def heads_what_is_numbered(self) -> bool:
        """Whether it heads the notes, or the references."""
        return any(heads_what_is_numbered(text) for text in (self.zh, self.en) if text)

    @property
    def heads_references(self) -> bool:
        """Whether it heads the references alone."""
        return any(is_references_title(text) for text in (self.zh, self.en) if text)

    @property
    def note_label(self) -> str | None:
        for text in (self.zh, self.en):
            if text and (label := footnote_label(text)):
                return label[0]
        return None


def _head_nothing(texts: Sequence[str]) -> bool:
    """Whether a line, or a pair of lines, is by its words none that heads a part: an aside, a maker, a table's row."""
    if len(texts) == 1 and (names_a_maker(texts[0]) or _ROW.match(texts[0])):
        return True
    return any(
        _ASIDE.fullmatch(text)
        or says_who_is_quoted(text)
        or is_labelled_summary(text)
        or _ANSWERED.match(text)
        or (_ROLE_IN_BOTH.match(text) and names_a_maker(text))
        or _LABEL_IN_BOTH.match(text)
        or _goes_over_lines(text)
        or (len(text) > _LONGEST_OF_TWO and _TWO_SENTENCES.search(text))
        for text in texts
    )


def _goes_over_lines(text: str) -> bool:
    """Whether a bracket that `text` opens or closes has its other half in another line."""
    depths = list(accumulate((char in "[［【") - (char in "]］】") for char in text))
    return (text[0] in "[［【" and depths[-1] > 0) or (text[-1] in "]］】" and min(depths) < 0)


def _is_label(text: str) -> bool:
    """Whether `text` may have a colon behind it and yet be a heading: 摘要:, 注:."""
    return is_summary_label(text) or is_notes_title(text)


def read_captured(path: Path, text: str, embed: Embed | None = None) -> Article:
    """The article inside the captured page `text`, which was read from `path`.

    Raises UserError when the page does not hold the two languages side by side.
    """
    page = plain(text, path.suffix)
    blocks = with_speakers_joined(with_numbers_joined(read_blocks(page.text, page.marks)))
    blocks = with_articles_joined(blocks)
    blocks = _without_contents(_without_words(_without_study_notes(blocks)))
    blocks = side_by_side(_without_furniture(_without_foot(blocks)), embed)
    earliest, surely = first_prose(path, blocks)
    order = prevailing_order(blocks)
    titles = [i for i, block in enumerate(blocks[:earliest]) if block.level == 1]
    title = titles[0] if titles else find_title(blocks[:earliest], page.text, order, embed)
    if not titles and _heads_a_part(blocks[:earliest], title):
        title = earliest
    left_out = [block for block in blocks[:title] if titles and _is_prose(block)]
    if title == earliest and (above := _above_without_title(blocks[:earliest], page.is_alone)):
        above, surely = _with_makers_first(above)
        blocks, title = [*above, *blocks[earliest:]], 0
    if blocks[title].language == "both":
        blocks, surely = parted_title(blocks, title), surely + 1
    # What is marked as a heading of a part stands below the head.
    surely = next((i for i in range(title, surely) if blocks[i].level > 1), surely)
    head, rest = split_head(blocks[title:surely], order, embed)
    body = _with_who_is_quoted([*rest, *blocks[surely:]])
    items, foot = _cut_foot(_items(body, order, embed), page.is_alone)
    structure = _Structure(who_have_turns(name for item in items if not item.mark for name in item.speakers))
    for item, following in zip(items, [*items[1:], None], strict=True):
        structure.take(item, following)
    # What looks like the page's own may be of the article; it is left out, but not in silence.
    left = [("above the title", block.text) for block in left_out]
    left += [("after the last pair", prose) for item in foot if (prose := item.prose)]
    if lines := _left_over(body, items):
        left.append((f"amid the text ({len(lines)})", "; ".join(lines)))
    entries = structure.finish()
    return _number([*head_entries(head), *entries, *_makers(foot, entries)], path, left)


def _without_furniture(blocks: Sequence[Block]) -> list[Block]:
    """`blocks` without what sites put around an article, as far as its words tell.

    What stands in both languages amid the prose is the article's, whatever its words: 用户可以随时退订。
    """
    firm = [block for block in blocks if not block.is_furniture]
    prose = [block.position for block in firm if _is_prose(block)]
    order = prevailing_order(firm)
    amid = blocks[prose[0] + 1 : prose[-1]] if prose else []
    beside = {b.position: b.position + (order if b.language == "zh" else -order) for b in amid}
    twins = {i for i, partner in beside.items() if _say_the_same(blocks[i], blocks[partner])}
    return [block for block in blocks if not block.is_furniture or block.position in twins]


def _without_foot(blocks: Sequence[Block]) -> list[Block]:
    """`blocks` without what stands below a line that says that other texts follow, where it is little, and no notes."""
    sizes = [block.size if _is_prose(block) else 0 for block in blocks]
    for i, block in enumerate(blocks):
        if (
            begins_the_foot(block.text)
            and sum(sizes[i:]) <= _A_FOOT * sum(sizes)
            and not any(map(_heads_the_last_part, blocks[i + 1 :]))
        ):
            return list(blocks[:i])
    return list(blocks)


def _heads_the_last_part(block: Block) -> bool:
    return heads_what_is_numbered(block.text) or is_about(block.text) or names_a_maker(block.text)


def _without_words(blocks: Sequence[Block]) -> list[Block]:
    """`blocks` without the words that a site explains to learners between the paragraphs."""
    kept: list[Block] = []
    are_words = False
    for block, below in zip_longest(blocks, blocks[1:]):
        may_be = are_words and not _is_prose(block) and _WORD.fullmatch(block.text)
        is_head = below is not None and heads_words(block.text) and explains_a_word(below.text)
        are_words = is_head or explains_a_word(block.text) or bool(may_be)
        kept += [] if are_words else [block]
    return renumbered(kept)


def _without_study_notes(blocks: Sequence[Block]) -> list[Block]:
    """`blocks` without a teaching site's notes on paragraphs: what it heads in brackets, and the lines right below.

    Where it does so often. Lines that no blank line parts from the notes are theirs, unless they were much of what a
    language has.
    """
    if sum(heads_study_notes(block.text) for block in blocks) < _STUDIED:
        return list(blocks)
    heads = [heads_study_notes(block.text, among_others=True) for block in blocks]
    gone = list(heads)
    for i in range(1, len(blocks)):
        gone[i] = heads[i] or (gone[i - 1] and blocks[i].line == blocks[i - 1].line + 1)
    for language in LANGUAGES:
        own = [(b.size, is_gone) for b, is_gone in zip(blocks, gone, strict=True) if b.language == language]
        if sum(size for size, is_gone in own if is_gone) > _NOTES_AT_MOST * sum(size for size, _ in own):
            gone = heads
    before = list(accumulate(gone))
    kept = zip(blocks, gone, before, strict=True)  # what touched a line that is gone touches the one behind it
    return renumbered([replace(block, line=block.line - above) for block, is_gone, above in kept if not is_gone])


def _without_contents(blocks: Sequence[Block]) -> list[Block]:
    """`blocks` without the entries of a table of contents: lines above the text that head its parts further below."""
    first = next((i for i, block in enumerate(blocks) if _is_prose(block)), 0)
    heads = [
        (block.position, {unnumbered(half) for half in (block.text, *(split_inline(block.text) or ()))})
        for i, block in enumerate(blocks)
        if block.is_short and not ends_as_a_sentence(block.text) and any(map(_is_prose, blocks[i + 1 : i + 3]))
    ]
    are_entries = [
        not own.mark and any(unnumbered(own.text) in names for at, names in heads if at > own.position)
        for own in blocks[:first]
    ]
    runs = [(own, len(list(run))) for own, run in groupby(are_entries)]
    gone = [own and length >= _ENTRIES for own, length in runs for _ in range(length)]
    kept = [block for block, is_gone in zip(blocks, gone, strict=False) if not is_gone]
    return renumbered([*kept, *blocks[first:]])


def _say_the_same(one: Block, other: Block) -> bool:
    """Whether two lines may be each other's translation: sentences of like length, or marked as headings alike."""
    if {one.language, other.language} != {"zh", "en"}:
        return False
    zh, en = (one, other) if one.language == "zh" else (other, one)
    are_sentences = ends_as_a_sentence(zh.text) and ends_as_a_sentence(en.text) and zh.size < en.size < 6 * zh.size
    return are_sentences or zh.level == en.level > 0


def _is_prose(block: Block) -> bool:
    return is_long(block) and ends_as_a_sentence(block.text)


def _above_without_title(above: Sequence[Block], is_alone: bool) -> list[Block]:
    """Of what stands above the first pair, where no title does in both languages, what may be the article's.

    All of it where there is no site around it; else marked headings, prose, what is labelled as a summary, who made it,
    the first line, which may be its title, and the heading of the first part.
    """
    own = above[-2:] if _heads_a_part(above, len(above) - 2) else []
    quoted = [b for pair in pairwise(above) if _say_the_same(*pair) for b in pair]
    return [
        b
        for b in above
        if is_alone
        or b.level
        or b.position == 0
        or _is_prose(b)
        or says_who_or_when(b.text)
        or is_summary_label(b.text)
        or b in own
        or b in quoted
    ]


def _with_makers_first(above: Sequence[Block]) -> tuple[list[Block], int]:
    """`above`, who made it right below the title that its first line is, and how many lines these are; 0 of none."""
    if ends_as_a_sentence(above[0].text):
        return list(above), 0
    makers = [b for b in above[1:] if b.is_short and not b.level and says_who_or_when(b.text)]
    in_order = [above[0], *makers, *(b for b in above[1:] if b not in makers)]
    places = (b.position for b in above)
    return [replace(b, position=at) for b, at in zip(in_order, places, strict=True)], 1 + len(makers)


def _heads_a_part(above: Sequence[Block], title: int) -> bool:
    """Whether what was taken for the title, right above the first pair, heads a part: a summary stands above it.

    And who made the text, below a first line which then is the title.
    """
    pair, first, below = above[title:], above[:1], above[1:title]
    labels = [b for b in above[:title] if is_summary_label(b.text) or is_labelled_summary(b.text)]
    is_made = any(says_who_or_when(b.text) for b in below) and first[0] not in labels
    return len(pair) == len(LANGUAGES) and bool(labels) and is_made and any(map(_is_prose, below))


# --- the body ----------------------------------------------------------------------------------------------


def _with_who_is_quoted(blocks: Sequence[Block]) -> list[Block]:
    """`blocks`, a line that says who is quoted as the end of the quotation above it in the same language.

    Several in a row in one language are the items of a list; what ends as a sentence is told, not who tells it.
    """
    kept: list[Block] = []
    for opens_so, run in groupby(blocks, key=lambda own: own.level == 0 and says_who_is_quoted(own.text)):
        own = list(run)
        lines = [line for block in own for line in _by_language(block)]
        places = {language: at for language, _ in lines if (at := _quotation_above(kept, language)) is not None}
        # As of headings, the Chinese line decides if there is one: "—Martin Luther King Jr." ends as a sentence does.
        says_who = opens_so and not ends_as_a_sentence(max(lines, key=lambda line: line[0] == "zh")[1])
        if says_who and all(block.is_short for block in own) and len(places) == len(lines):
            for language, line in lines:
                at = places[language]
                text = f"{kept[at].text}{'' if language == 'zh' else ' '}{line}"
                kept[at] = replace(kept[at], text=text, mark=Mark("text"))
        else:
            kept += own
    return renumbered(kept)


def _by_language(block: Block) -> list[tuple[BlockLanguage, str]]:
    """A line that says who is quoted, by its language; one in both by each, behind the dash that opens it."""
    name = block.text.lstrip("—―–- ")
    if not (halves := split_inline(name)):
        return [(block.language, block.text)]
    dash = block.text.removesuffix(name)
    return [("zh", dash + halves[0]), ("en", dash + halves[1])]


def _quotation_above(blocks: Sequence[Block], language: BlockLanguage) -> int | None:
    """Where what a line below `blocks` may say the author of stands: right above, or above its translation."""
    for i in range(len(blocks) - 1, max(-1, len(blocks) - 3), -1):
        block = blocks[i]
        if block.language not in LANGUAGES or block.level:
            return None
        if block.language == language:
            is_text = (block.mark is None or block.mark.role == "text") and not says_who_is_quoted(block.text)
            return i if is_text and (ends_as_a_sentence(block.text) or _QUOTATION.fullmatch(block.text)) else None
    return None


def _left_over(blocks: Sequence[Block], items: Sequence[_Item]) -> list[str]:
    """The lines of `blocks` without words that none of `items` has, above the last: numbers of pages, and of parts."""
    shown = {text for item in items for text in (item.zh, item.en)}
    last = max((item.position for item in items), default=0)
    return [b.text for b in blocks if b.language is None and b.position < last and b.text not in shown]


def _items(blocks: Sequence[Block], order: int, embed: Embed | None) -> list[_Item]:
    titles = _figure_titles(blocks)
    items, dates = _dates(blocks)
    special = [b for b in blocks if b.language in ("both", None) or b in titles]
    for block in special:
        zh, en = split_inline(block.text) or (block.text, block.text)
        if block in titles:
            items.append(
                _Item(block.position, zh if block.language == "zh" else None, en if block.language == "en" else None)
            )
        elif dated := split_dated(block.text):
            date, (zh, en) = dated
            items += [_Item(block.position, date, date, date=True), _Item(block.position, zh, en, inline=True)]
        elif (block.language == "both" or block.level) and not block.is_date:  # "2.6.1 — 2025-04-17"
            items.append(_Item(block.position, zh, en, inline=True, mark=block.mark))
    alone = _numbered_alone(blocks)
    for block in alone:
        own = {block.language: block.text}
        items.append(_Item(block.position, own.get("zh"), own.get("en"), mark=Mark("note")))
    taken = {block.position for block in (*special, *dates, *alone)}
    prose = [block for block in blocks if block.position not in taken]
    pairs = pair_blocks(prose, embed, order)
    items += [
        _Item(
            p.position,
            p.zh.text if p.zh else None,
            p.en.text if p.en else None,
            mark=min((b.mark for b in (p.zh, p.en) if b and b.mark), key=lambda m: m.role == "text", default=None),
        )
        for p in pairs
    ]
    return sorted(items, key=lambda item: item.position)


def _numbered_alone(blocks: Sequence[Block]) -> list[Block]:
    """What is numbered under the head of references, all in one language: none of it translates what stands behind."""
    found: list[Block] = []
    for i, head in enumerate(blocks):
        if not is_references_title(head.text):
            continue
        below = list(
            takewhile(lambda block: block.language in LANGUAGES and footnote_label(block.text), blocks[i + 1 :])
        )
        found += below if len({block.language for block in below}) == 1 else []
    return found


def _dates(blocks: Sequence[Block]) -> tuple[list[_Item], list[Block]]:
    """The lines that are a date alone, and their blocks; two that say the same (2019 年, 2019) are one.

    One that is a word in one language (未来) is a line like any other, but above a timeline's title. Any other number
    is as a date where it stands twice above text, once for each language: 632, 7:00.
    """
    items: list[_Item] = []
    taken: list[Block] = []
    for i, (block, below) in enumerate(zip(blocks, [*blocks[1:], None], strict=True)):
        if block in taken:
            continue
        if _is_a_number_twice(blocks, i):
            items.append(_Item(block.position, block.text, block.text, date=True, mark=block.mark))
            taken += blocks[i : i + 2]
        elif block.is_date and below and _is_same_date(block, below):
            zh, en = (below, block) if below.language == "zh" or block.language == "en" else (block, below)
            items.append(_Item(block.position, zh.text, en.text, date=True, mark=block.mark))
            taken += [block, below]
        elif block.is_date and (block.language in ("both", None) or (below and below.language == "both")):
            halves = split_inline(block.text) or (block.text, block.text)
            items.append(_Item(block.position, *halves, inline=block.language == "both", date=True, mark=block.mark))
            taken.append(block)
    return items, taken


def _is_same_date(one: Block, other: Block) -> bool:
    """Whether two lines are a date in each language: 2019 年, 2019; 未来, The Future."""
    digits = [re.findall(r"\d+", block.text) for block in (one, other)]
    are_two = one.language != other.language or one.text == other.text
    return other.is_date and are_two and "both" not in (one.language, other.language) and digits[0] == digits[1]


def _is_a_number_twice(blocks: Sequence[Block], i: int) -> bool:
    """Whether the block at `i` and the next are one number above text: no page's, which stands once, nor a column's."""
    own, around, text = blocks[i : i + 2], [*blocks[max(0, i - 1) : i], *blocks[i + 2 : i + 3]], blocks[i + 2 : i + 4]
    are_one = len(own) == 2 and own[0].text == own[1].text and is_number(own[0].text) and not any(b.mark for b in own)
    return are_one and all(b.language for b in around) and any(ends_as_a_sentence(b.text) for b in text)


def _figure_titles(blocks: Sequence[Block]) -> list[Block]:
    """Lone titles right above a caption in the same language; they have no translation to be paired with."""
    titles = []
    for before, block, caption in zip([None, *blocks], blocks, blocks[1:], strict=False):
        heading_pair = (
            before is not None
            and before.language != block.language
            and (before.is_short or not ends_as_a_sentence(before.text))
        )
        if block.is_short and block.language == caption.language and is_caption(caption.text) and not heading_pair:
            titles.append(block)
    return titles


def _cut_foot(items: Sequence[_Item], is_alone: bool) -> tuple[Sequence[_Item], Sequence[_Item]]:
    """The article, and the page's own foot: what follows its last paragraph in both languages.

    Notes and references may stand in one language, numbered under their heading; where `is_alone` so may anything.
    """
    if is_alone:
        return items, ()
    end = max((i + 1 for i, item in enumerate(items) if item.whole or item.is_note), default=len(items))
    is_numbered = False
    for i, item in enumerate(items):
        is_numbered = item.heads_what_is_numbered or (is_numbered and item.note_label is not None)
        if is_numbered and item.note_label:
            end = max(end, i + 1)
    return items[:end], items[end:]


def _makers(foot: Sequence[_Item], entries: Sequence[Entry]) -> list[Entry]:
    """The lines of the foot that say who made the article as a paragraph of credits, where it has none."""
    lines = [text for item in foot for text in dict.fromkeys((item.zh, item.en)) if text and names_a_maker(text)]
    if not lines or any(entry.kind == "credits" for entry in entries):
        return []
    halves = ([line for line in lines if (language_of_line(line) == "en") is is_en] for is_en in (False, True))
    zh, en = ("\n".join(own) or None for own in halves)
    return [Entry("credits", zh, en, Section())]


class _Structure:
    """Walks the items in order and gives each paragraph its kind and its section path."""

    def __init__(self, speakers: frozenset[str]) -> None:
        self._speakers = speakers
        self._printed: list[_Item] = []  # the headings, as they stand there
        self._headings: list[Heading] = []  # the same, when all have been met
        self._date: _Item | None = None
        self._entry: tuple[str, str] | None = None  # a timeline entry's "dates title" in both languages
        self._figure_title = Section()
        self._in_notes = self._are_references = False
        self._of_no_section: set[Entry] = set()  # notes that no heading of theirs stands above
        # With how many headings stand before it; which of them it is under is known when all have been met.
        self._entries: list[tuple[Entry, int]] = []

    def take(self, item: _Item, following: _Item | None) -> None:
        """Consume one item; `following` is the one after it, which tells a figure's title from a heading."""
        if item.date and following is not None and following.inline:
            self._date = item
        elif item.date and item.is_heading:
            self._take_heading(item)
        elif item.is_inline_title or (item.inline and self._date and not item.is_caption):
            self._take_inline(item)
        elif (self._in_notes or item.is_note) and item.note_label:
            label = item.note_label
            zh, en = _NUMBERED[self._are_references]
            self._add("footnote", item, Section(zh=(f"{zh} {label}",), en=(f"{en} {label}",)))
            if not self._in_notes:
                self._of_no_section.add(self._entries[-1][0])
        elif item.is_caption:
            title, self._figure_title = self._figure_title, Section()
            self._add("figure", item, title)
        elif not item.whole and item.is_heading and following is not None and following.is_caption:
            self._figure_title = Section(zh=(item.zh,) if item.zh else (), en=(item.en,) if item.en else ())
        elif item.is_heading and following is not None and not (self._speakers & item.speakers):
            self._take_heading(item)
        elif self._entry:
            zh, en = self._entry
            self._add("timeline", item, Section(zh=(zh,), en=(en,)))
        else:
            self._add("summary" if self._is_in_summary else "body", item, Section())

    @property
    def _is_in_summary(self) -> bool:
        """Whether what comes stands under a summary's label; where that label ends is told when all have been met.

        Near the beginning: at the end it is an editor's afterword.
        """
        if not 0 < len(self._printed) <= _SUMMARY_WITHIN:
            return False
        return any(is_summary_label(text) for text in (self._printed[-1].zh, self._printed[-1].en) if text)

    def finish(self) -> list[Entry]:
        """The entries; the last prose but the notes is the credits when it speaks of who made the text."""
        self._headings = as_counted([(own.zh, own.en, own.mark.level if own.mark else 0) for own in self._printed])
        self._give_back_items()
        found = [()] + [tuple(heading.texts for heading in path) for path in paths(self._headings)]
        entries = [
            replace(
                entry,
                section=Section(
                    zh=tuple(zh for zh, _ in found[place] if zh) + entry.section.zh,
                    en=tuple(en for _, en in found[place] if en) + entry.section.en,
                ),
            )
            if entry not in self._of_no_section
            else entry
            for entry, place in self._entries
        ]
        return _with_credits(self._without_endless_summary(entries))

    def _give_back_items(self) -> None:
        """Several headings in a row that nothing stands under are the items of a list, short and without a full stop.

        They go back into the text, under the heading above them.
        """
        above = [()] + [tuple(map(id, path)) for path in paths(self._headings)]
        in_use = {heading for _, place in self._entries for heading in above[place]}
        is_item = [id(heading) not in in_use for heading in self._headings]
        is_item = [own and any(is_item[max(0, i - 1) : i] + is_item[i + 1 : i + 2]) for i, own in enumerate(is_item)]
        given_back = [
            (Entry("body", item.zh, item.en, Section()), place)
            for place, item in enumerate(self._printed, start=1)
            if is_item[place - 1]
        ]
        in_order = sorted([*given_back, *self._entries], key=lambda entry: entry[1])
        self._entries = [(entry, place - sum(is_item[:place])) for entry, place in in_order]
        self._headings = [heading for heading, gone in zip(self._headings, is_item, strict=True) if not gone]

    def _without_endless_summary(self, entries: list[Entry]) -> list[Entry]:
        """A label that no other heading follows is that of the first paragraph alone."""
        own = [i for i, (entry, place) in enumerate(self._entries) if entry.kind == "summary"]
        if own and len(self._headings) == 1:
            for i in own[1:]:
                entries[i] = replace(entries[i], kind="body", section=Section())
        return entries

    def _take_inline(self, item: _Item) -> None:
        if self._date is not None:
            date, self._date = self._date, None
            self._entry = (f"{date.zh} {item.zh}", f"{date.en} {item.en}")
        else:
            self._take_heading(item)

    def _take_heading(self, item: _Item) -> None:
        self._in_notes = item.heads_what_is_numbered
        self._are_references = item.heads_references
        self._printed.append(item)
        self._entry = self._date = None

    def _add(self, kind: Kind, item: _Item, inner: Section) -> None:
        self._entries.append((Entry(kind, item.zh, item.en, inner), len(self._printed)))


def _with_credits(entries: list[Entry]) -> list[Entry]:
    """The last prose but the notes is the credits: all under a heading of theirs, or the paragraph that names them."""
    last = max((i for i, entry in enumerate(entries) if entry.kind != "footnote"), default=-1)
    for i in range(last, -1, -1):
        headings = (*entries[i].section.zh[-1:], *entries[i].section.en[-1:])
        if entries[i].kind != "body" or not any(map(is_about, headings)):
            break
        entries[i] = replace(entries[i], kind="credits")
    if last >= 0 and entries[last].kind == "body" and names_makers(f"{entries[last].zh}\n{entries[last].en}"):
        entries[last] = replace(entries[last], kind="credits", section=Section())
    return entries


def _number(entries: Sequence[Entry], path: Path, left: Sequence[tuple[str, str]]) -> Article:
    paragraphs = tuple(
        Paragraph(number, entry.kind, entry.zh, entry.en, entry.section)
        for number, entry in enumerate(entries, start=1)
    )
    notes = tuple(
        f"¶{p.number} has no {'English' if p.zh else 'Chinese'}: {' '.join((p.zh or p.en or '')[:40].split())}…"
        for p in paragraphs
        if len(p.languages) == 1 and p.kind not in ("front", "summary")
    )
    notes += tuple(f"left out {where}: {' '.join(text[:40].split())}…" for where, text in left)
    front = next((p for p in paragraphs if p.kind == "front"), None)
    title = " / ".join(_title_of(text) for text in (front.en, front.zh) if text) if front else path.stem
    return Article(title=title, paragraphs=paragraphs, notes=notes)


def _title_of(front: str) -> str:
    # The kicker above the title is set in capitals.
    lines = [line for line in front.split("\n") if not (line.isupper() and language_of_line(line) == "en")]
    return without_saying_both((lines or [front])[0])
