"""Passages and sentences: exact offsets, and nothing truncated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import BaseNode, Document, MetadataMode

from index.paragraphs import Article, Paragraph, Section
from index.passages import PASSAGE_TOKENS, PassageSplitter
from index.source import BUNDLED_ARTICLE, ArticleReader, documents_of
from index.tokens import count_tokens

_SENTENCES = st.sampled_from(
    [
        "茶在唐代传遍全国。",
        "Tea spread. ",
        "价格为 8.0×！",
        "他说：「好的。」",
        "▲ 图。",
        "\n",
        "2. ",
        "无标点的长句子" * 8,
        "word " * 30,
    ]
)
_TEXTS = st.lists(_SENTENCES, min_size=1, max_size=12).map("".join).filter(str.strip)


def cut(text: str, window: int = 10**6, section: str = "章 › 节", kind: str = "body") -> list[BaseNode]:
    metadata = {"section": section, "paragraph": 7, "kind": kind, "language": "zh"}
    document = Document(text=text, doc_id="p7.zh", metadata=metadata)
    return PassageSplitter(lambda whole: len(whole) > window)([document])


def level(nodes: list[BaseNode], name: str) -> list[BaseNode]:
    return [node for node in nodes if node.metadata["level"] == name]


def text_of(node: BaseNode) -> str:
    return node.get_content(metadata_mode=MetadataMode.NONE)


def embedded(node: BaseNode) -> str:
    return node.get_content(metadata_mode=MetadataMode.EMBED)


@given(_TEXTS, st.sampled_from([12, 20, 45, 200, 10**6]))
def test_offsets_are_exact_at_every_window(text: str, window: int) -> None:
    for node in cut(text, window):
        start, end = node.metadata["start"], node.metadata["end"]
        assert text[start:end] == text_of(node)
        assert text_of(node) == text_of(node).strip() != ""


@given(_TEXTS, st.sampled_from([12, 20, 45, 200]))
def test_a_paragraph_too_long_for_the_window_is_split_and_nothing_is_lost(text: str, window: int) -> None:
    nodes = cut(text, window)
    for name in ("passage", "sentence"):
        spans = [(node.metadata["start"], node.metadata["end"]) for node in level(nodes, name)]
        assert spans == sorted(spans)
        covered = {at for start, end in spans for at in range(start, end)}
        lost = "".join(ch for at, ch in enumerate(text) if at not in covered)
        assert not any(ch.isalpha() for ch in lost), (name, lost)


@given(_TEXTS, st.sampled_from([12, 20, 45, 200]), st.sampled_from(["body", "figure"]))
def test_every_piece_fits_the_window(text: str, window: int, kind: str) -> None:
    assert all(len(embedded(node)) <= window for node in cut(text, window, kind=kind))


def test_a_short_paragraph_is_one_passage_and_its_sentences() -> None:
    nodes = cut("茶在唐代传遍全国。价格很高！")
    assert [text_of(node) for node in level(nodes, "passage")] == ["茶在唐代传遍全国。价格很高！"]
    assert [text_of(node) for node in level(nodes, "sentence")] == ["茶在唐代传遍全国。", "价格很高！"]
    assert [node.node_id for node in nodes] == ["p7.zh.p0", "p7.zh.s0", "p7.zh.s1"]


def test_a_long_paragraph_is_cut_at_sentence_ends() -> None:
    text = "".join(f"这是第{n}句话，说的是茶。" for n in "一二三四五六七八")
    passages = [text_of(node) for node in level(cut(text, 60), "passage")]
    assert len(passages) > 1
    assert "".join(passages) == text
    assert all(passage.endswith("。") for passage in passages)


def test_one_endless_sentence_is_cut_at_commas_and_words_before_characters() -> None:
    passages = [text_of(node) for node in level(cut("甲乙丙丁，" * 20, 40), "passage")]
    assert all(passage.endswith("，") for passage in passages)
    words = [text_of(node) for node in level(cut("steam " * 40, 40), "sentence")]
    assert all(set(piece.split()) == {"steam"} for piece in words)
    assert "".join(text_of(node) for node in level(cut("茶" * 100, 40), "sentence")) == "茶" * 100


def test_tiktoken_bounds_a_passage_even_where_the_embedder_would_take_more() -> None:
    nodes = level(cut("Tea was carried over the sea by ships. " * 80), "passage")
    assert len(nodes) > 1
    assert all(count_tokens(embedded(node)) <= PASSAGE_TOKENS for node in nodes)


def test_a_passage_is_embedded_with_its_section_and_quoted_without_it() -> None:
    passage, sentence = cut("茶很香。", section="快船时代")
    assert embedded(passage) == "快船时代\n茶很香。"
    assert embedded(sentence).strip() == "茶很香。"
    assert text_of(passage) == "茶很香。"


def test_a_sentence_of_prose_is_embedded_alone_and_one_of_a_caption_with_what_it_is() -> None:
    assert embedded(cut("茶很香。", section="图表 1")[1]).strip() == "茶很香。"
    _passage, sentence = cut("▲ 茶很香。", section="图表 1", kind="figure")
    assert embedded(sentence) == "图表 1\n茶很香。"
    assert text_of(sentence) == "茶很香。"


def test_what_is_embedded_names_the_vector_so_a_changed_section_changes_it() -> None:
    first, second, moved = cut("茶很香。"), cut("茶很香。"), cut("茶很香。", section="另一章")
    assert [node.metadata["digest"] for node in first] == [node.metadata["digest"] for node in second]
    assert first[0].metadata["digest"] != moved[0].metadata["digest"]
    # A sentence is read in the light of its passage.
    assert first[1].metadata["digest"] != moved[1].metadata["digest"]
    assert first[1].metadata["digest"] != first[0].metadata["digest"]


@pytest.mark.parametrize("text", ["…", "。。！", "▲"])
def test_a_paragraph_of_marks_alone_is_still_a_passage(text: str) -> None:
    assert [text_of(node) for node in level(cut(text), "passage")] == [text]


def test_node_ids_of_a_whole_article_are_unique_and_every_language_has_its_passage() -> None:
    article = ArticleReader().read(BUNDLED_ARTICLE)
    nodes = PassageSplitter()(documents_of(article))
    assert len({node.node_id for node in nodes}) == len(nodes)
    places = {(node.metadata["paragraph"], node.metadata["language"]) for node in level(nodes, "passage")}
    assert places == {(p.number, language) for p in article.paragraphs for language in p.languages}


def test_a_section_longer_than_the_window_does_not_cut_the_text_into_dust() -> None:
    article = Article(
        "t", (Paragraph(1, "body", None, "Tea came by sea. It was dear.", Section(en=("Long heading " * 200,))),)
    )
    nodes = PassageSplitter()(documents_of(article))
    assert [text_of(node) for node in level(nodes, "passage")] == ["Tea came by sea. It was dear."]
