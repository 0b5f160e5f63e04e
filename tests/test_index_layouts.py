"""Layouts of pages: documents exported as tables, laws, recordings, what column sites print above a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.capture import read_captured
from index.paragraphs import Article

PAIRS = (
    (
        "The kiln was lit before dawn and burned for three days and nights.",
        "窑在天亮前点火,整整烧了三天三夜,没有停过一次火,也没有人离开。",
    ),
    (
        "Nobody opened the door before the fourth morning, however cold it was.",
        "不管天有多冷,第四天早上之前谁也没有打开过那扇窑门,这是规矩。",
    ),
    (
        "Half of the bowls had cracked, and the potter laughed at every one.",
        "一半的碗裂了,而那位陶工对着每一只裂了的碗都要笑上一阵子才走开。",
    ),
)


def read(text: str, name: str = "page.txt") -> Article:
    """The article of a page."""
    return read_captured(Path(name), text)


def texts(article: Article) -> list[tuple[str | None, str | None]]:
    """What its paragraphs say, Chinese and English."""
    return [(p.zh, p.en) for p in article.paragraphs]


def exported(rows: Sequence[Sequence[str]]) -> str:
    """A table as editors export a document: each cell's paragraphs are elements of their own, bold by their style."""
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table><tbody>{''.join(f'<tr>{row}</tr>' for row in cells)}</tbody></table>"


def bold(text: str) -> str:
    """A paragraph that is bold by its style."""
    return f'<p><span style="font-size:14pt;font-weight:700">{text}</span></p>'


def test_a_document_exported_as_one_table_has_its_headings_pairs_and_data() -> None:
    layout = exported(
        [
            (bold("1. The fire"), bold("一、火")),
            *((f"<p><span>{en}</span></p>", f"<p>{zh}</p>") for en, zh in PAIRS[:2]),
            (bold("2. The bowls"), bold("二、碗")),
            (f"<p>{PAIRS[2][0]}</p>", f"<p>{PAIRS[2][1]}</p><p>［译注：碗是白的。］</p>"),
        ]
    )
    data = exported(
        [
            [
                f"<p><b>{en}</b><br><b>{zh}</b></p>"
                for en, zh in (("Kiln", "窑"), ("Bowls", "碗数"), ("Cracked", "裂了"))
            ],
            ("<p>Old kiln<br>旧窑</p>", "<p>1,840</p>", "<p>3 of 12<br>12 只裂 3 只</p>"),
        ]
    )
    article = read(f"<html><body>{bold('The Kiln')}{bold('窑')}{layout}{data}</body></html>", "page.html")
    bodies = {p.en: p for p in article.paragraphs}
    assert [bodies[en].zh for en, _ in PAIRS] == [zh for _, zh in PAIRS]
    assert [bodies[en].section.zh for en, _ in PAIRS] == [("一、火",), ("一、火",), ("二、碗",)]
    assert ("［译注：碗是白的。］", None) in texts(article)
    assert ("旧窑，碗数: 1,840，裂了: 12 只裂 3 只", "Old kiln, Bowls: 1,840, Cracked: 3 of 12") in texts(article)


def test_a_row_that_is_named_in_both_languages_is_told_in_each_with_heads_that_are_of_neither() -> None:
    prose = "".join(f"<p>{en}</p><p>{zh}</p>" for en, zh in PAIRS)
    rows = (
        "<tr><th></th><th>2022</th><th>2025</th></tr><tr><td>破碗† Bowls broken†</td><td>1 : 11</td><td>58.4</td></tr>"
    )
    article = read(
        f"<html><body><h1>The Kiln</h1><h1>窑</h1>{prose}<table>{rows}</table>{prose}</body></html>", "p.html"
    )
    assert ("破碗†，2022: 1 : 11，2025: 58.4", "Bowls broken†, 2022: 1 : 11, 2025: 58.4") in texts(article)


LAW = """Rules of the Kiln
窑的规矩

第一条　窑由三名看火人看管，其中一人必须在第四天早上打开窑门，其余二人在旁。
Article 1
The kiln is kept by three firemen, one of whom must open the door on the fourth morning.

第二条　在第四天早上以前，无论何人都不得以任何理由打开窑门，也不得从窑上取砖。
Article 2
Nobody may open the door for any reason before the fourth morning, nor take a brick from the kiln.
"""


def test_the_number_of_an_article_that_stands_alone_in_one_language_opens_its_text() -> None:
    article = read(LAW)
    assert [(p.zh or "")[:3] for p in article.paragraphs[-2:]] == ["第一条", "第二条"]
    assert [(p.en or "")[:13] for p in article.paragraphs[-2:]] == ["Article 1 The", "Article 2 Nob"]
    assert {p.section.en for p in article.paragraphs} == {()}


def test_the_numbers_of_articles_open_their_texts_where_they_stand_alone_in_both_languages() -> None:
    article = read(LAW.replace("条　", "条\n"))
    assert [(p.zh or "")[:4] for p in article.paragraphs[-2:]] == ["第一条窑", "第二条在"]
    assert [(p.en or "")[:13] for p in article.paragraphs[-2:]] == ["Article 1 The", "Article 2 Nob"]


def test_the_number_of_an_article_beside_the_other_languages_is_a_heading() -> None:
    parts = "\n\n".join(f"第{n}条\nArticle {i}\n{PAIRS[i][0]}\n{PAIRS[i][1]}" for i, n in ((1, "一"), (2, "二")))
    article = read(f"窑的规矩\nRules of the Kiln\n\n{PAIRS[0][0]}\n{PAIRS[0][1]}\n\n{parts}")
    assert [p.section.en for p in article.paragraphs[-2:]] == [("Article 1",), ("Article 2",)]
    assert [p.en for p in article.paragraphs[-2:]] == [en for en, _ in PAIRS[1:]]


@pytest.mark.parametrize(
    "line",
    [
        "Length / 时长： 57:08（演讲 41:20）",
        "[幻灯片：裂了的碗",
        "[Slide: The bowls that cracked",
        "时间轴 Timing：老K",
    ],
)
def test_what_a_label_tells_and_half_a_bracket_head_nothing(line: str) -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    article = read(f"The Kiln\n窑\n\n{one}\n\n{two}\n\n{line}\n\n{three}")
    assert {p.section.zh + p.section.en for p in article.paragraphs} == {()}
    assert any(line.partition("：")[0] in f"{p.zh}{p.en}" for p in article.paragraphs)


def test_above_the_text_a_column_sites_own_lines_and_table_of_contents_go_and_the_title_stays() -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    head = "首页\n写文章\n三天三夜的窑｜Three Days of Fire（中英对照）\n关注他\n312 人赞同了该文章\n目录\n收起\n点火\n开门\n裂了的碗"
    heads = ("一、点火｜Lighting It", "二、开门｜Opening It", "三、裂了的碗｜The Cracked Bowls")
    parts = "\n\n".join(f"{own}\n\n{text}" for own, text in zip(heads, (one, two, three), strict=True))
    article = read(f"{head}\n\n{parts}\n\n编辑于 2033-05-06 14:22・IP 属地浙江")
    assert article.title == "Three Days of Fire / 三天三夜的窑"
    assert [p.section.zh for p in article.paragraphs[-3:]] == [("一、点火",), ("二、开门",), ("三、裂了的碗",)]
    assert texts(article)[1:] == [(zh, en) for en, zh in PAIRS]


def test_what_names_the_text_again_at_its_end_is_no_entry_of_a_table_of_contents() -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    head = "三天三夜的窑\nThree Days of Fire\n作者：林晚"
    article = read(f"{head}\n\n{one}\n\n{two}\n\n{three}\n\n{head}")
    assert article.title == "Three Days of Fire / 三天三夜的窑"


def test_a_heading_without_words_heads_what_stands_below_it() -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    article = read(
        f"# Kiln 窑\n\n{one}\n\n## Changelog 更新\n\n### 2.6.1 — 2025-04-17\n\n{two}\n\n### 2.6.0\n\n{three}", "p.md"
    )
    assert [p.section.en[-1:] for p in article.paragraphs[-2:]] == [("2.6.1 — 2025-04-17",), ("2.6.0",)]


def test_a_tables_row_above_a_caption_is_no_title_of_the_figure() -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    rows = "| Kiln 窑 | Night 一夜 | Bowls 碗 |\n|---|---|---|\n| Old 旧窑 | 9 h 48 min | 27 |\n| **New, with leases 新窑租约** | 8 h 41 min | 2 |"
    article = read(
        f"# Kiln 窑\n\n{one}\n\n{two}\n\n{rows}\n\nTable 2. Means over thirty nights.\n\n表 2：三十夜的平均值。\n\n{three}",
        "p.md",
    )
    (figure,) = [p for p in article.paragraphs if p.kind == "figure"]
    assert figure.section.en == ()
    assert any((p.en or "").startswith("New, with leases") for p in article.paragraphs)


def test_emphasis_that_a_paste_left_goes_and_other_stars_stay() -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    one = one.replace("three days", "**three days**").replace("三天三夜", "**三天三夜**")
    two = two.replace("fourth morning", "fourth morning*").replace("cold", "3*4*5 cold")
    article = read(f"The Kiln\n窑\n\n{one}\n\n{two}\n\n{three}")
    assert texts(article)[1] == PAIRS[0][::-1]
    assert "fourth morning*, however 3*4*5 cold" in (article.paragraphs[2].en or "")


def test_several_kickers_in_brackets_are_no_title() -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    head = "【灰鹭字幕组】【中英对照】【演讲】\nThree Days of Fire\n三天三夜的窑\n双语"
    assert read(f"{head}\n\n{one}\n\n{two}\n\n{three}").title == "Three Days of Fire / 三天三夜的窑"


@pytest.mark.parametrize("mark", ["<br><br>", "</p></td></tr><tr><td><p>", "</p><p>", "</div><div>"])
def test_a_letter_whose_text_stands_in_the_cells_of_a_layout_is_read_in_full(mark: str) -> None:
    lines = mark.join(text for pair in PAIRS for text in pair)
    article = read(
        f"<html><body><table><tr><td><h1>窑</h1><h1>The Kiln</h1></td></tr><tr><td><p>{lines}</p></td></tr></table></body></html>",
        "p.html",
    )
    assert texts(article)[1:] == [(zh, en) for en, zh in PAIRS]


def test_two_columns_whose_paragraphs_are_broken_within_their_cells_are_pairs() -> None:
    (one, two) = ("<br><br>".join(pair[i] for pair in PAIRS) for i in (1, 0))
    page = f"<html><body><h1>窑</h1><h1>The Kiln</h1><table><tr><td><div>{one}</div></td><td><div>{two}</div></td></tr></table></body></html>"
    assert set(texts(read(page, "p.html"))[1:]) == {(zh, en) for en, zh in PAIRS}


def test_the_title_of_an_article_stays_below_its_number() -> None:
    own = zip(
        "一二三四", ("火", "门", "碗", "砖"), ("Fire", "Doors", "Bowls", "Bricks"), [*PAIRS, PAIRS[0]], strict=True
    )
    articles = (
        f"第{n}条\n\n{zh_title}\n\n{zh}\n\nArticle {i}\n\n{title}\n\n{en}"
        for i, (n, zh_title, title, (en, zh)) in enumerate(own, start=1)
    )
    article = read("窑的规矩\n\nRules of the Kiln\n\n" + "\n\n".join(articles))
    assert {zh for zh, _ in texts(article)} >= {zh for _, zh in PAIRS}
    assert not any("第一条火" in (zh or "") for zh, _ in texts(article))


@pytest.mark.parametrize("title", ["The Slow Kiln | 慢窑：一段历史", "A History of Kilns — 慢窑：一部历史"])
def test_a_title_with_a_colon_in_one_half_is_still_two(title: str) -> None:
    prose = "\n\n".join(f"{en}\n\n{zh}" for en, zh in PAIRS)
    (front, *_) = read(f"{title}\n\n{prose}").paragraphs
    assert {front.en, front.zh} == {half.strip(" |—") for half in re.split(r"\s[|—]\s", title)}


def test_who_is_named_at_the_top_and_again_in_the_text_is_no_entry_of_a_table_of_contents() -> None:
    prose = "\n\n".join(f"{en}\n\n{zh}" for en, zh in PAIRS)
    article = read(
        f"三天三夜的窑\nThree Days of Fire\n景德镇\nJingdezhen\n\n景德镇的窑还在烧。\n\nThe kiln of Jingdezhen still burns.\n\n{prose}"
    )
    shown = "\n".join(filter(None, (t for p in article.paragraphs for t in (p.zh, p.en, *p.section.zh, *p.section.en))))
    assert {"三天三夜的窑", "Three Days of Fire", "景德镇", "Jingdezhen"} <= set(shown.split("\n"))


@pytest.mark.parametrize(
    "text", ["张*明、李*芳和另外三个人", "票价*比客流*先涨", "长*宽*高", "count(*) and sum(*)", "*.txt、*.md"]
)
def test_a_star_that_stands_for_something_stays(text: str) -> None:
    (one, two, three) = (f"{en}\n\n{zh}" for en, zh in PAIRS)
    article = read(f"The Kiln\n窑\n\n{one}\n\n{two.replace('四', text)}\n\n{three}")
    assert any(text in (p.zh or "") for p in article.paragraphs)


def test_a_question_that_an_answer_is_folded_under_heads_it_and_a_term_heads_nothing() -> None:
    folded = "".join(
        f"<details><summary><span>›</span> <b>{asked}</b><br><span>{zh_asked}</span></summary><p>{en}</p><p>{zh}</p></details>"
        for (en, zh), (asked, zh_asked) in zip(
            PAIRS,
            (
                ("How long did it burn?", "烧了多久？"),
                ("Who opened it?", "谁开的门？"),
                ("What cracked?", "什么裂了？"),
            ),
            strict=True,
        )
    )
    terms = "<dl><dt>kiln 窑</dt><dd>where bowls are fired, by the river</dd><dd>烧碗的地方，在河边</dd></dl>"
    article = read(
        f"<html><body><h1>The Kiln</h1><h1>窑</h1><h2>Fire</h2><h2>火</h2>{folded}{terms}</body></html>", "p.html"
    )
    bodies = [p for p in article.paragraphs if p.kind == "body"]
    assert [(p.en, p.zh) for p in bodies[:3]] == list(PAIRS)
    assert [p.section.en for p in bodies[:3]] == [
        ("Fire", "How long did it burn?"),
        ("Fire", "Who opened it?"),
        ("Fire", "What cracked?"),
    ]
    assert bodies[0].section.zh == ("火", "烧了多久？")
    assert not any("kiln" in heading for p in article.paragraphs for heading in p.section.en)
