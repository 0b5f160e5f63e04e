"""What tells what a paragraph says: its sentences in the reader's language, and what stands in the other one alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import Index
from index.paragraphs import Language, Paragraph
from rag.evidence import _OF_THE_KIND, EvidenceSelector, sentences_of, telling, with_what_it_leans_on
from rag.kinds import asked_kinds, holds
from rag.prompts import leading_messages
from rag.words import Rarity
from tests.rag_support import make_index, scripted_engine, small_engine

CAPTION = {
    "zh": "各年采摘量(以 2020 年为 1),2025 年达到 3.5 倍。茶园由 Lin 与 Zhao 测量。",
    "en": "Harvest by year. Every bar is one spring.",
}


QUESTIONS: list[tuple[str, Language, str, str]] = [
    ("How many tonnes of tea were sold?", "en", "Sales of tea in tonnes are told below.", "They came to 40 last year."),
    ("When was the tea house opened?", "en", "The tea house was opened with music.", "That day in May 1921 was wet."),
    ("Why was the tea house shut?", "en", "The shut tea house is a sad sight.", "Its owner left because of the rain."),
    ("卖了多少吨茶?", "zh", "卖茶的吨数写在下面。", "去年一共40吨。"),
    ("茶馆为什么关门?", "zh", "茶馆关门以后很冷清。", "因为店主搬走了。"),
    ("茶馆卖哪些茶?", "zh", "茶馆卖茶,也卖别的。", "绿茶、红茶、白茶都有。"),
]


pytestmark = pytest.mark.usefixtures("listening_gate")


@pytest.fixture
def tea(tmp_path: Path) -> Index:
    """A caption whose English half leaves out what the Chinese one states, between two whole pairs."""
    lines = [
        {"zh": "茶树喜欢酸性土壤。", "en": "Tea bushes like acid soil."},
        CAPTION,
        {"zh": "绿茶不发酵。", "en": "Green tea is not fermented."},
    ]
    return make_index(tmp_path, lines)


def told(zh: str | None, en: str | None, language: Language) -> list[str]:
    return [e.text for e in telling(Paragraph(1, "body", zh, en), language)]


def test_a_figure_that_only_the_other_half_states_is_told_behind_the_readers_own_sentences() -> None:
    assert told(CAPTION["zh"], CAPTION["en"], "en") == [
        "Harvest by year.",
        "Every bar is one spring.",
        "各年采摘量(以 2020 年为 1),2025 年达到 3.5 倍。",
        "茶园由 Lin 与 Zhao 测量。",
    ]


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("2026 年 5 月,一万二千人来了。", "In May 2026, 12,000 people came."),
        ("他走了三分之一的路。", "He went a third of the way."),
        ("Claude写了80%的代码。", "Claude wrote 80 percent of the code."),
        ("首席执行官有可能同意。", "The CEO may agree, and every second engineer does."),
        ("通道额定容量120万千瓦。", "The link is rated at 1,200 megawatts."),
        ("实测为3.1%,优于保证的3.4%。", "It was measured at 3.1 percent, against a guaranteed 3.4."),
        ("90分钟可充满。", "It is charged in 1.5 hours."),
    ],
)
def test_a_pair_whose_halves_say_the_same_is_told_in_one_language(zh: str, en: str) -> None:
    assert told(zh, en, "zh") == [zh]
    assert told(zh, en, "en") == [en]


def test_english_figures_that_the_translation_drops_reach_a_chinese_reader() -> None:
    assert told("人来了很多。", "Some 4,200 people came.", "zh") == ["人来了很多。", "Some 4,200 people came."]


def test_a_paragraph_in_one_language_is_told_in_it_to_everyone() -> None:
    assert told("摘要:2025 年 3.5 倍。", None, "en") == ["摘要:2025 年 3.5 倍。"]


def test_what_stands_in_one_half_alone_is_shown_and_can_be_cited(tea: Index) -> None:
    engine, llm = scripted_engine(tea, "In 2025 the harvest reached 3.5 times.")
    answer = engine.ask("What did the harvest by year reach in 2025?")
    assert "2025 年达到 3.5 倍" in llm.prompts[0]
    (citation, *_) = answer.citations
    assert (citation.paragraph.number, citation.language) == (2, "zh")
    assert citation.quote == "各年采摘量(以 2020 年为 1),2025 年达到 3.5 倍。"


def test_such_a_paragraph_begins_with_what_was_read_ahead_of_it(tea: Index) -> None:
    engine, llm = small_engine(tea, "It reached 3.5 times.", logits=[6.0])
    engine.ask("What did the harvest by year reach in 2025?")
    ahead = leading_messages(tea.by_number[2], "en")[-1].content or ""
    assert "3.5" in ahead
    assert any(ahead in prompt for prompt in llm.prompts)


@pytest.mark.parametrize(("question", "language", "same_words", "answer"), QUESTIONS)
def test_a_sentence_that_holds_the_kind_of_answer_asked_for_gains_on_one_that_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, language: Language, same_words: str, answer: str
) -> None:
    gap = "" if language == "zh" else " "
    engine, _ = scripted_engine(make_index(tmp_path, [{language: f"{same_words}{gap}{answer}"}]), "x")
    scored = {e.text: e.score for e in engine.look(question).ranked}
    monkeypatch.setattr("rag.evidence._OF_THE_KIND", dict.fromkeys(_OF_THE_KIND, 0.0))
    without = {e.text: e.score for e in engine.look(question).ranked}
    (kind,) = asked_kinds(question, language)
    assert scored[answer] - without[answer] == pytest.approx(_OF_THE_KIND[kind])
    assert scored[same_words] == without[same_words]


def test_a_date_in_chinese_numerals_is_one() -> None:
    assert holds("三月五日动工。", "time", "zh", "哪天动工?")
    assert not holds("他吃了一月饼。", "time", "zh", "哪天?")


@pytest.mark.parametrize(
    ("question", "language", "kinds"),
    [
        ("How long did it take, and when did it end?", "en", {"number", "time"}),
        ("How does it work?", "en", {"way"}),
        ("How come it broke?", "en", {"reason"}),
        ("What is Loam?", "en", set()),
        ("为什么坏了,用了多久才修好?", "zh", {"number", "reason"}),
        ("怎么会坏?", "zh", {"reason"}),
        ("怎么做?", "zh", {"way"}),
        ("何時開始?", "zh", {"time"}),
        ("哪个月开始?", "zh", {"time"}),
        ("什么时间开始?", "zh", {"time"}),
        ("这是什么?", "zh", set()),
    ],
)
def test_the_kinds_of_answer_that_a_question_asks_for(question: str, language: Language, kinds: set[str]) -> None:
    assert asked_kinds(question, language) == kinds


ANNOUNCED: list[tuple[Language, str, int]] = [
    ("zh", "开炉之前,师傅立了三条规矩。|火不能断;|水不能凉;|门不能开。|规矩贴在墙上。", 4),
    ("zh", "有两件事让我们搬走。|一是漏雨。|山路太远。", 2),
    ("zh", "有三件事没有查明。|第一,谁开的门。|第二,谁锁的门。|第三,钥匙在哪。|那天下雨。", 4),
    ("zh", "开炉三天以后才出茶。|火不能断。", 1),
    ("zh", "绿茶是三种茶里最淡的。|红茶最浓。", 1),
    ("zh", "会议下午三点开始。|人到齐了。", 1),
    ("zh", "整整六个星期,全村都在争吵。|胶水用完了。", 1),
    ("zh", "随后两项针对监督。|茶价未变。", 1),
    ("zh", "有两个原因:贵和远。|茶价未变。", 1),
    ("zh", "三个人都在一起吃午饭。|茶价未变。", 1),
    ("zh", "有六十个村子种茶。|茶价未变。", 1),
    ("zh", "平均每一百个词要错 38.2 个。|茶价未变。", 1),
    ("zh", "十个错误漏掉七个。|茶价未变。", 1),
    ("zh", "停电持续了两个多小时。|茶价未变。", 1),
    ("zh", "修复花了三个半小时。|茶价未变。", 1),
    ("en", "Before lighting it the master set three rules.|Keep the fire; keep the water warm.|They hung there.", 2),
    ("en", "Two terms need explaining.|Withering is the loss of water.|Rolling breaks the leaf.", 2),
    ("en", "Three things are unknown.|First, who opened.|Second, who locked.|Third, why.|Rain came.", 4),
    ("en", "There are several kinds of tea.|Green tea is mild.|Rain came.", 2),
    ("en", "It took two days.|Rain came.", 1),
    ("zh", "师傅立了三条规矩。[1]|火不能断。|天下雨了。", 2),
    ("en", "The master set three rules.[1]|Keep the fire.|Rain came.", 2),
    ("en", "It took three nights.|Rain came.", 1),
    ("en", "It sued for 14 million marks.|Rain came.", 1),
    ("en", "It closed at 1.2 million marks.|Rain came.", 1),
    ("en", "The vote had been eight to five.|Rain came.", 1),
    ("en", "The proposal passed by two votes.|Rain came.", 1),
    ("en", "Green is the mildest of the three teas.|Black is strongest.", 1),
    ("en", "The last two look to the future of the gardens.|Rain came.", 1),
    ("en", "Two reasons: cost and the roads.|Rain came.", 1),
    ("en", "Lin farms fourteen hectares.|Rain came.", 1),
    ("en", "At first, three pickers of the village liked it.|Rain came.", 1),
    ("en", "That spring the master, his wife and both of their daughters carried downhill seven chests.|Rain came.", 1),
]


@pytest.mark.parametrize(("language", "text", "quoted"), ANNOUNCED)
def test_a_sentence_that_announces_several_things_is_quoted_with_them(
    language: Language, text: str, quoted: int
) -> None:
    sentences = text.split("|")
    whole = ("" if language == "zh" else " ").join(sentences)
    paragraph = Paragraph(1, "body", *((whole, None) if language == "zh" else (None, whole)))
    first = sentences_of(paragraph, language)[0]
    assert [e.text for e in with_what_it_leans_on(first)] == sentences[:quoted]


@pytest.mark.parametrize(
    ("text", "found", "quoted"),
    [
        ("开场。|绿茶当天杀青；|红茶不必，因为它要发酵。|价钱未变。", 1, (1, 3)),
        ("开场。|绿茶当天杀青；|红茶不必，因为它要发酵。|价钱未变。", 2, (1, 3)),
        ("开场。|绿茶当天杀青；|红茶不必；|白茶只晒；|黑茶渥堆。|价钱未变。", 2, (2, 3)),  # so many are a list
        ("绿茶当天杀青；|红茶不必；|白茶只晒；", 1, (0, 3)),
        ("绿茶当天杀青。|红茶不必。", 0, (0, 1)),
    ],
)
def test_a_quote_runs_over_the_semicolons_of_its_sentence(text: str, found: int, quoted: tuple[int, int]) -> None:
    sentences = text.split("|")
    own = sentences_of(Paragraph(1, "body", "".join(sentences), None), "zh")[found]
    assert [e.text for e in with_what_it_leans_on(own)] == sentences[quoted[0] : quoted[1]]


def test_what_asks_is_quotable_only_where_nothing_else_is_or_it_tells_something_itself(tmp_path: Path) -> None:
    texts = ("HALE: Fixing is hot. How long does fixing take?", "ORME: Six minutes.", "HALE: I see.", "ORME: Yes.")
    index = make_index(tmp_path, [{"en": text} for text in texts])
    looked = small_engine(index, "", logits=[0.0])[0].look("How long does fixing take?")
    selector = EvidenceSelector(index, Rarity(index))
    of_first = [e for e in looked.ranked if e.paragraph.number == 1]
    assert len(of_first) == 2
    assert {e.paragraph.number for e in selector.quotable(looked.ranked, looked.ranking)} == {2, 3, 4}
    assert selector.quotable(of_first, looked.ranking) == of_first
    ranking = looked.ranking.led_by([index.by_number[1]], {1: 0.9})
    told = [e.text for e in selector.quotable(looked.ranked, ranking) if e.paragraph.number == 1]
    assert told == ["HALE: Fixing is hot."]


def test_a_number_of_the_question_is_no_answer_to_how_many() -> None:
    assert not holds("In 1921 there were shops.", "number", "en", "How many shops were there in 1921?")
    assert holds("In 1921 there were six shops.", "number", "en", "How many shops were there in 1921?")
    assert not holds("Nobody knows how many there were.[3]", "number", "en", "How many shops were there?")


def test_once_warm_no_question_waits_for_what_is_compared_with_all_of_them(
    tea: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = scripted_engine(tea)
    selector = EvidenceSelector(tea, Rarity(tea))
    looked = engine.look("绿茶发酵吗?")
    before = selector.score("绿茶发酵吗?", "zh", looked.ranking)
    selector.warm()

    def read_late(*_: object) -> None:
        raise AssertionError("read under a question")

    monkeypatch.setattr(tea.vectors, "_read_sentences", read_late)
    monkeypatch.setattr(tea.tokens, "_raw", read_late)
    assert selector.score("绿茶发酵吗?", "zh", looked.ranking) == before
