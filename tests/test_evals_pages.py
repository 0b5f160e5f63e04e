"""The pages that were written for the evals: read whole, their questions sound, asked by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals import commands, pages
from evals.__main__ import main
from evals.bench import Order
from evals.gold import examine
from evals.pages import (
    LESSONS,
    READING,
    WEIGHING,
    dev_pages,
    gold_of_page,
    golds_of_page,
    lesson_name,
    lessons,
    page_names,
    page_of,
    short_gold_of_page,
)
from index.errors import UserError
from index.paragraphs import Article, count_kinds
from index.source import ArticleReader

# What every page has beside its body; two of each but the front and the credits.
USUAL = {"front": 1, "figure": 2, "footnote": 2, "credits": 1}
# Of each page: its title, its paragraphs by kind, and how many headings it has in Chinese.
EXPECTED: dict[str, tuple[str, dict[str, int], int]] = {
    "almanac": (
        "Somebody to Answer for It / 谁来替这句话负责",
        USUAL | {"body": 47, "figure": 4, "footnote": 5},
        17,
    ),
    "cable": (
        "A Country on a Single Thread / 一根线上的国家",
        USUAL | {"body": 40, "footnote": 3},
        15,
    ),
    "charter": (
        (
            "The Empty Chair: How We Will Decide When Our Models May Work Alone / "
            "空椅子：我们如何决定模型何时可以独自工作"
        ),
        USUAL | {"body": 44},
        15,
    ),
    "explainer": (
        "Whose Voice Is It? / 这是谁的声音？",
        USUAL | {"body": 41},
        14,
    ),
    "fab": (
        "The Fab in the River Bend: Forty Years of Sarnbeck / 河湾里的晶圆厂：萨恩贝克四十年",
        USUAL | {"body": 59, "figure": 4, "footnote": 5},
        18,
    ),
    "ferry": (
        (
            "A Hand Near the Lever: Report of the Inquiry into Ostrevik's Electric Ferries / "
            "把手放在操纵杆旁：奥斯特维克电动渡轮调查报告"
        ),
        USUAL | {"body": 42},
        12,
    ),
    "foundry": (
        "The Foundry at the End of the Pier / 码头尽头的铸造厂",
        USUAL | {"body": 47},
        19,
    ),
    "glacier": (
        (
            "Who Leads the Way: Four Driverless Sledges and Twenty-Three Days on the Halvorre Glacier / "
            "谁在前面带路：四架无人雪橇与哈沃尔冰川的二十三天"
        ),
        USUAL | {"body": 43},
        14,
    ),
    "handbook": (
        "The Waxwing 4 Operator's Handbook / 连雀 4 运维手册",
        USUAL | {"body": 41},
        12,
    ),
    "interview": (
        ("The Voice After Midnight: A Conversation with Rukmini Stavrou / 午夜之后的声音：与鲁克米妮·斯塔夫鲁对谈"),
        USUAL | {"body": 42},
        8,
    ),
    "keel": (
        (
            "Replacing the Keel at Sea: How We Moved ReedDB from Slate to Loam / "
            "在海上换龙骨：我们如何把 ReedDB 从 Slate 迁到 Loam"
        ),
        USUAL | {"body": 32, "timeline": 6},
        17,
    ),
    "keynote": (
        "The Fastest Robot Is Usually Waiting / 最快的机器人，往往在等",
        USUAL | {"body": 42},
        9,
    ),
    "ladder": (
        (
            "How Far Across? Six Years of Measuring Machines That Design Bridges / "
            "能自己走多远？六年来，我们怎样测量会设计桥梁的机器"
        ),
        USUAL | {"body": 48, "figure": 3, "footnote": 5},
        16,
    ),
    "modelcard": (
        "Introducing Tamarack 3: Announcement and Model Card / Tamarack 3 发布公告暨模型卡",
        USUAL | {"summary": 1, "body": 47, "figure": 4, "footnote": 5},
        18,
    ),
    "notice": (
        (
            "A Guide to Gatehouse: Ostermere's Automated Benefits and Permits Assistant / "
            "“门房”使用指南：奥斯特米尔市的自动化津贴与许可助理"
        ),
        USUAL | {"body": 41},
        13,
    ),
    "outage": (
        (
            "Three Days Without Counterbell: A Post-Mortem for Pharmacies and Small Shops / "
            "停了三天的“柜铃”：一份写给药房和小店的事故复盘"
        ),
        USUAL | {"body": 44, "figure": 4, "footnote": 5},
        18,
    ),
    "pioneer": (
        (
            "Whoever Is Standing on the Quay: Henrike Vosmaer and Her Four Machines / "
            "码头上有谁就载谁：亨丽克·福斯梅尔和她的四台机器"
        ),
        USUAL | {"body": 40},
        15,
    ),
    "porter": (
        "When the Night Porter Is a Machine / 当夜班护工是一台机器",
        USUAL | {"body": 38},
        10,
    ),
    "seedbank": (
        "The Barley That Waits for Rain / 等雨的大麦",
        USUAL | {"body": 41},
        11,
    ),
    "strategy": (
        "Seven Lamps, Five Years On / 七盏灯，五年后",
        USUAL | {"body": 46, "figure": 4, "footnote": 5},
        32,
    ),
    "survey": (
        (
            "Sharing a Desk with the Assistant: How Programmers Work in Five Cities / "
            "与助手同桌：五座城市的程序员怎样工作"
        ),
        USUAL | {"body": 42},
        11,
    ),
    "trial": (
        "Heron: Who Should Look at the Picture of Your Eye / 苍鹭试验：谁来看这张眼底照片",
        USUAL | {"body": 42, "figure": 4, "footnote": 4},
        16,
    ),
    "grocer": (
        (
            "Finding the Milk: How We Rebuilt Product Search on Cheap CPUs / "
            "找到那盒牛奶：我们如何用便宜的 CPU 重做商品搜索"
        ),
        {"front": 1, "body": 54, "figure": 1, "footnote": 2},
        14,
    ),
    "newsletter": (
        "The Maintainer’s Second Night Shift / 维护者的第二份夜班",
        {"front": 1, "body": 53, "figure": 1, "footnote": 4},
        13,
    ),
    "petrel": (
        ("The Cabinet for Life Jackets Now Holds a Nation's Forecast / 装救生衣的柜子里，住着一个国家的天气预报"),
        {"front": 1, "body": 56, "figure": 2, "footnote": 8, "credits": 1},
        16,
    ),
    "creamery": (
        (
            "Stopping the Meter: How We Moved Heddle off Rented GPUs / "
            "让计价器停下来：我们如何把 Heddle 从租来的 GPU 上搬走"
        ),
        {"front": 1, "summary": 1, "body": 96, "figure": 3, "footnote": 3},
        13,
    ),
    "heron": (
        "Episode 87 | The Dot on the Slip / 第 87 期 | 药方上的那个点",
        {"front": 1, "body": 129, "figure": 3, "credits": 5},
        6,
    ),
    "kiosks": (
        (
            "Sorting at the End of the Street: A Three-Town Trial of Household-Waste Machines / "
            "街尾的分拣：三镇家庭垃圾分拣机试验"
        ),
        {"front": 1, "summary": 3, "body": 77, "figure": 4, "footnote": 5},
        23,
    ),
    "bets": (
        "当论证几乎不要钱：一个小国的律师与法官这五年",
        {"front": 1, "summary": 3, "body": 87, "figure": 3, "footnote": 5},
        17,
    ),
    "tutors": (
        "Three Years with a Patient Machine / 与一台耐心的机器相处三年",
        USUAL | {"summary": 2, "body": 34, "timeline": 4},
        19,
    ),
}


# Pages by other hands, to other briefs: how many questions each answers, and how many it does not.
OTHERS = {
    **dict.fromkeys(("grocer", "newsletter", "petrel"), (22, 10)),
    **dict.fromkeys(("heron", "kiosks", "bets"), (24, 10)),
    "creamery": (23, 10),
}
# Of each the paragraphs that stand in one language: references, makers, a translator's notes; and its title and summary.
ALONE = {"petrel": 4, "creamery": 2, "heron": 7, "kiosks": 9, "bets": 8}
# Pages of which what is asked in a few words is only counted.
COUNTED_ONLY = {"cable", "explainer", "keynote", "outage", "pioneer", "porter", "seedbank", "tutors"}


@pytest.fixture(scope="module", params=sorted(EXPECTED))
def page(request: pytest.FixtureRequest) -> tuple[str, Article]:
    return request.param, ArticleReader().read(page_of(request.param))


def test_every_page_is_named_here() -> None:
    assert page_names() == tuple(sorted(EXPECTED))


def test_a_page_is_read_whole_with_its_title_and_its_kinds(page: tuple[str, Article]) -> None:
    name, article = page
    title, kinds, headings = EXPECTED[name]
    assert article.title == title
    assert count_kinds(article.paragraphs) == kinds
    assert sum(p.languages != ("zh", "en") for p in article.paragraphs) == ALONE.get(name, 0)
    told = [note for note in article.notes if " has no " in note]
    kinds_told = [p for p in article.paragraphs if p.languages != ("zh", "en") and p.kind not in ("front", "summary")]
    assert len(told) == len(kinds_told)
    assert len({heading for p in article.paragraphs for heading in p.section.zh}) == headings


def test_numbers_of_both_halves_say_that_no_pair_is_shifted(page: tuple[str, Article]) -> None:
    """A year that a paragraph names in one language stands in the other too, but for a few written in words."""
    name, article = page
    every = set(map(str, range(1900, 2060)))
    years = [(every & set(_digits(p.zh)), every & set(_digits(p.en))) for p in article.paragraphs]
    assert sum(bool(zh) for zh, _ in years) >= 5, name
    assert sum(zh == en for zh, en in years) / len(years) >= 0.9


def _digits(text: str | None) -> list[str]:
    return "".join(c if c.isdigit() else " " for c in text or "").split()


def test_the_questions_about_a_page_are_sound(page: tuple[str, Article]) -> None:
    name, article = page
    questions, problems = examine(gold_of_page(name), article.paragraphs)
    assert problems == []
    counted = Counter(question.answerable for question in questions)
    assert (counted[True], counted[False]) == OTHERS.get(name, (38, 22))
    split = "dev" if name in dev_pages() else "test"
    assert {question.split for question in questions} == {split}


def test_all_that_is_asked_in_a_few_words_is_sound_and_of_one_split(page: tuple[str, Article]) -> None:
    name, article = page
    assert short_gold_of_page(name).is_file() == (name not in OTHERS)
    if name in OTHERS:
        return
    questions, problems = examine(short_gold_of_page(name), article.paragraphs)
    assert problems == []
    assert Counter(question.answerable for question in questions) == {True: 10, False: 6}
    assert {question.split for question in questions} == {"test" if name in COUNTED_ONLY else "dev"}
    lengths = [len(question.asked["en"].split()) for question in questions]
    assert max(lengths) <= 12
    assert sum(lengths) / len(lengths) < 7


def test_a_page_that_is_not_asked_about_in_a_few_words_has_one_file_of_questions() -> None:
    assert golds_of_page("grocer") == [gold_of_page("grocer")]
    assert golds_of_page("keel") == [gold_of_page("keel"), short_gold_of_page("keel")]


def test_nothing_is_fitted_on_four_of_the_pages() -> None:
    assert set(page_names()) - set(dev_pages()) == {"cable", "explainer", "keynote", "tutors"}


def test_a_run_asks_about_a_page_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    performed: list[Order] = []
    monkeypatch.setattr(commands, "index_over_page", lambda settings, name: tmp_path / name)
    monkeypatch.setattr(commands, "_perform", lambda order, folder, settings, **how: performed.append(order))
    monkeypatch.setattr(commands, "_report", lambda folder, gold: 0)
    assert main(["run", "--page", "keel", "--generator", "quote"]) == 0
    (order,) = performed
    assert (order.index, order.gold) == (tmp_path / "keel", gold_of_page("keel"))
    with pytest.raises(UserError, match=r"--page is keel and --index elsewhere. Leave one of them out."):
        main(["run", "--page", "keel", "--index", "elsewhere"])


def test_a_page_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UserError, match=rf"--page is kiel; the pages are {', '.join(sorted(EXPECTED))}\."):
        main(["run", "--page", "kiel", "--generator", "quote"])


def test_the_index_of_a_page_is_kept_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built: list[dict[str, Any]] = []
    monkeypatch.setattr("index.build.build", lambda settings, **how: built.append(how))
    settings = type("Settings", (), {"home": tmp_path})()
    folder = pages.index_over_page(settings, "porter")  # type: ignore[arg-type]
    assert folder == tmp_path / "evals" / "page-porter" / "index"
    assert [(how["source"], how["into"]) for how in built] == [(page_of("porter"), folder)]


# How many that nothing answers, and the fewest and the most that are answered.
OF_FOLDER = {LESSONS: ({25, 26}, 33, 36), READING: ({10}, 22, 24), WEIGHING: ({15, 16}, 27, 28)}


@pytest.mark.parametrize(
    ("paragraphs", "questions"), lessons(LESSONS, READING, WEIGHING), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_is_only_learnt_from_is_whole_and_sound(paragraphs: Path, questions: Path) -> None:
    article = ArticleReader().read(paragraphs)
    assert 28 <= len(article.paragraphs) <= 32
    assert all(p.languages == ("zh", "en") and any(p.section.zh) and any(p.section.en) for p in article.paragraphs)
    asked, problems = examine(questions, article.paragraphs)
    assert problems == []
    near_misses, fewest, most = OF_FOLDER[paragraphs.parent]
    assert Counter(question.answerable for question in asked)[False] in near_misses
    answered = [question for question in asked if question.answerable]
    assert fewest <= len(answered) <= most
    assert {question.split for question in asked} == {"dev"}
    assert len({number for question in answered for number in question.gold}) >= 20


def test_what_is_only_learnt_from_is_no_page_that_anything_is_measured_on() -> None:
    names = {lesson_name(paragraphs) for paragraphs, _ in lessons()}
    assert len(names) == 33
    assert not names & set(page_names())
