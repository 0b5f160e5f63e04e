"""Printed pages copied as text: notes at their feet, hanging indents, charts drawn of signs, heads over two lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.capture import read_captured
from index.errors import UserError
from index.feet import Note, with_calls_marked, without_foot
from index.lines import PAGE_ENDS, as_meant
from index.paragraphs import Article
from index.table import told_rows

EN = (
    (
        "The kiln was lit before dawn and burned for three days and three nights, and nobody who had carried wood to "
        "it went home before the last of the bowls had been counted and put on the long shelf by the door."
    ),
    (
        "Half of the bowls had cracked, and the potter laughed at every one of them, because in forty years she had "
        "not seen a colder spring and had told the council so in a letter that nobody there had answered."
    ),
    (
        "Since then the door has been opened on the fourth morning only, whatever the weather, and the number of bowls "
        "that crack has fallen to one in nine, which the council likes to print upon its posters."
    ),
)
ZH = (
    "窑在天亮之前就点了火，整整烧了三天三夜，凡是替它背过柴的人，没有一个在最后一只碗数完、摆上门边那条长架子之前回过家。",
    "一半的碗都裂了，陶工对着每一只都要笑上一阵，因为四十年来她还没有见过比这更冷的春天，她写信告诉过镇公所，那里却没有人回信。",
    "从那以后，不论天气如何，窑门一律到第四天早上才打开，裂掉的碗降到了九只里只有一只，镇公所很喜欢把这个数字印在海报上。",
)


def broken(text: str, width: int = 76) -> list[str]:
    """A paragraph as a printer breaks it: at `width` columns, Chinese after half as many characters."""
    if text.isascii():
        return textwrap.wrap(text, width)
    return [text[at : at + width // 2] for at in range(0, len(text), width // 2)]


def read(lines: Sequence[str], name: str = "paper.txt") -> Article:
    """The article of a text."""
    return read_captured(Path(name), "\n".join(lines))


def paper() -> list[str]:
    """Two sections, each in English and then in Chinese; a page ends within a paragraph, above whose end is a note."""
    zh = broken(ZH[1])
    return [
        "The Kiln",
        "窑",
        "",
        "1. The fire",
        "",
        *broken(EN[0].replace("nights,", "nights,1")),
        "",
        *broken(EN[1]),
        "",
        "1. 火",
        "",
        *("　　" + line if i == 0 else line for i, line in enumerate(broken(ZH[0]))),
        "　　" + zh[0],
        "",
        "1 The kiln book, volume four, page 11. Bowls are counted whole, as they",
        "stand on the shelf.",
        "1 窑簿第四册，第11页。碗按整只计。",
        "",
        "                    3",
        "\fTHE KILN  |  PAPER 14",
        "",
        *zh[1:],
        "",
        "2. The door",
        "",
        *broken(EN[2]),
        "",
        "2. 门",
        "",
        *broken(ZH[2]),
        "",
        "                    4",
    ]


def test_a_note_at_the_foot_of_a_page_parts_no_paragraph_that_goes_on_overleaf() -> None:
    article = read(paper())
    said = [(p.zh, p.en) for p in article.paragraphs if p.kind == "body"]
    assert said == list(zip(ZH, [EN[0].replace("nights,", "nights,[1]"), *EN[1:]], strict=True))
    notes = [p for p in article.paragraphs if p.kind == "footnote"]
    assert [(p.zh, p.en) for p in notes] == [
        (
            "[1] 窑簿第四册，第11页。碗按整只计。",
            "[1] The kiln book, volume four, page 11. Bowls are counted whole, as they stand on the shelf.",
        )
    ]
    assert {p.section.en[0] for p in article.paragraphs if p.kind == "body"} == {"1. The fire", "2. The door"}


@pytest.mark.parametrize(
    ("foot", "notes"),
    [
        (["2 Of the bowls."], [Note("2", "Of the bowls.")]),
        (["[2] Of the bowls,", "and the plates."], [Note("2", "Of the bowls, and the plates.")]),
        (["2 Of the bowls.", "2 碗的。"], [Note("2", "Of the bowls."), Note("2", "碗的。")]),
        (["3 is the number of kilns."], []),  # nothing above calls it
        (["Of the 2 bowls."], []),
    ],
)
def test_a_foot_is_what_a_number_above_calls(foot: list[str], notes: list[Note]) -> None:
    above = ["The bowls cracked.2 Nobody", "laughed at 3 of them.", ""]
    kept, found = without_foot([*above, *foot], known={"1"})
    assert found == notes
    assert kept == ([*above] if notes else [*above, *foot])


def test_a_decimal_and_a_year_call_no_note() -> None:
    text = ["It cost 3.1 crowns in 2021. 破了 3.1 个。窑里。1号"]
    assert with_calls_marked(text, [Note("1", "x")]) == ["It cost 3.1 crowns in 2021. 破了 3.1 个。窑里。1号"]
    assert with_calls_marked(["It cracked.1 Twice.", "碗裂了。1窑"], [Note("1", "x")]) == [
        "It cracked.[1] Twice.",
        "碗裂了。[1]窑",
    ]


def test_lines_that_hang_below_an_items_beginning_are_the_items() -> None:
    items = [
        "  1.  Tell those who carry the wood before you tell the council, and ask what it",
        "      would take.",
        "  2.  Let the potters choose who opens the door, and let whoever was chosen say",
        "      no.",
        "  3.  Count the bowls.",
    ]
    lines = [own for own in as_meant("\n".join([*paper(), "", *items]))[0].split("\n") if own[:2] in ("1.", "2.", "3.")]
    assert lines[-3:] == [
        "1.  Tell those who carry the wood before you tell the council, and ask what it would take.",
        "2.  Let the potters choose who opens the door, and let whoever was chosen say no.",
        "3.  Count the bowls.",
    ]


def test_a_chart_that_is_drawn_of_signs_says_nothing() -> None:
    chart = ["bowls", "90 ─┤", "60 ─┤  ██", "30 ─┴──", "    Jan   Apr   Jul"]
    assert as_meant("\n".join(["Half of them cracked.", "", *chart, "", "The rest did not."]))[0].split("\n") == [
        "Half of them cracked.",
        "",
        "",
        "The rest did not.",
    ]


def test_the_ends_of_pages_leave_no_sign() -> None:
    assert PAGE_ENDS not in "".join(p.en or "" for p in read(paper()).paragraphs)
    short = "The Kiln\n窑\n\n" + "\n\f\n".join(f"{en}\n{zh}" for en, zh in zip(EN, ZH, strict=True))
    assert [(p.zh, p.en) for p in read(short.split("\n")).paragraphs if p.kind == "body"] == list(
        zip(ZH, EN, strict=True)
    )


def test_a_columns_head_that_goes_over_two_lines_is_one() -> None:
    table = [
        "             Bowls        Bowls",
        "Year         fired        cracked",
        "2018         212          27",
        "2020         208          21",
    ]
    told = [line for line in told_rows(table)[0] if line]
    assert told[1:] == ["2018, Bowls fired: 212, Bowls cracked: 27", "2020, Bowls fired: 208, Bowls cracked: 21"]


def test_what_a_row_tells_is_no_head_of_the_next() -> None:
    table = ["Year         Bowls", "2018         212", "2020         208          21"]
    assert [line for line in told_rows(table)[0] if "2018" in line] != []
    assert all("2018 2020" not in line for line in told_rows(table)[0])


def test_as_many_unmarked_lines_in_each_language_are_no_pairs_where_the_whole_text_stands_in_turn() -> None:
    rows = ["Year   Fired   Cracked", "2018   212   27", "2020   208   21"]
    zh_rows = ["年份   烧制   破裂", "2018   212   27", "2020   208   21"]
    text = ["The Kiln", "窑", "", "1. Fire", "", EN[0], "", EN[1], "", "1. 火", "", ZH[0], "", ZH[1], ""]
    text += ["2. Door", "", EN[2], "", *rows, "", "2. 门", "", ZH[2], "", *zh_rows]
    article = read(text)
    assert [(p.zh, p.en) for p in article.paragraphs if p.en in EN] == list(zip(ZH, EN, strict=True))


# --- what teaching sites and browsers' translators add ------------------------------------------------------


def test_a_teaching_sites_notes_are_left_out_with_the_lines_that_touch_them() -> None:
    studies = [
        ["【词汇】", "kiln /kɪln/ n. 窑", "【例句】The kiln holds 90 bowls. 窑里装得下九十只碗。"],
        ["【词组】by the door 在门边", "go home 回家"],
        ["【长难句分析】", "Half of the bowls ❶ had cracked ❷.", "❶ 主语；❷ 谓语，过去完成时。"],
    ]
    text = ["The Kiln", "窑", ""]
    for number, (en, zh, study) in enumerate(zip(EN, ZH, studies, strict=True), start=1):
        text += [f"Para.{number}", en, "", zh, "", *study, ""]
    article = read(text)
    assert [(p.zh, p.en) for p in article.paragraphs if p.kind != "front"] == list(zip(ZH, EN, strict=True))
    assert {p.section.en for p in article.paragraphs} == {()}


def test_one_line_in_brackets_makes_no_teaching_site() -> None:
    text = [
        "The Kiln",
        "窑",
        "",
        EN[0],
        ZH[0],
        "",
        "【背景知识】这座窑建于 1931 年，是镇上最老的一座。",
        "",
        EN[1],
        ZH[1],
    ]
    assert any("1931" in (p.zh or "") for p in read(text).paragraphs)


def wrapped(en: str, zh: str, between: str = "<br>") -> str:
    """What a translator within the browser makes of an element's text."""
    return f'{en}<font class="notranslate x-translate-target-wrapper" lang="zh-CN">{between}<font>{zh}</font></font>'


def test_what_a_browsers_translator_added_is_the_other_language_even_where_it_begins_with_a_number() -> None:
    heads = "".join(
        f"<th>{wrapped(en, zh, '&nbsp;&nbsp;')}</th>"
        for en, zh in (("Kiln", "窑"), ("Bowls, 2023", "2023 年的碗"), ("Cracked, 2023", "2023 年裂的碗"))
    )
    row = f"<tr><td>{wrapped('Old kiln', '旧窑')}</td><td>212</td><td>27</td></tr>"
    prose = "".join(f"<p>{wrapped(en, zh)}</p>" for en, zh in zip(EN, ZH, strict=True))
    page = f"<html><body><article><h1>{wrapped('The Kiln', '窑')}</h1>{prose}<table><tr>{heads}</tr>{row}</table>"
    said = [(p.zh, p.en) for p in read([page + "</article></body></html>"], "page.html").paragraphs]
    assert said[1:4] == list(zip(ZH, EN, strict=True))
    assert said[-1] == ("旧窑，2023 年的碗: 212，2023 年裂的碗: 27", "Old kiln, Bowls, 2023: 212, Cracked, 2023: 27")


def test_a_block_of_nothing_but_links_is_a_menu() -> None:
    prose = "".join(f"<p>{en}</p><p>{zh}</p>" for en, zh in zip(EN, ZH, strict=True))
    share = '<div class="bar"><a>微信</a><a>微博</a><a><i></i>收藏<span>312</span></a></div>'
    source = '<p>见 <a href="a">窑簿</a>、<a href="b">柴簿</a>和<a href="c">碗簿</a>。</p>'
    page = f"<html><body><article><h1>The Kiln</h1><h1>窑</h1>{share}{prose}{source}{prose}</article></body></html>"
    said = " ".join(f"{p.zh} {p.section.zh}" for p in read([page], "page.html").paragraphs)
    assert "微信" not in said
    assert "见 窑簿、柴簿和碗簿。" in said


# --- what looks alike and is the article's ------------------------------------------------------------------


def pairs_of(article: Article) -> list[tuple[str | None, str | None]]:
    """What its paragraphs below the title say."""
    return [(p.zh, p.en) for p in article.paragraphs if p.kind != "front"]


def test_what_labels_a_translation_heads_no_notes() -> None:
    text = ["The Kiln", "窑", ""]
    for en, zh in zip(EN, ZH, strict=True):
        text += [f"【原文】{en}", f"【翻译】{zh}", ""]
    assert pairs_of(read(text)) == list(zip(ZH, EN, strict=True))


def test_words_that_teaching_sites_use_too_head_what_others_tell() -> None:
    heads = [("【用法】", "[Usage]"), ("【例句】", "[Example]"), ("【背景知识】", "[Background]")]
    text = ["The Kiln", "窑", ""]
    for (zh_head, en_head), en, zh in zip(heads, EN, ZH, strict=True):
        text += [f"{en_head} {en}", f"{zh_head}{zh}", ""]
    said = [zh for zh, _ in pairs_of(read(text)) if zh]
    assert [zh.split("】")[-1] for zh in said] == list(ZH)


@pytest.mark.parametrize("parted", [True, False])
def test_a_note_between_a_paragraph_and_its_translation_takes_neither_with_it(parted: bool) -> None:
    text = ["The Kiln", "窑", ""]
    for en, zh in zip(EN, ZH, strict=True):
        text += [en, "【词汇】kiln n. 窑", zh, *([""] if parted else [])]
    assert pairs_of(read(text)) == list(zip(ZH, EN, strict=True))


@pytest.mark.parametrize(
    "line",
    [
        "3 月 5 日，窑又点了一次火，这一回烧了四天。",  # a day
        "2 degrees more and the bowls would have cracked, the potter said afterwards.",  # called by CO2 alone
        "8 Nobody may open the door before the fourth morning, says the rule.",  # called by "Art.8" alone
        "2 The kiln is owned by the town and not by the potter.",  # a rule, and no note 1 before it
    ],
)
def test_a_line_at_a_pages_end_that_begins_with_a_number_is_no_note(line: str) -> None:
    above = ["It held 5 of them, and CO2 rose.", "See Art.8 for this. 第3卷写了。窑里有 2台。The bowls cracked.2", ""]
    kept, notes = without_foot([*above, line])
    assert notes == []
    assert kept[-1] == line


def test_a_number_is_called_once_in_a_language_and_what_it_counts_is_left_alone() -> None:
    text = ["It cracked.1 Then it stood for 1 day. 碗裂了，1天后又裂了。1窑烧成了，1头牛死了。1炉火灭了。"]
    assert with_calls_marked(text, [Note("1", "x")]) == [
        "It cracked.[1] Then it stood for 1 day. 碗裂了，1天后又裂了。[1]窑烧成了，1头牛死了。1炉火灭了。"
    ]


@pytest.mark.parametrize(
    "drawn",
    [
        ["┌──────────┐", "│ The door │", "│ 窑门     │", "└──────────┘"],
        ["────────", "The fire is out,", "the bowls are cold", "────────", "────────"],
        ["kiln", "├── door", "├── shelf", "└── bowls"],
    ],
)
def test_a_box_a_rule_and_a_tree_are_no_chart(drawn: list[str]) -> None:
    assert as_meant("\n".join(drawn))[0].split("\n") == drawn


def test_a_row_of_words_above_a_fuller_one_is_no_head_of_it() -> None:
    table = [
        "Boat    Owner      Fate",
        "Heron   Rowe",
        "Kite    Marsh      burnt in the war",
        "Tern    Lund       sold",
    ]
    assert "\n".join(told_rows(table)[0]).count("Heron Kite") == 0


def test_a_sentence_that_a_printer_broke_before_a_number_is_whole() -> None:
    broken_at = [
        "The bowls were counted before the door was opened again, as is shown in Fig.",
        "3. It shows that half of them had cracked before anybody had touched a single",
    ]
    lines = as_meant("\n".join([*paper(), "", *broken_at, "bowl."]))[0].split("\n")
    assert any("in Fig. 3. It shows" in line for line in lines)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ('<div class="sidebar-left">', "</div>"),
        ('<div class="toc-side">', "</div>"),
        ('<div class="ad-none">', "</div>"),
        ('<div class="video-player">', "</div>"),
        ('<section id="share-of-the-kiln">', "</section>"),
    ],
)
def test_an_element_that_holds_the_article_is_read_whatever_it_is_called(begins: str, ends: str) -> None:
    prose = "".join(f"<p>{en}</p><p>{zh}</p>" for en, zh in zip(EN, ZH, strict=True))
    page = f"<html><body>{begins}<h1>The Kiln</h1><h1>窑</h1>{prose}{ends}</body></html>"
    assert pairs_of(read([page], "page.html")) == list(zip(ZH, EN, strict=True))


def test_sentences_that_are_anchors_or_links_and_cells_that_are_links_are_read() -> None:
    def anchored(text: str, mark: str, tag: str) -> str:
        parts = text.split(mark)
        return "".join(f"<a {tag}{i}>{part}{mark if i + 1 < len(parts) else ''}</a>" for i, part in enumerate(parts))

    prose = "".join(
        f"<p>{anchored(en, ',', 'id=')}</p><p>{anchored(zh, '，', 'id=')}</p>" for en, zh in zip(EN, ZH, strict=True)
    )
    digest = '<p><a href="a">The door is shut.</a> <a href="b">It is cold.</a> <a href="c">It rains.</a></p>'
    rows = "".join(
        f'<tr><td><a href="x">{en}</a></td><td><a href="y">{zh}</a></td><td><a href="z">{year}</a></td></tr>'
        for en, zh, year in (("Old kiln", "旧窑", "1931"), ("New kiln", "新窑", "1977"))
    )
    page = f"<html><body><h1>The Kiln</h1><h1>窑</h1>{prose}{digest}<p>门关着。很冷。下着雨。</p><table>{rows}</table>{prose}"
    said = "\n".join(f"{p.en} {p.zh}" for p in read([page + "</body></html>"], "page.html").paragraphs)
    assert all(text in said for text in (*EN, *ZH, "The door is shut. It is cold. It rains.", "1931", "1977"))


def test_a_word_that_is_translated_within_a_sentence_parts_it_not() -> None:
    gloss = (
        '<p>The kiln by the <span lang="zh" class="translation-target">渡口</span> burned for three days and three nights, '
        "and nobody went home.</p>"
    )
    prose = "".join(f"<p>{en}</p><p>{zh}</p>" for en, zh in zip(EN, ZH, strict=True))
    page = f"<html><body><h1>The Kiln</h1><h1>窑</h1>{prose}{gloss}<p>渡口边的窑烧了三天三夜。</p>{prose}</body></html>"
    said = [p.en for p in read([page], "page.html").paragraphs]
    assert "The kiln by the 渡口 burned for three days and three nights, and nobody went home." in said


@pytest.mark.parametrize(
    ("en", "zh"),
    [
        (
            "The Potter and the Councillor: A Conversation with Prof. Li Wenhua about Bowls",
            "陶工与议员：与李文华教授谈碗",
        ),
        ("Paragraph (1)", "第（1）款"),
        ("Come and Listen to the Story of the Fire", "来听听那场火的故事"),
        ("Three Million Plays", "300 万次播放"),
    ],
)
def test_a_heading_with_a_sites_words_in_it_is_one(en: str, zh: str) -> None:
    text = ["The Kiln", "窑", "", EN[0], ZH[0], "", en, zh, "", EN[1], ZH[1], "", EN[2], ZH[2]]
    article = read(text)
    assert (article.paragraphs[-1].section.en, article.paragraphs[-1].section.zh) == ((en,), (zh,))


def test_a_page_of_nothing_but_what_sites_print_is_refused_in_a_line() -> None:
    with pytest.raises(UserError):
        read(['<html><body><div class="share">Share 分享</div></body></html>'], "page.html")
