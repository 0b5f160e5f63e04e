"""The road of a question, with a scripted model over the bundled article and no weights."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatResponseGen
from llama_index.core.llms import ChatMessage

from index.build import Index
from index.errors import UserError
from index.settings import Settings
from rag.condense import Turn, leans_on_history, parse_history
from rag.engine import Delta, Done, Engine, Found
from rag.gate import Gate
from rag.generators import GeneratorFailed, QuoteLLM, make_generator, why_it_failed
from rag.language import language_of_question
from rag.overview import leading
from rag.prompts import leading_messages, opened_by, translated_from
from rag.retrieve import TRANSLATION, HybridRetriever, load_fusion
from tests.rag_support import ScriptedLLM, make_index, scripted_engine, scripted_generator

pytestmark = pytest.mark.usefixtures("listening_gate")


@pytest.fixture
def tea(tmp_path: Path) -> Index:
    """Three bilingual paragraphs and one that was printed in Chinese only."""
    lines = [
        {
            "zh": "茶树喜欢酸性土壤和多雾的山坡。",
            "en": "Tea bushes like acid soil and misty slopes.",
            "section_zh": "种植",
        },
        {"zh": "杀青用 280 度的铁锅,历时 6 分钟。", "en": "Fixing takes 6 minutes in an iron pan at 280 degrees."},
        {"zh": "绿茶不发酵,红茶完全发酵。", "en": "Green tea is not fermented, black tea is fully fermented."},
        {"zh": "本文摘要:从土壤说到茶杯。"},
    ]
    return make_index(tmp_path, lines)


# --- the whole road -----------------------------------------------------------------------------------------


def test_a_written_answer_is_cited_by_code_with_a_verbatim_quote(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "Fixing takes 6 minutes at 280 degrees.")
    answer = engine.ask("How long does fixing in the pan take?", id="q1")
    assert not answer.refused
    (citation,) = answer.citations
    assert citation.paragraph.number == 2
    assert citation.text[citation.start : citation.end] == citation.quote
    assert answer.text == "Fixing takes 6 minutes at 280 degrees [¶2]."
    assert answer.id == "q1"


def test_the_items_of_a_list_do_not_run_into_each_other(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "1. 绿茶不发酵\n2. 红茶完全发酵")
    assert engine.ask("茶怎么发酵?").text == "绿茶不发酵[¶3]；红茶完全发酵[¶3]"


def test_a_reply_that_is_cut_short_keeps_no_half_of_a_sentence(tea: Index) -> None:
    whole, half = "杀青历时 6 分钟。", "杀青用 280 度的"
    engine, llm = scripted_engine(tea, whole + half)
    assert any(half in s.text for s in engine.ask("杀青要多久?").statements), "it may end like that"
    llm.is_cut = True
    assert [s.text for s in engine.ask("杀青要多久?").statements] == [whole]
    engine, llm = scripted_engine(tea, half)
    llm.is_cut = True
    answer = engine.ask("杀青用多少度的锅?")
    assert half not in [s.text for s in answer.statements]
    assert all(s.text == answer.citations[s.citations[0]].quote for s in answer.statements), "quotes stand for it"


def test_the_contract_has_exactly_its_fields(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "杀青历时 6 分钟。")
    record = engine.ask("杀青要多久?").to_json()
    assert list(record) == [
        "id", "question", "language", "refused", "answer", "statements", "citations", "retrieved", "gate",
        "generator", "model", "timings_ms",
    ]  # fmt: skip
    assert list(record["citations"][0]) == [
        "paragraph", "kind", "section", "language", "text", "start", "end", "quote", "zh", "en",
    ]  # fmt: skip
    assert list(record["statements"][0]) == ["text", "citations", "verdict"]
    assert list(record["retrieved"][0]) == ["paragraph", "score", "zh", "en"]
    assert list(record["timings_ms"]) == ["retrieve", "first_token", "total"]
    json.dumps(record)


def test_quotes_come_before_the_model_has_written_a_word(tea: Index) -> None:
    engine, llm = scripted_engine(tea, "茶树喜欢酸性土壤。")
    stream = engine.stream("茶树喜欢什么土壤?")
    first = next(stream)
    assert isinstance(first, Found)
    assert first.quotes.citations
    assert llm.prompts == []
    kinds = [type(event) for event in stream]
    assert kinds[-1] is Done
    assert set(kinds[:-1]) == {Delta}


def test_a_reply_whose_first_word_says_that_nothing_is_stated_is_stopped_there(tea: Index) -> None:
    engine, llm = scripted_engine(tea, "should never be shown", logit=-6.0)
    events = list(engine.stream("Who won the 1998 football final in Paris?"))
    assert [type(event) for event in events] == [Found, Done], "not a letter of it was handed on"
    answer = events[-1].answer  # type: ignore[union-attr]
    assert answer.refused
    assert answer.citations == ()
    assert answer.statements == ()
    assert answer.retrieved
    assert len(llm.prompts) == 1


@pytest.mark.parametrize(
    "written", ["Zebras gallop across 77 volcanic moons.", "Fixing takes 6 minutes at 280 degrees."]
)
def test_what_has_begun_to_be_written_is_not_taken_back(tea: Index, written: str) -> None:
    """The gate's last word is said at the reply's first: where nothing shown supports the rest, quotes stand for it."""
    engine, _ = scripted_engine(tea, f"Stated: {written}")
    *_, last = events = list(engine.stream("How long does fixing in the pan take?"))
    assert any(isinstance(event, Delta) for event in events)
    assert isinstance(last, Done)
    assert not last.answer.refused
    assert "Zebras" not in last.answer.text
    assert (last.answer.fallback is not None) == written.startswith("Zebras")


def test_a_generator_that_says_nothing_is_stated_while_the_gate_is_open_is_made_to_answer(tea: Index) -> None:
    llm = ScriptedLLM("Not stated.", "Fixing takes 6 minutes at 280 degrees.", logit=1.0)
    engine = Engine(tea, replace(scripted_generator(llm), continues=True), evidence_tokens=220)
    answer = engine.ask("How long does fixing in the pan take?")
    assert answer.text == "Fixing takes 6 minutes at 280 degrees [¶2]."
    assert llm.prompts[1] == f"{llm.prompts[0]}\nStated:"


def test_a_generator_whose_first_tokens_are_not_told_answers_behind_the_word_too(tea: Index) -> None:
    llm = ScriptedLLM("Stated: Fixing takes", "Fixing takes 6 minutes at 280 degrees.")
    engine = Engine(tea, replace(scripted_generator(llm), continues=True), evidence_tokens=220)
    answer = engine.ask("How long does fixing in the pan take?")
    assert answer.text == "Fixing takes 6 minutes at 280 degrees [¶2]."
    assert llm.prompts[1:] == [f"{llm.prompts[0]}\nStated:"]


def test_a_model_that_fails_leaves_the_quotes_and_says_why(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "x", fails=True)
    answer = engine.ask("How long does fixing in the pan take?")
    assert answer.fallback == "ConnectionError: the model is down"
    assert answer.to_json()["fallback"] == answer.fallback
    assert answer.statements


class KeyedLLM(ScriptedLLM):
    """Fails as an endpoint does that repeats the key, over several lines; sends what is no reply where there is none."""

    api_key: str = "sk-verysecret"

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Nothing, or an error."""

        def generate() -> ChatResponseGen:
            if self.api_key:
                raise ConnectionError(f"401:\n  bad key Bearer {self.api_key}\n")
            yield from ()

        return generate()


def test_a_key_that_an_endpoint_repeats_is_not_told(tea: Index) -> None:
    answer = Engine(tea, scripted_generator(KeyedLLM("x")), 220).ask("How long does fixing in the pan take?")
    assert answer.fallback == "ConnectionError: 401: bad key Bearer (hidden)"
    short = KeyedLLM("x")
    short.api_key = "none"
    assert why_it_failed(ValueError("none of it"), short) == "ValueError: none of it"


def test_an_endpoint_that_sends_no_reply_at_all_has_refused_nothing(tea: Index) -> None:
    silent = KeyedLLM("x")
    silent.api_key = ""
    answer = Engine(tea, scripted_generator(silent), 220).ask("How long does fixing in the pan take?")
    assert answer.fallback == "what it sent is no reply. Check the address of the endpoint."
    assert not answer.refused
    assert answer.statements


class BreakingLLM(ScriptedLLM):
    """Fails once it has written nine characters."""

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The first pieces of the reply, then an error."""
        pieces = super().stream_chat(messages, **kwargs)

        def generate() -> ChatResponseGen:
            yield from islice(pieces, 3)
            raise ConnectionError("the line is dead")

        return generate()


def test_a_model_that_fails_while_it_writes_leaves_quotes_though_without_it_none_were_shown(
    tea: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.engine.decide", lambda _, __, moment: Gate(0.9 if moment == "opening" else 0.1, 0.5))
    engine = Engine(tea, scripted_generator(BreakingLLM("Stated: Fixing takes 6 minutes.", logit=6.0)), 220)
    found, *deltas, done = engine.stream("How long does fixing in the pan take?")
    assert isinstance(found, Found)
    assert found.quotes.refused
    assert deltas
    assert isinstance(done, Done)
    assert done.answer.fallback == "ConnectionError: the line is dead"
    assert done.answer.citations


@pytest.mark.parametrize("reply", ["Not stated.", "Stated: Not stated."])
def test_a_model_that_says_nothing_is_stated_and_cannot_be_made_to_go_on_is_believed(tea: Index, reply: str) -> None:
    engine, llm = scripted_engine(tea, reply, logit=1.0)
    answer = engine.ask("How long does fixing in the pan take?")
    assert answer.refused
    assert answer.gate == 0.0
    assert answer.fallback is None
    assert len(llm.prompts) == 1


def test_a_model_that_cannot_even_begin_to_load_leaves_the_quotes(tea: Index) -> None:
    def begin() -> None:
        raise PermissionError("the folder may not be written to")

    engine, _ = scripted_engine(tea, "x", fails=True)
    engine = engine.with_generator(replace(engine.generator, begin=begin))
    answer = engine.ask("How long does fixing in the pan take?")
    assert answer.statements
    assert answer.fallback


@pytest.mark.parametrize(
    ("question", "words"), [("火星上有几个湖?", "文章没有"), ("How many lakes has Mars?", "does not say")]
)
def test_a_refusal_is_in_the_language_of_the_question(tea: Index, question: str, words: str) -> None:
    engine, _ = scripted_engine(tea, "x", logit=-6.0)
    assert words in engine.ask(question).text


@pytest.mark.parametrize(("message", "purpose"), [("你好呀", "只回答关于"), ("Hello there", "only answer questions")])
def test_who_asks_nothing_is_told_what_is_answered(
    tea: Index, monkeypatch: pytest.MonkeyPatch, message: str, purpose: str
) -> None:
    engine, _ = scripted_engine(tea, "x", logit=-6.0)
    assert purpose not in engine.ask(message).text
    monkeypatch.setattr("rag.engine.asks_nothing", lambda *_: 0.9)
    answer = engine.ask(message)
    assert answer.refused
    assert answer.asks_nothing
    assert purpose in answer.text


def test_what_is_answered_is_not_said_of_an_answer(tea: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.engine.asks_nothing", lambda *_: 0.51)
    engine, _ = scripted_engine(tea, "Stated: Fixing takes 6 minutes.", logit=6.0)
    answer = engine.ask("How long does fixing in the pan take?")
    assert not answer.refused
    assert "only answer questions" not in answer.text


def test_a_model_that_is_down_leaves_the_quotes_as_the_answer(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "x", fails=True)
    answer = engine.ask("绿茶发酵吗?")
    assert not answer.refused
    assert all(s.text == answer.citations[s.citations[0]].quote for s in answer.statements)


def test_a_model_that_makes_everything_up_is_replaced_by_quotes(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "Napoleon brewed 777 cups on Jupiter.")
    answer = engine.ask("How long does fixing in the pan take?")
    assert "777" not in answer.text
    assert answer.citations


def test_an_excluded_paragraph_is_never_shown_retrieved_or_cited(tea: Index) -> None:
    engine, llm = scripted_engine(tea, "杀青用 280 度的铁锅。")
    answer = engine.ask("杀青用多少度?", exclude=frozenset({2}))
    assert 2 not in {r.paragraph.number for r in answer.retrieved}
    assert "280" not in llm.prompts[0].split("问题:")[0]
    assert 2 not in {c.paragraph.number for c in answer.citations}


def test_a_paragraph_in_one_language_answers_a_question_in_the_other(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "从土壤说到茶杯。")
    numbers = [r.paragraph.number for r in engine.retrieve("摘要 summary")]
    assert 4 in numbers


@pytest.mark.parametrize("question", ["", "  \n ", "茶" * 20_000])
def test_a_question_that_cannot_be_asked_is_one_clear_line(tea: Index, question: str) -> None:
    engine, _ = scripted_engine(tea, "x")
    with pytest.raises(UserError) as caught:
        engine.ask(question)
    assert "\n" not in str(caught.value)
    assert str(len(question.strip()) and f"{20_000:,}") in str(caught.value)


# --- retrieval ----------------------------------------------------------------------------------------------


@pytest.mark.model
def test_both_languages_find_the_same_pair(real_index: Index) -> None:
    retriever = HybridRetriever(real_index)
    zh = retriever.rank("阿姆达尔定律的典型表现").retrieved[0].paragraph.number
    en = retriever.rank("Amdahl's law signature").retrieved[0].paragraph.number
    assert zh == en


def test_a_question_with_no_word_of_the_corpus_still_ranks_every_paragraph(article_index: Index) -> None:
    ranking = HybridRetriever(article_index).rank("zzqx 𠮷")
    assert len(ranking.retrieved) == len(article_index.paragraphs)


def test_scores_fall_and_lie_between_zero_and_one(article_index: Index) -> None:
    scores = [r.score for r in HybridRetriever(article_index).rank("代码行数").retrieved]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_translation_counts_beside_the_question_and_half_as_much(tea: Index) -> None:
    retriever = HybridRetriever(tea)
    question, translation = "How is green tea fermented?", "铁锅多少度?"
    own, translated = (
        {r.paragraph.number: r.score for r in retriever.rank(q).retrieved} for q in (question, translation)
    )

    def total(score: float) -> float:
        return load_fusion().middle + load_fusion().width * math.log(score / (1 - score))

    both = retriever.rank(question, translation=translation)
    for entry in both.retrieved:
        parts = total(own[entry.paragraph.number]), total(translated[entry.paragraph.number])
        assert total(entry.score) == pytest.approx((parts[0] + TRANSLATION * parts[1]) / (1 + TRANSLATION))
    assert sum(both.share.values()) == pytest.approx(1)
    assert both.cosine == retriever.rank(question).cosine, "how near the question is, is a matter of its own words"
    assert 3 not in {r.paragraph.number for r in retriever.rank(question, frozenset({3}), translation).retrieved}


def test_the_retriever_is_a_llama_index_retriever(article_index: Index) -> None:
    nodes = HybridRetriever(article_index).retrieve("代码审阅")
    assert nodes[0].node.metadata["paragraph"] in {p.number for p in article_index.paragraphs}


# --- language, history, generators ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("METR 是什么?", "zh"),
        ("What does 递归 mean?", "en"),
        ("Claude Opus 4.6 能做多久的任务", "zh"),
        ("2026?", "en"),
        ("SWE-bench呢", "zh"),
        ("為什麼", "zh"),
        ("Which engine drew this map into 地图?", "en"),
        ("这张图是哪个 renderer draw 的?", "zh"),
    ],
)
def test_the_grammar_decides_the_language_not_the_names(question: str, language: str) -> None:
    assert language_of_question(question) == language


@pytest.mark.parametrize(
    "history",
    [
        [{"question": "谁?", "answer": "他"}],
        [["谁?", "他"]],
        [{"role": "user", "content": "谁?"}, {"role": "assistant", "content": "他"}],
    ],
)
def test_history_is_read_in_every_form_callers_send(history: object) -> None:
    assert parse_history(history) == (Turn("谁?", "他"),)


def test_a_broken_history_names_its_entry() -> None:
    with pytest.raises(UserError, match="entry 2"):
        parse_history(["ok?", 5])


def test_a_follow_up_is_searched_with_what_it_leans_on(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "红茶完全发酵吗?")
    found = engine.find("那红茶呢?", [Turn("绿茶发酵吗?", "不发酵。")])
    assert found.rewritten == "红茶完全发酵吗?"
    assert found.question == "那红茶呢?"
    assert found.ranking.retrieved[0].paragraph.number == 3


def test_a_question_that_stands_alone_is_not_rewritten(tea: Index) -> None:
    engine, llm = scripted_engine(tea, "never")
    found = engine.find("杀青用多少度的铁锅?", [Turn("绿茶发酵吗?")])
    assert found.rewritten is None
    assert llm.prompts == []


@pytest.mark.parametrize(
    "question",
    ["那 2024 年呢?", "为什么呢?", "為什麼?", "详细说说", "2024年?", "這個是什麼?", "该公司在哪?", "And in 2024?", "In 2024?",
     "What about its cost?", "Why?", "Tell me more", "Can you elaborate?", "The price?", "How many are there?",
     "In which year?", "How old?", "Since when?", "By whom?", "What happened next?", "The second one?", "Any other reasons?",
     "Examples?", "哪一年?", "何时?", "怎么做?", "第二个", "举例说明", "有别的原因吗", "多少钱?"],
)  # fmt: skip
def test_an_elliptical_question_leans_on_the_one_before(question: str) -> None:
    assert leans_on_history(question, language_of_question(question))


@pytest.mark.parametrize(
    "question",
    ["Is that true?", "Is that so?", "Give me an example", "Can you give me more details?", "Can you clarify?",
     "What's the difference?", "What is the main reason?", "What were the results?", "What was the second one?",
     "What's the difference between the two?", "Which of the two is better?", "Germany?", "South Korea?", "德国?",
     "能举个例子吗?", "可以详细说明一下吗?", "更詳細一些", "请说明原因", "第二个是什么?", "第2个原因是什么?", "接下来发生了什么?",
     "结果怎么样?", "有什么区别?", "有证据吗?", "是真的吗?"],
)  # fmt: skip
def test_what_is_always_of_something_else_leans_on_the_one_before(question: str) -> None:
    assert leans_on_history(question, language_of_question(question))


@pytest.mark.parametrize(
    "question",
    ["为什么会这样?", "為什麼會這樣?", "为什么会出现这样的情况?", "作者为什么这么认为?", "为什么这么贵?", "两者有什么区别?", "对此作者怎么看?",
     "上述观点的依据是什么?", "对以上观点有什么批评?", "谁负责此事?"],
)  # fmt: skip
def test_a_word_for_what_was_said_counts_wherever_it_stands(question: str) -> None:
    assert leans_on_history(question, language_of_question(question))


@pytest.mark.parametrize(
    "question",
    ["What were the results of the survey?", "What examples does the author give?", "What is the second law?", "TLDR?",
     "Highlights?", "What are the main results?", "What are the risks?", "Who won?", "Germany", "作者举了什么例子?",
     "研究结果是什么?", "第一次工业革命何时开始?", "第十四条是什么?", "有什么风险?", "为什么价格这么高?", "像 GPT 这样的模型能推理吗?",
     "让人先定、机器后说，这样做为什么效果好？", "AI 和人类两者有什么区别?", "什么是第三者效应?", "50岁以上的人有多少?"],
)  # fmt: skip
def test_what_names_its_thing_leans_on_nothing(question: str) -> None:
    assert not leans_on_history(question, language_of_question(question))


@pytest.mark.parametrize(
    ("whole", "leaning"),
    [
        ("How long did it take to build the bridge?", "How long did it take to build?"),
        ("How much does it cost to build a nuclear plant?", "How much does it cost to build them?"),
        ("What does it mean to align a model?", "What does it mean for workers?"),
        ("Is it true that Apple bought Beats?", "Does it show that Apple bought Beats?"),
        ("Is it possible for AI to improve itself?", "Is it possible for AI to improve it?"),
        ("Is it legal to sell raw milk?", "Is it safe to use?"),
        ("Is it dangerous to drink raw milk?", "Is it able to solve hard problems?"),
        ("How hard is it to train a model?", "How hard is it?"),
        ("Why is it important to test models?", "Why is it important for children?"),
        ("What did Musk say about his companies?", "What did Musk say about it?"),
        ("How does Anthropic train its models?", "How are its models trained at Anthropic?"),
        ("Did Musk say he would resign?", "Why did they leave OpenAI?"),
        ("Does Claude know when it is tested?", "Why did Apple buy it?"),
        ("What do Germans say of their trains?", "In Germany, what do they say of trains?"),
        ("What did Amy Lee say about her school?", "What did Musk tell her about Mars?"),
        ("Anthropic 如何训练它的模型?", "OpenAI 为什么发布它?"),
        ("政府该采取什么措施?", "对该政府采取了什么措施?"),
        ("谁该负责?", "谁创办了该项目?"),
        ("我们该相信 AI 吗?", "我们如何评价该公司?"),
        ("AI 该被监管吗?", "AI 是该公司发明的吗?"),
        ("是不是该停下来?", "谁是该公司的总裁?"),
        ("到了该退休的年龄怎么办?", "解释该术语"),
    ],
)
def test_a_pronoun_whose_thing_the_question_names_is_no_mark(whole: str, leaning: str) -> None:
    assert not leans_on_history(whole, language_of_question(whole))
    assert leans_on_history(leaning, language_of_question(leaning))


@pytest.mark.parametrize(
    "question", ["How long is the bridge, and who built it?", "桥有多长?它是谁修的?", "橋有多長?它是誰修的?"]
)
def test_what_the_first_of_two_parts_names_is_not_looked_for_in_the_history(question: str) -> None:
    assert not leans_on_history(question, language_of_question(question))
    assert leans_on_history("How long is it, and who built it?", "en")


@pytest.mark.parametrize(
    "question",
    ["Who is the author?", "When was the tram built?", "How much does a ticket cost?", "Are there any risks?",
     "What does this article say about METR?", "Who claims that the bridge is safe?", "应该怎么做?", "该怎么办?",
     "再生能源占多少?", "这篇文章讲了什么?", "世界上面积最大的沙漠在哪里?", "那不勒斯有多少人口?", "他汀类药物有效吗?",
     "How large is the IT department?", "What grows above the snow line?", "When and where was the treaty signed?"],
)  # fmt: skip
def test_a_whole_question_leans_on_nothing(question: str) -> None:
    assert not leans_on_history(question, language_of_question(question))


def test_a_question_that_the_generator_repeats_had_nothing_to_complete(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "它的铁锅用多少度?")
    assert engine.find("它的铁锅用多少度?", [Turn("绿茶发酵吗?")]).rewritten is None


def test_a_follow_up_of_a_follow_up_leans_on_both(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "")
    found = engine.find("那么红茶呢?", [Turn("绿茶在哪里种?"), Turn("它发酵吗?")])
    assert found.rewritten == "绿茶在哪里种;它发酵吗;那么红茶呢?"


def test_a_missing_key_is_one_clear_line(settings: Settings) -> None:
    with pytest.raises(UserError, match="DUIZHAO_ANTHROPIC_API_KEY"):
        make_generator(settings, "anthropic")


def test_missing_weights_name_the_command_that_fetches_them(settings: Settings) -> None:
    with pytest.raises(UserError, match="python -m index weights"):
        make_generator(settings, "local")


def test_a_gguf_that_is_none_is_refused(settings: Settings, tmp_path: Path) -> None:
    fake = tmp_path / "model.gguf"
    fake.write_bytes(b"not a model")
    with pytest.raises(UserError, match="GGUF"):
        make_generator(settings.model_copy(update={"generator_model": str(fake)}), "local")


def test_the_quote_generator_stands_behind_the_same_interface() -> None:
    assert QuoteLLM().complete("anything").text == ""


def test_llama_index_never_falls_back_to_a_model_of_its_own(tea: Index) -> None:
    from llama_index.core import Settings as LlamaIndexSettings

    engine, _ = scripted_engine(tea, "茶。")
    engine.ask("茶树喜欢什么土壤?")
    assert LlamaIndexSettings._llm is None
    assert LlamaIndexSettings._embed_model is None


def test_a_generator_failure_is_not_a_bug_of_ours() -> None:
    assert not issubclass(GeneratorFailed, UserError)


def test_an_engine_needs_an_index(settings: Settings) -> None:
    with pytest.raises(UserError, match="python -m index"):
        Engine.open(settings, generator="quote")


def test_a_question_about_the_whole_is_answered_from_the_first_paragraphs_and_never_refused(
    tea: Index,
) -> None:
    assert scripted_engine(tea, "没有提到。", logit=-6.0)[0].ask("绿茶发酵吗?").refused, "the gate is shut"
    engine, _ = scripted_engine(tea, "没有提到。", logit=-6.0)
    answer = engine.ask("这篇文章讲了什么?")
    first = leading(tea.paragraphs, "zh")
    assert not answer.refused
    assert {c.paragraph.number for c in answer.citations} <= {p.number for p in first}
    assert answer.retrieved[0].paragraph == first[0]


def test_a_paragraph_that_is_left_out_does_not_lead(tea: Index) -> None:
    engine, _ = scripted_engine(tea, "没有提到。")
    gone = leading(tea.paragraphs, "zh")[0].number
    answer = engine.ask("这篇文章讲了什么?", exclude=frozenset({gone}))
    assert gone not in {entry.paragraph.number for entry in answer.retrieved}
    assert gone not in {c.paragraph.number for c in answer.citations}


# --- reading ahead ------------------------------------------------------------------------------------------


def test_every_paragraph_that_is_shown_whole_is_read_ahead_in_each_of_its_languages(tea: Index) -> None:
    kept: list[tuple[str, str]] = []

    def read(messages: Sequence[ChatMessage]) -> bool:
        opened = opened_by(messages)
        assert opened
        kept.append(opened)
        return "红茶" not in opened[1]  # kept from before

    generator = replace(scripted_generator(ScriptedLLM("")), prepare=read)
    done = list(Engine(tea, generator, evidence_tokens=220).prepare())
    assert [language for language, _ in kept] == ["zh", "en", "zh", "en", "zh", "en", "zh"]
    assert kept[0][1] == "资料:\n- [种植] 茶树喜欢酸性土壤和多雾的山坡。"
    assert done == [(1, 7), (2, 7), (3, 7), (4, 7), (6, 7), (7, 7)]
    kept.clear()
    list(Engine(tea, generator, evidence_tokens=3).prepare())
    assert kept == [], "a longer one is shown in part, whichever part the question asks for"
    assert not list(Engine(tea, scripted_generator(ScriptedLLM("")), evidence_tokens=220).prepare())


def test_what_all_translations_begin_with_is_read_ahead_for_a_model_that_translates(tea: Index) -> None:
    kept: list[Sequence[ChatMessage]] = []
    generator = replace(
        scripted_generator(ScriptedLLM("")), is_small=True, prepare=lambda messages: not kept.append(messages)
    )
    total = len(list(Engine(tea, generator, evidence_tokens=220).prepare()))
    assert [translated_from(messages) for messages in kept[:3]] == ["zh", "en", None]
    assert total == len(kept) == 9


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_question_begins_with_what_was_read_ahead(tea: Index, language: str) -> None:
    engine, model = scripted_engine(tea, "Fixing takes 6 minutes.")
    asked = {"zh": "杀青用多少度的铁锅?", "en": "How hot is the iron pan for fixing?"}[language]
    shown = engine.ask(asked).shown
    ahead = leading_messages(shown[0].paragraph, shown[0].language)
    assert model.prompts[0].startswith("\n".join(message.content or "" for message in ahead))
