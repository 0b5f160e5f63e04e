"""What a Chinese character is here: ranges of Unicode, for use inside the brackets of a regular expression."""

# CJK unified ideographs with extension A, and the compatibility ideographs.
HAN = r"\u3400-\u9fff\uf900-\ufaff"
# What may close behind the end of a sentence, and still belongs to it; for the inside of brackets too.
CLOSERS = r"”’」』）)】》〉\"'］\]"
# What is set as wide as they are: besides them CJK punctuation and the full-width forms.
WIDE = rf"{HAN}\u3000-\u303f\uff00-\uffef"
