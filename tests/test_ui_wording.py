"""The interface's words: in both languages, all used, none missing."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import ui
from ui.wording import WORDING

ROOM = Path(ui.__file__).parent


def _fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDING)
def test_whatever_the_interface_says_it_says_in_both_languages_with_the_same_blanks(key: str) -> None:
    words = WORDING[key]
    assert words.zh.strip()
    assert words.en.strip()
    assert _fields(words.zh) == _fields(words.en)


def _code() -> str:
    files = [*ROOM.glob("*.py"), *ROOM.glob("templates/*.html"), *ROOM.glob("assets/*.js")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.name != "wording.py")


def test_every_wording_is_said_somewhere() -> None:
    code = _code()
    built = {"show_", "models_", "theme_", "quotes_", "judged_"}  # "show_" ~ choice
    unused = [
        key
        for key in WORDING
        if f'"{key}"' not in code and f"'{key}'" not in code and not any(key.startswith(b) for b in built)
    ]
    assert unused == []


def test_every_word_a_template_or_script_asks_for_exists() -> None:
    asked = set(re.findall(r'(?:both|label)\("([a-z_]+)"[,)]', _code()))
    asked |= set(re.findall(r'\bwords\("([a-z_]+)"[,)]', _code()))
    assert asked <= set(WORDING)


def test_no_chinese_or_english_is_written_into_a_template_past_the_wording() -> None:
    for path in ROOM.glob("templates/*.html"):
        text = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        said = re.findall(r"[A-Za-z]{4,}|[\u4e00-\u9fff]+", text)
        assert set(said) <= {"Duizhao", "对照", "中文"}, path.name  # the name, and each language's own name
