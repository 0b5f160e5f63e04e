"""Reading captured pages: the bundled one exactly, and two others it was not written for."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.blocks import read_blocks
from index.capture import read_captured
from index.embedder import Embedder
from index.errors import UserError
from index.headings import Heading, levels
from index.lines import as_meant
from index.paragraphs import Article, Language, Paragraph, Section, count_kinds
from index.source import BUNDLED_ARTICLE, ArticleReader
from index.table import told_rows
from index.vocabulary import is_notes_title, is_summary_label, names_makers, says_who_or_when

ARTICLES = Path(__file__).parent / "articles"


@pytest.fixture(scope="module")
def bundled() -> Article:
    return ArticleReader().read(BUNDLED_ARTICLE)


@pytest.fixture(scope="module")
def tea() -> Article:
    return ArticleReader().read(ARTICLES / "tea.txt")


@pytest.fixture(scope="module")
def railway() -> Article:
    return ArticleReader().read(ARTICLES / "railway.txt")


def of_kind(article: Article, kind: str) -> list[Paragraph]:
    return [paragraph for paragraph in article.paragraphs if paragraph.kind == kind]


def sections(article: Article, language: Language) -> list[str]:
    return list(dict.fromkeys(paragraph.section.path(language) for paragraph in article.paragraphs))


def everything(article: Article) -> str:
    return "\n".join(
        part
        for paragraph in article.paragraphs
        for part in (paragraph.zh, paragraph.en, *paragraph.section.zh, *paragraph.section.en)
        if part
    )


# --- the bundled page ---------------------------------------------------------------------------------------


def test_the_bundled_page_has_exactly_these_paragraphs(bundled: Article) -> None:
    assert count_kinds(bundled.paragraphs) == {
        "front": 1,
        "summary": 1,
        "body": 48,
        "timeline": 5,
        "figure": 3,
        "footnote": 8,
        "credits": 1,
    }


def test_every_paragraph_of_the_bundled_page_is_a_pair_but_the_summary(bundled: Article) -> None:
    assert [p.kind for p in bundled.paragraphs if p.languages != ("zh", "en")] == ["summary"]
    assert bundled.notes == ()


def test_paragraphs_are_numbered_from_one_in_reading_order(bundled: Article) -> None:
    page = BUNDLED_ARTICLE.read_text(encoding="utf-8")
    assert [p.number for p in bundled.paragraphs] == list(range(1, len(bundled.paragraphs) + 1))
    places = [
        page.rindex(p.zh.split("\n")[-1]) for p in bundled.paragraphs if p.zh and p.kind not in ("front", "summary")
    ]
    assert places == sorted(places)


def test_each_pair_says_the_same_in_both_languages(bundled: Article) -> None:
    openings = {
        "For most of AI's history": "在 AI 发展史的绝大部分时间里",
        "CORE-Bench tests whether": "CORE-Bench 测试的是",
        "A caveat: Lines of code": "需要说明一点",
        "None of this is necessarily impossible": "这一切在原则上并非注定不可能",
        "In the coming months": "在接下来的几个月里",
        "As a check on judge bias": "8.\N{NO-BREAK SPACE}为了检验评判者是否存在偏向",
    }
    for english, chinese in openings.items():
        (paragraph,) = (p for p in bundled.paragraphs if p.en and p.en.startswith(english))
        assert paragraph.zh is not None
        assert paragraph.zh.startswith(chinese)


def test_the_timeline_keeps_its_dates_and_titles_in_the_section_path(bundled: Article) -> None:
    timeline = of_kind(bundled, "timeline")
    assert [p.section.zh[-1] for p in timeline] == [
        "2021–2023 打造第一代 Claude",
        "2023–2025 聊天机器人",
        "2025–2026 编程智能体",
        "当下 自主智能体",
        "20XX? 闭合循环",
    ]
    assert [p.section.en[-1] for p in timeline] == [
        "2021–2023 Building the first Claude",
        "2023–2025 Chatbots",
        "2025–2026 Coding agents",
        "TODAY Autonomous agents",
        "20XX? Closing the loop",
    ]
    assert {p.section.en[0] for p in timeline} == {"A TIMELINE"}


def test_the_section_headings_are_headings_in_both_languages(bundled: Article) -> None:
    top_zh = list(dict.fromkeys(p.section.zh[0] for p in bundled.paragraphs if p.section.zh))
    top_en = list(dict.fromkeys(p.section.en[0] for p in bundled.paragraphs if p.section.en))
    assert top_zh == [
        "导读 · 内容摘要",
        "从手写代码,到「闭合循环」",
        "来自外部世界的证据",
        "来自 Anthropic 内部的证据",
        "Anthropic 未来的工作会是什么样子?",
        "如果我们错了呢?",
        "几种可能的未来",
        "我们应该怎么做?",
        "脚注",
    ]
    assert top_en == [
        "A TIMELINE",
        "EVIDENCE FROM THE OUTSIDE WORLD",
        "EVIDENCE FROM WITHIN ANTHROPIC",
        "THE FUTURE OF WORK AT ANTHROPIC",
        "WHAT IF WE'RE WRONG?",
        "POSSIBLE FUTURES",
        "WHAT SHOULD WE DO?",
        "Footnotes",
    ]


def test_the_three_scenario_titles_are_headings_not_paragraphs(bundled: Article) -> None:
    scenarios = [path for path in sections(bundled, "en") if path.startswith("POSSIBLE FUTURES › ")]
    assert [path.split(" › ")[1] for path in scenarios] == [
        "1. The trend stalls, but today's AI capabilities are widely diffused",
        "2. AI labs continue to see compounding efficiency gains",
        "3. AI systems themselves become capable of full recursive self-improvement, and begin building their successors",
    ]
    assert [path.split(" › ")[1] for path in sections(bundled, "zh") if path.startswith("几种可能的未来 › ")] == [
        "1. 趋势停滞,但今天的 AI 能力得到广泛扩散",
        "2. AI 实验室持续获得复利式的效率增益",
        "3. AI 系统自身具备完全的递归式自我改进,并开始构建后继者",
    ]
    assert not any("趋势停滞,但今天的" in (p.zh or "") for p in bundled.paragraphs)


def test_a_figure_keeps_its_title_as_the_last_heading(bundled: Article) -> None:
    assert [p.section.zh[-1] for p in of_kind(bundled, "figure")] == [
        "各季度人均贡献的代码量",
        "Claude Code 会话成功率",
        "模型能否选出比人类更好的下一步",
    ]
    assert [p.en for p in of_kind(bundled, "figure")] == [
        "Code contributed per person, by quarter.",
        "Claude Code session success rate, by task type.",
        "Where a researcher went wrong, could Claude have done better?",
    ]


def test_each_footnote_knows_its_number(bundled: Article) -> None:
    assert [p.section.en for p in of_kind(bundled, "footnote")] == [("Footnotes", f"Note {n}") for n in range(1, 9)]
    assert [p.section.zh for p in of_kind(bundled, "footnote")] == [("脚注", f"注 {n}") for n in range(1, 9)]


def test_the_front_holds_the_title_its_origin_and_the_translator(bundled: Article) -> None:
    (front,) = of_kind(bundled, "front")
    assert front.number == 1
    assert front.en is not None
    assert front.zh is not None
    assert front.en.split("\n") == [
        "THE ANTHROPIC INSTITUTE",
        "When AI builds itself",
        "Our progress toward recursive self-improvement, and its implications.",
    ]
    assert "anthropic.com/institute/recursive-self-improvement" in front.zh
    assert "由 Claude Opus 4.8 翻译" in front.zh
    assert bundled.title == "When AI builds itself / 当 AI 开始自我构建"


def test_the_credits_name_the_authors(bundled: Article) -> None:
    (thanks,) = of_kind(bundled, "credits")
    assert thanks.en is not None
    assert thanks.en.startswith("Marina Favaro and Jack Clark co-authored this piece")


@pytest.mark.parametrize(
    "furniture",
    [
        *(
            "腾讯会议",
            "免费POC",
            "零成本试错",
            "FDE",
            "学习大模型",
            "我要投稿",
            "发布日期",
            "浏览次数",
            "1518",
            "東雲研究院",
        ),
        *(
            "微信",
            "推荐语",
            "核心内容",
            "杨芳贤",
            "53AI",
            "腾讯云",
            "首选服务商",
            "场景落地咨询",
            "零风险",
            "联系我们",
            "售前",
        ),
        *("186 6662 7370", "预约演示", "185 8882 0121", "扫码", "专属顾问", "回到顶部", "加载中", "中英对照)_tag2"),
        *("AI 在开发中的角色转变", "递归式自我改进的可能路径与未来情景"),
    ],
)
def test_a_page_advertisement_counter_phone_or_blurb_is_nowhere_in_the_article(
    bundled: Article, furniture: str
) -> None:
    assert furniture in BUNDLED_ARTICLE.read_text(encoding="utf-8")
    assert furniture not in everything(bundled)


def test_every_other_line_of_the_page_survives_in_a_paragraph_or_a_heading(bundled: Article) -> None:
    lines = BUNDLED_ARTICLE.read_text(encoding="utf-8").splitlines()
    begin, end = lines.index("THE ANTHROPIC INSTITUTE"), lines.index("53AI,企业落地大模型首选服务商")
    kept = everything(bundled)
    for block in read_blocks("\n".join(lines[begin:end])):
        parts = [part.lstrip("123").rstrip(".") for part in block.text.split(" · ")]
        assert block.text in kept or all(part in kept for part in parts), block.text


# --- other pages --------------------------------------------------------------------------------------------


def test_an_english_first_page_with_full_width_punctuation_is_read_whole(tea: Article) -> None:
    assert count_kinds(tea.paragraphs) == {"front": 1, "body": 7, "figure": 1, "footnote": 2, "credits": 1}
    assert all(p.languages == ("zh", "en") for p in tea.paragraphs)
    assert tea.title == "How tea crossed the sea / 茶叶如何远渡重洋"
    assert (tea.paragraphs[4].zh or "").startswith("速度变成了金钱")
    assert (tea.paragraphs[4].en or "").startswith("Speed became money")


def test_english_first_headings_and_an_english_figure_title_keep_their_language(tea: Article) -> None:
    assert sections(tea, "zh") == ["", "快船时代", "玻璃箱里的种子", "注释 › 注 1", "注释 › 注 2"]
    (figure,) = of_kind(tea, "figure")
    assert figure.section.en == ("THE CLIPPERS", "Days from Fuzhou to London")
    assert figure.section.zh == ("快船时代",)
    assert (figure.zh or "").startswith("图 1")


def test_an_english_first_front_keeps_its_kicker_and_byline(tea: Article) -> None:
    (front,) = of_kind(tea, "front")
    assert front.en == (
        "THE LEAF REVIEW\nHow tea crossed the sea\nThree centuries of ships, smugglers and seeds\n"
        "By Ada Finch. Translated by Lin Wan."
    )
    assert front.zh == "茶叶如何远渡重洋\n三百年的船队、走私者与种子"


def test_a_kicker_above_an_english_first_title_is_not_the_translation_of_the_line_of_the_site_above_it() -> None:
    title = ["FIELD NOTES", "The Barley That Waits for Rain", "等雨的大麦"]
    article = read_captured(Path("barley.txt"), "\n\n".join(["首页", *title, *PROSE[::-1], *PROSE[::-1]]))
    assert article.title == "The Barley That Waits for Rain / 等雨的大麦"
    assert article.paragraphs[0].en == "FIELD NOTES\nThe Barley That Waits for Rain"


@pytest.mark.parametrize(
    "line",
    ["Home", "Menu", "Posted by", "1204", "About the magazine", "Write for us", "Archive", "Privacy", "©", "中英双语"],
)
def test_a_footer_of_english_navigation_is_not_the_article(tea: Article, line: str) -> None:
    assert line not in everything(tea)


def test_a_missing_translation_stays_alone_and_is_reported(railway: Article) -> None:
    alone = [p for p in railway.paragraphs if p.kind == "body" and p.languages != ("zh", "en")]
    assert [(p.number, (p.zh or "")[:12], p.en) for p in alone] == [(5, "一八四〇年，大西部铁路公", None)]
    assert railway.notes == (f"¶5 has no English: {(alone[0].zh or '')[:40]}…",)
    assert (railway.paragraphs[5].en or "").startswith("The practice was not welcomed")


def test_numbered_headings_stand_beside_each_other_not_inside_the_first(railway: Article) -> None:
    assert sections(railway, "zh")[2:] == ["一、时刻表带来的麻烦", "二、电报与球", "三、法律最后才到"]
    assert sections(railway, "en")[2:] == [
        "1. The trouble with timetables",
        "2. The telegraph and the ball",
        "3. The law came last",
    ]


def test_a_short_summary_under_its_label_is_the_summary(railway: Article) -> None:
    (summary,) = of_kind(railway, "summary")
    assert summary.zh == "本文回顾铁路公司如何在十九世纪统一各地的时钟，以及这件事为何比人们想象的更困难。"
    assert summary.section.zh == ("摘要",)
    (front,) = of_kind(railway, "front")
    assert front.zh == "铁路怎样改变了时间\n原文：The Timetable Quarterly\n译者：周明"


def test_neighbouring_articles_and_the_site_are_not_the_article(railway: Article) -> None:
    kept = everything(railway)
    assert not [line for line in ("铁路史话", "登录", "高架铁路", "蒸汽机车的一天", "公众号", "阅读量") if line in kept]


def test_a_last_paragraph_without_its_translation_is_left_out_but_not_in_silence() -> None:
    text = (ARTICLES / "tea.txt").read_text(encoding="utf-8").split("The author would like to thank")[0]
    cut = text[: text.rindex("他带走的茶苗")]
    article = read_captured(Path("cut.txt"), cut)
    assert article.notes == ("left out after the last pair: Whether his plants mattered is still arg…",)


def test_numbers_of_another_style_nest_inside(tmp_path: Path) -> None:
    zh, en = (
        "这是一段足够长的中文正文，用来说明标题之间的层次关系，别无他意。",
        "This is a paragraph of English prose, long enough.",
    )
    pair = f"{zh}\n\n{en} It only shows how headings nest in each other.\n\n"
    text = (
        pair
        + "一、开端\n\nBeginnings\n\n"
        + pair
        + "1. 第一步\n\nA first step\n\n"
        + pair
        + "二、终点\n\nAn end\n\n"
        + pair
    )
    article = read_captured(Path("nested.txt"), text)
    assert sections(article, "zh") == ["", "一、开端", "一、开端 › 1. 第一步", "二、终点"]
    assert sections(article, "en") == ["", "Beginnings", "Beginnings › 1. A first step", "An end"]


# A page whose title is as long as a sentence, with a subtitle that is one, sections that hold headings without numbers,
# and a word about the author behind the notes.
PROSE = (
    "那一年的河水比往年都要浑，渡船停了三天，岸上的人都说从来没有见过这样的春天，谁也不知道该怎么办。",
    "That year the river was muddier than ever, the ferry lay idle, and nobody could say what was to be done about it.",
)
BRIDGE = [
    ("首页",),
    ("桥梁与道路：他们怎样在二十一个月里修好了一座没有人相信的桥_工程",),
    ("核心内容：",),
    ("3. 账单与教训",),
    ("THE BRIDGE REVIEW",),
    (
        "桥梁与道路：他们怎样在二十一个月里修好了一座没有人相信的桥",
        "Bridges and Roads: How in Twenty-One Months They Mended the Bridge That No One Believed In",
    ),
    ("关于一条河与一座桥，以及桥上的人。", "Of a river, a bridge, and the people who walk on it."),
    ("阿达·芬奇 · 林婉", "Ada Finch · Lin Wan"),
    ("原文：The Bridge Review · bridges.example/mended",),
    PROSE,
    ("一、为什么要修", "1. WHY IT HAD TO BE MENDED"),
    PROSE,
    ("二、两个方案", "2. TWO WAYS"),
    PROSE,
    ("方案甲：用石头", "The first: of stone"),
    PROSE,
    ("方案乙：用铁", "The second: of iron"),
    PROSE,
    ("三、结果", "3. WHAT CAME OF IT"),
    PROSE,
    ("注释", "NOTES"),
    ("1. 河宽是在秋天量的，那时水位最低。", "1. The river was measured in autumn, when it is lowest."),
    ("关于本文", "About this essay"),
    (
        "阿达·芬奇是一名工程师。本文写于渡船停运之后。",
        "Ada Finch is an engineer. She wrote this after the ferry had stopped.",
    ),
]


@pytest.fixture(scope="module", params=["Chinese first", "English first"])
def bridge(request: pytest.FixtureRequest) -> Article:
    turned = (pair[::-1] if request.param == "English first" else pair for pair in BRIDGE)
    return read_captured(Path("bridge.txt"), "\n\n".join(line for pair in turned for line in pair))


def test_a_title_as_long_as_prose_and_all_that_stands_under_it_are_the_front(bridge: Article) -> None:
    (front,) = of_kind(bridge, "front")
    (kicker,), (zh_title, en_title), (zh_subtitle, en_subtitle), (zh_names, en_names), (origin,) = BRIDGE[4:9]
    assert front.zh == f"{zh_title}\n{zh_subtitle}\n{zh_names}\n{origin}"
    assert front.en == f"{kicker}\n{en_title}\n{en_subtitle}\n{en_names}"
    assert bridge.title == f"{en_title} / {zh_title}"
    assert (bridge.paragraphs[1].zh, bridge.paragraphs[1].section) == (PROSE[0], Section())


def test_headings_between_two_numbers_stand_within_the_first_and_the_notes_beside_all(bridge: Article) -> None:
    assert sections(bridge, "zh") == [
        "",
        "一、为什么要修",
        "二、两个方案",
        "二、两个方案 › 方案甲：用石头",
        "二、两个方案 › 方案乙：用铁",
        "三、结果",
        "注释 › 注 1",
        "关于本文",
    ]


def test_a_word_about_the_author_is_the_credits_behind_the_notes_too(bridge: Article) -> None:
    (thanks,) = of_kind(bridge, "credits")
    assert thanks.section.en == ("About this essay",)
    assert (thanks.en or "").startswith("Ada Finch is an engineer.")


def test_a_title_that_stands_but_once_is_found_below_the_sites_own_lines() -> None:
    lines = [line for pair in BRIDGE[2:] for line in pair]
    article = read_captured(Path("bridge.txt"), "\n\n".join(lines))
    assert article.title == " / ".join(BRIDGE[5][::-1])


def test_a_short_first_paragraph_that_begins_with_by_is_no_byline() -> None:
    first = (
        "到了 2020 年，桥已经老得没有人敢在上面停下来看水了。",
        "By 2020 the bridge was so old that nobody dared to stop on it and look at the water.",
    )
    pairs = [*BRIDGE[5:6], first, *BRIDGE[9:]]
    article = read_captured(Path("bridge.txt"), "\n\n".join(line for pair in pairs for line in pair))
    assert (article.paragraphs[1].kind, article.paragraphs[1].zh) == ("body", first[0])


def lines_of(*pairs: tuple[str, ...]) -> str:
    return "\n\n".join(line for pair in pairs for line in pair)


TITLE = ("修桥", "Mending the Bridge")
SHORT = (
    "渡船停了三天,岸上的人都说没有见过这样的春天,谁都不走。",
    "The ferry lay idle for three days, and nobody had seen the like.",
)
HEADING = ("渡船停了三天", "The Ferry Lay Idle")


@pytest.mark.parametrize(
    "opening",
    [
        SHORT,
        (SHORT[0][:-1] + ":", SHORT[1][:-1] + ":"),
        (SHORT[0] + "[1]", SHORT[1] + "[1]"),
    ],
)
def test_an_opening_that_holds_the_words_of_a_later_heading_is_not_lost(opening: tuple[str, str]) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, opening, HEADING, PROSE, HEADING, PROSE))
    assert article.title == "Mending the Bridge / 修桥"
    assert (article.paragraphs[1].kind, article.paragraphs[1].zh) == ("body", opening[0])


def test_a_title_in_capitals_is_not_the_publishers_name() -> None:
    article = read_captured(
        Path("bridge.txt"),
        lines_of(TITLE[:1], ("MENDING THE BRIDGE",), ("起因",), ("HOW IT BEGAN",), PROSE, HEADING, PROSE),
    )
    (front,) = of_kind(article, "front")
    assert front.zh == "修桥"
    assert article.paragraphs[1].section.zh == ("起因",)


@pytest.mark.parametrize(
    "line",
    [
        ("記者:李明",),
        ("譯者:王小明",),
        ("By Ada Finch",),
        ("2025-03-11",),
        ("2024 · 河上周刊 · The River Weekly",),
        ("阿达·芬奇 · 林婉", "Ada Finch · Lin Wan"),
        ("2021 年 3 月 5 日，“河与人”大会，旧礼堂", "5 March 2021, River & People, Old Hall"),
    ],
)
def test_a_line_below_the_title_that_says_who_or_when_is_the_front(line: tuple[str, ...]) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, line, PROSE, HEADING, PROSE))
    (front,) = of_kind(article, "front")
    assert line[0] in f"{front.zh}\n{front.en}"
    assert [(p.kind, p.section.zh) for p in article.paragraphs[1:]] == [("body", ()), ("body", (HEADING[0],))]


SUMMARY = (
    "一支小队带着没有驾驶员的雪橇和一个预报模型上了冰川，回来时少了一架，多了许多问题，没有人说得清。",
    "A small party took sledges without drivers and a forecasting model onto the ice, and came back with one fewer.",
)


@pytest.mark.parametrize(
    "origin",
    [
        "原文：The Ice Review · ice.example/party",
        "原文链接：https://www.ice-review.example/party-of-three",
        "冰报 · 2025 年 · ice.example/party",
    ],
)
@pytest.mark.parametrize("kicker", ["THE ICE REVIEW", "CITY OF ICE · OFFICE OF SNOW"])
def test_where_it_comes_from_stands_in_the_front_below_a_summary_as_long_as_prose(origin: str, kicker: str) -> None:
    article = read_captured(
        Path("ice.txt"), lines_of((kicker,), ("雪橇", "Sledges"), SUMMARY, (origin,), PROSE, HEADING, PROSE)
    )
    (front,) = of_kind(article, "front")
    assert origin in (front.zh or "")
    assert kicker in (front.en or "")
    assert article.title == "Sledges / 雪橇"
    assert article.notes == ()


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("Thursday, 18 September 2025, Old Hall", True),
        ("5 March 2021, St. Olaf Hall, Washington, D.C.", True),
        ("2025年9月18日（星期四），旧礼堂", True),
        ("2021 年 3 月 5 日，桥塌了，十一个人淹死在河里", False),
        ("5 March 2021, the bridge falls and eleven people drown", False),
        ("5 March 2021, River and rain fell.", False),
    ],
)
def test_a_day_and_a_place_tell_when_something_was_said_a_day_and_what_happened_do_not(
    line: str, is_told: bool
) -> None:
    assert says_who_or_when(line) == is_told


@pytest.mark.parametrize(
    "heading",
    [("老问题，新工具", "Old Problems, New Tools"), ("沿着河走", "Down the River"), ("一个人的桥", "One Man's Bridge")],
)
def test_a_heading_above_the_first_paragraph_is_no_byline(heading: tuple[str, str]) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, heading, PROSE, HEADING, PROSE))
    assert article.paragraphs[1].section.zh == (heading[0],)


def test_a_timeline_of_days_right_below_the_title_is_not_the_front() -> None:
    days = [("2021年3月5日", "March 5, 2021"), ("船停了。", "The ferry stopped."), ("2022年3月5日", "March 5, 2022")]
    article = read_captured(
        Path("bridge.txt"), lines_of(TITLE, *days, ("桥修好了。", "The bridge was mended."), HEADING, PROSE)
    )
    assert "船停了。" not in (of_kind(article, "front")[0].zh or "")


@pytest.mark.parametrize(
    "label", [("摘要", "Summary"), ("摘要：", "Summary:"), ("Summary · 摘要",), ("內容提要", "Abstract")]
)
def test_a_summary_in_both_languages_ends_with_the_next_heading(label: tuple[str, ...]) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, label, PROSE, PROSE, HEADING, PROSE))
    assert [p.kind for p in article.paragraphs] == ["front", "summary", "summary", "body"]
    endless = read_captured(Path("bridge.txt"), lines_of(TITLE, label, PROSE, PROSE, PROSE))
    assert [p.kind for p in endless.paragraphs] == ["front", "summary", "body", "body"]


def test_the_title_is_the_pair_above_whose_work_it_is_not_the_sites_own_above_its_menu() -> None:
    site, subtitle = ("河边双语", "The River in Two Languages"), ("一个小镇的六年", "Six years of a small town")
    menu, source = ("最新 | 专题 | 论坛",), ("来源：河边杂志",)
    below = read_captured(Path("bridge.txt"), lines_of(site, menu, TITLE, source, HEADING, PROSE))
    assert (of_kind(below, "front")[0].zh or "").split("\n") == [TITLE[0], source[0]]
    plain = read_captured(Path("bridge.txt"), lines_of(TITLE, ("阅读 5 分钟",), subtitle, source, HEADING, PROSE))
    assert plain.title == " / ".join(TITLE[::-1]), "a line between title and subtitle is no menu"


@pytest.mark.parametrize("heading", ["Translation as a Trade", "Source of the Trouble", "By What Right"])
def test_a_heading_that_begins_as_a_byline_does_is_none_without_a_summary_above(heading: str) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, PROSE, ("翻译这一行", heading), PROSE, HEADING, PROSE))
    assert [p.kind for p in article.paragraphs] == ["front", "body", "body", "body"]
    assert article.paragraphs[2].section.en == (heading,)


def test_an_editors_note_at_the_end_is_no_summary() -> None:
    note = ("编者按", "Editor's note")
    article = read_captured(
        Path("bridge.txt"), lines_of(TITLE, PROSE, HEADING, PROSE, ("结果", "Results"), PROSE, note, PROSE)
    )
    assert [p.kind for p in article.paragraphs][1:] == ["body"] * 4


def test_what_a_menu_says_may_be_a_heading_by_itself() -> None:
    headings = [("隐私", "Privacy"), ("版权声明之争", "The fight over copyright notices")]
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, PROSE, headings[0], PROSE, headings[1], PROSE))
    assert [(p.section.zh, p.section.en) for p in article.paragraphs[2:]] == [((zh,), (en,)) for zh, en in headings]


def test_a_byline_in_both_languages_below_an_editors_note_is_of_the_head() -> None:
    byline = ("阿达·芬奇与河边修桥队", "By Ada Finch and the menders of the river")
    label = ("编者按", "Editor's note")
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, label, PROSE, byline, PROSE, HEADING, PROSE))
    assert [p.kind for p in article.paragraphs] == ["front", "summary", "body", "body"]
    assert article.paragraphs[0].en == f"{TITLE[1]}\n{byline[1]}"
    assert article.paragraphs[1].section == Section(zh=("编者按",), en=("Editor's note",))


def test_a_line_of_makers_is_no_heading_and_the_sites_foot_no_paragraph() -> None:
    makers = ("制图：林婉；中文：王小明", "Figures: Lin Wan. Chinese text: Wang Xiaoming.")
    foot = ("版权声明：本文经授权转载", "About us | Contact | Privacy")
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, PROSE, HEADING, PROSE, makers, foot))
    assert [(p.kind, p.zh) for p in article.paragraphs[-2:]] == [("body", PROSE[0]), ("credits", makers[0])]


def test_a_summary_in_one_language_does_not_swallow_what_follows() -> None:
    article = read_captured(
        Path("bridge.txt"), lines_of(TITLE, ("摘要",), (PROSE[0],), HEADING, SHORT, ("结果", "What Came"), PROSE)
    )
    assert [(p.kind, p.section.zh) for p in article.paragraphs] == [
        ("front", ()),
        ("summary", ("摘要",)),
        ("body", (HEADING[0],)),
        ("body", ("结果",)),
    ]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        (("关于作者", "About the author"), "credits"),
        (("關於作者", "About the authors"), "credits"),
        (("致谢与分工", "Credits"), "credits"),
        (("谈谈河", "About the river"), "body"),
        (("桥的将来", "About the future of the bridge"), "body"),
    ],
)
def test_what_a_last_section_is_about_tells_whether_it_is_the_credits(heading: tuple[str, str], kind: str) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, PROSE, HEADING, PROSE, heading, PROSE, PROSE))
    assert [p.kind for p in article.paragraphs[-2:]] == [kind, kind]


def test_a_closing_line_that_speaks_of_writing_is_not_the_credits() -> None:
    closing = (
        "桥的历史，最后还是由走在上面的人自己来撰写，而不是由修桥的人来写。",
        "The history of a bridge is written by those who walk on it.",
    )
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, PROSE, HEADING, PROSE, closing))
    assert (article.paragraphs[-1].kind, article.paragraphs[-1].section.zh) == ("body", (HEADING[0],))


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["A", "B"], [1, 1]),
        (["1. a", "2. b"], [1, 1]),
        (["A", "1. a", "2. b", "B"], [1, 2, 2, 1]),
        (["1. a", "A", "2. b", "B"], [1, 2, 1, 2]),
        (["A", "1. a", "2. b", "B", "3. c", "4. d"], [1, 2, 2, 1, 2, 2]),
        (["1. a", "2. b", "A"], [2, 2, 1]),
        (["1. a", "A", "2. b", "結語:回到河邊"], [1, 2, 1, 1]),
        (["A", "1. a", "2. b", "B", "1. c", "2. d"], [1, 2, 2, 1, 2, 2]),
        (["一、a", "1. b", "2. c", "二、d", "1. e"], [1, 2, 2, 1, 2]),
        (["1. a", "一、b", "二、c", "2. d"], [1, 2, 2, 1]),
        (["Introduction", "1. a", "2. b", "Conclusion", "Notes"], [1, 1, 1, 1, 1]),
        (["一、a", "A", "1. b", "2. c", "B", "二、d"], [1, 2, 3, 3, 2, 1]),
        (["九、a", "A", "十、b", "B", "十一、c"], [1, 2, 1, 2, 1]),
        (["1 a", "1.1 b", "1.2 c", "2 d", "2.1 e", "2.1.1 f", "3 g"], [1, 2, 2, 1, 2, 3, 1]),
        (["一、a", "1.1 b", "1.2 c", "二、d", "2.1 e"], [1, 2, 2, 1, 2]),
        (["A", "1.1 b", "1.2 c", "B", "2.1 d"], [1, 2, 2, 1, 2]),
        (["1.1 a", "A", "1.2 b", "B"], [1, 2, 1, 2]),
        (["Opus", "3.5 Sonnet", "Haiku"], [1, 1, 1]),
        ([], []),
    ],
)
def test_which_heading_stands_within_which_is_told_by_numbers_and_order(
    headings: list[str], expected: list[int]
) -> None:
    assert levels([Heading.of(None, text) for text in headings]) == expected


def test_a_number_without_a_mark_is_one_where_headings_count() -> None:
    counted = page("1趋势停滞\n\nThe trend stalls", "2AI 继续\n\nAI goes on", "5G 时代\n\nThe 5G Era")
    assert [p.section.zh for p in of_kind(counted, "body")] == [
        ("1. 趋势停滞",),
        ("2. AI 继续",),
        ("5G 时代",),
    ]
    words = page("背景\n\nBackground", "1个水管\n\n1 Pipe of Our Time", "三点收获\n\n3 Key Takeaways")
    assert [p.section.zh for p in of_kind(words, "body")] == [("背景",), ("1个水管",), ("三点收获",)]
    assert words.paragraphs[-1].section.en == ("3 Key Takeaways",)


@pytest.mark.parametrize(
    ("zh", "en", "shown"),
    [
        ("1.1 七盏灯", "1.1 The seven lamps", ("1.1 七盏灯", "1.1 The seven lamps")),
        ("3.2.1谁在用", "3.2.1. Who uses it", ("3.2.1 谁在用", "3.2.1 Who uses it")),
        ("10.4 费用", "Fees", ("10.4 费用", "10.4 Fees")),
        ("1.1 2024 年的预算", "1.1 The 2024 budget", ("1.1 2024 年的预算", "1.1 The 2024 budget")),
        ("5.1项目管理", "5.1 Projects", ("5.1 项目管理", "5.1 Projects")),
        ("1.2 《河》的读者", "1.2 “The River”", ("1.2 《河》的读者", "1.2 “The River”")),
        ("1．1 七盏灯", "1.1 The seven lamps", ("1.1 七盏灯", "1.1 The seven lamps")),
        ("1.4 亿人的选择", "1.4 billion people choose", ("1.4 亿人的选择", "1.4 billion people choose")),
        ("1.4億人的選擇", "140 million people choose", ("1.4億人的選擇", "140 million people choose")),
        ("2.5倍的价钱", "2.5 times the price", ("2.5倍的价钱", "2.5 times the price")),
        ("2.5 倍的价钱", "2.5 times the price", ("2.5 倍的价钱", "2.5 times the price")),
        ("8.30 开门", "Doors at 8.30", ("8.30 开门", "Doors at 8.30")),
        ("省下 2.5 小时", "2.5 hours saved", ("省下 2.5 小时", "2.5 hours saved")),
        ("早上开门", "8.30am start", ("早上开门", "8.30am start")),
        ("10:30 开门", "10:30 Doors", ("10:30 开门", "10:30 Doors")),
        ("1、2024 年的预算", "1. The budget of 2024", ("1. 2024 年的预算", "1. The budget of 2024")),
        ("1.2024 年展望", "1. Outlook for 2024", ("1. 2024 年展望", "1. Outlook for 2024")),
    ],
)
def test_a_number_of_several_parts_is_one_number(zh: str, en: str, shown: tuple[str, str]) -> None:
    assert Heading.of(zh, en).texts == shown


def test_the_day_of_an_english_date_is_no_number_of_a_heading() -> None:
    assert Heading.of("2021 年 3 月 5 日", "5 March 2021").texts == ("2021 年 3 月 5 日", "5 March 2021")
    assert Heading.of(None, "18 Sept 2025").texts == (None, "18 Sept 2025")
    assert Heading.of("5 行军", "5 Marching").texts == ("5. 行军", "5. Marching")
    assert Heading.of("3 可以信它吗", "3 May We Trust It?").texts == ("3. 可以信它吗", "3. May We Trust It?")


@pytest.mark.parametrize(
    ("zh", "en", "kind"),
    [
        (
            "演讲：阿达·芬奇，修桥人。录音整理：林婉。英译：王小明。",
            "Speaker: Ada Finch, who mended it. Transcribed by Lin Wan. Translated into English by Wang Xiaoming.",
            "credits",
        ),
        ("采访：阿达·芬奇。攝影：林婉。", "Reporting by Ada Finch. Photographs: Lin Wan.", "credits"),
        ("文字：林婉。图片：阿达。", "Words by Lin Wan. Photos by Ada.", "credits"),
        ("讲者：谢谢大家，我们河边再见。", "Speaker: Thank you all; we shall meet at the river.", "body"),
        (
            "阿达·芬奇：桥是人修的，不是神修的。您问我谁来设计？是河里的石头，是走过桥的每一个人。",
            "Ada Finch: the bridge was mended by people. You ask about the design? It was the stones and all who walk.",
            "body",
        ),
    ],
)
def test_a_last_paragraph_that_says_who_did_what_is_the_credits(zh: str, en: str, kind: str) -> None:
    article = read_captured(Path("bridge.txt"), lines_of(TITLE, PROSE, HEADING, PROSE, (zh, en)))
    assert article.paragraphs[-1].kind == kind


@pytest.mark.model
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["tea.txt", "railway.txt"])
def test_the_real_embedder_pairs_these_pages_as_a_reader_would(real_embedder: Embedder, name: str) -> None:
    with_embedder = ArticleReader(embed=real_embedder.passages).read(ARTICLES / name)
    assert with_embedder == ArticleReader().read(ARTICLES / name)


# --- pages that are not bilingual articles ------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_in_one_language_is_refused_with_the_counts_and_the_remedy(tea: Article, language: Language) -> None:
    text = "\n\n".join(p.text(language) or "" for p in of_kind(tea, "body"))
    with pytest.raises(UserError, match=r"only\.txt holds no Chinese paragraph beside.*\.jsonl"):
        read_captured(Path("only.txt"), text)


def test_furniture_alone_is_no_article() -> None:
    with pytest.raises(UserError, match="0 Chinese blocks, 0 English"):
        read_captured(Path("ads.txt"), "微信扫码\n\n回到顶部\n\n186 6662 7370\n\nHome\n")


def test_a_short_paragraph_that_ends_within_quotation_marks_is_no_heading(tmp_path: Path) -> None:
    pairs = [
        ("大桥之耳", "The Ear of the Bridge"),
        ("塔恩的一座桥装有四百一十二个传感器，每三秒报告一次，没有人去读。", "A bridge in Tarn has 412 sensors, and nobody reads what they say."),
        ("“我们忘了大脑。”", '"We forgot the brain."'),
        ("（至今如此。）", "(It is so to this day.)"),
        ("第二套系统于二〇二四年三月启用，花费一百四十万欧元，至今运转正常。", "The second system was switched on in March 2024 and still runs well."),
    ]  # fmt: skip
    article = read_captured(tmp_path / "bridge.txt", "\n\n".join(line for pair in pairs for line in pair))
    assert [(p.zh, p.en) for p in article.paragraphs if p.kind == "body"] == pairs[1:]


def test_short_items_of_a_list_are_text_and_not_headings_that_nothing_stands_under(tmp_path: Path) -> None:
    prose = (
        "第二套系统于二〇二四年三月启用，花费一百四十万欧元，至今运转正常。",
        "The second system was switched on in March and still runs well.",
    )
    items = [
        ("1. 价格：一克朗", "1. Price: one crown"),
        ("2. 座位：九十个", "2. Seats: ninety"),
        ("3. 早上七点开门", "3. Open from seven"),
    ]
    pairs = [("大桥之耳", "The Ear of the Bridge"), prose, ("细节", "Details"), prose, *items, ("之后", "After"), prose]  # fmt: skip
    article = read_captured(tmp_path / "bridge.txt", "\n\n".join(line for pair in pairs for line in pair))
    text = [p for p in article.paragraphs if p.kind == "body"]
    assert [(p.zh, p.en) for p in text] == [prose, prose, *items, prose]
    assert [p.section.en for p in text] == [(), *[("Details",)] * 4, ("After",)]


PAIRS = [
    ("The bakery opened in 2019 and sold two hundred and forty loaves in its first morning.", "面包店 2019 年开张，头一个上午就卖出了二百四十个面包，一个不剩。"),
    ("Its owner keeps no clock; she looks at the sky, and then at what is left in the oven.", "店主不用钟表；她先看看天色，再看看炉子里还剩下多少，然后决定关门。"),
    ("Nobody in the street has ever complained of the smell, which begins at three o'clock.", "街上从来没有人抱怨过那股香味，尽管它每天凌晨三点就开始飘散。"),
]  # fmt: skip


def page(*between: str, title: str = "雨天面包店\nThe Bakery in the Rain") -> Article:
    """Three pairs of prose with `between` in front of each."""
    lines = [line for own, pair in zip(between, PAIRS, strict=True) for line in (own, *pair)]
    return read_captured(Path("page.txt"), "\n\n".join([title, *lines]))


def test_what_a_speaker_asks_is_no_heading_and_what_is_asked_as_such_is() -> None:
    asked = [
        "Host: Why there?\n主持人：为什么在那里？",
        "Host: And the rain?\n主持人：那么雨呢？",
        "Part 2: Who pays?\n第二部分：谁付钱？",
    ]
    article = page(*asked)
    assert [p.en for p in of_kind(article, "body")][0::2] == ["Host: Why there?", "Host: And the rain?", PAIRS[2][0]]
    assert article.paragraphs[-1].section.en == ("Part 2: Who pays?",)
    asked = [line.replace("Host", "Q").replace("主持人", "问") for line in asked]
    assert [p.section.en for p in of_kind(page(*asked), "body")][:2] == [("Q: Why there?",), ("Q: And the rain?",)]


def test_a_caption_in_both_languages_on_a_line_is_a_figure() -> None:
    article = page(
        "图 1 炉子 / Figure 1 The oven", "", "Photo: the street at dawn (A. Lind)\n图：黎明时的街道（林德摄）"
    )
    figures = [(p.zh, p.en) for p in of_kind(article, "figure")]
    assert figures == [
        ("图 1 炉子", "Figure 1 The oven"),
        ("图：黎明时的街道（林德摄）", "Photo: the street at dawn (A. Lind)"),
    ]


def test_a_title_in_both_languages_on_a_line_is_the_title_in_each() -> None:
    article = page("", "", "", title="关于面包店的常见问题 / Common Questions about the Bakery")
    assert (article.paragraphs[0].zh, article.paragraphs[0].en) == (
        "关于面包店的常见问题",
        "Common Questions about the Bakery",
    )
    assert article.title == "Common Questions about the Bakery / 关于面包店的常见问题"


def test_what_a_line_is_dressed_with_is_not_read() -> None:
    article = page(
        "▍炉子\nThe oven", "🔸①先看天色；\n🔸① Look at the sky;", "- 一年以内：12 元；\n- Up to one year: 12 yuan;"
    )
    assert article.paragraphs[1].section.zh == ("炉子",)
    assert ("①先看天色；", "① Look at the sky;") in {(p.zh, p.en) for p in article.paragraphs}
    assert ("一年以内：12 元；", "Up to one year: 12 yuan;") in {(p.zh, p.en) for p in article.paragraphs}


@pytest.mark.parametrize(
    "line",
    ["— END —", "往期精彩回顾", "【广告】静岸耳机，限时八折", "（內文繼續）", "首页 > 文化 > 双语阅读", "登入／註冊", "發表評論", "3 条评论",
     "Was this page helpful?  Yes  No", "Share on Facebook  Print", "Journal of Ovens, Vol. 41 No. 2", "退订 Unsubscribe | 更新偏好 Update preferences"],
)  # fmt: skip
def test_lines_of_a_site_amid_the_article_are_left_out(line: str) -> None:
    assert line not in everything(page("", line, ""))


def test_two_paragraphs_that_a_translator_made_one_are_one_pair() -> None:
    halves = (
        "The bakery opened in 2019.",
        "It sold two hundred and forty loaves in its first morning, and none was left.",
    )
    lines = [PAIRS[0][1], *halves, *(text for pair in PAIRS[1:] for text in reversed(pair))]
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店\nThe Bakery in the Rain", *lines]))
    assert [(p.zh, p.en) for p in article.paragraphs[1:]] == [
        (PAIRS[0][1], "\n".join(halves)),
        *((zh, en) for en, zh in PAIRS[1:]),
    ]


def test_what_has_no_translation_is_joined_to_nothing() -> None:
    lines = [
        *reversed(PAIRS[0]),
        "街坊们至今还在谈论那个早晨。",
        *(text for pair in PAIRS[1:] for text in reversed(pair)),
    ]
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店\nThe Bakery in the Rain", *lines]))
    assert [(p.zh, p.en) for p in article.paragraphs[1:3]] == [(PAIRS[0][1], PAIRS[0][0]), (lines[2], None)]


@pytest.mark.parametrize("mark", "，、")
def test_a_short_line_that_a_comma_ends_is_no_heading(mark: str) -> None:
    salutation = (f"亲爱的读者{mark}", "Dear reader,")
    article = page("", "\n\n".join(salutation), "")
    assert salutation in {(p.zh, p.en) for p in of_kind(article, "body")}


@pytest.mark.parametrize("between", ["---", "* * *", "\u200b", "\ufeff \u2060"])
def test_a_rule_or_an_invisible_line_parts_no_pair(between: str) -> None:
    lines = ["雨天面包店", "The Bakery in the Rain", *(text for pair in PAIRS for text in pair)]
    article = read_captured(Path("page.txt"), f"\n{between}\n".join(lines))
    assert [(p.zh, p.en) for p in article.paragraphs] == [tuple(lines[:2]), *((zh, en) for en, zh in PAIRS)]


def test_a_year_and_the_future_are_headings_where_no_title_in_both_languages_stands_below() -> None:
    article = page("2021\n\n2021 年", "2022", "未来\n\nThe Future")
    found = [(p.section.zh, p.section.en) for p in of_kind(article, "body")]
    assert found == [(("2021 年",), ("2021",)), (("2022",), ("2022",)), (("未来",), ("The Future",))]
    timeline = page("2021\n\n2021 年\n\n开始 · The Beginning", "2022\n\n扩展 · Growth", "未来\n\n之后 · Afterwards")
    assert [p.section.zh for p in of_kind(timeline, "timeline")] == [("2021 年 开始",), ("2022 扩展",), ("未来 之后",)]


def test_what_stands_in_both_languages_amid_the_article_is_no_sites_whatever_its_words() -> None:
    pair = ("客人可以随时退订。", "Guests can unsubscribe at any time.")
    assert pair in {(p.zh, p.en) for p in page("", "\n".join(reversed(pair)), "").paragraphs}
    alone = everything(page("", "扫一扫，关注我们的公众号。", "Unsubscribe here at any time, or forward to a friend."))
    assert "扫一扫" not in alone
    assert "nsubscribe" not in alone
    lines = [
        line
        for zh, en in zip(("搜索", "广告"), ("Search", "Advertisement"), strict=True)
        for line in (f"## {en}", f"## {zh}")
    ]
    marked = read_captured(
        Path("page.md"), "\n\n".join(["# 面包店", *PAIRS[0], *lines[:2], *PAIRS[1], *lines[2:], *PAIRS[2]])
    )
    assert [p.section.path("zh") for p in of_kind(marked, "body")] == ["", "搜索", "广告"]
    assert [p.section.path("en") for p in of_kind(marked, "body")] == ["", "Search", "Advertisement"]


def test_a_line_with_a_bar_is_no_heading_where_its_halves_cannot_say_the_same_or_it_is_an_item() -> None:
    own = ("新版炉子支持中文和 macOS / Windows", "The new oven supports Chinese, macOS and Windows")
    section = of_kind(page("", "\n\n".join(reversed(own)), ""), "body")[1].section
    assert (section.zh, section.en) == (own[:1], own[1:])
    items = "- 面团 / Dough\n- 酵母 / Leaven"
    text = "\n\n".join(
        ["# 面包店", *PAIRS[0], "## Words", "## 词语", items, *PAIRS[1], "## After", "## 之后", *PAIRS[2]]
    )
    marked = read_captured(Path("page.md"), text)
    assert [(p.zh, p.section.zh) for p in of_kind(marked, "body")][1:3] == [("面团", ("词语",)), ("酵母", ("词语",))]


def test_what_has_no_words_is_joined_to_what_it_is_of() -> None:
    amount = page("", "80%\n\nof the loaves are sold before noon,\n\n的面包在中午之前卖出，", "")
    assert ("80%的面包在中午之前卖出，", "80% of the loaves are sold before noon,") in {
        (p.zh, p.en) for p in amount.paragraphs
    }
    tables = [f"| {head} |\n|---|---|\n| 2021 | 35 |\n| 2022 | 40 |" for head in ("Year | Loaves", "年份 | 面包")]
    text = "\n\n".join(["# 面包店", *PAIRS[0], *tables, *PAIRS[1]])
    table = ("年份; 面包\n2021; 35\n2022; 40", "Year; Loaves\n2021; 35\n2022; 40")
    assert table in {(p.zh, p.en) for p in read_captured(Path("page.md"), text).paragraphs}
    both = text.replace(tables[1], "").replace("Year |", "Year<br>年份 |").replace("Loaves |", "Loaves<br>面包 |")
    assert table == next(
        (p.zh.replace("；", "; "), p.en)
        for p in read_captured(Path("page.md"), both).paragraphs
        if p.zh and "面包\n" in p.zh
    )


def test_what_stands_above_the_first_pair_in_one_language_is_not_lost() -> None:
    prose = "\n\n".join(line for pair in PAIRS for line in pair)
    titled = read_captured(Path("page.txt"), f"雨天面包店：三年的观察\n\n{prose}")
    assert (titled.title, titled.paragraphs[0].kind) == ("雨天面包店：三年的观察", "front")
    intro = "本文最初发表于一份内部通讯，编辑部征得作者同意后全文刊出，略有删节。"
    introduced = read_captured(Path("page.txt"), f"{intro}\n\n{prose}")
    assert (introduced.paragraphs[0].zh, introduced.paragraphs[0].kind) == (intro, "body")
    headed = read_captured(Path("page.md"), f"## 背景\n\n{prose}")
    assert {p.section.zh for p in headed.paragraphs} == {("背景",)}
    below = read_captured(Path("page.md"), f"> {intro}\n\n# 雨天面包店\n\n# The Bakery in the Rain\n\n{prose}")
    assert below.notes == (f"left out above the title: {intro}…",)


@pytest.mark.parametrize(
    ("heading", "label"),
    [(("注释", "Notes"), "注 2"), (("注:", "Notes:"), "注 2"), (("参考文献", "References"), "文献 2")],
)
def test_notes_and_references_in_one_language_are_no_foot_of_the_page(heading: tuple[str, str], label: str) -> None:
    notes = ["[1] City Ovens, Annual Report", "[2] Doe, A. (2021). Loaves. Journal of Bread, 12(3)."]
    lines = [*(line for pair in PAIRS for line in pair), "\n".join(reversed(heading)), *notes, "About this site"]
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店\nThe Bakery in the Rain", *lines]))
    assert [(p.kind, p.zh, p.en) for p in article.paragraphs[-2:]] == [("footnote", None, note) for note in notes]
    assert article.paragraphs[-1].section.zh == (heading[0].rstrip(":"), label)


def test_references_in_one_language_are_not_taken_for_translations_of_the_makers_below_them() -> None:
    head = "雨天面包店\nThe Bakery in the Rain"
    prose = "\n\n".join(line for pair in PAIRS for line in pair)
    makers = ["本文编译自《河湾》杂志", "作者 Author：陈米 Mi Chen", "翻译 Translation：林晚 Lin Wan"]
    references = "参考资料 References\n\n1. City Ovens, Annual Report\n\n2. Doe, A. Loaves"
    article = read_captured(Path("page.txt"), "\n\n".join([head, prose, references, *makers, "喜欢就点个「在看」吧"]))
    assert [(p.kind, p.en) for p in article.paragraphs[-3:-1]] == [
        ("footnote", "1. City Ovens, Annual Report"),
        ("footnote", "2. Doe, A. Loaves"),
    ]
    assert (article.paragraphs[-1].kind, article.paragraphs[-1].zh) == ("credits", "\n".join(makers))


def test_the_items_of_a_plain_list_head_nothing() -> None:
    items = "- 开窑:十一万\n- The kiln: 110,000\n\n- 评估:四万\n- The evaluation: 40,000"
    article = page("", items, "")
    assert [(p.zh, p.en) for p in article.paragraphs if p.en and ":" in p.en] == [
        ("开窑:十一万", "The kiln: 110,000"),
        ("评估:四万", "The evaluation: 40,000"),
    ]
    assert {p.section for p in article.paragraphs} == {Section()}


TABLE = """烤炉 Oven | 开炉 Opened | 面包 Loaves
---|---|---
北街 North Street | 1994 | 1,200
河湾 River Bend | 2003 | 800"""


def test_the_rows_of_a_plain_table_are_told_in_both_languages_by_the_heads_of_its_columns() -> None:
    rows = [(p.zh, p.en) for p in page("", TABLE, "").paragraphs if "1,200" in f"{p.en}"]
    assert rows == [("北街，开炉: 1994，面包: 1,200", "North Street, Opened: 1994, Loaves: 1,200")]
    bare = page("", "\n".join(TABLE.split("\n")[2:]), "").paragraphs
    assert ("河湾，2003，800", "River Bend, 2003, 800") in [(p.zh, p.en) for p in bare]
    assert {p.section for p in bare} == {Section()}, "no row is a heading"


def test_the_two_lines_of_a_row_are_a_pair_whichever_language_stands_first() -> None:
    heads = "| Oven 烤炉 | Opened 开炉 | Loaves 面包 |\n|---|---|---|"
    rows = "| North Street 北街 | 1994 | 1,200 |\n| River Bend 河湾 | 2003 | 800 |"
    prose = [line for pair in PAIRS for line in pair]
    text = "\n\n".join(["# The Bakery in the Rain", "# 雨天面包店", *prose[:2], f"{heads}\n{rows}", *prose[2:]])
    told = [(p.zh, p.en) for p in read_captured(Path("page.md"), text).paragraphs]
    assert ("北街，开炉: 1994，面包: 1,200", "North Street, Opened: 1994, Loaves: 1,200") in told
    assert ("河湾，开炉: 2003，面包: 800", "River Bend, Opened: 2003, Loaves: 800") in told


def test_an_item_may_say_it_in_both_languages_around_a_dash() -> None:
    items = "- no new oven — 不添新烤炉\n- one more baker — 多一名面包师"
    prose = [line for pair in PAIRS for line in pair]
    text = "\n\n".join(["# The Bakery in the Rain", "# 雨天面包店", *prose[:2], items, "## FAQ / 常见问题", *prose[2:]])
    article = read_captured(Path("page.md"), text)
    told = [(p.zh, p.en) for p in article.paragraphs]
    assert ("不添新烤炉", "no new oven") in told
    assert ("多一名面包师", "one more baker") in told
    assert article.paragraphs[-1].section == Section(("常见问题",), ("FAQ",))


def test_a_note_that_no_heading_of_notes_stands_above_belongs_to_no_section() -> None:
    prose = [line for pair in PAIRS for line in pair]
    note = "[^1]: Counted by hand in June. 六月里一个一个数的。"
    text = "\n\n".join(
        ["# 雨天面包店", "# The Bakery in the Rain", *prose[:2], "## 街坊 / Neighbours", *prose[2:], note]
    )
    assert read_captured(Path("page.md"), text.replace("loaves", "loaves[^1]")).paragraphs[-1].section == Section(
        ("注 1",), ("Note 1",)
    )


def test_words_that_a_site_explains_to_learners_are_not_of_the_article() -> None:
    words = "重点词汇\nloaf [ləʊf] n. 面包\nproof v. 发酵\nrun out of 用完"
    article = page("", words, "[Vocabulary]\noven /ˈʌvən/ n. 烤炉")
    assert [(p.en, p.zh) for p in article.paragraphs[1:]] == PAIRS
    assert {p.section for p in article.paragraphs} == {Section()}


def test_what_stands_in_brackets_alone_and_a_summary_behind_its_label_head_nothing() -> None:
    article = page("导读：面包店为什么总是卖完？", "(笑声)\n(Laughter)", "")
    assert ("(笑声)", "(Laughter)") in [(p.zh, p.en) for p in article.paragraphs]
    assert {p.section for p in article.paragraphs} == {Section()}


def test_a_line_that_says_who_and_when_is_not_the_titles_translation() -> None:
    prose = "\n\n".join(line for pair in PAIRS for line in pair)
    head = "双语阅读 | 雨天面包店\nThe Bakery in the Rain\n河湾英语 2026-05-12 08:00 北京"
    assert read_captured(Path("page.txt"), f"{head}\n\n{prose}").title == (
        "The Bakery in the Rain / 双语阅读 | 雨天面包店"
    )


def test_what_stands_below_a_word_of_other_texts_is_the_pages_own() -> None:
    prose = [line for own in (*PAIRS, *PAIRS, *PAIRS) for line in own]
    foot = [
        "下期预告:谁在河上卖鱼?\nNext issue: Who sells fish on the river?",
        "喜欢就请我们喝茶。\nLike it? Buy us tea.",
    ]
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店\nThe Bakery in the Rain", *prose, *foot]))
    assert article.paragraphs[-1].en == PAIRS[-1][0]
    notes = "注释\nNotes\n\n[1] 六月数的。\n[1] Counted in June."
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店\nThe Bakery in the Rain", *prose, *foot, notes]))
    assert article.paragraphs[-1].kind == "footnote", "no foot stands above the article's notes"


LABELLED = {
    "page.txt": ("原文：", "译文："), "other.txt": ("EN: ", "中: "), "page.md": ("**English:** ", "**中文：** "),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELLED)
def test_what_only_says_in_which_language_a_line_is_or_which_one_it_is_goes(name: str) -> None:
    en, zh = LABELLED[name]
    prose = [f"【第{n}段】\n\n{en}{own[0]}\n\n{zh}{own[1]}" for n, own in enumerate(PAIRS, 1)]
    article = read_captured(Path(name), "\n\n".join(["The Bakery in the Rain", "雨天面包店", *prose]))
    assert [(p.en, p.zh) for p in article.paragraphs[1:]] == PAIRS
    assert {p.section for p in article.paragraphs} == {Section()}


def test_a_single_word_with_a_colon_is_no_label_of_a_language() -> None:
    own = (
        "Translation: the shop's own word for a loaf that was left over.",
        "译文：店里管剩下的面包叫这个名字，一直如此。",
    )
    article = page("", "\n".join(own), "")
    assert own in [(p.en, p.zh) for p in article.paragraphs]


@pytest.mark.parametrize("shape", ["{0} ({1})", "{1}（{0}）"])
def test_a_sentence_may_stand_in_brackets_behind_the_one_that_it_translates(shape: str) -> None:
    lines = [shape.format(*own) for own in PAIRS]
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店", "The Bakery in the Rain", *lines]))
    assert [(p.en, p.zh) for p in article.paragraphs[1:]] == PAIRS


def test_lines_that_bars_divide_and_that_tell_no_amounts_are_no_table() -> None:
    menu = "河湾报 | 关于我们\nThe River Bend | About us"
    assert told_rows(menu.split("\n")) == (menu.split("\n"), frozenset())


@pytest.mark.parametrize(
    "issue", ["第47期 · 长文\nIssue 47 · Long read", "总第 12 期\nIssue No. 12", "全文约 5600 字 · 阅读需要 14 分钟"]
)
def test_neither_the_number_of_an_issue_nor_a_texts_length_is_its_title(issue: str) -> None:
    prose = "\n\n".join(line for pair in PAIRS for line in pair)
    day = "2026年3月12日 阅读约需14分钟\n12 March 2026 · 14 min read"
    own = "雨天面包店\nThe Bakery in the Rain\n\n文/陈米\nBy Mi Chen"
    article = read_captured(Path("page.txt"), f"{issue}\n\n{own}\n\n{day}\n\n{prose}")
    assert article.title == "The Bakery in the Rain / 雨天面包店"
    assert article.paragraphs[0].zh == "雨天面包店\n文/陈米\n2026年3月12日 阅读约需14分钟"
    assert {p.section for p in article.paragraphs} == {Section()}


def test_the_other_half_of_a_marked_title_may_stand_below_who_posted_it() -> None:
    posted = "原创 陈米 河湾夜读 2026年4月16日 21:04 浙江"
    prose = "".join(f"<p>{line}</p>" for pair in PAIRS for line in reversed(pair))
    head = f"<h1>雨天面包店 | 中英对照</h1><div>{posted}</div><p>The Bakery in the Rain</p>"
    article = read_captured(Path("page.html"), f"<html><body>{head}{prose}</body></html>")
    assert article.title == "The Bakery in the Rain / 雨天面包店"
    assert (article.paragraphs[0].zh, article.paragraphs[1].kind) == (f"雨天面包店 | 中英对照\n{posted}", "body")


def test_markdown_has_no_foot_of_a_site() -> None:
    prose = "\n\n".join(line for pair in PAIRS for line in pair)
    article = read_captured(
        Path("page.md"), f"# 面包店\n\n{prose}\n\n## 译者后记\n\n这篇文章是冬天译的。\n\n感谢李明校对"
    )
    assert [p.zh for p in article.paragraphs if p.section.zh] == ["这篇文章是冬天译的。", "感谢李明校对"]


def test_a_word_alone_makes_no_summary_no_notes_no_figure_and_no_credits() -> None:
    figure = ("Figure 12 shows the street at dawn.", "图 12 显示黎明时的街道。")
    article = page(
        "自动摘要的局限\n\nThe Limits of Summaries",
        "代码注释的作用\n\nWhat Comments Do\n\n1. Say it.\n\n1. 说清楚。",
        "\n\n".join(figure),
    )
    assert {p.kind for p in article.paragraphs[1:]} == {"body"}
    assert all(map(is_summary_label, ("摘要", "1. 摘要：", "导读 · 内容摘要", "【全文提要】", "摘要 Abstract")))
    assert all(map(is_notes_title, ("注释", "八、注释", "注释与参考文献", "Notes and References", "注释 Notes")))
    assert not names_makers(
        "我们必须承认这一点。\nWe must acknowledge that this cannot solve every problem in New York."
    )
    assert names_makers("承蒙帮助。\nWe acknowledge the help of Ada Finch.")


# --- other pages that people make -----------------------------------------------------------------------------

TURNS = (
    "[00:00:42] 林远(主持人):\n河边什么时候开门?\n\nLin Yuan (host):\nWhen does the one by the river open?\n\n"
    "陈米:\n天亮以前就开了。\nChen:\nBefore it is light.\n\n[00:01:10] 林远(主持人):\n那谁来买?\nAnd who comes?\n\n"
    "陈米:河上的人。\nChen: Those from the boats."
)


def test_a_speaker_on_a_line_of_its_own_begins_what_is_said_and_is_no_heading() -> None:
    prose = [line for en, zh in PAIRS for line in (zh, en)]
    article = read_captured(Path("page.txt"), "\n\n".join(["雨天面包店", "The Bakery in the Rain", *prose, TURNS]))
    said = [(p.zh, p.en) for p in article.paragraphs if p.zh and ("林远" in p.zh or "陈米:" in p.zh)]
    assert said == [
        ("[00:00:42] 林远(主持人):河边什么时候开门?", "Lin Yuan (host): When does the one by the river open?"),
        ("陈米:天亮以前就开了。", "Chen: Before it is light."),
        ("[00:01:10] 林远(主持人):那谁来买?", "And who comes?"),
        ("陈米:河上的人。", "Chen: Those from the boats."),
    ]
    assert {p.section for p in article.paragraphs} == {Section()}


def test_a_line_with_a_colon_above_a_list_is_no_speaker() -> None:
    own = "它卖三样:\n1. 圆面包\n2. 长面包\n3. 甜面包\n\nIt sells three:\n1. Round ones\n2. Long ones\n3. Sweet ones"
    assert ("它卖三样:", "It sells three:") in [(p.zh, p.en) for p in page("", own, "").paragraphs]


def test_a_recordings_chapters_are_items_in_both_languages_and_no_headings() -> None:
    chapters = (
        "时间轴 Chapters\n00:00 开场 Intro\n03:10 头一炉 The first oven\n09:45 谁来买 Who comes\n\n正文 Full text"
    )
    article = page(chapters, "", "")
    assert [(p.zh, p.en) for p in article.paragraphs[1:-3]][-2:] == [
        ("03:10 头一炉", "03:10 The first oven"),
        ("09:45 谁来买", "09:45 Who comes"),
    ]
    assert article.paragraphs[-1].section != Section(("09:45 谁来买",), ("09:45 Who comes",))


@pytest.mark.parametrize(
    ("line", "kind", "heading"),
    [
        ("大事年表 A chronology", "body", ("大事年表", "A chronology")),
        ("注释 Notes", "footnote", ("注释", "Notes")),
        ("使用 Claude Code", "body", ("使用 Claude Code", None)),
    ],
)
def test_one_heading_in_both_languages_is_parted_where_its_english_is_no_name(
    line: str, kind: str, heading: tuple[str, str | None]
) -> None:
    notes = f"{line}\n\n[1] 六月数的。\n[1] Counted in June." if kind == "footnote" else ""
    article = page("", "", "" if notes else line)
    if notes:
        whole = "\n\n".join([article.title, *(own for pair in PAIRS for own in pair), notes])
        article = read_captured(Path("page.txt"), whole)
    last = article.paragraphs[-1]
    assert last.kind == kind
    assert (last.section.zh[0], next(iter(last.section.en), None)) == heading


QUOTED = "“We forgot that somebody has to bake.”\n“我们忘了总得有人来烤。”"


def test_neither_a_quoted_sentence_nor_a_heading_below_a_summary_is_the_title() -> None:
    summary = "导语\n\n一个小镇的面包店开在雨里，五年之后店主回来数了数，卖出去的和剩下来的，一个都没有少。"
    makers = "河湾夜读\n2026年4月16日 21:04 浙江\n\n作者｜陈米，面包师"
    head = f"雨天面包店｜中英对照\n\n{makers}\n\n{summary}\n\n{QUOTED}\n\n清早\nThe early hours"
    prose = "\n\n".join(line for own in PAIRS for line in own)
    article = read_captured(Path("page.txt"), f"{head}\n\n{prose}")
    front, *_, last = article.paragraphs
    assert article.title == "雨天面包店"
    assert front.zh == "雨天面包店｜中英对照\n2026年4月16日 21:04 浙江\n作者｜陈米，面包师"
    assert last.section == Section(("清早",), ("The early hours",))
    assert article.paragraphs[1].kind == "summary"


def test_what_stands_behind_an_issues_number_may_be_the_title() -> None:
    menu = "首页 Home | 文字稿 Transcripts | 关于我们 About | 支持我们 Support"
    head = f"夜读 Night Reading\n{menu}\n\n第 87 期 | 雨里的面包店\nIssue 87 | The Bakery in the Rain"
    day = "录制:2024 年 11 月 3 日 · 时长 1:06:40\nRecorded 3 November 2024 · 1:06:40"
    prose = "\n\n".join(line for own in PAIRS for line in own)
    article = read_captured(Path("page.txt"), f"{head}\n\n{day}\n\n{prose}")
    assert article.title == "Issue 87 | The Bakery in the Rain / 第 87 期 | 雨里的面包店"
    assert article.paragraphs[0].zh == "第 87 期 | 雨里的面包店\n录制:2024 年 11 月 3 日 · 时长 1:06:40"
    assert [p.kind for p in article.paragraphs] == ["front", "body", "body", "body"]


def test_a_tables_rows_of_numbers_belong_to_the_caption_above_them() -> None:
    table = "Figure 1 | Loaves sold, by year\n图1｜卖出的面包（个），按年份\n2031\t18,400\n2032\t11,950\n2033\t4,720"
    figures = of_kind(page("", table, ""), "figure")
    rows = "2031; 18,400\n2032; 11,950\n2033; 4,720"
    assert [(p.zh, p.en) for p in figures] == [
        (f"图1｜卖出的面包（个），按年份\n{rows}", f"Figure 1 | Loaves sold, by year\n{rows}")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "看到这里，欢迎点一下右下角的「在看」。",
        "喜欢这篇文章，请点赞、点在看、分享三连",
        "Like, share and tap “In-look” if you enjoyed it",
        "#面包 #自建机房 #成本",
        "目录 Contents",
        "（译者注：致谢与经费一节从略，未译。）",
        "—— 广告 Sponsor ——",
        "—— End of sponsor's message ——",
    ],
)
def test_what_sites_ask_of_readers_and_announce_is_not_the_articles(line: str) -> None:
    article = page("", line, "")
    assert [(p.en, p.zh) for p in article.paragraphs[1:]] == PAIRS
    assert {p.section for p in article.paragraphs} == {Section()}


def test_a_question_with_the_figures_of_its_answer_is_no_heading() -> None:
    asked = "您会再来吗？（熟客）会 18%\nWould you come again? (regulars) Yes 18%"
    article = page("", "", asked)
    assert tuple(asked.split("\n")) in [(p.zh, p.en) for p in article.paragraphs]
    assert article.paragraphs[-1].section == Section()


def test_who_did_what_is_no_heading_below_the_text() -> None:
    makers = "制作 Credits\n\n剪辑 Editing:陆望 Lu Wang\n\n音乐 Music:《灯下》，豆棚乐队\n\n"
    makers += (
        "来信请寄这里，我们每一封都读，也都会回。\nWrite to us here; we read every letter, and answer each of them."
    )
    article = read_captured(
        Path("page.txt"), "\n\n".join(["雨天面包店", "The Bakery in the Rain", *(o for p in PAIRS for o in p), makers])
    )
    assert "剪辑 Editing:陆望 Lu Wang" in [p.zh for p in article.paragraphs]
    assert {p.section.zh[:1] for p in article.paragraphs if p.kind == "credits"} == {("制作",)}


ENTRIES = (
    "◎ 大事記\nChronology\n\n民國八十七年　十九戶成立合作社\n1998　Nineteen households found it\n"
    "民國一〇八年　春茶遇雨\n2019　Rain in the spring harvest\n民國一一一年　六月誤判；桿子到位\n2022　The June misjudgement"
)


def test_entries_of_a_chronology_are_no_headings_in_either_calendar() -> None:
    article = page("", "", ENTRIES)
    entries = [p for p in article.paragraphs if p.section.zh == ("大事記",)]
    assert [(p.zh, p.en) for p in entries[:3]] == [
        ("民國八十七年　十九戶成立合作社", "1998　Nineteen households found it"),
        ("民國一〇八年　春茶遇雨", "2019　Rain in the spring harvest"),
        ("民國一一一年　六月誤判；桿子到位", "2022　The June misjudgement"),
    ]


def test_paragraphs_that_begin_with_a_year_are_no_entries_whatever_blank_stands_before_its_character() -> None:
    prose = [(f"In {year} it rained for most of the year, and the shop sold less.", f"{year} 年。那年雨下得久，店里卖得也少。")
             for year in range(2019, 2023)]  # fmt: skip
    blocks = read_blocks("\n\n".join(line for own in prose for line in own))
    assert [block.mark for block in blocks] == [None] * len(blocks)


def test_what_is_dressed_alike_in_a_row_are_items_and_a_pair_of_headings_is_none() -> None:
    items = "○ 一支二手鏡頭\n○ a second-hand lens\n○ 一片加熱片\n○ a heating pad\n○ 一張電話卡\n○ a phone card"
    prose = [line for en, zh in PAIRS for line in (zh, en)]
    head = ["雨天面包店\nThe Bakery in the Rain", "◆ 一、六天的雨\nSix Days of Rain"]
    article = read_captured(Path("page.txt"), "\n\n".join([*head, *prose, items, *prose]))
    assert {p.section for p in article.paragraphs[1:]} == {Section(("一、六天的雨",), ("Six Days of Rain",))}
    assert ("一張電話卡", "a phone card") in [(p.zh, p.en) for p in article.paragraphs]


def test_a_kicker_in_brackets_is_no_title_and_a_day_may_have_an_issue_behind_it() -> None:
    head = "【專題．茶】 Feature: Tea\n\n讓鏡頭說「可以採了」\nWhen the Lens Says Pluck\n\n文／藍以恩\nWords: Lan Yi-en"
    day = "民國一一三年三月四日　第 88 期\n4 March 2024　Issue 88"
    prose = "\n\n".join(line for en, zh in PAIRS for line in (zh, en))
    article = read_captured(Path("page.txt"), f"{head}\n{day}\n\n{prose}")
    assert article.title == "When the Lens Says Pluck / 讓鏡頭說「可以採了」"
    assert (article.paragraphs[0].zh or "").split("\n")[1:] == ["文／藍以恩", "民國一一三年三月四日　第 88 期"]
    assert {p.section for p in article.paragraphs} == {Section()}


SPACED = """\
Table 1. Applications
表 1  申请
Year        Applications    Median wait, days
年份        申请数          等待中位数(天)
2020             7,904           71
2021            14,267           52
Total 合计      22,171
"""


def test_a_table_set_with_blanks_has_heads_in_two_lines() -> None:
    article = page("", SPACED, "")
    assert ("2021，申请数: 14,267，等待中位数(天): 52", "2021, Applications: 14,267, Median wait, days: 52") in [
        (p.zh, p.en) for p in article.paragraphs
    ]
    assert {p.section for p in article.paragraphs} == {Section()}


def test_a_printed_table_of_contents_and_the_numbers_of_its_pages_go() -> None:
    contents = "Contents\n目录\n\n1.1  A queue  长队 ................ 2\n1.2  The law  法律 .............. 13\n\n                 iii\n"
    assert as_meant(contents)[0].split("\n")[:2] == ["Contents", "目录"]
    assert "长队" not in as_meant(contents)[0]
    article = page("", contents, "")
    assert [(p.en, p.zh) for p in article.paragraphs[1:]] == PAIRS


@pytest.mark.parametrize(
    "heading",
    [
        "配置 GitHub Action\nSetting up GitHub Actions",
        "翻译：一门手艺\nTranslation: a craft",
        "谁在读书？30% 的谜\nWho reads? The riddle of the 30 per cent",
        "点赞、收藏、在看之外\nLike, share and belong",
        "早餐 7:30\nBreakfast 7:30",
        "我等了又等……1998\nI waited … 1998",
    ],
)
def test_headings_that_look_like_something_else_stay_headings(heading: str) -> None:
    zh, en = heading.split("\n")
    article = page("", heading, "")
    assert article.paragraphs[-1].section == Section((zh,), (en,))


def test_a_title_in_brackets_is_one_where_there_is_no_other_and_a_summary_may_stand_above_it() -> None:
    prose = "\n\n".join(line for own in PAIRS for line in own)
    article = read_captured(Path("page.txt"), f"【雨天的面包店】\nThe Bakery in the Rain\n\n{prose}")
    assert article.title == "The Bakery in the Rain / 【雨天的面包店】"
    summary = "导读\n\n一个小镇的面包店开在雨里，五年之后店主回来数了数，卖出去的和剩下来的，一个都没有少。"
    article = read_captured(Path("page.txt"), f"{summary}\n\n雨天面包店\nThe Bakery in the Rain\n\n{prose}")
    assert article.title == "The Bakery in the Rain / 雨天面包店"


def test_a_table_in_one_language_above_the_same_in_the_other_is_told_once_each() -> None:
    table = "年份     张数     元\n2019     38     120\n2020     47     150\nYear     Sheets     Yuan\n2019     38     120\n2020     47     150"
    texts = [text for p in page("", table, "").paragraphs for text in (p.zh, p.en) if text]
    assert not [text for text in texts if "张数: Sheets" in text or "Year，" in text]


@pytest.mark.parametrize(
    "heads", [("1492", "1776", "1863"), ("2400万\n24 million", "632", "1,831"), ("7:00", "12:30", "3/4")]
)
def test_a_number_that_stands_twice_above_text_is_a_heading(heads: tuple[str, ...]) -> None:
    both = [head if "\n" in head else f"{head}\n{head}" for head in heads]
    article = page(*both)
    assert [(p.section.zh, p.section.en) for p in of_kind(article, "body")] == [
        ((zh,), (en,)) for zh, en in (head.split("\n") for head in both)
    ]
    assert article.notes == ()


def test_a_year_long_ago_is_a_heading_where_it_stands_once_too() -> None:
    article = page("1492", "1776 年", "1792?")
    assert [p.section.zh for p in of_kind(article, "body")] == [("1492",), ("1776 年",), ("1792?",)]


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ("12", "(1): 12"),  # a page's number
        ("12\n13", "(2): 12; 13"),
        ("5\n5\n5", "(3): 5; 5; 5"),  # a column
        ("7:00", "(1): 7:00"),
        ("Привет", "(1): Привет"),  # in neither language
    ],
)
def test_a_line_without_words_that_stands_otherwise_is_left_out_but_not_in_silence(lines: str, left: str) -> None:
    article = page("The Opening\n开张", lines, "")
    assert {p.section.zh for p in of_kind(article, "body")} == {("开张",)}
    assert article.notes == (f"left out amid the text {left}…",)


def test_a_number_twice_above_what_is_no_text_is_no_heading() -> None:
    article = page("The Opening\n开张", "5\n5\nLoaves\n面包", "")
    assert [p.section.en for p in of_kind(article, "body")][1:] == [("Loaves",)] * 2


QUOTED = [
    ("“别人恐惧时我贪婪，这就是全部的秘密所在。”", "“Be greedy when others are fearful.”"),
    ("“知识就是力量”", "“Knowledge is power”"),
    ("求知若饥，虚心若愚。", "Stay hungry, stay foolish."),
    ("「如果不是现在，是什么时候？」", "If not now, when?"),
]


@pytest.mark.parametrize(("zh", "en"), QUOTED)
@pytest.mark.parametrize(
    ("zh_who", "en_who"), [("——林晚", "—Lin Wan"), ("— 林晚《雨》", "– Lin Wan, Rain"), ("——小林", "―Lin, 1986")]
)
@pytest.mark.parametrize(
    "order",
    [
        "{en}\n{zh}\n\n{en_who}\n{zh_who}",
        "{en}\n{zh}\n\n{zh_who}\n{en_who}",
        "{en}\n{en_who}\n\n{zh}\n{zh_who}",
    ],
)
def test_who_is_quoted_ends_the_quotation_and_heads_nothing(
    zh: str, en: str, zh_who: str, en_who: str, order: str
) -> None:
    article = page("", order.format(zh=zh, en=en, zh_who=zh_who, en_who=en_who), "")
    assert [(p.zh, p.en) for p in of_kind(article, "body")] == [
        PAIRS[0][::-1],
        (f"{zh}{zh_who}", f"{en} {en_who}"),
        *(pair[::-1] for pair in PAIRS[1:]),
    ]
    assert {p.section for p in article.paragraphs} == {Section()}


@pytest.mark.parametrize(
    ("who", "zh_who", "en_who"),
    [
        ("——林晚 / Lin Wan", "——林晚", "——Lin Wan"),
        ("— 林晚 · Lin Wan", "— 林晚", "— Lin Wan"),
        ("—Lin Wan", "", " —Lin Wan"),
        ("——林晚", "——林晚", ""),
    ],
)
def test_who_is_quoted_may_stand_on_a_line_for_both_languages_or_in_one(who: str, zh_who: str, en_who: str) -> None:
    (zh, en) = QUOTED[0]
    quoted = of_kind(page("", f"{zh}\n{en}\n\n{who}", ""), "body")[1]
    assert (quoted.zh, quoted.en) == (f"{zh}{zh_who}", f"{en} {en_who.strip()}".strip())


FIRE, DOOR = ("——火不能断", "—The fire must not go out"), ("——门不能开", "—The door stays shut")


@pytest.mark.parametrize(
    ("above", "dashed"),
    [
        (("规矩有两条：", "There are two rules:"), [FIRE, DOOR]),
        (("规矩有两条。", "There are two rules."), [FIRE, DOOR]),
        (("规矩有两条。", "There are two rules."), [(f"{FIRE[0]}；", f"{FIRE[1]};"), DOOR]),
        (("第一条", "Rule One"), [FIRE]),
        (("他说了。", "He said so."), [("——我没有去。", "—I did not go.")]),
        (
            ("他说了。", "He said so."),
            [("——" + "火不能断，门不能开" * 5, "—The fire and the door" + " and the door" * 6)],
        ),
    ],
)
def test_what_else_a_dash_opens_is_a_paragraph_of_its_own(
    above: tuple[str, str], dashed: list[tuple[str, str]]
) -> None:
    article = page("", "\n".join(line for zh, en in (above, *dashed) for line in (en, zh)), "")
    found = [(p.zh, p.en) for p in of_kind(article, "body")]
    assert [pair for pair in found if pair in dashed] == dashed
    assert {p.section.zh for p in article.paragraphs} <= {(), ("第一条",)}


def test_the_chinese_line_tells_that_one_which_a_stop_ends_says_who_is_quoted() -> None:
    article = page("", "I have a dream.\n我有一个梦想。\n\n—Martin Luther King Jr.\n——马丁·路德·金", "")
    assert article.paragraphs[2].en == "I have a dream. —Martin Luther King Jr."


def test_a_heading_with_dashes_around_it_is_one() -> None:
    assert page("", "— The Next Day —\n——第二天——", "").paragraphs[-1].section.en == ("— The Next Day —",)
