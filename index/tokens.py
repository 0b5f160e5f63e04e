"""Counting tokens with tiktoken, from the data that llama-index-core ships; never fetched."""

from __future__ import annotations

from functools import cache

import tiktoken

from index.environment import prepare

ENCODING = "o200k_base"


@cache
def _encoding() -> tiktoken.Encoding:
    prepare()  # points tiktoken at the bundled data
    return tiktoken.get_encoding(ENCODING)


def count_tokens(text: str) -> int:
    """Tokens of `text` in o200k_base: about 0.7 a Chinese character, 0.2 an English one.

    A common yardstick for sizes, not the count any of the models uses. Special-token strings such as
    `<|endoftext|>` in a user's text are counted as plain text.
    """
    return len(_encoding().encode(text, disallowed_special=()))
