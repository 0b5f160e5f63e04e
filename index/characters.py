"""What a Chinese character is here, as ranges of Unicode for the brackets of a regular expression, and lines as one."""

from __future__ import annotations

import re

# CJK unified ideographs with extension A, and the compatibility ideographs.
HAN = r"\u3400-\u9fff\uf900-\ufaff"
# What may close behind the end of a sentence, and still belongs to it; for the inside of brackets too.
CLOSERS = r"”’」』）)】》〉\"'］\]"
# What is set as wide as they are: besides them CJK punctuation and the full-width forms.
WIDE = rf"{HAN}\u3000-\u303f\uff00-\uffef"
_BETWEEN_WIDE = re.compile(rf"(?<=[{WIDE}“”‘’…—])\n|\n(?=[{WIDE}“”‘’…—])")


def joined(above: str, below: str) -> str:
    """Two lines as one, with a blank but beside what is Chinese."""
    return _BETWEEN_WIDE.sub("", f"{above}\n{below}").replace("\n", " ")
