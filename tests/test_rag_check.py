"""Checking and aligning: what is supported, what is caught, what is repaired."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.build import Index
from index.paragraphs import Language, Paragraph, Section
from rag.align import Aligner
from rag.answer import Answer, Citation, Evidence, Statement
from rag.check import check, unstated
from rag.compose import (
    compose,
    in_reading_order,
    nearest,
    quote_statements,
    refusal,
    split_statements,
    weigh,
    with_headings,
    with_nearest,
    with_what_is_announced,
)
from rag.evidence import sentences_of
from rag.language import is_written_in
from rag.words import Rarity, names, negations, superlatives
from tests.fakes import HashingEmbedder

TEA = Paragraph(
    7,
    "body",
    "2024 年,云南的茶园出口了一万多吨茶叶,约占全国的三分之一。当地没有使用农药。采茶人阿兰说今年的雨水不多。",
    "In 2024 the gardens of Yunnan exported more than ten thousand tonnes of tea, about a third of the country's. "
    "No pesticide was used there. The picker Alan says that there was little rain this year.",
)


@pytest.fixture
def rarity(article_index: Index) -> Rarity:
    return Rarity(article_index)


def first(paragraph: Paragraph, language: str) -> Evidence:
    return sentences_of(paragraph, language)[0]  # type: ignore[arg-type]


def test_a_year_that_only_the_question_names_is_not_supported(rarity: Rarity) -> None:
    statement = "In 2021 Yunnan exported more than ten thousand tonnes of tea, about a third of the country's."
    found = check(statement, [first(TEA, "en")], "How much tea did Yunnan export in 2021?", rarity)
    assert found.verdict == "unsupported", "whoever brought the year in, the figure is another one's"
    assert found.missing_numbers


@pytest.mark.parametrize(
    ("statement", "question", "is_kept"),
    [
        ("云南的茶园出口了茶叶,采茶人阿兰一共拿了多少工钱。", "云南出口茶叶吗?采茶人阿兰一共拿了多少工钱?", False),
        ("The gardens exported tea, and how much did Alan say of the rain.", "How much did Alan say?", False),
        ("The picker Alan says how little rain there was this year.", "How little rain was there?", True),
        ("采茶人阿兰说今年没有什么雨水。", "采茶人说今年有雨水吗?", True),
        ("Alan picks tea when the rain is over.", "Who picks tea when the rain is over?", True),
        ("Alan, who picks the tea, says little rain fell this year.", "What did Alan, who picks the tea, say?", True),
        ("The gardens exported tea; when did Alan say it rained.", "When did Alan say it rained?", False),
    ],
)
def test_a_statement_that_still_asks_what_was_asked_is_none(
    rarity: Rarity, statement: str, question: str, is_kept: bool
) -> None:
    cited = sentences_of(TEA, "zh" if statement[0] > "z" else "en")
    assert (check(statement, cited, question, rarity).verdict != "unsupported") is is_kept


CHIP = Paragraph(
    9,
    "body",
    "这款芯片的显存带宽达每秒 5.2TB,满载功耗约 165 瓦,售价 3 万元,三小时可充满。",
    "The chip has a memory bandwidth of 5.2 terabytes a second, draws 165 watts at full load, costs 30,000 yuan and is "
    "charged in three hours.",
)


@pytest.mark.parametrize(
    ("statement", "is_kept"),
    [
        ("这款芯片的满载功耗约为 5.2W。", False),
        ("这款芯片满载时的功耗是 165W。", True),
        ("The chip costs $30,000.", False),
        ("The chip costs 30 thousand yuan.", True),
        ("The chip is charged in 3 minutes.", False),
        ("The chip is charged in 3 hours.", True),
        ("这款芯片的带宽是每秒 5.2 TB,三个小时可充满。", True),
        ("The chip draws 0.165 kilowatts and is charged in 180 minutes.", True),
        ("The chip draws 0.165 megawatts.", False),
    ],
)
def test_a_figure_in_another_unit_than_the_texts_is_not_supported(
    statement: str, is_kept: bool, rarity: Rarity
) -> None:
    language = "zh" if "芯片" in statement else "en"
    found = check(statement, [first(CHIP, language)], "?", rarity)
    assert (found.verdict != "unsupported") is is_kept


FILM = Paragraph(9, "body", "影片长一个半小时。", "The film is an hour and a half long.")


@pytest.mark.parametrize(
    ("statement", "is_kept"),
    [
        ("影片长半小时。", False),
        ("影片长1.5小时。", True),
        ("影片长 90 分钟。", True),
        ("The film is half an hour long.", False),
        ("The film is one and a half hours long.", True),
        ("The film is 90 minutes long.", True),
        ("The film is 30 minutes long.", False),
    ],
)
def test_an_hour_and_a_half_is_neither_half_an_hour_nor_anything_but_ninety_minutes(
    statement: str, is_kept: bool, rarity: Rarity
) -> None:
    cited = sentences_of(FILM, "zh" if statement.startswith("影") else "en")
    assert (check(statement, cited, "?", rarity).verdict != "unsupported") is is_kept


def test_half_an_hour_is_thirty_minutes() -> None:
    assert not unstated("半小时", "It took 30 minutes.")[0]
    assert not unstated("It took half an hour.", "花了 30 分钟。")[0]
    assert unstated("It took half an hour.", "花了 20 分钟。")[0]


def test_a_number_in_chinese_numerals_supports_the_same_number_in_digits(rarity: Rarity) -> None:
    found = check("Yunnan exported over 10,000 tonnes of tea in 2024.", [first(TEA, "zh")], "How much tea?", rarity)
    assert found.verdict == "supported"
    assert not found.missing_numbers


def test_what_is_written_in_a_script_that_nothing_here_reads_is_not_supported(rarity: Rarity) -> None:
    found = check("こんにちは", [first(TEA, "zh")], "把「早上好」翻译成日语。", rarity)
    assert (found.verdict, found.coverage) == ("unsupported", 0.0)


def test_words_put_in_the_models_mouth_need_a_sentence_that_has_them_in_that_order(rarity: Rarity) -> None:
    """The text has a picker Alan; “I am Alan” is the asker's."""
    cited = [e for e in sentences_of(TEA, "en") if "Alan" in e.text]
    assert check("I am Alan.", cited, 'Introduce yourself with "I am Alan".', rarity).verdict == "unsupported"
    assert check("The picker Alan.", cited, "Was it the picker Alan, or another?", rarity).verdict == "supported"


def test_a_neighbouring_number_is_caught(rarity: Rarity) -> None:
    found = check("云南的茶园出口了两万多吨茶叶。", [first(TEA, "zh")], "出口了多少茶叶?", rarity)
    assert found.verdict == "unsupported"
    assert found.missing_numbers


DIPS = Paragraph(
    8,
    "body",
    "2017 年 1 月电压骤降，毁了 5,200 片，值 2,700 万。2020 年 11 月又来了一次，只毁了 310 片。此后每年损失不到 90 片。",
    "In January 2017 the voltage dipped and 5,200 wafers were spoilt, worth 27 million. In November 2020 it dipped "
    "again, and only 310 wafers were lost. Since then fewer than 90 wafers a year were lost.",
)


@pytest.mark.parametrize(
    ("question", "statement", "language", "is_kept"),
    [
        ("What were they worth?", "The wafers lost in November 2020 were worth 27 million.", "en", False),
        ("What were the wafers lost in 2020 worth?", "The wafers lost were worth 27 million.", "en", False),
        ("In November, what were they worth?", "The wafers lost were worth 27 million.", "en", False),
        ("2020 年毁掉的值多少?", "2020 年毁掉的晶圆值 2,700 万。", "zh", False),
        ("What were the wafers lost in 2017 worth?", "The wafers spoilt were worth 27 million.", "en", True),
        ("What were they worth?", "The wafers spoilt were worth 27 million.", "en", True),
        ("How many in both?", "5,200 wafers in 2017 and 310 wafers in 2020 were lost.", "en", True),
        ("How many since 2021?", "Fewer than 90 wafers a year were lost.", "en", True),
        ("2017 年毁了多少片?", "2017 年 1 月毁了 5,200 片。", "zh", True),
        ("How many wafers were lost after 2018?", "310 wafers were lost.", "en", True),
        ("2018 年以后毁了多少片?", "只毁了 310 片。", "zh", True),
        ("How many were spoilt in the 2010s?", "5,200 wafers were spoilt.", "en", True),
        ("2010 年代毁了多少片?", "毁了 5,200 片。", "zh", True),
        ("How many were lost between 2018 and 2022?", "310 wafers were lost.", "en", True),
        ("How many wafers were lost before 2018?", "310 wafers were lost.", "en", False),
        ("2018 年以前毁了多少片?", "只毁了 310 片。", "zh", False),
        ("How many were lost in the 2000s?", "310 wafers were lost.", "en", False),
        ("How many were lost between 2012 and 2018?", "310 wafers were lost.", "en", False),
        ("How many wafers were lost by 2022?", "310 wafers were lost.", "en", False),
    ],
)
def test_a_figure_moved_to_another_date_is_caught(
    question: str, statement: str, language: Language, is_kept: bool, rarity: Rarity
) -> None:
    found = check(statement, sentences_of(DIPS, language), question, rarity)
    assert (found.verdict != "unsupported") == is_kept


def test_an_amount_that_may_be_a_year_is_none_where_the_text_counts_as_many(rarity: Rarity) -> None:
    strike = Paragraph(8, "body", "2015 年,2,000 名工人中走了 300 名。", "In 2015, 300 of the 2,000 workers left.")
    cited = sentences_of(strike, "en")
    for asked in ("How many of the 2000 workers left?", "How many left in 2015?"):
        assert check("300 workers left.", cited, asked, rarity).verdict == "supported"
    assert check("300 of the 2000 workers left.", cited, "How many left?", rarity).verdict == "supported"
    assert check("300 workers left.", cited, "How many left in 2001?", rarity).verdict == "unsupported"


@pytest.mark.parametrize(
    ("text", "missing"), [("How many W-14s?", set()), ("How many W-15s?", {"w-15s"}), ("Which CEOs?", {"ceos"})]
)
def test_a_name_in_the_plural_is_the_one_in_the_singular(text: str, missing: set[str]) -> None:
    assert unstated(text, "The W-14 went into washing machines.")[1] == missing


def test_a_name_that_the_paragraph_does_not_have_is_caught(rarity: Rarity) -> None:
    found = check("The gardens of Sichuan's LeafCo exported tea.", [first(TEA, "en")], "Who exported tea?", rarity)
    assert "leafco" in found.missing_names
    assert found.verdict == "unsupported"


def test_a_name_that_the_reader_brought_in_is_not_held_against_the_answer(rarity: Rarity) -> None:
    found = check("LeafCo is not named; Yunnan exported tea in 2024.", [first(TEA, "en")], "Did LeafCo export?", rarity)
    assert not found.missing_names


SHOPS = Paragraph(
    9,
    "body",
    "老店的茶最贵。山房便宜些,门口那家开得晚。",
    "Tea is dearest at the Old Leaf. Mountain House sells it for less, and the shop by the gate opens late.",
)


@pytest.mark.parametrize(
    ("question", "statement", "sentence", "expected"),
    [
        ("Which shop is the cheapest?", "Mountain House sells it for less.", 1, "supported"),
        ("Which shop is the cheapest?", "Mountain House is the cheapest, it sells for less.", 1, "partial"),
        ("Which shop sells it for less?", "Mountain House is the cheapest, it sells for less.", 1, "partial"),
        ("Which shop sells it for less?", "Mountain House sells it for less.", 1, "supported"),
        ("Which shop is the dearest?", "Tea is dearest at the Old Leaf.", 0, "supported"),
        ("Which two shops, at least, sell it?", "Mountain House sells it for less.", 1, "supported"),
    ],
)
def test_what_nobody_calls_the_most_so_is_only_partly_supported(
    rarity: Rarity, question: str, statement: str, sentence: int, expected: str
) -> None:
    cited = [sentences_of(SHOPS, "en")[sentence]]
    assert check(statement, cited, question, rarity).verdict == expected


def test_a_chinese_superlative_supports_an_english_one(rarity: Rarity) -> None:
    cited = [first(SHOPS, "zh")]
    assert check("Tea is dearest at the Old Leaf.", cited, "Where is tea dearest?", rarity).verdict == "supported"
    assert check("山房最便宜,便宜些。", [sentences_of(SHOPS, "zh")[1]], "哪家便宜?", rarity).verdict == "partial"


def test_a_question_for_the_most_so_is_not_answered_by_a_paragraph_that_compares_nothing(rarity: Rarity) -> None:
    plain = Paragraph(11, "body", "山房卖茶便宜。", "Mountain House sells tea for less money. It opens at nine.")
    cited = [first(plain, "en")]
    said = "Mountain House sells tea for less money."
    assert check(said, cited, "Which shop is the cheapest?", rarity).verdict == "partial"
    assert check(said, cited, "Which shop is cheap?", rarity).verdict == "supported"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("the least likely of the biggest", 2),
        ("the most expensive, and the worst", 2),
        ("most likely", 1),
        ("Its most common cause was rust", 1),
        ("the most senior", 1),
        ("the most curious of them", 1),
        ("for the most part, the most engineers", 0),
        ("a dishonest priest in Budapest", 0),
        ("最高法院最多四十人", 0),
        ("最多的一家", 1),
        ("最便宜的一家", 1),
        ("at least five, at most ten", 0),
        ("most of them, and most engineers", 0),
        ("an honest interest in the forest of the northwest", 0),
        ("the rest of the latest test", 0),
        ("最近,最后,最终", 0),
    ],
)
def test_superlatives_are_told_from_words_that_look_like_them(text: str, count: int) -> None:
    assert superlatives(text) == count


def test_a_dropped_negation_is_marked(rarity: Rarity) -> None:
    denial = sentences_of(TEA, "zh")[1]
    assert check("当地使用农药。", [denial], "怎么种的?", rarity).verdict == "partial"
    assert check("当地没有使用农药。", [denial], "怎么种的?", rarity).verdict == "supported"


def test_a_denial_stands_in_what_is_cited_or_beside_it(rarity: Rarity) -> None:
    """That the gardens' rain was little does not deny that there was tea."""
    exported, used, _ = sentences_of(TEA, "en")
    assert check("Nobody exported tea from Yunnan in 2024.", [exported], "Who did?", rarity).verdict == "supported"
    far = replace(TEA, en="Tea is grown here. Much of it is black. It is sold in May. No pesticide is used.")
    assert check("Tea is not grown here.", [first(far, "en")], "What is?", rarity).verdict == "partial"
    assert check("Pesticide was rarely used there.", [used], "What was used?", rarity).verdict == "supported"


@pytest.mark.parametrize("text", ["failed to open", "nobody was hurt", "rarely seen", "无人使用", "无权进入"])
def test_words_that_deny(text: str) -> None:
    assert negations(text) == 1


@pytest.mark.parametrize("text", ["水质不错", "不锈钢", "差不多", "无人机", "no fewer than 40"])
def test_words_that_deny_nothing(text: str) -> None:
    assert negations(text) == 0


@pytest.mark.parametrize(
    ("text", "among", "missing"),
    [
        ("What does the EU say?", "The neutral council.", {"eu"}),
        ("What does the EU say?", "The EU's council.", set()),
        ("GPT-4 passed.", "GPT-4o passed.", {"gpt-4"}),
        ("GPT-4 通过了吗", "只有GPT-4通过。", set()),
        ("GPT-4 passed.", "GPT-4.1 passed.", {"gpt-4"}),
        ("GPT-4.1 passed.", "GPT-4 passed.", {"gpt-4.1"}),
        ("GPT-4.1 passed.", "GPT-4.1 passed.", set()),
        ("GPT-4 passed.", "It was GPT-4.", set()),
        ("GPT-4 passed.", "GPT-40 passed.", {"gpt-4"}),
        ("GPT4 passed.", "GPT-40 and GPT 4o passed.", {"gpt4"}),
        ("GPT4 得了多少分?", "GPT-4 得了 90 分。", set()),
        ("GPT-4 得了多少分?", "GPT4得了 90 分。", set()),
        ("What did GPT4 score?", "GPT 4 scored 90.", set()),
        ("Did Claude3.5 pass?", "Claude 3.5 passed.", set()),
        ("Did Claude3 pass?", "Claude 3.5 passed.", {"claude3"}),
        ("What does the iPhone15 cost?", "The iPhone 15 costs 900 dollars.", set()),
        ("What does the iPhone 15 cost?", "iPhone15 卖 900 美元。", set()),
        ("What does the iPhone 15 cost?", "iPhone14 卖 900 美元。", {"iphone"}),
        ("How did covid19 spread?", "COVID-19 spread by air.", set()),
        ("Which F16s were sold?", "Three F-16s were sold.", set()),
        ("Is A4 paper thicker?", "It was a 4-day week.", {"a4"}),
        ("Which IN5 was it?", "It rose in 5 of 9 years.", {"in5"}),
        ("What did the W-14 cost?", "The W-140 cost more.", {"w-14"}),
        ("How fast did the US economy grow?", "The U.S. economy grew.", set()),
        ("Which UK firm?", "A U.S. firm.", {"uk"}),
        ("Did Schrodinger have a cat, asked Nestle?", "Schrödinger had one; Nestlé had none.", set()),
        ("Did Schrödinger have a cat?", "Schrodinger had one.", set()),
        ("Did Schroder have a cat?", "Schrödinger had one.", {"schroder"}),
    ],
)
def test_a_name_stands_in_a_text_as_a_word(text: str, among: str, missing: set[str]) -> None:
    assert unstated(text, among)[1] == missing


def test_a_number_that_stands_in_a_name_is_stated_with_it() -> None:
    assert not unstated("What does the iPhone 15 cost?", "iPhone15 卖 900 美元。")[0]
    assert not unstated("Is COVID-19 why the F-16 fell?", "Two F16s fell, not of covid19.")[0]
    assert unstated("What does the iPhone 15 cost?", "iPhone14 卖 900 美元。")[0]
    assert unstated("What do 15 of them cost?", "iPhone15 卖 900 美元。")[0]
    assert unstated("The kilns cost 6.5.", "The kilns cost 6.5 million.")[0]


def test_half_is_fifty_per_cent() -> None:
    assert not unstated("工程花了一半的预算。", "The works took 50% of the budget.")[0]
    assert not unstated("八成用户满意。", "80% of the users were content.")[0]
    assert unstated("八成用户满意。", "8 users were content.")[0]


@pytest.mark.parametrize("text", ["不断增长", "不仅如此", "not only this", "it grew no longer than usual"])
def test_a_word_that_only_contains_a_negation_is_none(text: str) -> None:
    assert negations(text) == 0


@pytest.mark.parametrize("text", ["他們沒有來", "他無法完成", "並非如此"])
def test_a_denial_is_one_in_either_script(text: str) -> None:
    assert negations(text) == 1


def test_who_says_no_denies_no_more_than_the_rest_does(rarity: Rarity) -> None:
    cited = [first(TEA, "en")]
    for opening in ("No, ", ""):
        said = f"{opening}Yunnan exported more than ten thousand tonnes of tea."
        assert check(said, cited, "Was it less?", rarity).verdict == "supported"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How Much Does the Telescope Cost?", set()),
        ("What Is the SWE-bench Score of METR and GitHub?", {"swe-bench", "metr", "github"}),
        ("Is it NOT allowed?", set()),
        ("OK, who built it?", set()),
        ("Does WHO advise it?", {"who"}),
        ("WHAT IS THE SHIP'S FULL-LOAD WEIGHT (满载)?", set()),
        ("WHAT DID THE W-14 COST IN ALL?", {"w-14"}),
        ("Anthropic and OpenAI, Google DeepMind, Meta", {"openai", "google", "deepmind", "meta"}),
    ],
)
def test_a_title_and_a_stressed_word_name_nothing(text: str, expected: set[str]) -> None:
    assert names(text) == expected


def test_names_are_what_a_translation_keeps_in_latin_letters() -> None:
    assert names("METR 与 SWE-bench 由 Claude Opus 完成") == {"metr", "swe-bench", "claude", "opus"}
    assert names("The end. However, nothing.") == frozenset()
    assert names("Is it Nestlé's GPT-4.1, or V2.0.3?") == {"nestle", "gpt-4.1", "v2.0.3"}
    assert names("What's METR's test, and who’s behind it? Isn't it Anthropic’s? I'll ask.") == {"metr", "anthropic"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("METR是什么?", {"metr"}),
        ("为什么用GPT-4模型写n8n的流程?", {"gpt-4", "n8n"}),
        ("Gemini写了多少代码?", {"gemini"}),
        ("由Lin与Zhao测量,见x@Foo", {"lin", "zhao"}),
        ("What is meant by taking a detour (走弯路)?", set()),
        ("HOW MUCH DID GPT-4 COST?", {"gpt-4"}),
    ],
)
def test_a_name_ends_where_chinese_begins(text: str, expected: set[str]) -> None:
    assert names(text) == expected


def test_a_statement_is_attached_to_the_sentence_that_states_it(rarity: Rarity) -> None:
    embedder = HashingEmbedder()
    candidates = sentences_of(TEA, "en")
    vectors = {e.key: v for e, v in zip(candidates, embedder.passages([e.text for e in candidates]), strict=True)}
    aligned = Aligner(embedder, rarity).align("There was little rain.", candidates, vectors, "How was the weather?")
    assert [e.text for e in aligned] == ["The picker Alan says that there was little rain this year."]


def test_a_statement_that_nothing_states_stays_uncited(rarity: Rarity) -> None:
    embedder = HashingEmbedder()
    candidates = sentences_of(TEA, "en")
    vectors = {e.key: v for e, v in zip(candidates, embedder.passages([e.text for e in candidates]), strict=True)}
    aligner = Aligner(embedder, rarity)
    assert aligner.align("Zebras gallop across volcanic moons.", candidates, vectors, "Zebras?") == ()


def entry(number: int, dates_and_title: str, text: str) -> Paragraph:
    """An entry of a timeline; English only."""
    return Paragraph(number, "timeline", None, text, Section(en=("A timeline", dates_and_title)))


STAGES = (
    entry(1, "1990–1995 Hand picking", "Every leaf was taken by hand."),
    entry(2, "1995–2001 First shears", "Two people could then clear a terrace in a day. It was loud."),
    entry(3, "TODAY Small tractors", "A driver does what forty pickers did."),
    entry(4, "20XX? Closing the circle", "Machines may come to mend machines."),
)
STAGES_IN_ORDER = "1990–1995 Hand picking, 1995–2001 First shears, TODAY Small tractors, 20XX? Closing the circle."


def test_a_list_of_headings_rests_on_every_paragraph_under_one_of_them(rarity: Rarity) -> None:
    embedder = HashingEmbedder()
    candidates = [e for p in STAGES for e in sentences_of(p, "en")]
    vectors = {e.key: v for e, v in zip(candidates, embedder.passages([e.text for e in candidates]), strict=True)}
    question = "What are the stages of the timeline?"
    (statement,) = split_statements(STAGES_IN_ORDER, {e.heading for e in candidates})
    cited = Aligner(embedder, rarity).align(statement, candidates, vectors, question)
    assert sorted(e.paragraph.number for e in cited) == [1, 2, 3, 4]
    assert all(e.heading for e in cited), "the sentences that answer for the headings"
    written = compose(base(), weigh([(statement, cited)], question, rarity))
    assert written is not None
    last = replace(candidates[-1], score=5.0)
    said = with_nearest(written, [last], {}, rarity).statements
    assert [s.text for s in said] == [STAGES_IN_ORDER, last.text], "a title that is said already is not said again"
    assert {s.verdict for s in said} == {"supported"}
    moved = compose(base(), weigh([(statement.replace("2001", "2004"), cited)], question, rarity))
    assert moved is not None
    assert moved.statements[0].text != statement.replace("2001", "2004"), "its heading has another year"


def test_a_list_of_headings_is_told_in_reading_order() -> None:
    order = [e.heading for p in STAGES for e in sentences_of(p, "en")[:1]]
    shuffled = ", ".join([order[2], order[0], order[3]]) + " and " + order[1] + "."
    assert in_reading_order(shuffled, order) == f"{order[0]}, {order[1]}, {order[2]} and {order[3]}."
    assert in_reading_order(f"{order[2]}, {order[0]}.", order) == f"{order[2]}, {order[0]}.", "two may be compared"
    prose = f"After {order[2]} came {order[3]}, not {order[0]}."
    assert in_reading_order(prose, order) == prose
    assert in_reading_order("Tea.", []) == "Tea."


def test_a_question_mark_within_a_heading_ends_no_statement() -> None:
    assert split_statements("It is 20XX? Closing the circle. Is it?", ["20XX? Closing the circle"]) == [
        "It is 20XX? Closing the circle.",
        "Is it?",
    ]
    assert len(split_statements("It is 20XX? Closing the circle.", ["Closing"])) == 2


def test_what_an_entry_of_a_timeline_says_is_quoted_behind_its_dates_and_title_once(rarity: Rarity) -> None:
    near = [replace(e, score=5.0 - i / 10) for i, e in enumerate(sentences_of(STAGES[1], "en"))]
    answer = with_headings(quote_statements(base(), near, {}, rarity))
    assert [s.text for s in answer.statements] == [
        "1995–2001 First shears: Two people could then clear a terrace in a day.",
        "It was loud.",
    ]
    assert [c.quote for c in answer.citations] == [e.text for e in near], "the quotes themselves are verbatim"
    body = replace(STAGES[1], kind="body")
    quoted = quote_statements(base(), [replace(e, score=5.0) for e in sentences_of(body, "en")[:1]], {}, rarity)
    assert with_headings(quoted).statements[0].text == near[0].text, "what is no entry has no title of its own"
    asked = replace(quoted, question="What is the section on shears called?")
    assert with_headings(asked).statements[0].text == answer.statements[0].text, "unless it is asked for"
    other = replace(base("zh"), question="文章里这个环节怎么说?")
    elsewhere = replace(quoted, question=other.question, language="zh")
    assert with_headings(elsewhere) == elsewhere, "an article is no chapter"
    unheaded = quote_statements(replace(base(), question=asked.question), [first(TEA, "en")], {}, rarity)
    assert with_headings(unheaded) == unheaded


@pytest.mark.parametrize(
    ("question", "text", "is_headed"),
    [
        ("Which harvest leaves the pickers most time?", "This one leaves the pickers most time.", True),
        ("Which harvest leaves the pickers most time?", "The late harvest leaves the pickers most time.", False),
        ("What leaves the pickers most time?", "This one leaves the pickers most time.", False),
        ("哪種采法最省時間?", "这一种最省时间。", True),
        ("哪种采法最省时间?", "该种采法最省时间。", True),
        ("哪种采法最省时间?", "晚采最省时间。", False),
        ("采茶最省多少时间?", "这一种最省时间。", False),
    ],
)
def test_a_quote_that_points_at_one_stands_behind_its_heading_where_it_is_asked_which(
    rarity: Rarity, question: str, text: str, is_headed: bool
) -> None:
    language: Language = "en" if text.isascii() else "zh"
    section = Section(zh=("晚采",), en=("The late harvest",))
    paragraph = Paragraph(7, "body", text, text, section=section)
    near = [replace(sentences_of(paragraph, language)[0], score=5.0)]
    quoted = quote_statements(replace(base(language), question=question), near, {}, rarity)
    (said,) = with_headings(quoted).statements
    assert said.text == ({"en": "The late harvest: ", "zh": "晚采："}[language] if is_headed else "") + text
    assert [c.quote for c in quoted.citations] == [text]


# --- composing ----------------------------------------------------------------------------------------------


def base(language: Language = "en") -> Answer:
    return Answer("q", language, False, (), (), (), 0.9, "local", "m")


def test_a_statement_that_fails_the_check_is_replaced_by_its_verbatim_sentence(rarity: Rarity) -> None:
    source = first(TEA, "en")
    answer = compose(base(), weigh([("Yunnan exported 999 tonnes of tea.", (source,))], "How much?", rarity))
    assert answer is not None
    assert [s.text for s in answer.statements] == [source.text]
    assert answer.citations[0].quote == source.text


def test_a_statement_in_the_other_language_gives_way_to_a_quote_in_the_readers(rarity: Rarity) -> None:
    foreign, own = first(TEA, "zh"), first(TEA, "en")
    answer = compose(base(), weigh([(foreign.text[:-3], (foreign, own))], "How much?", rarity))
    assert answer is not None
    assert [s.text for s in answer.statements] == [own.text]
    assert compose(base(), weigh([(foreign.text[:-3], (foreign,))], "How much?", rarity)) is None


@pytest.mark.parametrize(
    ("statement", "is_kept"),
    [
        ("这款芯片满载时的功耗是 165 watts。", False),
        ("这款芯片的显存带宽达每秒 5.2TB。", True),
        ("这款芯片的 token 带宽达每秒 5.2TB。", True),
    ],
    ids=["a word of the English text", "a unit", "a word of the question"],
)
def test_an_english_word_in_chinese_that_is_neither_in_the_text_nor_asked_with_is_not_kept(
    statement: str, is_kept: bool, rarity: Rarity
) -> None:
    source = first(CHIP, "zh")
    asked = replace(base("zh"), question="token 带宽是多少?")
    answer = compose(asked, weigh([(statement, (source,))], asked.question, rarity))
    assert answer is not None
    assert [s.text for s in answer.statements] == [statement if is_kept else source.text]


def test_what_stands_for_a_statement_that_failed_is_quoted_behind_what_is_nearest(rarity: Rarity) -> None:
    nearest_one, aside = (replace(e, score=s) for e, s in zip(sentences_of(TEA, "en"), (5.0, 1.0), strict=False))
    failed = compose(base(), weigh([("No pesticide was used in 1999.", (aside,))], "How much?", rarity))
    assert failed is not None
    answer = with_nearest(failed, [nearest_one, aside], {}, rarity)
    assert [s.text for s in answer.statements] == [nearest_one.text, aside.text]
    assert [c.quote for c in answer.citations] == [nearest_one.text, aside.text], "in the order in which they are used"


def test_what_answers_in_quotes_is_in_the_readers_language(rarity: Rarity) -> None:
    ranked = [replace(first(TEA, "zh"), score=5.0), replace(first(TEA, "en"), score=1.0)]
    assert [s.text for s in quote_statements(base(), ranked, {}, rarity).statements] == [first(TEA, "en").text]


def test_what_a_quote_announces_is_quoted_behind_it_wherever_the_quote_comes_from(rarity: Rarity) -> None:
    text = "The terraces are steep. There were two reasons. The roads were bad; the oxen were few. It rained."
    paragraph = Paragraph(8, "body", None, text)
    steep, reasons, told, _ = sentences_of(paragraph, "en")
    near = [replace(steep, score=5.0), replace(reasons, score=4.9)]
    quoted = quote_statements(base(), near, {}, rarity)
    assert [s.text for s in quoted.statements] == [steep.text, reasons.text]
    completed = with_what_is_announced(quoted)
    assert [s.text for s in completed.statements] == [steep.text, reasons.text, told.text]
    assert [completed.citations[i].quote for s in completed.statements for i in s.citations] == [
        steep.text,
        reasons.text,
        told.text,
    ]
    failed = compose(base(), weigh([("There were nine hundred reasons.", (reasons,))], "Why?", rarity))
    assert failed is not None
    assert [s.text for s in with_what_is_announced(failed).statements] == [reasons.text, told.text]
    assert with_what_is_announced(completed) == completed, "what is told already is not told again"
    in_own_words = [(reasons.text, (reasons,)), ("The roads were bad and the oxen were few.", (told,))]
    retold = compose(base(), weigh(in_own_words, "Why?", rarity))
    assert retold is not None
    assert with_what_is_announced(retold) == retold, "in words of its own neither"
    alone = quote_statements(base(), [first(TEA, "en")], {}, rarity)
    assert with_what_is_announced(alone) == alone


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("四类任务", True, False),
        ("There are four kinds of tasks (任务).", False, True),
        ("SWE-bench 和 Claude Opus 4.6", True, False),
        ("约 76%,用 detour 来说", True, False),
        ("It is the 递归 index of tasks by METR", False, True),
        ("76%", True, True),
    ],
)
def test_the_language_of_running_text_is_not_that_of_its_names(text: str, zh: bool, en: bool) -> None:
    assert (is_written_in(text, "zh"), is_written_in(text, "en")) == (zh, en)


def test_an_uncited_statement_is_never_kept_in_silence(rarity: Rarity) -> None:
    assert compose(base(), weigh([("Tea is nice.", ())], "q", rarity)) is None


def test_the_same_sentence_is_cited_once_and_numbered_once(rarity: Rarity) -> None:
    source = first(TEA, "en")
    texts = ["Yunnan exported more than ten thousand tonnes of tea.", "It was about a third of the country's tea."]
    answer = compose(base(), weigh([(text, (source,)) for text in texts], "q", rarity))
    assert answer is not None
    assert len(answer.citations) == 1
    assert [s.citations for s in answer.statements] == [(0,), (0,)]


def test_a_statement_that_only_says_the_question_again_is_no_answer(rarity: Rarity) -> None:
    source = first(TEA, "zh")
    (echo,) = weigh([("云南出口了多少茶叶?", (source,))], "云南出口多少茶叶?", rarity)
    assert echo.check is None
    (answer,) = weigh([("云南。", (source,))], "出口茶叶的是云南还是福建?", rarity)
    assert answer.check is not None, "a choice that the question offers is an answer"


@pytest.mark.parametrize(
    ("language", "texts", "expected"),
    [
        ("zh", ("茶价涨了。[1]", "她不卖。"), "茶价涨了[¶7]。[1]她不卖[¶7]。"),
        ("en", ("It rose.[1]", "She sold 5 km²"), "It rose [¶7].[1] She sold 5 km² [¶7]"),
    ],
)
def test_a_paragraph_mark_stands_before_the_end_and_the_note_behind_it(
    language: Language, texts: tuple[str, str], expected: str
) -> None:
    source = Citation.of(first(TEA, language))
    said = tuple(Statement(text, (0,), "supported") for text in texts)
    assert replace(base(), language=language, statements=said, citations=(source,)).text == expected


def test_numbers_of_a_list_are_no_statements_and_numbers_in_a_sentence_stay() -> None:
    assert split_statements("Three futures: 1. It stalls; 2. It goes on.") == ["Three futures: It stalls; It goes on."]
    assert split_statements("有三种:1. 停滞。2. 继续。") == ["有三种: 停滞。", "继续。"]
    assert "16" in "".join(split_statements("The answer is 16. It was 4 before."))


def test_what_the_text_asks_is_not_quoted_as_an_answer(rarity: Rarity) -> None:
    asking = Paragraph(8, "body", None, "Where did the tea go? Camels took the tea to Kiakhta.")
    question, reply = (replace(e, score=score) for e, score in zip(sentences_of(asking, "en"), (5.0, 4.0), strict=True))
    assert [e.text for e in nearest([question, reply], {}, rarity, "en")] == [reply.text]
    assert [e.text for e in nearest([question], {}, rarity, "en")] == [question.text], "where nothing else is there"


def test_the_nearest_sentences_are_quoted_behind_a_small_models_words_once(rarity: Rarity) -> None:
    near, far = (replace(e, score=score) for e, score in zip(sentences_of(TEA, "en"), (5.0, 2.0), strict=False))
    written = compose(base(), weigh([("Yunnan exported ten thousand tonnes.", (near,))], "How much?", rarity))
    assert written is not None
    answer = with_nearest(written, [near, far], {}, rarity)
    assert [s.text for s in answer.statements][1:] == [near.text], "the far one is not worth the reader's time"
    assert len(answer.citations) == 1, "the sentence is cited already"
    assert with_nearest(answer, [near, far], {}, rarity) == answer
    assert with_nearest(refusal(base()), [near, far], {}, rarity).statements == ()
    both = with_nearest(written, [near, replace(far, score=4.9)], {}, rarity)
    assert [s.text for s in both.statements][1:] == [near.text, far.text]


@pytest.mark.parametrize(("share", "is_quoted"), [(0.29, True), (0.27, False)])
def test_a_second_quote_from_a_paragraph_that_is_unlikely_to_answer_is_not_shown(
    rarity: Rarity, share: float, is_quoted: bool
) -> None:
    near, far = (replace(e, score=5.0) for e in sentences_of(TEA, "en")[:2])
    elsewhere = replace(far, paragraph=replace(TEA, number=TEA.number + 40))
    shares = {near.paragraph.number: 0.4, elsewhere.paragraph.number: share}
    quoted = quote_statements(base(), [near, elsewhere], shares, rarity)
    assert (elsewhere.paragraph.number in {c.paragraph.number for c in quoted.citations}) == is_quoted


@pytest.mark.parametrize(("third", "is_quoted"), [("own", True), ("other", True), ("new", False)])
def test_a_third_quote_is_of_a_paragraph_that_is_quoted_already(rarity: Rarity, third: str, is_quoted: bool) -> None:
    first, second, last = (replace(e, score=5.0) for e in sentences_of(TEA, "en")[:3])
    numbers = {"own": TEA.number, "other": TEA.number + 1, "new": TEA.number + 2}
    second = replace(second, paragraph=replace(TEA, number=numbers["other"]))
    last = replace(last, paragraph=replace(TEA, number=numbers[third]))
    quoted = quote_statements(base(), [first, second, last], dict.fromkeys(numbers.values(), 0.3), rarity)
    expected = [first, second, *([last] if is_quoted else [])]
    assert {s.text for s in quoted.statements} == {e.text for e in expected}


def test_a_copy_of_the_nearest_sentence_gives_way_to_it_where_it_stood(rarity: Rarity) -> None:
    first, second, third = (replace(e, score=5.0 - i) for i, e in enumerate(sentences_of(TEA, "en")))
    copied = "The gardens of Yunnan exported more than ten thousand tonnes of tea, about a third of the country's."
    said = [(copied, (first, third)), ("No pesticide was used in Yunnan.", (second,))]
    written = compose(base(), weigh(said, "What of the tea?", rarity))
    assert written is not None
    answer = with_nearest(written, [first], {}, rarity)
    assert [s.text for s in answer.statements] == [first.text, said[1][0]]
    assert [c.quote for c in answer.citations] == [first.text, second.text], "what it alone cited is cited no more"
    assert [s.citations for s in answer.statements] == [(0,), (1,)]
    apart = with_nearest(written, [second], {}, rarity)
    assert [s.text for s in apart.statements] == [copied, said[1][0], second.text], "it says more than that sentence"


@pytest.mark.parametrize(("share", "gives_way"), [(0.6, True), (0.3, False)])
def test_a_large_piece_of_the_nearest_sentence_gives_way_to_it_and_an_answer_in_few_words_does_not(
    rarity: Rarity, share: float, gives_way: bool
) -> None:
    first = replace(sentences_of(TEA, "en")[0], score=5.0)
    piece = first.text[: first.text.index(" ", round(share * len(first.text)))]
    written = compose(base(), weigh([(piece, (first,))], "What of the tea?", rarity))
    assert written is not None
    said = [s.text for s in with_nearest(written, [first], {}, rarity).statements]
    assert said == ([first.text] if gives_way else [piece, first.text])


def test_what_goes_too_far_from_the_sentence_it_cites_gives_way_to_it(rarity: Rarity) -> None:
    first, second, _ = (replace(e, score=5.0 - i) for i, e in enumerate(sentences_of(TEA, "en")))
    question = "Which village gathers the finest harvest by hand each spring?"
    joined = "The village that gathers the finest harvest by hand each spring is Yunnan."
    written = compose(base(), weigh([(joined, (first,))], question, rarity))
    assert written is not None
    assert written.statements[0].text == joined, "the check finds nothing against it"
    assert [s.text for s in with_nearest(written, [second], {}, rarity).statements] == [second.text, first.text]
    kept = compose(
        base(), weigh([("Yunnan exported a third of the country's tea in 2024.", (first,))], question, rarity)
    )
    assert kept is not None
    assert with_nearest(kept, [first], {}, rarity).statements[0].text == kept.statements[0].text


def test_a_list_of_clauses_is_held_against_the_whole_list(rarity: Rarity) -> None:
    clauses = [
        "第一，检查窑门",
        "第二，清理炉膛",
        "第三，核对温度",
        "第四，称量釉料",
        "第五，拉紧皮带",
        "第六，摆放湿坯",
    ]
    kiln = Paragraph(8, "body", "；".join(clauses) + "。", "The checks.")
    own = sentences_of(kiln, "zh")
    said = "检查窑门、清理炉膛、核对温度、称量釉料、拉紧皮带、摆放湿坯"
    written = compose(base("zh"), weigh([(said, (own[0], own[3]))], "开工之前要做什么?", rarity))
    assert written is not None
    assert with_nearest(written, [own[0]], {}, rarity).statements[0].text == said


@pytest.mark.parametrize(
    ("language", "quoted"),
    [
        ("en", ["Spring tea is dear.", "But it keeps badly."]),
        ("zh", ["春茶很贵。", "但它不耐放。"]),
    ],
)
def test_a_quote_brings_the_sentence_that_goes_on_from_it(
    rarity: Rarity, language: Language, quoted: list[str]
) -> None:
    tea = Paragraph(
        8,
        "body",
        "采茶要早起。春茶很贵。但它不耐放。夏茶最多。",
        "Pickers rise early. Spring tea is dear. But it keeps badly. Most tea is picked in summer.",
    )
    sentences = sentences_of(tea, language)
    for near in sentences[1:3]:
        answer = quote_statements(base(language), [replace(near, score=5.0)], {}, rarity)
        assert [s.text for s in answer.statements] == quoted, "in reading order, whichever of the two is nearest"
    alone = quote_statements(base(language), [replace(sentences[3], score=5.0)], {}, rarity)
    assert [s.text for s in alone.statements] == [sentences[3].text]


def test_markers_the_model_invents_never_reach_the_reader() -> None:
    assert split_statements("答案:茶很多[¶999]。\n- **Tea** grows [1].") == ["茶很多。", "Tea grows ."]


def test_a_quote_answer_is_verbatim_sentences_only(rarity: Rarity) -> None:
    ranked = [Evidence(e.paragraph, e.language, e.start, e.end, 1.0) for e in sentences_of(TEA, "zh")]
    answer = quote_statements(base(), ranked, {}, rarity)
    assert all(s.text == answer.citations[s.citations[0]].quote for s in answer.statements)


def test_a_citation_outside_its_paragraph_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="¶7 has no zh text"):
        Citation(TEA, "zh", 0, 10_000)


def test_a_refusal_that_cites_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="cites nothing"):
        Answer("q", "zh", True, (), (Citation(TEA, "zh", 0, 5),), (), 0.1, "local", "m")


def test_words_that_only_the_question_put_together_are_not_supported(rarity: Rarity) -> None:
    question = "Write that the picker Alan says no pesticide was used in Yunnan's share of the rain, in quotes."
    scattered = check("Alan says no pesticide was used in Yunnan.", [first(TEA, "en")], question, rarity)
    assert scattered.verdict == "unsupported", "no cited sentence says so"
    between = check("Alan says no pesticide was used.", sentences_of(TEA, "en"), question, rarity)
    assert between.verdict == "unsupported", "nor do two of them, a half each"
    together = check("No pesticide was used.", [sentences_of(TEA, "en")[1]], question, rarity)
    assert together.verdict == "supported"
