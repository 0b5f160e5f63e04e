"""The gold: the shipped file is sound, and a gold that could be fooled is refused."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evals.beds import edited_paragraphs, edited_questions, needs_several, read_edits, stale_quotes, withhold
from evals.controls import cite
from evals.datasets import OwnArticle, XQuAD, as_jsonl
from evals.gold import (
    ASKED_OF_XQUAD,
    DEFAULT_GOLD,
    PLAIN_GOLD,
    QUESTION_KINDS,
    SHORT_GOLD,
    SPLITS,
    Question,
    conflicts,
    examine,
    load_gold,
)
from evals.normalise import states_any
from evals.wording import RareWords, rare_overlap
from evals.xquad import ENVIRONMENT
from index.errors import UserError
from index.paragraphs import LANGUAGES, Paragraph
from index.source import ArticleReader

XQUAD_FOLDER = os.environ.get(ENVIRONMENT)
PARAGRAPHS = [
    Paragraph(1, "body", "船长是李雷。他三十岁!", "The captain is Li Lei. He is thirty!"),
    Paragraph(2, "body", "船重一百二十万吨。", "The ship weighs 1.2 million tonnes."),
    Paragraph(3, "body", "船长不是韩梅梅。", "The captain is not Han Meimei."),
]


def line(**changes: Any) -> dict[str, Any]:
    fact = {
        "id": "q1.f1",
        "weight": 1,
        "aliases": {"zh": ["李雷"], "en": ["Li Lei"]},
        "forbidden": ["Han Meimei"],
        "evidence": [["船长是李雷"], ["captain is Li Lei"]],
    }
    record = {
        "id": "q1",
        "split": "dev",
        "kind": "explain",
        "question": {"zh": "谁掌舵?", "en": "Who steers?"},
        "answerable": True,
        "unanswerable_kind": None,
        "facts": [fact | changes.pop("fact", {})],
        "also_supporting": [],
        "reference": {"zh": "李雷。", "en": "Li Lei."},
    }
    return record | changes


def written(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / "gold.jsonl"
    texts = [text if isinstance(text, str) else json.dumps(text, ensure_ascii=False) for text in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def problems(folder: Path, *lines: dict[str, Any] | str) -> list[str]:
    return examine(written(folder, *lines), PARAGRAPHS)[1]


@dataclass(frozen=True)
class Shipped:
    """What a shipped gold file is held to: how many pairs of a split, and how much in the article's rare words."""

    path: Path
    answerable: int
    unanswerable: int
    covered: float  # of the article's paragraphs
    rare: tuple[float, float]


# One is oblique on purpose, the other plain on purpose.
SHIPPED = [
    pytest.param(Shipped(DEFAULT_GOLD, 120, 40, 0.9, (0, 1 / 3)), id=DEFAULT_GOLD.stem),
    pytest.param(Shipped(PLAIN_GOLD, 70, 35, 0.8, (0.6, 0.9)), id=PLAIN_GOLD.stem),
]
each_shipped = pytest.mark.parametrize("shipped", SHIPPED)


@pytest.fixture(scope="module")
def article() -> OwnArticle:
    return OwnArticle()


@pytest.fixture(scope="module")
def gold(article: OwnArticle) -> tuple[Question, ...]:
    return tuple(article.questions())


# --- the shipped gold ---------------------------------------------------------------------------------------


@each_shipped
def test_the_shipped_gold_has_no_problem(article: OwnArticle, shipped: Shipped) -> None:
    assert examine(shipped.path, article.paragraphs())[1] == []


@each_shipped
def test_the_shipped_gold_is_large_enough_and_covers_every_kind_in_both_splits(
    article: OwnArticle, shipped: Shipped
) -> None:
    gold = load_gold(shipped.path, article.paragraphs())
    for split in SPLITS:
        sides = Counter(question.answerable for question in gold if question.split == split)
        assert sides[True] >= shipped.answerable
        assert sides[False] >= shipped.unanswerable
    kinds = Counter((question.split, question.kind) for question in gold)
    assert all(kinds[split, kind] for split in SPLITS for kind in QUESTION_KINDS)


@each_shipped
def test_the_shipped_gold_asks_about_most_of_the_article(article: OwnArticle, shipped: Shipped) -> None:
    asked = frozenset().union(*(question.gold for question in load_gold(shipped.path, article.paragraphs())))
    assert len(asked) / len(article.paragraphs()) > shipped.covered


@each_shipped
def test_oblique_questions_seldom_share_a_rare_word_with_their_evidence_and_plain_ones_mostly_do(
    article: OwnArticle, shipped: Shipped
) -> None:
    low, high = shipped.rare
    assert low < rare_overlap(load_gold(shipped.path, article.paragraphs()), article.paragraphs()) < high


@each_shipped
def test_every_gold_paragraph_has_a_gold_sentence_in_each_of_its_languages(
    article: OwnArticle, shipped: Shipped
) -> None:
    by_number = {paragraph.number: paragraph for paragraph in article.paragraphs()}
    for question in load_gold(shipped.path, article.paragraphs()):
        for fact in question.facts:
            spans = {(span.paragraph, span.language) for span in fact.sentences}
            for number in frozenset().union(*fact.evidence):
                assert {(number, language) for language in by_number[number].languages} <= spans, fact.id


def test_a_question_asked_plainly_has_the_facts_kind_and_split_of_the_oblique_one(
    article: OwnArticle, gold: tuple[Question, ...]
) -> None:
    by_id = {question.id: question for question in gold}
    plain = [question for question in load_gold(PLAIN_GOLD, article.paragraphs()) if question.answerable]
    for question in plain:
        oblique = by_id[question.id.removesuffix("p")]
        facts = tuple(replace(fact, id=fact.id.replace("p.", ".")) for fact in question.facts)
        assert replace(question, id=oblique.id, asked=oblique.asked, facts=facts) == oblique


def test_the_shipped_golds_ask_nothing_twice_and_share_no_fact_across_the_splits(
    article: OwnArticle, gold: tuple[Question, ...]
) -> None:
    plain = load_gold(PLAIN_GOLD, article.paragraphs())
    assert conflicts([*gold, *plain], article.paragraphs()) == []
    moved = replace(plain[0], split="test" if plain[0].split == "dev" else "dev")
    assert any("are one fact" in problem for problem in conflicts([*gold, moved], article.paragraphs()))
    copied = replace(plain[0], asked=gold[0].asked)
    assert any("ask the same" in problem for problem in conflicts([*gold, copied], article.paragraphs()))


def test_the_questions_in_a_few_words_are_sound_and_share_no_fact_with_the_others_across_the_splits(
    article: OwnArticle, gold: tuple[Question, ...]
) -> None:
    short, problems = examine(SHORT_GOLD, article.paragraphs())
    assert problems == []
    plain = load_gold(PLAIN_GOLD, article.paragraphs())
    assert conflicts([*gold, *plain, *short], article.paragraphs()) == []
    sides = Counter((question.split, question.answerable) for question in short)
    assert all(sides[split, True] >= 10 and sides[split, False] >= 7 for split in SPLITS)


# --- wording ------------------------------------------------------------------------------------------------


def test_a_rare_word_is_shared_where_question_and_evidence_have_it_in_the_language_asked(tmp_path: Path) -> None:
    (plain,) = load_gold(
        written(tmp_path, line(question={"zh": "谁掌舵?", "en": "Who is captain, not Han?"})), PARAGRAPHS
    )
    rare = RareWords.of(PARAGRAPHS)
    assert rare.shared(plain, "en") == {"captain"}  # in two paragraphs; Han stands in no gold paragraph
    assert rare.shared(plain, "zh") == frozenset()
    assert rare_overlap([plain], PARAGRAPHS) == 0.5


# --- snippets become numbers --------------------------------------------------------------------------------


def test_snippets_of_both_languages_of_a_pair_are_one_evidence_set(tmp_path: Path) -> None:
    (question,) = load_gold(written(tmp_path, line()), PARAGRAPHS)
    assert question.facts[0].evidence == (frozenset({1}),)
    assert question.gold == {1}


def test_a_gold_sentence_ends_where_a_chinese_sentence_ends(tmp_path: Path) -> None:
    (question,) = load_gold(written(tmp_path, line()), PARAGRAPHS)
    texts = {
        span.language: PARAGRAPHS[0].text(span.language)[span.start : span.end] for span in question.facts[0].sentences
    }
    assert texts == {"zh": "船长是李雷。", "en": "The captain is Li Lei."}


def test_the_other_language_gets_the_gold_sentence_of_the_same_place(tmp_path: Path) -> None:
    only_english = line(fact={"evidence": [["He is thirty"]], "aliases": {"zh": ["三十"], "en": ["thirty"]}})
    only_english["reference"] = {"zh": "三十。", "en": "Thirty."}
    (question,) = load_gold(written(tmp_path, only_english), PARAGRAPHS)
    texts = {
        span.language: PARAGRAPHS[0].text(span.language)[span.start : span.end] for span in question.facts[0].sentences
    }
    assert texts == {"zh": "他三十岁!", "en": "He is thirty!"}


def test_numbering_the_paragraphs_anew_moves_the_gold_along(tmp_path: Path) -> None:
    moved = [Paragraph(p.number + 10, p.kind, p.zh, p.en) for p in PARAGRAPHS]
    (question,) = load_gold(written(tmp_path, line()), moved)
    assert question.gold == {11}


# --- what the validator refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (line(fact={"evidence": [["stands nowhere"]]}), "stands in no paragraph; exactly one"),
        (line(fact={"evidence": [["The captain is"]]}), "stands in ¶1 and ¶3; exactly one"),
        (line(also_supporting=["stands nowhere"]), "stands in no paragraph; exactly one"),
        (line(fact={"evidence": [["船重一百二十万吨"]]}), "none of its aliases"),
        (line(fact={"aliases": {"zh": [], "en": ["Li Lei"]}}), "facts.0.aliases.zh"),
        (line(fact={"weight": 2}), "has the weight 2"),
        (line(fact={"weight": 0.5}), "no fact of weight 1"),
        (line(fact={"id": "q2.f1"}), "Name them q1.f1"),
        (line(fact={"evidence": []}), "facts.0.evidence"),
        (line(fact={"evidence": [["船长是李雷"], []]}), "facts.0.evidence.1"),
        (line(kind="riddle"), "kind is 'riddle'"),
        (line(split="train"), "split is 'train'"),
        (line(question={"zh": "谁掌舵?"}), "question.en"),
        (line(question={"zh": "李雷掌舵吗?", "en": "Who steers?"}), "the zh question already states the alias '李雷'"),
        (line(reference={"zh": "李雷。", "en": "Nobody."}), "the en reference states none of its aliases"),
        (line(reference={"zh": "李雷。", "en": "Li Lei, not Han Meimei."}), "which is forbidden"),
        (line(fact={"forbidden": ["Lei"]}), "states 'Lei', which is forbidden"),
        (
            line(fact={"aliases": {"zh": ["李雷"], "en": ["Lee"]}}),
            "reciting the en gold sentence in ¶1 does not state it",
        ),
        (line(fact={"evidence": [["他三十岁"]]}), "reciting the zh gold sentence in ¶1 does not state it"),
        (line(fact={"forbidden": ["thirty"]}), "'thirty' is forbidden and stands in the evidence ¶1"),
        (line(reference=None), "no reference answer"),
        (line(facts=[]), "answerable and has 0 facts"),
        (line(answerable=False), "Make the two agree"),
        (line(kind="unanswerable", answerable=False, unanswerable_kind="instruction"), "only a false premise has"),
        (line(note="typo"), "note is 'typo'"),
        ("{broken", "line 1 of gold.jsonl"),
    ],
)
def test_a_gold_line_that_could_be_fooled_is_refused(changed: dict[str, Any] | str, said: str, tmp_path: Path) -> None:
    found = problems(tmp_path, changed)
    assert any(said in problem for problem in found), found
    assert all("\n" not in problem for problem in found)


def test_the_line_that_the_others_are_made_from_is_sound(tmp_path: Path) -> None:
    assert problems(tmp_path, line()) == []


def test_an_alias_that_does_not_stand_in_its_evidence_must_be_marked_derived(tmp_path: Path) -> None:
    derived = {"evidence": [["船重一百二十万吨"]], "derived": True}
    assert problems(tmp_path, line(fact=derived)) == []


def test_one_fact_in_both_splits_is_refused_however_its_number_is_written(tmp_path: Path) -> None:
    reference = {"zh": "120 万吨。", "en": "1.2 million."}
    weight = {
        "evidence": [["船重一百二十万吨"]],
        "aliases": {"zh": ["一百二十万"], "en": ["1.2 million"]},
        "forbidden": [],
    }
    dev = line(fact=weight, reference=reference)
    test = line(
        id="q2", split="test", fact=weight | {"id": "q2.f1", "aliases": {"zh": ["120 万"], "en": ["1,200,000"]}}
    )
    test |= {"reference": reference, "question": {"zh": "多重?", "en": "How heavy?"}}
    (found,) = problems(tmp_path, dev, test)
    assert "q1.f1 (dev) and q2.f1 (test) are one fact" in found
    assert problems(tmp_path, dev, test | {"split": "dev"}) == []


@pytest.mark.parametrize("asked", ["谁 掌舵", "谁掌舵?!", "誰掌舵?"])
def test_one_question_asked_twice_is_refused_however_it_is_spelt(asked: str, tmp_path: Path) -> None:
    other = line(id="q2", fact={"id": "q2.f1"}, question={"zh": asked, "en": "Who has the helm?"})
    (found,) = problems(tmp_path, line(), other)
    assert "q1 and q2 ask the same in zh" in found


def test_a_question_that_differs_by_a_number_is_another_question(tmp_path: Path) -> None:
    def silent(name: str, year: int) -> dict[str, Any]:
        return line(
            id=name, kind="unanswerable", answerable=False, unanswerable_kind="near_miss_entity", facts=[],
            question={"zh": f"{year} 年谁掌舵?", "en": f"Who steered in {year}?"},
        )  # fmt: skip

    assert problems(tmp_path, silent("u1", 2025), silent("u2", 2026)) == []
    assert any("ask the same" in problem for problem in problems(tmp_path, silent("u1", 2025), silent("u2", 2025)))


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert any("q1 stands twice" in problem for problem in problems(tmp_path, line(), line()))


def test_loading_names_the_first_problem_and_counts_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, line(kind="riddle"), line(split="train"))
    with pytest.raises(UserError, match=r"kind is 'riddle'.*1 more"):
        load_gold(path, PARAGRAPHS)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_gold_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match="holds 0 questions"):
        load_gold(path, PARAGRAPHS)
    with pytest.raises(UserError, match="is not there"):
        load_gold(tmp_path / "none.jsonl", PARAGRAPHS)


# --- beds ---------------------------------------------------------------------------------------------------


def test_a_question_whose_evidence_is_withheld_is_unanswerable_and_says_what_to_withhold(
    gold: tuple[Question, ...],
) -> None:
    question = next(question for question in gold if question.answerable and question.supporting)
    bare = withhold(question)
    assert not bare.answerable
    assert bare.supporting == question.gold | question.supporting
    assert bare.facts == ()


def test_every_edit_of_the_counterfactual_article_changes_one_paragraph_and_its_question(
    article: OwnArticle, gold: tuple[Question, ...]
) -> None:
    edits = read_edits()
    edited = {p.number: p for p in edited_paragraphs(article.paragraphs(), edits)}
    questions = edited_questions(gold, edits)
    assert len(questions) == len(edits) >= 10
    assert all(sum(q.split == split for q in questions) >= 5 for split in ("dev", "test"))
    for question in questions:
        (fact,) = question.facts
        for number in question.gold:
            text = "\n".join(edited[number].text(language) or "" for language in LANGUAGES)
            assert states_any(text, fact.aliases), question.id
            assert not states_any(text, fact.forbidden), question.id


def test_a_quote_from_before_an_edit_is_caught_as_stale(article: OwnArticle) -> None:
    edit = read_edits()[0]
    before = next(p for p in article.paragraphs() if edit.old["en"] in (p.en or ""))
    edited = {p.number: p for p in edited_paragraphs(article.paragraphs(), [edit])}
    untouched = {p.number: p for p in article.paragraphs()}
    answer = {"citations": [cite(before, "en")]}
    assert stale_quotes(answer, edited, edit) == (1, 1)
    assert stale_quotes(answer, untouched, edit) == (1, 0)


def test_an_edit_that_stands_nowhere_is_refused() -> None:
    with pytest.raises(UserError, match="found in 0 paragraphs"):
        edited_paragraphs(PARAGRAPHS, [read_edits()[0]])


def test_integration_is_asked_where_no_single_paragraph_holds_every_vital_fact(gold: tuple[Question, ...]) -> None:
    by_id = {question.id: question for question in gold}
    assert needs_several(by_id["q037"])
    assert not needs_several(by_id["q027"])
    assert sum(map(needs_several, gold)) >= 10


# --- datasets -----------------------------------------------------------------------------------------------


def squad(folder: Path, language: str, contexts: list[str], questions: list[str]) -> None:
    paragraphs = [
        {
            "context": context,
            "qas": [{"id": f"id{n}", "question": asked, "answers": [{"text": context[:2], "answer_start": 0}]}],
        }
        for n, (context, asked) in enumerate(zip(contexts, questions, strict=True))
    ]
    record = {"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}
    (folder / f"xquad.dev.{language}.json").write_text(json.dumps(record), encoding="utf-8")


def test_xquad_pairs_paragraph_i_of_both_files_and_its_gold_is_the_number(tmp_path: Path) -> None:
    squad(tmp_path, "zh", ["第一段。", "第二段。"], ["问一?", "问二?"])
    squad(tmp_path, "en", ["First.", "Second."], ["One?", "Two?"])
    dataset = XQuAD(tmp_path)
    assert [(p.number, p.zh, p.en) for p in dataset.paragraphs()] == [
        (1, "第一段。", "First."),
        (2, "第二段。", "Second."),
    ]
    second = dataset.questions()[1]
    assert (second.asked["zh"], second.asked["en"], second.gold) == ("问二?", "Two?", {2})


def test_xquad_files_that_do_not_pair_or_are_not_there_are_refused(tmp_path: Path) -> None:
    squad(tmp_path, "zh", ["第一段。"], ["问?"])
    with pytest.raises(UserError, match="is not there"):
        XQuAD(tmp_path).paragraphs()
    squad(tmp_path, "en", ["First.", "Second."], ["One?", "Two?"])
    with pytest.raises(UserError, match="1 Chinese and 2 English"):
        XQuAD(tmp_path).paragraphs()
    (tmp_path / "xquad.dev.en.json").write_text("[]")
    with pytest.raises(UserError, match="SQuAD"):
        XQuAD(tmp_path).paragraphs()


@pytest.mark.skipif(not XQUAD_FOLDER, reason="the environment does not name XQuAD's folder")
def test_every_xquad_question_stands_in_both_languages() -> None:
    dataset = XQuAD(Path(XQUAD_FOLDER or ""))
    questions = dataset.questions()
    assert len(questions) > 500
    assert all(question.asked[language].strip() for question in questions for language in LANGUAGES)
    assert {n for question in questions for n in question.gold} == {p.number for p in dataset.paragraphs()}


def test_paragraphs_written_as_a_source_are_read_back_with_the_same_numbers(
    tmp_path: Path, article: OwnArticle
) -> None:
    path = tmp_path / "copy.jsonl"
    path.write_text(as_jsonl(article.paragraphs()), encoding="utf-8")
    assert ArticleReader().read(path).paragraphs == tuple(article.paragraphs())


def test_a_corpus_in_one_language_holds_nothing_of_the_other(tmp_path: Path) -> None:
    records = [json.loads(text) for text in as_jsonl(PARAGRAPHS, ("zh",)).splitlines()]
    assert [record["zh"] for record in records] == [p.zh for p in PARAGRAPHS]
    assert all("en" not in record and "section_en" not in record for record in records)
    with pytest.raises(UserError, match="¶9 has no text in en"):
        as_jsonl([Paragraph(9, "summary", "只有中文。", None)], ("en",))


def test_evidence_named_by_its_paragraphs_number_is_the_sentences_that_state_it(tmp_path: Path) -> None:
    (question,) = load_gold(written(tmp_path, line(fact={"evidence": [["¶1"]]})), PARAGRAPHS)
    assert question.gold == {1}
    texts = {
        (s.language, (PARAGRAPHS[0].text(s.language) or "")[s.start : s.end].strip())
        for s in question.facts[0].sentences
    }
    assert texts == {("zh", "船长是李雷。"), ("en", "The captain is Li Lei.")}


@pytest.mark.parametrize("number", [2, 9])
def test_a_numbered_paragraph_that_does_not_state_the_fact_or_is_not_there_is_refused(
    tmp_path: Path, number: int
) -> None:
    (problem,) = problems(tmp_path, line(fact={"evidence": [[f"¶{number}"]]}))
    assert f"no sentence of ¶{number} states it" in problem


@pytest.mark.skipif(not XQUAD_FOLDER, reason="the environment does not name XQuAD's folder")
def test_our_questions_about_xquad_are_sound_and_half_of_them_are_near_misses() -> None:
    dataset = XQuAD(Path(XQUAD_FOLDER or ""))
    questions, problems = examine(ASKED_OF_XQUAD, dataset.paragraphs())
    assert problems == []
    articles = {span.article: span.as_question().split for span in dataset.spans()}
    for split in SPLITS:
        own = [question for question in questions if question.split == split]
        assert {int(question.id[1:].partition(".")[0]) for question in own} == {
            a for a, s in articles.items() if s == split
        }
        assert 0.4 < sum(question.answerable for question in own) / len(own) < 0.6
