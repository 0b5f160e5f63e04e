"""The report: one page that needs nothing else, the same figures in all three forms, and nothing hidden."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evals import plots, report, tables
from evals.metrics import judge
from evals.run import RunInfo
from evals.score import HEADLINE, Scores
from evals.stats import Figure
from tests.test_evals_metrics import PARAGRAPHS, REFUSAL, answer, fact, question, scored

INFO = RunInfo(
    bed="plain",
    split="dev",
    languages=("zh", "en"),
    generator="quote",
    model="quote",
    article="a1",
    gold="g1",
    code="c1",
    limit=None,
    questions=("good", "bad", "silent"),
    started="2026-01-01T00:00:00Z",
    command="python -m evals run --generator quote",
)
SCRIPT = "<script>alert('¶2')</script>"


@pytest.fixture(scope="module")
def scores() -> Scores:
    """A right answer, a wrong one that carries markup, and an unanswerable question rightly refused."""
    timed = {"timings_ms": {"retrieve": 40, "first_token": 900, "total": 3100}}
    good = answer(("The captain is Li Lei.", [0]), sources=[2]) | timed
    bad = answer((f"Han Meimei. {SCRIPT}", [0]), sources=[5], gate=0.4) | timed
    asked = [
        question(fact(), name="good", reference={"zh": "李雷。", "en": "Li Lei."}),
        question(fact(forbidden=("Han Meimei",)), name="bad", reference={"zh": "李雷。", "en": "It is Li Lei."}),
        question(name="silent", unanswerable_kind="out_of_article"),
    ]
    answers: dict[Any, Any] = {
        (name, "en"): given for name, given in (("good", good), ("bad", bad), ("silent", REFUSAL))
    }
    answers[("good", "zh")] = good | {"statements": [{"text": "船长是李雷。", "citations": [0]}]}
    return scored(asked, answers)


@pytest.fixture(scope="module")
def page(scores: Scores) -> str:
    return report.as_html(INFO, scores, PARAGRAPHS, missed=["recall: mrr is 0.5, at least 0.9 is asked for"])


class Tags(HTMLParser):
    """Every tag with its attributes; complains about one that is closed without being open."""

    VOID = frozenset({"meta", "br", "path", "use", "rect", "line", "circle"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, tag


def test_the_page_fetches_nothing_and_runs_nothing(page: str) -> None:
    found = Tags(page).found
    assert not {tag for tag, _ in found} & {"script", "link", "iframe", "img", "object", "embed", "base"}
    for tag, attributes in found:
        for name in ("src", "href", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_every_tag_of_the_page_is_closed(page: str) -> None:
    assert Tags(page).open == []


def test_markup_in_an_answer_is_shown_and_not_run(page: str) -> None:
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(" in page


def test_the_page_counts_why_questions_failed_and_lists_the_aliases_of_the_language_asked_first(page: str) -> None:
    assert "Why: 1 states a known-wrong value." in page
    (card,) = re.findall(r"<details>.*?</details>", page, flags=re.DOTALL)
    assert "Li Lei / 李雷" in card


def test_a_failed_question_shows_its_answer_its_sources_the_gold_and_what_was_retrieved(page: str) -> None:
    (card,) = re.findall(r"<details>.*?</details>", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", card)
    assert "Who is the captain?" in text
    assert "states a known-wrong value" in text
    assert "Han Meimei." in text
    assert "The weather is fine." in text  # what it cited
    assert "It is Li Lei." in text  # the reference
    assert "The captain is Li Lei." in text  # the gold paragraph
    assert "missing" in text
    assert "gate 0.40" in text
    assert re.search(r'class="good">¶2<.*<span>¶1<', card, flags=re.DOTALL)  # the ranking, the gold marked


def test_the_page_says_what_fell_short_before_any_figure(page: str) -> None:
    assert page.index("Fell short of a bar. recall: mrr is 0.5") < page.index("<table>")
    assert "every bar is cleared" not in page


def test_drawings_take_their_colours_from_the_page(scores: Scores) -> None:
    drawn = plots.draw(scores)
    assert set(drawn) == {"controls", "coverage", "calibration", "latency"}
    for svg in drawn.values():
        assert "var(--accent)" in svg
        assert "#010203" not in svg
        assert "<?xml" not in svg


def test_no_id_stands_twice_on_the_page_and_every_reference_is_kept(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 20
    assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page)) <= {(name, "") for name in ids} | {
        ("", name) for name in ids
    }


def test_the_same_run_gives_the_same_report_again(scores: Scores, page: str) -> None:
    again = report.as_html(INFO, scores, PARAGRAPHS, missed=["recall: mrr is 0.5, at least 0.9 is asked for"])
    assert again == page


def test_the_three_forms_tell_the_same_headline(scores: Scores, page: str) -> None:
    data = json.loads(report.as_json(INFO, scores, []))
    text = report.as_markdown(INFO, scores, [])
    for name in HEADLINE:
        figure = scores.system[name]
        assert data["system"][name]["value"] == pytest.approx(figure.value, abs=1e-4)
        row = next(row for row in text.splitlines() if row.startswith(f"| {tables.label(name)} |"))
        assert tables.shown(figure) in row
        assert tables.shown(figure) in page


def test_every_control_stands_beside_the_system_in_every_form(scores: Scores, page: str) -> None:
    text = report.as_markdown(INFO, scores, [])
    data = json.loads(report.as_json(INFO, scores, []))
    names = [
        "top-1 parrot", "cite everything shown", "random citation", "always refuse", "never refuse", "BM25 alone",
        "oracle paragraphs",
    ]  # fmt: skip
    assert list(data["controls"]) == names
    for name in names:
        assert f"| {name} |" in text
        assert f"<td>{name}</td>" in page


def test_every_question_stands_in_the_json_with_what_became_of_its_facts(scores: Scores) -> None:
    found = {(q["id"], q["language"]): q for q in json.loads(report.as_json(INFO, scores, []))["questions"]}
    assert len(found) == 4
    assert found["good", "en"]["facts"] == {"q.f1": "stated and cited"}
    assert found["bad", "en"]["facts"] == {"q.f1": "missing"}
    assert found["silent", "en"]["refused"] is True
    assert found["bad", "en"]["cited"] == [5]


def test_every_figure_that_is_computed_has_a_name_for_reading(scores: Scores) -> None:
    for name in [*scores.system, *scores.parity]:
        assert tables.label(name)


def test_what_could_not_be_judged_is_a_dash_and_not_a_zero() -> None:
    assert tables.shown(Figure(None)) == "–"
    assert tables.shown(Figure(0.0, 0.0, 0.2, 9)) == "0.00 [0.00, 0.20]"
    assert tables.shown(Figure(-0.25, -0.5, -0.125, 9)) == "−0.25 [−0.50, −0.12]"
    assert tables.shown(Figure(0.5, None, None, 1)) == "0.50"


def test_every_failed_question_has_a_line_in_the_markdown(scores: Scores) -> None:
    lines = [text for text in report.as_markdown(INFO, scores, []).splitlines() if text.startswith("- bad.")]
    assert lines == ["- bad.en (explain) Who is the captain? — states a known-wrong value; cited ¶5, gold ¶2"]


def test_the_report_says_that_the_bare_model_was_not_asked(scores: Scores) -> None:
    assert "The bare model was not asked" in report.as_markdown(INFO, scores, [])


def test_markdown_tables_are_whole(scores: Scores) -> None:
    for block in report.as_markdown(INFO, scores, []).split("\n\n"):
        rows = block.splitlines()
        if rows[0].startswith("|"):
            assert len({row.count("|") for row in rows}) == 1, rows[0]
            assert set(rows[1]) <= set("|-")


def test_a_report_of_unanswerable_questions_alone_can_be_written(tmp_path: Path) -> None:
    only = scored([question(name="u", unanswerable_kind="instruction")], {("u", "en"): REFUSAL})
    page = report.write(tmp_path, INFO, only, PARAGRAPHS, [])
    assert page.read_text(encoding="utf-8").count("<details>") == 0
    assert "–" in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ([2], "a fact is missing, its evidence was shown"),
        ([5], "a fact is missing, its evidence was not shown"),
        ([], "a fact is missing"),
    ],
)
def test_a_missing_fact_is_laid_to_the_evidence_or_to_what_was_made_of_it(shown: list[int], reason: str) -> None:
    sentences = [{"paragraph": n, "language": "en", "start": 0, "end": 4, "text": "Some"} for n in shown]
    asked, given = question(fact()), answer(("Nobody knows.", [0]), sources=[2]) | {"shown": sentences}
    assert tables.why(judge(asked, "en", given, PARAGRAPHS)) == reason
