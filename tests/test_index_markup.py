"""Markdown and HTML, as the lines and headings that they show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.blocks import Mark
from index.capture import read_captured
from index.headings import Heading, levels
from index.markup import plain
from index.paragraphs import Article, Section
from index.source import BUNDLED_ARTICLE, ArticleReader

PAGES = Path(__file__).parents[1] / "evals" / "captured"
MARKDOWN = """---
title: When bridges learn
---

# When bridges learn / 当桥梁学会思考

![cover](https://x.example/a.png)

*By [Ana Ruiz](https://x.example/ana)*

## 1. 传感器 Sensors

A bridge in **Tarn** has 412 sensors, and each of them reports every 3
seconds to a server in [Oslo](https://oslo.example). Nobody reads them.
**塔恩**的一座桥装有 412 个传感器，每个传感器每 3 秒向
[奥斯陆](https://oslo.example)的服务器报告一次。没有人去读。

> "We built an ear," said *Lio Brandt*, "and forgot the brain."[^1]

> “我们造了一只耳朵，”*利奥·勃兰特*说，“却忘了大脑。”[^1]

### Three lessons

### 三条教训

- Count what moves
- 数会动的
- Ask twice before closing a lane on a working day of the week.
- 在工作日封闭车道之前，要问两遍。

## 2. 大脑 The brain

The second system, `Loom-2`, was switched on in March 2024 and cost €1.4 million.

第二套系统 `Loom-2` 于 2024 年 3 月启用，花费 140 万欧元。
"""

HTML = """<!DOCTYPE html>
<html><head><title>Site</title><style>p{color:red}</style>
<body><nav><ol><li>首页<li>Home</ol></nav>
<p>Read our newsletter</p>
<article><h1>When bridges learn</h1><h1>当桥梁学会思考</h1>
<h2>Sensors</h2><h2>传感器</h2>
<p>A bridge in <b>Tarn</b> has 412 sensors, and each of them
 reports every 3 seconds<sup><a href="#n1">1</a></sup> to a server in Oslo.<br>
塔恩的一座桥装有 412 个传感器，每个传感器每 3 秒<sup>[1]</sup>向
奥斯陆的服务器报告一次 &amp; 没有人去读。</p>
<table><tr><th>Year</th><th>中文</th><th>English</th></tr>
<tr><td>2023</td><td>传感器装好</td><td>Sensors installed</td></tr>
<tr><td>Oslo</td><td>Tarn</td></tr></table>
<ol><li><p>Count what moves, because it is what moves that breaks.</p></li><li>Ask twice.</li></ol>
<aside>Subscribe <form><p>Your address</p></form></aside>
<script>var p = "<p>no</p>";</script>
</article><footer>Copyright</footer></body></html>
"""


@pytest.fixture
def bridges(tmp_path: Path) -> Article:
    return read_captured(tmp_path / "bridges.md", MARKDOWN)


def test_a_markdown_article_is_read_without_its_marks(bridges: Article) -> None:
    assert bridges.title == "When bridges learn / 当桥梁学会思考"
    text = "\n".join(text for p in bridges.paragraphs for text in (p.zh, p.en) if text)
    assert not {"*", "`", "#", "](", "^", ">"} & {mark for mark in ("*", "`", "#", "](", "^", ">") if mark in text}


def test_lines_of_one_language_are_one_paragraph_and_the_other_language_begins_another(bridges: Article) -> None:
    sensors = next(p for p in bridges.paragraphs if p.en and "412" in p.en)
    assert sensors.en == (
        "A bridge in Tarn has 412 sensors, and each of them reports every 3 seconds to a server in Oslo. "
        "Nobody reads them."
    )
    assert sensors.zh == "塔恩的一座桥装有 412 个传感器，每个传感器每 3 秒向奥斯陆的服务器报告一次。没有人去读。"


def test_headings_keep_their_levels_and_are_split_where_all_stand_in_both_languages(bridges: Article) -> None:
    paths = list(dict.fromkeys((p.section.zh, p.section.en) for p in bridges.paragraphs if p.kind == "body"))
    assert paths == [
        (("1. 传感器",), ("1. Sensors",)),
        (("1. 传感器", "三条教训"), ("1. Sensors", "Three lessons")),
        (("2. 大脑",), ("2. The brain",)),
    ]


def test_items_and_quotations_are_no_headings_however_short(bridges: Article) -> None:
    pairs = [(p.zh, p.en) for p in bridges.paragraphs]
    assert ("数会动的", "Count what moves") in pairs
    assert (
        "“我们造了一只耳朵，”利奥·勃兰特说，“却忘了大脑。”[1]",
        '"We built an ear," said Lio Brandt, "and forgot the brain."[1]',
    ) in pairs


def test_numbers_of_a_list_are_those_that_were_typed() -> None:
    page = plain("1. 先数会动的\n1. First count what moves\n2. 再问\n2. Then ask\n", ".md")
    assert page.text.split() == "1. 先数会动的 1. First count what moves 2. 再问 2. Then ask".split()
    page = plain('<html><ol><li>One<li value="5">Five<li>Six</ol></html>')
    assert page.text.split() == "1. One 5. Five 6. Six".split()


def test_a_title_of_the_front_matter_stands_in_for_a_missing_one() -> None:
    page = plain("---\ntitle: 'When bridges learn'\ndate: 2024\n---\nText.\n", ".md")
    assert page.text.split("\n")[0] == "When bridges learn"
    assert page.marks == {1: Mark("heading", 1)}


def test_headings_of_which_not_all_stand_in_both_languages_are_left_as_they_are() -> None:
    page = plain("## METR 是什么\n\n## 传感器 Sensors\n\n## 什么是 METR\n", ".md")
    assert page.text.split("\n\n") == ["METR 是什么", "传感器 Sensors", "什么是 METR\n"]


def test_a_text_is_markdown_by_its_headings_whatever_its_file_is_called() -> None:
    assert [m.level for m in plain("# One\n\ntwo\n\n## Three\n", ".txt").marks.values()] == [1, 2]
    assert plain("# 1 of a list\n\n[two](x)\n", ".txt").text == "# 1 of a list\n\n[two](x)"
    page = BUNDLED_ARTICLE.read_text(encoding="utf-8")
    assert plain(page, ".txt").text == page


def test_of_a_web_page_only_what_its_article_shows_is_read() -> None:
    page = plain(HTML, ".txt")
    assert [line for line in page.text.split("\n") if line] == [
        "When bridges learn",
        "当桥梁学会思考",
        "Sensors",
        "传感器",
        "A bridge in Tarn has 412 sensors, and each of them reports every 3 seconds[1] to a server in Oslo.",
        "塔恩的一座桥装有 412 个传感器，每个传感器每 3 秒[1]向奥斯陆的服务器报告一次 & 没有人去读。",
        "Year",
        "2023；传感器装好",
        "2023; Sensors installed",
        "Oslo; Tarn",
        "1. Count what moves, because it is what moves that breaks.",
        "2. Ask twice.",
    ]
    assert [mark.level for mark in page.marks.values() if mark.level] == [1, 1, 2, 2]


def test_a_page_that_marks_no_article_is_read_whole() -> None:
    assert plain("<html><body><p>One</p>two<div>three</div></body></html>").text.split() == ["One", "two", "three"]


def test_what_is_not_marked_as_a_heading_stands_within_what_is() -> None:
    found = [Heading.of(None, "Part", 1), Heading.of(None, "bold line"), Heading.of(None, "Part two", 1)]
    assert levels(found) == [1, 2, 1]
    assert levels([Heading.of(None, "1. Part", 2), Heading.of(None, "Inner", 2), Heading.of(None, "2. Part", 2)]) == [
        1,
        2,
        1,
    ]


def _as_markdown(article: Article) -> str:
    """`article` as somebody would type it: headings by their depth, a paragraph a language."""
    lines = [f"# {article.title}"]
    above: tuple[tuple[str, ...], ...] = ((), ())
    for p in article.paragraphs:
        path = (p.section.zh, p.section.en)
        if p.kind in ("summary", "body", "timeline"):
            for depth in range(1, max(map(len, path)) + 1):
                if [own[:depth] for own in path] != [last[:depth] for last in above]:
                    lines += [f"{'#' * (depth + 1)} {own[depth - 1]}" for own in path if len(own) >= depth]
            above = path
        if p.kind != "front":
            lines += [line for text in (p.zh, p.en) if text for line in text.split("\n")]
    return "\n\n".join(re.sub(r"([\\`*_<>~\[\]|&])", r"\\\1", line) for line in lines)


# One has wide blanks within its lines and numbers with one bracket, which Markdown reads as another.
TYPED = [BUNDLED_ARTICLE, *sorted(path for path in PAGES.glob("*.txt") if path.stem != "bets")]


@pytest.mark.parametrize("page", TYPED, ids=lambda path: path.stem)
def test_an_article_typed_as_markdown_is_read_as_its_page_is(page: Path, tmp_path: Path) -> None:
    printed = ArticleReader().read(page)
    (tmp_path / "typed.md").write_text(_as_markdown(printed), encoding="utf-8")
    typed = ArticleReader().read(tmp_path / "typed.md")
    assert typed.title == printed.title
    pairs = {(p.zh, p.en): p.section for p in typed.paragraphs}
    prose = [p for p in printed.paragraphs if p.kind in ("body", "timeline")]
    assert not {(p.zh, p.en) for p in prose} - pairs.keys()
    # A date above a timeline's entry is no heading, and prose above the first one is typed below a summary's.
    sections = {(p.zh, p.en): p.section for p in prose if p.kind == "body" and p.section.en}
    assert {key: pairs[key] for key in sections} == sections


TEXT = [
    ("## ", "The ice", "冰"),
    ("", "The harbour of Tarn froze in January 2021, and no ship came in or went out.", "2021 年一月，塔恩港封冻，十一天里没有一艘船进出。"),
    ("", "The mayor, Ines Vold, asked the navy for an icebreaker, which came late.", "市长伊内斯·沃尔德向海军要一艘破冰船，船比说好的晚到了两天。"),
    ("## ", "The barrier", "拦冰栅"),
    ("", "The second winter was milder, and the new barrier was never once used.", "第二个冬天暖和些，花了四百万克朗的新拦冰栅一次也没用上。"),
]  # fmt: skip
PAGE = "<!DOCTYPE html><html><body>{}<p>扫码关注公众号</p></body></html>"
FORMS = {
    "a quotation below each.md": "# The Harbour\n\n# 港口\n\n"
    + "\n\n".join(f"{h}{en}\n\n{h or '> '}{zh}" for h, en, zh in TEXT),
    "one block.md": "# The Harbour 港口\n\n"
    + "\n\n".join(f"{h}{en} {zh}" if h else f"{en}<br>\n{zh}" for h, en, zh in TEXT),
    "a table.md": "# The Harbour / 港口\n\n| English | 中文 |\n|---|---|\n"
    + "\n".join(f"| {en} | {zh} |" for _, en, zh in TEXT),
    "front matter.md": "---\ntitle: 港口\n---\n\n作者：林婉\n\n"
    + "\n\n".join(f"{h}{zh}\n\n*{en}*" for h, en, zh in TEXT),
    "no headings.html": PAGE.format(
        "<h1>港口（中英对照）</h1>"
        + "".join(f"<section><p><b>{en}</b></p><p><br></p><p><b><i>{zh}</i></b></p></section>" for _, en, zh in TEXT)
    ),
    "divisions.html": PAGE.format(
        "<main><h1>The Harbour</h1><p>港口</p>"
        + "".join(f"<{t}>{en}</{t}><{t}>{zh}</{t}>" for h, en, zh in TEXT for t in ["h2" if h else "div"])
        + "</main><div>相关 Related</div>"
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_two_languages_are_paired_however_they_are_laid_out(form: str, tmp_path: Path) -> None:
    article = read_captured(tmp_path / form, FORMS[form])
    assert "港口" in article.title
    body = [(p.section.en, p.section.zh, p.en, p.zh) for p in article.paragraphs if p.kind != "front"]
    assert body == [
        *[(("The ice",), ("冰",), en, zh) for _, en, zh in TEXT[1:3]],
        *[(("The barrier",), ("拦冰栅",), en, zh) for _, en, zh in TEXT[4:]],
    ]


def lines(text: str, suffix: str = ".md") -> list[str]:
    return [line for line in plain(text, suffix).text.split("\n") if line]


def body(article: Article) -> list[tuple[str | None, str | None]]:
    return [(p.zh, p.en) for p in article.paragraphs if p.kind == "body"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_front_matter_gives_the_title_and_who_wrote_it(end: str) -> None:
    yaml = end.join(["---", "title: The Ferry", "author: Lena Quist", "---", "## Part", "Text."])
    toml = end.join(["+++", 'title = "The Ferry"', 'author = "Lena Quist"', "+++", "## Part", "Text."])
    assert lines(yaml) == lines(toml) == ["The Ferry", "Author: Lena Quist", "Part", "Text."]


def test_what_dialects_of_markdown_add_is_not_shown() -> None:
    text = "## 屋顶 {#roof}\n\n==420== kilos, see [[Ledger|the ledger]].[^a]\n\n- [x] 买椰糠\n\n> [!tip] 提示\n\n[^a]: A note."
    assert lines(text) == ["屋顶", "420 kilos, see the ledger.[a]", "买椰糠", "提示", "[a] A note."]
    assert list(plain(text, ".md").marks.values()) == [
        Mark("heading", 2),
        Mark("text"),
        Mark("text"),
        Mark("note"),
    ]


def test_notes_of_markdown_are_notes_without_a_heading(bridges: Article, tmp_path: Path) -> None:
    text = f"{MARKDOWN}\n[^1]: Said to the author.\n\n对作者所说。\n"
    article = read_captured(tmp_path / "bridges.md", text)
    assert [(p.kind, p.zh, p.en) for p in article.paragraphs[len(bridges.paragraphs) :]] == [
        ("footnote", "对作者所说。", "[1] Said to the author.")
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## How it began<br>缘起", ["How it began", "缘起"]),
        ("# The Dentist's Stars 牙医的星空", ["The Dentist's Stars", "牙医的星空"]),
        ("# METR 是什么", ["METR 是什么"]),
        ("## A\n\n启动服务器再等。Start the server and wait.", ["A", "启动服务器再等。", "Start the server and wait."]),
        ("## A\n\nHe wrote GPU. 他写过一本关于绘图处理器的书，很厚。", ["A", "He wrote GPU. 他写过一本关于绘图处理器的书，很厚。"]),
        (
            "## AI 的未来\n\n## GPU 与算力\n\n## OpenAI 是谁\n\n文",
            ["AI 的未来", "GPU 与算力", "OpenAI 是谁", "文"],
        ),
    ],
)  # fmt: skip
def test_a_line_is_split_only_where_its_halves_can_say_the_same(text: str, shown: list[str]) -> None:
    assert lines(text) == shown


def test_sections_that_stand_in_one_language_after_the_other_are_paired(tmp_path: Path) -> None:
    en, zh = ([(line[0], line[own]) for line in TEXT] for own in (1, 2))
    text = "\n\n".join(f"{h}{t}" for part in (en[:3], zh[:3], en[3:], zh[3:]) for h, t in part)
    article = read_captured(tmp_path / "ferry.md", f"---\ntitle: The Ferry\nauthor: Lena Quist\n---\n{text}")
    assert body(article) == [(zh, en) for h, en, zh in TEXT if not h]
    halves = "".join(
        f"<div class='{'en' if t < '~' else 'zh'}'><p>{t}<p>{t}</div>" for _, *both in TEXT[1:2] for t in both
    )
    assert len(body(read_captured(tmp_path / "x.html", f"<h1>The Ferry</h1><h1>渡船</h1>{halves}"))) == 2


def test_where_parts_are_marked_an_unmarked_line_is_a_heading_only_in_bold(tmp_path: Path) -> None:
    lines_ = ["Price: one crown", "价格：一克朗", "**The vote**", "**投票**", "**Mei:** Why?", "**梅：** 为什么？"]
    typed = "\n\n".join(f"{h}{t}" for h, *both in TEXT for t in (f"{both[0]}", f"{h}{both[1]}"))
    article = read_captured(tmp_path / "f.md", "\n\n".join(["# Ferry", "# 渡船", typed, *lines_, typed]))
    pairs = body(article)
    assert ("价格：一克朗", "Price: one crown") in pairs
    assert ("梅： 为什么？", "Mei: Why?") in pairs
    assert any(p.section.en[-1:] == ("The vote",) for p in article.paragraphs)


def test_what_stands_deeper_than_the_parts_right_below_the_title_is_its_subtitle() -> None:
    page = plain("# Bells\n\n### A conversation\n\nText.\n\n## One\n\n## Two\n", ".md")
    assert [mark.level for mark in page.marks.values()] == [1, 0, 0, 2, 2]


def test_what_surrounds_the_article_of_a_web_page_is_left_out() -> None:
    page = """<html><body><form><article class="card"><p>Another</p></article><article class="has-sidebar">
    <h1>Title</h1><ul class="share"><li>X</li></ul><p hidden>no</p><p style="display: none">no</p>
    <ul><li><a href="#a">One</a></li></ul><p>Text of 40 m<sup>2</sup>, and 10<sup>6</sup> more.<sup>7</sup>
    <a href="#r">↩</a></p><pre>code()</pre><p>汉<ruby>字<rt>zi</rt></ruby></p><figcaption>The dome</figcaption>
    <div id="comments"><p>First!</p></div></article></form></body></html>"""
    assert lines(page, "") == ["Title", "Text of 40 m², and 10⁶ more.[7]", "汉字", "The dome"]
    assert list(plain(page).marks.values()) == [Mark("heading", 1), Mark("caption")]


def test_short_paragraphs_are_an_article_too(tmp_path: Path) -> None:
    text = "山谷没有公路。\n\nThe valley has no road.\n\n它也没有地图。\n\nIt has no map."
    article = read_captured(tmp_path / "valley.txt", text)
    assert body(article) == [("山谷没有公路。", "The valley has no road."), ("它也没有地图。", "It has no map.")]


@pytest.mark.parametrize(
    "notes", ["<p>[1] A note.</p><p>[1] 一条注。</p>", '<ol><li id="n1">A note.</li></ol><ol><li>一条注。</li></ol>']
)
@pytest.mark.parametrize("around", ['class="footnotes"', 'role="doc-endnotes"', 'class="post foot-notes-list"'])
def test_notes_are_known_by_what_the_page_calls_the_element_around_them(notes: str, around: str) -> None:
    page = plain(f"<h1>T</h1><h2>P</h2><p>Text.</p><h2>Q</h2><hr><section {around}>{notes}</section>", ".html")
    lines = page.text.split("\n")
    assert [lines[at - 1][-5:] for at, mark in page.marks.items() if mark == Mark("note")] == ["note.", lines[-2][-5:]]


def test_an_amount_in_units_is_not_a_rows_other_language() -> None:
    table = "| 项目 | 一期 |\n|---|---|\n| 装机 | 400 MW |\n| 电压 | ±220 kV AC |\n| 显存 | memory |\n"
    assert lines(table) == ["项目; 一期", "装机; 400 MW", "电压; ±220 kV AC", "显存", "memory"]


def test_a_row_is_told_with_the_heads_of_its_columns() -> None:
    table = "| Item | One | Two |\n|---|---|---|\n| Turbines | 62 | 75 |\n| Owner | Ann | |\n"
    assert lines(table) == ["Item; One; Two", "Turbines, One: 62, Two: 75", "Owner, One: Ann"]


def test_a_table_whose_heads_stand_in_both_languages_is_a_line_a_language() -> None:
    head = "| Campus 园区 | Opened 启用 | Cards 加速卡(张) | Power 容量(MW) | PUE |\n|---|---|---|---|---|\n"
    assert lines(f"{head}| Johor 柔佛 | 2023 | 2,100 | 18 | 1.3 |\n") == [
        "园区；启用；加速卡(张)；容量(MW)；PUE",
        "Campus; Opened; Cards; Power (MW); PUE",
        "柔佛，启用: 2023，加速卡(张): 2,100，容量(MW): 18，PUE: 1.3",
        "Johor, Opened: 2023, Cards: 2,100, Power (MW): 18, PUE: 1.3",
    ]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        (
            "Table 1. The three campuses 表1 三个园区概况(2025年)",
            ["Table 1. The three campuses", "表1 三个园区概况(2025年)"],
        ),
        ("表1 三个园区概况", ["表1 三个园区概况"]),
        ("Photo by Chen 王伟", ["Photo by Chen 王伟"]),
    ],
)
def test_a_caption_in_both_languages_is_a_line_a_language(caption: str, expected: list[str]) -> None:
    page = plain(f"<h1>T</h1><table><caption>{caption}</caption><tr><td>1</td></tr></table>", ".html")
    assert [line for line in page.text.split("\n") if line][1:-1] == expected
    assert {mark for mark in page.marks.values() if mark.role == "caption"} == {Mark("caption")}


def test_heads_that_name_languages_stand_before_no_cell() -> None:
    table = "| | 中文 | English |\n|---|---|---|\n| 1 | 显存 | memory |\n"
    assert lines(table) == ["显存", "memory"]


def test_a_row_whose_cells_hold_both_languages_is_a_line_a_language() -> None:
    table = "| 参数<br>Option | 说明<br>Description |\n|---|---|\n| `--window` | 搜索窗口<br>Search window |\n"
    assert lines(table) == ["参数；说明", "Option; Description", "--window；搜索窗口", "--window; Search window"]


def test_an_exponent_stays_raised_and_a_notes_number_stands_in_brackets() -> None:
    page = "<html><p>用了10<sup>26</sup>次，代价O(n<sup>2</sup>)，拟合的R<sup>2</sup>，每10 km<sup>-1</sup>。<sup>1</sup>第1<sup>st</sup>章"
    linked = '2024<sup><a href="#n2">2</a></sup>年<a href="#n3"><sup>[3]</sup></a>水管<sup>4</sup>, pipes<sup>5</sup></p></html>'
    assert lines(page + linked, "") == [
        "用了10²⁶次，代价O(n²)，拟合的R²，每10 km⁻¹。[1]第1st章2024[2]年[3]水管[4], pipes[5]"
    ]


def test_what_is_indented_is_text_and_a_note_may_go_on_so() -> None:
    text = "茶[^1]\n\n    茶园在山上。\n\n![[Pasted image 1.png]]\n\n[^1]: 出自年报。\n\n    From the report.\n\n```\ncode()\n```\n"
    page = plain(text, ".md")
    assert lines(text) == ["茶[1]", "茶园在山上。", "[1] 出自年报。", "From the report."]
    assert Mark("note") in page.marks.values()


@pytest.mark.parametrize(
    ("front", "text", "shown"),
    [
        ("title: 茶\n", "文。\n\n```\n# install\n```\n", ["# 茶", "文。"]),
        ("title: 茶\n", "# 背景\n\n文。\n\n# 结论\n\n文。\n", ["# 茶", "## 背景", "文。", "## 结论", "文。"]),
        ("title: 茶 / Tea\n", "# 茶\n\n文。\n\n# 结论\n\n文。\n", ["# 茶", "文。", "# 结论", "文。"]),
        ("title: tea-2\n", "# 茶\n\n# Tea\n\n文。\n", ["# 茶", "# Tea", "文。"]),
        ("title: >-\n  茶与\n  山\ndate: 2024\n", "文。\n", ["# 茶与 山", "文。"]),
    ],
)
def test_the_title_of_the_front_matter_is_the_title_unless_the_text_begins_with_one(
    front: str, text: str, shown: list[str]
) -> None:
    page = plain(f"---\n{front}---\n\n{text}", ".md")
    levels = {number: "#" * mark.level + " " for number, mark in page.marks.items() if mark.level}
    own = enumerate(page.text.split("\n"), start=1)
    assert [levels.get(number, "") + line for number, line in own if line] == shown


def test_an_element_that_is_no_block_stands_within_its_line() -> None:
    page = """<html><p>损失 <math><mi>L</mi><mo>=</mo><mn>2</mn></math> 与<my-term>泄漏率</my-term><svg></svg>有关。</p>
    <p>A <think> tag.</p><search>Not shown apart</search></html>"""
    assert lines(page, "") == ["损失 L=2 与泄漏率有关。", "A tag.", "Not shown apart"]


def test_an_article_in_each_language_is_read_whole_and_a_card_is_not() -> None:
    articles = "".join(
        f"<article><p>{line}</p></article>"
        for line in ("茶园在山上，茶叶在山下。", "The garden is above the tea.", "Card")
    )
    assert lines(f"<html>{articles}</html>", "") == ["茶园在山上，茶叶在山下。", "The garden is above the tea."]


def test_a_head_that_ends_in_a_figure_and_brackets_that_are_the_chinese_halfs_own() -> None:
    table = "| Oven 烤炉 | Slowest 1% 最慢的1% | Cost (coins) 费用（枚） |\n|---|---|---|\n| Big oven 大烤炉（铁） | 9 | 40 |\n"
    assert lines(table) == [
        "烤炉；最慢的1%；费用（枚）", "Oven; Slowest 1%; Cost (coins)",
        "大烤炉（铁），最慢的1%: 9，费用（枚）: 40", "Big oven, Slowest 1%: 9, Cost (coins): 40",
    ]  # fmt: skip


def test_a_heading_in_both_languages_keeps_nothing_of_what_parts_them() -> None:
    text = "# T\n\n## Why it failed / 为什么失败\n\n## Limits / 局限在哪里\n\n## Road ahead / 往后的路\n"
    assert [line for line in lines(text) if "/" in line] == []


def test_front_matter_may_state_the_title_in_short() -> None:
    page = plain(
        '---\ntitle: "Find the Milk / 找牛奶"\n---\n\nHome · Jobs\n\n# Find the Milk: How 找牛奶：怎么找\n', ".md"
    )
    assert [mark.level for mark in page.marks.values() if mark.role == "heading"][:1] == [1]
    assert "Find the Milk / 找牛奶" not in page.text


ROWS = [
    ["Date<br>日期", "What failed / 故障", "Minutes affected | 影响分钟数"],
    ["21 May / 5 月 21 日", "Switch port at 1 Gb / 交换机端口降速", "47"],
    ["2 December / 12 月 2 日", "Tallow’s certificate expired / Tallow 证书过期", "38"],
]


def _table_of(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = ("".join(f"<{tag}>{cell}</{tag}>" for cell in own) for tag, own in _tagged(rows))
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{own}</tr>' for own in rest)}</table>"


def _tagged(rows: Sequence[Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    return [("td" if i else "th", own) for i, own in enumerate(rows)]


def _read(html: str) -> Article:
    prose = [f"<p>{en}</p><p>{zh}</p>" for _, en, zh in TEXT[1:3]]
    title = "<h1>The Harbour / 港口</h1>"
    return read_captured(
        Path("page.html"), f"<html><body><article>{title}{prose[0]}{html}{prose[1]}</article></body></html>"
    )


def test_what_a_sign_parts_in_a_cell_is_parted_there_whatever_numbers_stand_around_it() -> None:
    pairs = [(p.zh, p.en) for p in _read(_table_of(ROWS)).paragraphs]
    assert (
        "5 月 21 日，故障: 交换机端口降速，影响分钟数: 47",
        "21 May, What failed: Switch port at 1 Gb, Minutes affected: 47",
    ) in pairs
    assert (
        "12 月 2 日，故障: Tallow 证书过期，影响分钟数: 38",
        "2 December, What failed: Tallow’s certificate expired, Minutes affected: 38",
    ) in pairs


def test_a_letter_and_what_it_stands_for_head_a_column_in_both_languages() -> None:
    rows = [["Outcome 结局", "H 人工", "C 集中", "S 街角"], ["Capture, % 回收率", "61", "74", "58"]]
    assert ("回收率，H 人工: 61，C 集中: 74，S 街角: 58", "Capture, %, H: 61, C: 74, S: 58") in [
        (p.zh, p.en) for p in _read(_table_of(rows)).paragraphs
    ]
    rows = [["公司", "A 类", "B 类"], ["北港", "61", "74"]]
    assert "北港，A 类: 61，B 类: 74" in [p.zh for p in _read(_table_of(rows)).paragraphs], "no head has both languages"


@pytest.mark.parametrize(("name", "is_kept"), [("callout note", True), ("sidebar", False), ("", False)])
def test_a_box_of_the_articles_own_is_read_and_heads_nothing(name: str, is_kept: bool) -> None:
    box = "<p><b>Warning / 注意</b></p><p>The ice is thin near the pier all year.</p><p>码头边的冰一年到头都很薄。</p>"
    article = _read(f"<aside class='{name}'>{box}</aside>")
    assert ("码头边的冰一年到头都很薄。" in [p.zh for p in article.paragraphs]) is is_kept
    assert {p.section for p in article.paragraphs} == {Section()}


def test_headings_in_both_languages_on_a_line_beside_headings_on_two() -> None:
    parts = [
        "## 1. The ice 冰期\n\n{0}\n\n{1}",
        "## 2. The barrier\n\n## 2. 拦冰栅\n\n{0}\n\n{1}",
        "## 3. Money 花费\n\n{0}\n\n{1}",
    ]
    body = "\n\n".join(own.format(en, zh) for own, (_, en, zh) in zip(parts, [TEXT[1], TEXT[2], TEXT[4]], strict=True))
    article = read_captured(Path("page.md"), f"# The Harbour\n\n# 港口\n\n{body}")
    assert [(p.section.zh, p.section.en) for p in article.paragraphs[1:]] == [
        (("1. 冰期",), ("1. The ice",)),
        (("2. 拦冰栅",), ("2. The barrier",)),
        (("3. 花费",), ("3. Money",)),
    ]


def test_a_gloss_in_brackets_is_a_headings_other_half() -> None:
    parts = [
        "## How It Cheated（它怎样作弊）",
        "## 面孔 (The faces)",
        "### 关键数字 Key numbers",
        "## 使用 Claude Code",
    ]
    body = "\n\n".join(f"{head}\n\n{en}\n\n{zh}" for head, (_, en, zh) in zip(parts, (TEXT[1], TEXT[2], TEXT[4], TEXT[1]), strict=True))  # fmt: skip
    article = read_captured(Path("page.md"), f"# The Harbour | 港口\n\n{body}")
    assert [(p.section.zh[-1], p.section.en[-1]) for p in article.paragraphs[1:4]] == [
        ("它怎样作弊", "How It Cheated"),
        ("面孔", "The faces"),
        ("关键数字", "Key numbers"),
    ]
    assert article.paragraphs[-1].section.zh[-1] == "使用 Claude Code"


def test_amounts_behind_labels_in_both_languages_are_a_line_each() -> None:
    text = "**照片总数 Photographs**: 90,412 张 / 90,412\n**扫描 Scanning**: 121,000 欧元 / 121,000 euros\n**锚点 Anchors**: 312"
    assert lines(text) == [
        "照片总数：90,412 张", "Photographs: 90,412", "扫描：121,000 欧元", "Scanning: 121,000 euros", "锚点：312", "Anchors: 312",
    ]  # fmt: skip


def test_items_that_say_the_same_twice_are_parted_where_most_do() -> None:
    assert lines("- 修暖气 Mend the heating\n- 重扫玻璃底片 Scan the plates again") == [
        "修暖气", "Mend the heating", "重扫玻璃底片", "Scan the plates again",
    ]  # fmt: skip
    assert lines("- 修暖气\n- 推荐使用 Claude Code\n- 清空争执盘") == ["修暖气", "推荐使用 Claude Code", "清空争执盘"]


def test_a_callouts_title_opens_its_text_and_what_note_apps_add_goes() -> None:
    text = "> [!note] 译注\n> 原文用的是另一个词。\n\n这是一段话。 ^src3\n\nA line. %%核对：初稿写 61,810%%"
    assert lines(text) == ["译注：原文用的是另一个词。", "这是一段话。", "A line."]


def test_who_made_a_text_that_states_its_own_title_is_told_by_its_front_matter() -> None:
    body = "\n\n".join(f"{en}\n\n{zh}" for _, en, zh in TEXT[1:3])
    front = "---\ntitle: 港口\nauthor: Ines Tarrow\ntranslator: 林砚秋\ntags: [译文]\n---\n"
    article = read_captured(Path("page.md"), f"{front}\n# The Harbour | 港口\n\n{body}")
    assert article.paragraphs[0].kind == "front"
    assert (article.paragraphs[0].en, article.paragraphs[0].zh) == (
        "The Harbour\nAuthor: Ines Tarrow",
        "港口\nTranslator: 林砚秋",
    )


def test_what_front_matter_tells_stands_below_both_halves_of_the_title() -> None:
    body = "\n\n".join(f"{zh}\n\n{en}" for _, en, zh in TEXT[1:3])
    front = "---\ntitle: 河边的磨坊\nauthor: Lin Yuan\n---\n"
    article = read_captured(Path("page.md"), f"{front}\n# 河边的磨坊\n\nThe Mill by the River\n\n{body}")
    assert article.title == "The Mill by the River / 河边的磨坊"


def test_signs_that_are_not_a_note_apps_stay_and_a_name_in_brackets_is_no_translation() -> None:
    assert lines("从 20%%到 30%%不等。\n\nIt grows as 2 ^n") == ["从 20%%到 30%%不等。", "It grows as 2 ^n"]
    assert lines("速度 Speed: 12 km / h") == ["速度 Speed: 12 km / h"]
    assert lines("# 标题\n\n## 磨坊主人（Otto Braun）")[-1] == "磨坊主人（Otto Braun）"


@pytest.mark.parametrize("name", ["promo box", "author-box", "info-related", "panel"])
def test_a_box_that_is_not_surely_the_articles_is_left_out(name: str) -> None:
    box = "<p>Subscribe to our newsletter, it comes on Fridays.</p><p>订阅我们的周报，每周五送到。</p>"
    assert "订阅我们的周报，每周五送到。" not in [
        p.zh for p in _read(f"<aside class='{name}'>{box}</aside>").paragraphs
    ]
