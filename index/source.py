"""Sources as llama-index readers: a captured page (text, Markdown, HTML) or aligned paragraphs (.jsonl)."""

from __future__ import annotations

import codecs
import difflib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document

from index.capture import read_captured
from index.errors import UserError, has_half_a_character
from index.outline import introduced
from index.pairing import Embed
from index.paragraphs import KINDS, LANGUAGES, Article, Paragraph, Section, contexts, split_path

BUNDLED_ARTICLE = Path(__file__).parent / "articles" / "when-ai-builds-itself" / "source.txt"
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_LONGEST_NAME = 200  # that a message repeats


class ArticleReader(BaseReader):
    """Reads either source format. `embed` settles doubtful pairs of a captured page; without it order alone does."""

    def __init__(self, embed: Embed | None = None) -> None:
        self._embed = embed

    def read(self, path: Path) -> Article:
        """The article at `path`. Raises UserError for a source that is missing, empty, binary or broken."""
        text = _read_text(path)
        article = read_jsonl(path, text) if path.suffix == ".jsonl" else read_captured(path, text, self._embed)
        if not article.paragraphs:
            raise UserError(f"{path} holds 0 paragraphs, at least 1 is needed. Give another source.")
        return replace(article, paragraphs=introduced(article.paragraphs))

    def load_data(self, path: Path) -> list[Document]:
        """One Document a paragraph and language; see `documents_of`."""
        return documents_of(self.read(path))


def documents_of(article: Article) -> list[Document]:
    """One llama-index Document for each paragraph in each of its languages, id `p18.zh`.

    Its text is the paragraph verbatim; its kind and section path are metadata, embedded with it but never quoted.
    """
    return [
        Document(
            text=paragraph.text(language) or "",
            doc_id=f"p{paragraph.number}.{language}",
            metadata={
                "section": context,
                "paragraph": paragraph.number,
                "kind": paragraph.kind,
                "language": language,
            },
        )
        for language in LANGUAGES
        for paragraph, context in zip(article.paragraphs, contexts(article.paragraphs, language), strict=True)
        if paragraph.text(language)
    ]


def read_jsonl(path: Path, text: str) -> Article:
    """Paragraphs `{"zh"?, "en"?, "section_zh"?, "section_en"?, "kind"?}`, one a line; a broken line is named."""
    lines = text.split("\n")  # not splitlines: U+2028 and its like are ordinary characters in a JSON string
    records = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    paragraphs = tuple(
        _paragraph(f"line {n} of {path}", line, number) for number, (n, line) in enumerate(records, start=1)
    )
    return Article(title=path.stem, paragraphs=paragraphs)


def _paragraph(where: str, line: str, number: int) -> Paragraph:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{where} is not JSON ({error.msg} at character {error.pos + 1}). Mend that line.") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise UserError(f"{where} is not JSON that can be read ({error}). Mend that line.") from None
    if not isinstance(record, dict):
        raise UserError(f"{where} is a JSON {type(record).__name__}, not an object with zh and en. Mend that line.")
    _check_fields(where, record)
    return Paragraph(
        number=number,
        kind=record.get("kind") or "body",
        zh=_text(where, record, "zh"),
        en=_text(where, record, "en"),
        section=Section(zh=split_path(record.get("section_zh")), en=split_path(record.get("section_en"))),
    )


def _check_fields(where: str, record: dict[str, Any]) -> None:
    if not _text(where, record, "zh") and not _text(where, record, "en"):
        raise UserError(f"{where} has neither zh nor en text. Give at least one of them.")
    kind = record.get("kind") or "body"
    if kind not in KINDS:
        nearest = difflib.get_close_matches(str(kind), KINDS, n=1, cutoff=0)
        raise UserError(f"{where} has the kind {kind!r}, not one of {', '.join(KINDS)}. Perhaps {nearest[0]}?")
    for name in ("section_zh", "section_en"):
        value = record.get(name)
        if not (value is None or isinstance(value, str) or _is_strings(value)):
            raise UserError(f"{where} has {name} = {value!r}; a string or a list of strings is needed. Mend that line.")
        _refuse_half_characters(where, name, "".join(value or ()))


def _text(where: str, record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise UserError(
            f"{where} has {name} = {value!r}, a {type(value).__name__}; a string is needed. Mend that line."
        )
    _refuse_half_characters(where, name, value or "")
    return value if value and value.strip() else None


def _refuse_half_characters(where: str, name: str, value: str) -> None:
    if has_half_a_character(value):
        raise UserError(f"{where} has {name} with half a character (a lone surrogate). Mend that line.")


def _is_strings(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(part, str) for part in value)


def _read_text(path: Path) -> str:
    data = _bytes_of(path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise UserError(f"the source {path} is empty ({len(data)} bytes). Give a captured article or a .jsonl file.")
    if b"\0" in data[:65536]:
        raise UserError(f"the source {path} is a binary file (it holds zero bytes). Give plain text or a .jsonl file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="ignore")
        if sum(not ch.isascii() for ch in before) >= 3:
            line = before.count("\n") + 1
            raise UserError(
                f"the source {path} has broken UTF-8 at byte {error.start + 1} (line {line}). Mend it or save it again."
            ) from None
    for encoding in ("gb18030", "big5hkscs"):
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if not _PRIVATE.search(text):  # Big5 is almost always GB18030 too, but for what nobody assigned
                return text
    raise UserError(f"the source {path} is neither UTF-8 nor GB18030 nor Big5 text. Save it as UTF-8.")


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise UserError(
                f"the source {path} is {found}, not a file. Give a captured article (text) or a .jsonl file."
            )
        return path.read_bytes()
    except OSError as error:  # forbidden; or a name too long for any file, as the article itself is
        name = " ".join(str(path)[:_LONGEST_NAME].split())
        raise UserError(
            f"the source {name} cannot be read ({error.strerror}). Give the path of a file that you may read."
        ) from error
