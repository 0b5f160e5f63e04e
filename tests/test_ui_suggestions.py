"""Suggested questions: from the article's own headings and names, in both languages, and never one that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import Index
from index.paragraphs import Paragraph, Section
from rag.answer import Answer
from tests.ui_support import Script, an_answer, answering_over, make_index
from ui.outline import outline
from ui.suggesting import Suggesting
from ui.suggestions import Suggestion, answerable, suggestions


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return make_index(tmp_path)


def test_suggestions_come_from_the_articles_own_headings_in_each_language(index: Index) -> None:
    found = suggestions(outline(index.paragraphs))
    assert ("谁来照看它?", "Who looks after it?") in [(s.zh, s.en) for s in found]
    assert any("1956 洪水" in s.zh and "1956 The flood" in s.en for s in found)
    assert any("侧面图" in s.zh and "Side view" in s.en for s in found)


def test_a_name_the_translator_kept_is_asked_about_unless_the_whole_article_is_about_it() -> None:
    rare = Paragraph(1, "body", "他用 SWE-bench 测试 Claude。", "He tested Claude with SWE-bench.")
    others = [Paragraph(n, "body", f"第{n}次用 Claude。", f"Claude, {n}.") for n in range(2, 6)]
    found = suggestions(outline([rare, *others]))
    assert [(s.en, s.paragraphs) for s in found] == [("What does the article say about SWE-bench?", (1,))]


def test_a_heading_in_capitals_is_not_shouted_and_its_number_is_dropped() -> None:
    heading = Section(("二、桥的将来",), ("2. THE FUTURE OF THE BRIDGE",))
    (found,) = suggestions(outline([Paragraph(1, "body", "文", "text", heading)]))
    assert found.en == "What does the article say about “The Future of the Bridge”?"
    assert found.zh == "关于「桥的将来」，文章说了什么？"


def test_a_question_in_capitals_is_written_like_a_sentence_and_names_keep_theirs() -> None:
    heading = Section((), ("WHAT'S NEXT FOR LIN XI AND THE NATO?",))
    text = "It was asked what's next. The next day, Lin and later Xi asked about NATO. For what?"
    (found,) = suggestions(outline([Paragraph(1, "body", "文", text, heading)]))
    assert found.en == "What's next for Lin Xi and the NATO?"


def test_an_article_without_headings_and_names_has_no_suggestions() -> None:
    assert suggestions(outline([Paragraph(1, "body", "文", "text")])) == ()


def test_a_heading_printed_in_one_language_suggests_nothing_in_the_other() -> None:
    (found,) = suggestions(outline([Paragraph(1, "body", "文", "text", Section(("前言",), ()))]))
    assert found.zh
    assert found.en == ""


def test_a_question_that_is_refused_or_answered_from_elsewhere_is_not_suggested(index: Index) -> None:
    def ask(question: str) -> Answer:
        said = {"有?": ("", 3, 0, "supported"), "Elsewhere?": ("", 4, 0, "supported")}.get(question)
        return an_answer(index, question, *([said] if said else []))  # type: ignore[list-item]

    assert answerable(Suggestion("有?", "Elsewhere?", (3,)), ask) == Suggestion("有?", "", (3,))
    assert answerable(Suggestion("没有?", "", (3,)), ask) == Suggestion("", "", (3,))


def test_the_pool_is_tried_in_the_background_and_only_what_is_answered_stays(index: Index) -> None:
    kept = Suggestion("谁来照看它?", "Who looks after it?", (8,))
    scripts = {"谁来照看它?": Script(an_answer(index, "谁来照看它?", ("", 8, 0, "supported")))}
    answering = answering_over(index, scripts)
    suggesting = Suggesting(answering, [kept, Suggestion("桥的颜色?", "", (3,))])
    assert suggesting.to_json()["tried"] is False
    answering.start().join()
    suggesting.start().join()
    assert suggesting.to_json() == {"tried": True, "suggestions": [{"zh": "谁来照看它?", "en": "", "paragraphs": [8]}]}


def test_a_pool_that_cannot_be_tried_is_left_as_it_is(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    answering = answering_over(index, {})
    monkeypatch.setattr(answering, "_make_engine", lambda *_: (_ for _ in ()).throw(RuntimeError("no")))
    answering.start().join()
    suggesting = Suggesting(answering, [Suggestion("有?", "", (3,))])
    suggesting.start().join()
    assert suggesting.to_json()["tried"] is False
