"""The keyword leg: real words of both languages, one tokenizer for index and question."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.keywords
from index.keywords import KeywordIndex, fold, simplified, tokenize
from index.paragraphs import Paragraph, Section

PARAGRAPHS = (
    Paragraph(
        1,
        "body",
        "阿姆达尔定律说明瓶颈会转移。",
        "Amdahl's law says that the bottleneck moves.",
        Section(en=("Limits",)),
    ),
    Paragraph(
        2, "body", "递归式自我改进并非不可避免。", "Recursive self-improvement is not inevitable.", Section(("未来",))
    ),
    Paragraph(3, "body", "2026 年合并了 1,200 行代码。", "In 2026 they merged 1,200 lines of code."),
    Paragraph(4, "summary", "只有中文的导读，谈到代码。", None),
    Paragraph(5, "body", None, "An English note about ships."),
)


@pytest.fixture(scope="module")
def keywords() -> KeywordIndex:
    return KeywordIndex.build(PARAGRAPHS)


@pytest.mark.parametrize(
    ("question", "language", "best"),
    [
        ("阿姆达尔定律是什么？", "zh", 1),
        ("什么是瓶颈", "zh", 1),
        ("自我改进不可避免吗", "zh", 2),
        ("未来", "zh", 2),
        ("What does Amdahl's law say about bottlenecks?", "en", 1),
        ("improvements that recurse", "en", 2),
        ("limits", "en", 1),
        ("1200 lines", "en", 3),
        ("１２００行", "zh", 3),
        ("SHIPS", "en", 5),
    ],
)
def test_a_word_of_the_paragraph_or_its_heading_finds_it(
    keywords: KeywordIndex, question: str, language: str, best: int
) -> None:
    scores = keywords.scores(question, language, 5)  # type: ignore[arg-type]
    assert next(iter(scores)) == best


def test_traditional_characters_find_simplified_text(keywords: KeywordIndex) -> None:
    assert keywords.scores("遞歸式自我改進", "zh", 5) == keywords.scores("递归式自我改进", "zh", 5)
    assert next(iter(keywords.scores("遞歸", "zh", 5))) == 2


@pytest.mark.parametrize("text", ["繁體中文字", "simplified 简体", "著名的人", ""])
def test_a_text_in_simplified_characters_is_as_long_as_it_was(text: str) -> None:
    assert len(simplified(text)) == len(text)
    assert simplified("開發團隊") == "开发团队"


def test_paragraphs_that_share_no_word_are_not_returned(keywords: KeywordIndex) -> None:
    assert set(keywords.scores("代码", "zh", 5)) == {3, 4}
    assert keywords.scores("鲸鱼", "zh", 5) == {}
    assert keywords.scores("whales", "en", 5) == {}


@pytest.mark.parametrize("question", ["", "   ", "？！", "的 了 吗", "what is the", "<|endoftext|>", "\0"])
def test_a_question_without_a_known_word_scores_nothing(keywords: KeywordIndex, question: str) -> None:
    assert keywords.scores(question, "zh", 5) == keywords.scores(question, "en", 5) == {}


def test_scores_come_best_first_and_at_most_k_of_them(keywords: KeywordIndex) -> None:
    scores = keywords.scores("code law English", "en", 5)
    assert len(scores) > 1
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert list(keywords.scores("code law English", "en", 1).items()) == list(scores.items())[:1]
    assert keywords.scores("code", "en", 500).keys() == keywords.scores("code", "en", 5).keys()


def test_a_language_the_paragraph_was_not_published_in_does_not_find_it(keywords: KeywordIndex) -> None:
    assert 4 not in keywords.scores("code summary", "en", 5)
    assert 5 not in keywords.scores("ships 英文", "zh", 5)


def test_a_saved_index_gives_identical_scores(keywords: KeywordIndex, tmp_path: Path) -> None:
    keywords.save(tmp_path / "keywords")
    loaded = KeywordIndex.load(tmp_path / "keywords")
    for question in ("阿姆达尔定律的瓶颈", "recursive code", "1,200 行代码 2026", "nothing 鲸鱼"):
        for language in ("zh", "en"):
            assert loaded.scores(question, language, 5) == keywords.scores(question, language, 5)  # type: ignore[arg-type]
    assert loaded.document_frequency("代码") == keywords.document_frequency("代码") == 2


def test_a_saved_index_that_lost_a_language_is_not_loaded_in_silence(keywords: KeywordIndex, tmp_path: Path) -> None:
    keywords.save(tmp_path / "keywords")
    (tmp_path / "keywords" / "en" / "params.index.json").unlink()
    with pytest.raises(OSError, match="params"):
        KeywordIndex.load(tmp_path / "keywords")


def test_an_article_in_one_language_has_one_leg(tmp_path: Path) -> None:
    only = KeywordIndex.build(PARAGRAPHS[4:])
    only.save(tmp_path / "k")
    loaded = KeywordIndex.load(tmp_path / "k", {"en"})
    assert next(iter(loaded.scores("ships", "en", 3))) == 5
    assert loaded.scores("ships", "zh", 3) == {}


def test_index_and_question_go_through_the_same_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def spy(text: str) -> list[str]:
        seen.append(text)
        return text.split()

    monkeypatch.setattr(index.keywords, "tokenize", spy)
    built = KeywordIndex.build(PARAGRAPHS[4:])
    assert next(iter(built.scores("ships.", "en", 3))) == 5  # only that tokenizer keeps the full stop
    assert [text.split("\n")[-1] for text in seen] == ["An English note about ships.", "ships."]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The models' 1,000 steps", ["model", "1000", "step"]),
        ("Claude’s improvement, improving, improved", ["claud", "improv", "improv", "improv"]),
        ("8.0× 与 2.3.5 节", ["8.0", "2.3.5", "节"]),
        ("Ｑ２　２０２６", ["q", "2", "2026"]),
        ("", []),
    ],
)
def test_words_are_folded_and_stemmed_and_numbers_kept_whole(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


def test_chinese_words_come_whole_and_in_parts() -> None:
    tokens = tokenize("国务院发布了人工智能规划")
    assert {"国务院", "人工", "智能", "人工智能"} <= set(tokens)
    assert "了" not in tokens


@given(st.text(max_size=60))
def test_tokenizing_never_fails_and_folding_twice_changes_nothing(text: str) -> None:
    assert all(token and not token.isspace() for token in tokenize(text))
    assert fold(fold(text)) == fold(text)
