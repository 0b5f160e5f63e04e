"""Answers as they are drawn: cited, marked, refused; a draft without half a marker; nothing ever markup."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build import Index
from index.paragraphs import Paragraph
from rag.answer import Answer, Citation, Evidence, Retrieved
from rag.evidence import sentences_of
from tests.ui_support import HOSTILE, an_answer, make_index
from ui.answer_view import Drawing, Underway, clean_draft, matcher, render_conversation
from ui.conversation import Conversation, Exchange
from ui.markup import render


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def _exchange(answer: Answer | None, **changes: object) -> Exchange:
    return replace(Exchange("x1", answer.question if answer else "问?", "done", answer), **changes)  # type: ignore[arg-type]


def _drawn(*exchanges: Exchange, underway: Underway | None = None) -> str:
    def other(citation: Citation) -> Evidence | None:
        found = sentences_of(citation.paragraph, "en" if citation.language == "zh" else "zh")
        return found[0] if found else None

    return str(render_conversation(Conversation(exchanges), other, underway))


def _words(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


def test_each_statement_carries_a_chip_that_points_at_its_sentence_and_at_the_match(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?", ("桥长四十米。", 3, 1, "supported"))))
    chip = re.search(r'<a class="chip"[^>]*>¶3</a>', drawn)
    assert chip
    citation = Citation.of(sentences_of(index.by_number[3], "zh")[1])
    assert f'data-l="zh" data-s="{citation.start}" data-e="{citation.end}"' in chip.group()
    assert 'data-ms="0"' in chip.group()


def test_both_languages_of_a_quote_stand_side_by_side(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?", ("桥长四十米。", 3, 1, "supported"))))
    quotes = drawn[drawn.index('<details class="sources"') :]
    assert "它横跨清溪,长四十米。" in quotes
    assert "The villagers built the bridge" in quotes


@pytest.mark.parametrize(
    ("verdict", "zh", "en"),
    [
        ("supported", "有据", "Supported"),
        ("partial", "部分有据", "Partly supported"),
        ("unsupported", "未找到依据", "Not found in the article"),
    ],
)
def test_a_verdict_is_said_in_words_and_by_a_shape_not_by_colour_alone(
    index: Index, verdict: str, zh: str, en: str
) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?", ("桥长四十米。", 3, 1, verdict))))  # type: ignore[arg-type]
    assert f"icon-verdict-{verdict}" in drawn
    assert zh in _words(drawn)
    assert en in _words(drawn)
    is_plain = f'<span class="verdict {verdict}">' in drawn and '<span class=""' in drawn
    assert is_plain == (
        verdict != "supported"
    )  # a doubt is spelt out; "supported" is a tick, spelt out to screen readers


def test_a_refusal_shows_the_nearest_paragraphs_and_cites_none_of_them(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥是什么颜色的?")))
    assert "文章没有提到这一点。" in drawn
    assert "Closest in the article, not an answer" in drawn
    assert re.findall(r'<a class="near"[^>]*data-p="(\d+)"', drawn) == ["3", "4", "5"]
    assert 'class="chip"' not in drawn
    assert "<blockquote" not in drawn


def test_a_question_asked_of_one_paragraph_is_refused_for_that_paragraph_only(index: Index) -> None:
    drawn = _words(_drawn(_exchange(an_answer(index, "桥是什么颜色的?"), scope=4)))
    assert "¶4 没有提到这一点。" in drawn
    assert "文章没有提到这一点。" not in drawn
    assert "Ask the whole article" in drawn


def test_a_refusal_of_one_paragraph_is_widened_as_it_was_understood(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "那它多长?", rewritten="竹桥多长?"), scope=4))
    assert re.search(r'data-act="whole" data-standalone="1"[^>]*data-question="竹桥多长\?"', drawn)
    assert re.search(r'data-act="as-typed" data-standalone="1"[^>]*data-question="那它多长\?" data-scope="4"', drawn)


def test_a_rewritten_follow_up_is_shown_and_can_be_edited(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "那它多长?", ("四十米。", 3, 1, "supported"), rewritten="竹桥多长?")))
    assert "竹桥多长?" in drawn
    assert re.search(r'data-act="edit" data-standalone="1"[^>]*data-question="竹桥多长\?"', drawn)


def test_while_nothing_is_written_yet_the_quotes_are_the_answer(index: Index) -> None:
    quotes = an_answer(index, "桥有多长?", ("它横跨清溪,长四十米。", 3, 1, "supported"))
    drawn = _drawn(_exchange(quotes, state="quotes"), underway=Underway("x1", "judging"))
    assert 'class="statement supported verbatim"' in drawn
    assert "the answer is being written" in drawn
    assert 'data-state="running"' in drawn


def test_a_refusal_by_retrieval_alone_is_not_announced_while_the_model_still_decides(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?"), state="quotes"), underway=Underway("x1", "judging"))
    assert "文章没有提到" not in drawn
    assert 'class="nearest"' in drawn


def test_a_question_that_was_stopped_before_it_was_judged_is_not_refused(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?"), state="stopped"))
    assert "文章没有提到" not in drawn
    assert "Stopped." in drawn
    assert "Closest in the article, not an answer" in drawn
    assert 'class="nearest"' in drawn
    assert 'data-act="copy"' not in drawn
    assert 'data-act="retry"' in drawn


def test_a_draft_is_drawn_as_a_draft_without_chips_or_verdicts(index: Index) -> None:
    quotes = an_answer(index, "桥有多长?", ("它横跨清溪,长四十米。", 3, 1, "supported"))
    drawn = _drawn(_exchange(quotes, state="quotes"), underway=Underway("x1", "writing", "桥长四十米"))
    draft = drawn[drawn.index('class="draft"') : drawn.index("<details")]
    assert "桥长四十米" in draft
    assert "chip" not in draft
    assert "checked when it is done" in draft


@pytest.mark.parametrize("state", ["busy", "failed", "stopped"])
def test_what_went_wrong_is_said_and_can_be_tried_again(state: str) -> None:
    drawn = _drawn(_exchange(None, state=state, reason="8"))
    assert 'data-act="retry"' in drawn
    assert 'class="notice"' in drawn


def test_quotes_that_stand_in_for_a_model_say_why(index: Index) -> None:
    quotes = an_answer(index, "桥有多长?", ("它横跨清溪,长四十米。", 3, 1, "supported"), generator="quote")
    assert "still loading, so quotes are the answer" in _drawn(_exchange(quotes, instead="loading"))
    drawn = _drawn(_exchange(quotes, instead="fallback"))
    assert drawn.index("gave no answer that holds") < drawn.index("它横跨清溪")  # said before it is read


@pytest.mark.parametrize(
    ("instead", "said"),
    [("loading", "the search alone judged"), ("failed", "could not be loaded"), ("fallback", "gave no answer this")],
)
def test_a_refusal_that_no_model_judged_says_so_and_promises_no_quotes(index: Index, instead: str, said: str) -> None:
    drawn = _words(_drawn(_exchange(an_answer(index, "桥是什么颜色的?"), instead=instead)))
    assert said in drawn
    assert "quote" not in drawn
    assert "原文引句" not in drawn


def test_in_line_behind_others_without_quotes_no_model_is_said_to_be_deciding(index: Index) -> None:
    waiting = Underway("x1", "waiting", ahead=5)
    drawn = _words(_drawn(_exchange(an_answer(index, "桥有多长?"), state="quotes"), underway=waiting))
    assert "before yours: 5" in drawn
    assert "deciding" not in drawn


def test_what_is_copied_of_one_paragraphs_refusal_is_of_that_paragraph(index: Index) -> None:
    drawn = _drawn(_exchange(an_answer(index, "桥是什么颜色的?"), scope=4))
    assert 'data-act="copy" data-text="¶4 没有提到这一点。"' in drawn


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("failed_search", "检索模型未能载入", "the search model could not be loaded"),
        ("", "程序内部错误", "an error inside the program"),
        ("failed_told", "程序答不了这一问，原因见终端。", "the program could not answer it; the terminal says why."),
        ("somebody else's words", "程序内部错误", "an error inside the program"),
    ],
)
def test_why_there_is_no_answer_is_said_in_both_languages(reason: str, zh: str, en: str) -> None:
    drawn = _words(_drawn(_exchange(None, state="failed", reason=reason)))
    assert zh in drawn
    assert en in drawn


def test_what_was_found_before_something_went_wrong_stays_and_a_refusal_that_nobody_judged_is_none(
    index: Index,
) -> None:
    quotes = an_answer(index, "桥有多长?", ("它横跨清溪,长四十米。", 3, 1, "supported"), generator="quote")
    drawn = _drawn(_exchange(quotes, state="failed"))
    assert drawn.index("出错了") < drawn.index('class="statement supported verbatim"') < drawn.index('data-act="copy"')
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?"), state="failed"))
    assert 'class="nearest"' in drawn
    assert 'data-act="copy"' not in drawn
    assert "文章没有提到" not in drawn


def test_the_articles_own_words_are_drawn_as_such_also_where_they_repair_a_models_statement(index: Index) -> None:
    said = ("桥长四十米。", 3, 1, "supported"), ("没有用一颗钉子。", 3, 2, "supported")
    drawn = _drawn(_exchange(an_answer(index, "桥有多长?", *said)))  # type: ignore[arg-type]
    assert re.findall(r'class="statement supported( verbatim)?"', drawn) == ["", " verbatim"]


def test_a_refusal_is_not_called_quotes(index: Index) -> None:
    refused = _words(_drawn(_exchange(an_answer(index, "桥是什么颜色的?", generator="quote"))))
    assert "原文引句" not in refused
    assert "1.2 s" in refused


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("桥" * 70 + " 10 亿", "桥" * 70, "桥…"),  # no number without what it counts
        ("桥" * 70 + "Qing Stream", "桥" * 68, "桥…"),  # no half of a name
        ("桥" * 90, "桥" * 72, "桥…"),
        ("桥。", "桥。", "桥。"),
    ],
)
def test_an_excerpt_ends_where_a_reader_would_cut_it(index: Index, text: str, begins: str, ends: str) -> None:
    paragraph = Paragraph(1, "body", text, None)
    answer = replace(an_answer(index, "桥?"), retrieved=(Retrieved(paragraph, 0.5),))
    shown = re.search(r'class="near-n">¶1</span> <span[^>]*>([^<]*)<', _drawn(_exchange(answer)))
    assert shown
    assert shown[1].startswith(begins)
    assert shown[1].endswith(ends)


def test_a_hostile_question_answer_or_reason_never_becomes_markup(index: Index) -> None:
    answer = an_answer(index, HOSTILE, (HOSTILE, 3, 0, "partial"), rewritten=HOSTILE)
    drawn = _drawn(
        _exchange(answer),
        Exchange("x2", HOSTILE, "failed", reason=HOSTILE),
        underway=Underway("x1", "writing", HOSTILE),
    ) + _drawn(_exchange(answer), Exchange(HOSTILE, HOSTILE, "done", answer, rating="down"))
    assert "<img" not in drawn
    assert "<script" not in drawn
    assert not re.search(r'href="(?!#p\d+")', drawn)
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', drawn))


# --- drawn again and again


def test_while_an_answer_grows_what_stands_before_it_is_not_drawn_anew(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = an_answer(index, "桥有多长?", ("桥长四十米。", 3, 1, "supported"))
    conversation = Conversation(tuple(Exchange(f"x{n}", "桥有多长?", "done", answer) for n in range(5)))
    drawn: list[str] = []

    def counting(template: str, **values: Any) -> Any:
        drawn.append(values["view"].exchange.id)
        return render(template, **values)

    monkeypatch.setattr("ui.answer_view.render", counting)
    drawing, find = Drawing(lambda citation: None), lambda citation: None
    drawing.draw(conversation)
    asked = conversation.with_exchange(Exchange("x5", "那它呢?"))
    drawn.clear()
    for draft in ("", "桥", "桥长"):
        underway = Underway("x5", "writing", draft)
        assert drawing.draw(asked, underway) == render_conversation(asked, find, underway)
    drawn = [own for own in drawn if own in ("x0", "x4", "x5")]
    # Each `render_conversation` draws all; the drawing x4 once more, which is the last no longer, and x5 each time.
    assert [drawn.count(own) for own in ("x0", "x4", "x5")] == [3, 4, 6]
    answered = asked.with_exchange(replace(asked.exchanges[-1], state="done", answer=answer))
    assert drawing.draw(answered) == render_conversation(answered, find)
    rated = answered.with_exchange(replace(answered.exchanges[0], rating="up"))
    assert drawing.draw(rated) == render_conversation(rated, find)


def test_the_matches_of_an_answer_are_looked_up_once_a_drawing(index: Index) -> None:
    said = [("桥长四十米。", 3, 1, "supported")] * 8
    looked: list[Citation] = []
    answer = an_answer(index, "桥有多长?", *said)  # type: ignore[arg-type]
    render_conversation(Conversation((_exchange(answer),)), looked.append)  # type: ignore[arg-type]
    assert len(looked) == 8


# --- drafts


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("桥长四十米[¶3]。它", "桥长四十米。它"),
        ("桥长四十米[¶", "桥长四十米"),
        ("The bridge is forty metres long [", "The bridge is forty metres long"),
        ("**The bridge** is long", "The bridge is long"),
        ("The bridge is *", "The bridge is"),
        ("Answer: Forty metres.", "Forty metres."),
        ("- 四十米。\n- 没有钉子。\n-", "四十米。没有钉子。"),
        ("", ""),
    ],
)
def test_a_draft_shows_no_marker_whole_or_half_written(written: str, shown: str) -> None:
    assert clean_draft(written) == shown


@given(st.lists(st.sampled_from(["桥长四十米", "。", "[¶3]", "[¶12]", " It is long", ". ", "**", "\n- "]), max_size=12))
def test_no_prefix_of_an_answer_ever_flashes_a_marker(parts: list[str]) -> None:
    written = "".join(parts)
    for end in range(len(written) + 1):
        assert not re.search(r"\[|¶", clean_draft(written[:end]))


# --- the matching sentence


def test_the_matching_sentence_is_looked_up_once_however_often_it_is_drawn(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr("ui.answer_view.counterpart", lambda index, citation: calls.append(citation))
    find = matcher(index)
    citation = Citation.of(sentences_of(index.by_number[3], "zh")[0])
    assert [find(citation), find(citation)] == [None, None]
    assert len(calls) == 1


def test_the_match_is_a_sentence_of_the_same_paragraph_in_the_other_language(index: Index) -> None:
    found = matcher(index)(Citation.of(sentences_of(index.by_number[3], "zh")[0]))
    assert found
    assert (found.paragraph.number, found.language) == (3, "en")
