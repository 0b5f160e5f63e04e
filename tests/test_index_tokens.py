"""Counting tokens: from bundled data, with no network and no surprises in a user's text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.tokens import count_tokens


def test_tokens_are_counted_as_o200k_counts_them() -> None:
    assert count_tokens("") == 0
    assert count_tokens("hello world") == 2
    assert count_tokens("递归式自我改进") < len("递归式自我改进") + 1


def test_special_token_strings_in_a_text_are_plain_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_texts_together_hardly_count_more_than_apart(a: str, b: str) -> None:
    assert count_tokens(a + b) <= count_tokens(a) + count_tokens(b) + 3


@pytest.mark.parametrize("cache", ["/nonexistent", ""])
def test_counting_needs_no_network_whatever_cache_the_user_has_set(cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", cache)
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")  # whatever it fetched would be refused there
    done = subprocess.run(
        [sys.executable, "-c", "from index.tokens import count_tokens; print(count_tokens('hello world'))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "2\n", done.stderr
