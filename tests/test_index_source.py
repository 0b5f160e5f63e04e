"""Sources: .jsonl paragraphs, captured pages, and everything that is neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.errors import UserError
from index.paragraphs import KINDS, Article, Paragraph, Section, context_of, contexts
from index.source import ArticleReader, documents_of

TEA = Path(__file__).parent / "articles" / "tea.txt"
_CHARACTERS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("甲\u2028\u2029\x85\x0c\x1e\r\n\0"))
_TEXT = st.text(_CHARACTERS, min_size=1, max_size=30).filter(str.strip)
_RECORDS = st.fixed_dictionaries({"en": _TEXT}, optional={"zh": _TEXT, "kind": st.sampled_from(KINDS)})


def write(path: Path, *records: object) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Article:
    return ArticleReader().read(path)


# --- .jsonl ---------------------------------------------------------------------------------------------------


def test_jsonl_paragraphs_keep_their_text_kind_and_section_path(tmp_path: Path) -> None:
    source = write(
        tmp_path / "facts.jsonl",
        {"zh": "甲。", "en": "A.", "section_zh": "章 › 节", "section_en": ["Chapter", "Section"], "kind": "figure"},
        {"en": "Only English."},
        {"zh": "只有中文。", "en": None, "kind": None},
    )
    article = read(source)
    assert article.title == "facts"
    assert article.paragraphs == (
        Paragraph(1, "figure", "甲。", "A.", Section(("章", "节"), ("Chapter", "Section"))),
        Paragraph(2, "body", None, "Only English."),
        Paragraph(3, "body", "只有中文。", None),
    )


def test_blank_lines_are_skipped_and_unknown_fields_ignored(tmp_path: Path) -> None:
    article = read(write(tmp_path / "f.jsonl", {"en": "A.", "id": 7}, "", "  ", {"en": "B."}))
    assert [(p.number, p.en) for p in article.paragraphs] == [(1, "A."), (2, "B.")]


@given(st.lists(_RECORDS, min_size=1, max_size=5))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_verbatim(tmp_path: Path, records: list[dict[str, str]]) -> None:
    # Unicode's line separators are ordinary characters in a JSON string, not ends of lines.
    article = read(write(tmp_path / "any.jsonl", *records))
    assert [(p.zh, p.en, p.kind) for p in article.paragraphs] == [
        (record.get("zh"), record["en"], record.get("kind", "body")) for record in records
    ]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ('{"en": "A"', r"line 3 of .*bad\.jsonl is not JSON \(.* at character \d+\)"),
        ("not json", "line 3 of .* is not JSON"),
        ("[1, 2]", "line 3 of .* is a JSON list, not an object"),
        ('"text"', "line 3 of .* is a JSON str, not an object"),
        ("null", "line 3 of .* is a JSON NoneType"),
        ("9" * 5000, "line 3 of .* is not JSON"),
        ("[" * 100_000, "line 3 of .* is not JSON"),
        ({}, "line 3 of .* has neither zh nor en"),
        ({"zh": " ", "en": ""}, "line 3 of .* has neither zh nor en"),
        ({"en": 5}, "line 3 of .* has en = 5, a int"),
        ({"en": "A", "zh": ["甲"]}, "line 3 of .* has zh = .*, a list"),
        ({"en": "A", "kind": "figur"}, r"line 3 of .* has the kind 'figur'.*Perhaps figure\?"),
        ({"en": "A", "kind": 7}, "line 3 of .* has the kind 7"),
        ({"en": "A", "section_en": 5}, "line 3 of .* has section_en = 5"),
        ({"en": "A", "section_zh": ["章", 2]}, "line 3 of .* has section_zh"),
        ('{"en": "\\ud83d"}', r"line 3 of .* has en with half a character \(a lone surrogate\)"),
        ('{"en": "A", "section_en": "\\ud83d"}', "line 3 of .* has section_en with half a character"),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, broken: object, message: str) -> None:
    source = write(tmp_path / "bad.jsonl", {"en": "Good."}, "", broken, {"en": "Good again."})
    with pytest.raises(UserError, match=message):
        read(source)


# --- files that cannot be read --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gone.txt", "gone.jsonl"])
def test_no_such_source_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"the source .*{name} is nothing, not a file"):
        read(tmp_path / name)


def test_a_folder_is_not_a_source(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder, not a file"):
        read(tmp_path)


def test_the_article_itself_in_place_of_its_file_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(File name too long\)\. Give the path") as error:
        read(Path("Water pipes\nAll of them leak.\n" * 200))
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["empty.txt", "empty.jsonl"])
@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_an_empty_source_is_said_to_be_empty(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=r"is empty \(\d+ bytes\)"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["binary.txt", "binary.jsonl"])
def test_a_binary_file_is_said_to_be_binary(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    with pytest.raises(UserError, match=r"is a binary file"):
        read(tmp_path / name)


def test_bytes_of_no_known_encoding_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes(b"caf\xe9 \xff\xff\n" * 20)
    with pytest.raises(UserError, match=r"neither UTF-8 nor GB18030 nor Big5 text. Save it as UTF-8"):
        read(tmp_path / "odd.txt")


def test_a_gb18030_page_reads_like_its_utf8_twin(tmp_path: Path) -> None:
    text = TEA.read_text(encoding="utf-8")
    (tmp_path / "tea.txt").write_bytes(text.encode("gb18030"))
    assert read(tmp_path / "tea.txt").paragraphs == read(TEA).paragraphs


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "big5hkscs"])
def test_traditional_text_in_an_older_encoding_is_no_other_text(tmp_path: Path, encoding: str) -> None:
    text = "\ufeff" * (encoding == "utf-16-be") + (
        "研究團隊在過去三年裡持續觀察了這座城市的水系統，並記錄了每一次洩漏。\n"
        "Over three years the team observed the water system of this city, and recorded every single leak.\n"
    )
    (tmp_path / "pipes.txt").write_bytes(text.encode(encoding))
    assert [p.zh for p in read(tmp_path / "pipes.txt").paragraphs] == [text.strip("\ufeff").split("\n")[0]]


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    text = TEA.read_text(encoding="utf-8").replace("\n", "\r\n")
    (tmp_path / "tea.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read(tmp_path / "tea.txt").paragraphs == read(TEA).paragraphs
    source = tmp_path / "f.jsonl"
    source.write_bytes(b'\xef\xbb\xbf{"en": "A."}\r\n{"en": "B."}\r\n')
    assert [p.en for p in read(source).paragraphs] == ["A.", "B."]


def test_a_utf8_file_cut_inside_a_character_is_not_read_as_another_encoding(tmp_path: Path) -> None:
    whole = TEA.read_bytes()
    (tmp_path / "cut.txt").write_bytes(whole[: whole.index("茶叶".encode()) + 1])
    with pytest.raises(UserError, match=r"broken UTF-8 at byte \d+ \(line \d+\)"):
        read(tmp_path / "cut.txt")


# --- documents ------------------------------------------------------------------------------------------------


def test_each_paragraph_is_one_document_a_language_with_verbatim_text(tmp_path: Path) -> None:
    source = write(
        tmp_path / "f.jsonl",
        {"zh": " 甲。\n乙。", "en": "A.", "section_zh": "章", "section_en": "Chapter"},
        {"en": "Alone."},
    )
    article = read(source)
    documents = {document.doc_id: document for document in documents_of(article)}
    assert sorted(documents) == ["p1.en", "p1.zh", "p2.en"]
    assert documents["p1.zh"].text == " 甲。\n乙。"
    assert documents["p1.zh"].metadata == {"section": "章", "paragraph": 1, "kind": "body", "language": "zh"}
    assert [d.doc_id for d in ArticleReader().load_data(source)] == [d.doc_id for d in documents_of(article)]


def test_figures_are_searched_by_their_number_and_footnotes_by_their_kind() -> None:
    paragraphs = [
        Paragraph(1, "body", "甲", "A", Section(en=("Chapter",))),
        Paragraph(2, "figure", "图", "One"),
        Paragraph(3, "footnote", "注", "Note", Section(("脚注",), ("Notes",))),
        Paragraph(4, "figure", "图", "Two"),
    ]
    assert contexts(paragraphs, "en") == ["Chapter", "Figure 1", "Footnote › Notes", "Figure 2"]
    assert contexts(paragraphs, "zh") == ["Chapter", "图表 1", "脚注 › 脚注", "图表 2"]
    assert context_of(paragraphs[0], "en") == "Chapter"


def test_a_paragraph_survives_being_written_and_read() -> None:
    paragraph = Paragraph(3, "timeline", "甲", None, Section(("章", "2021–2023 节"), ("Chapter",)))
    assert Paragraph.from_json(json.loads(json.dumps(paragraph.to_json()))) == paragraph


def test_two_articles_differ_in_digest_when_a_word_moves_between_paragraphs() -> None:
    first = Article("t", (Paragraph(1, "body", None, "a b"), Paragraph(2, "body", None, "c")))
    second = Article("t", (Paragraph(1, "body", None, "a"), Paragraph(2, "body", None, "b c")))
    assert first.digest != second.digest
