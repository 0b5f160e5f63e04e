"""From generated text to an Answer: statements with citations and verdicts, each kept, marked, replaced or dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from index.characters import HAN
from index.keywords import simplified
from index.outline import ends_asking
from index.paragraphs import Language
from index.sentences import split_sentences
from rag.answer import ENDED, Answer, Citation, Evidence, Statement, Verdict
from rag.check import Check, check
from rag.evidence import can_be_quoted, run_of, told_by_the_next, whole_sentence, with_what_it_leans_on
from rag.language import is_written_in
from rag.places import names_a_section
from rag.words import Rarity, content_tokens

# What a model sometimes writes although nobody asked: its own markers, list bullets, bold.
_MARKS = re.compile(
    r"\[(?:¶|\d|注|source)[^\]]{0,12}\]|\*\*|^\s*(?:[-*•]|\d{1,2}[.)、])\s+", re.MULTILINE | re.IGNORECASE
)
_LABEL = re.compile(r"^\s*(?:答案?|回答|answer)\s*[:：]\s*", re.IGNORECASE)
# "1." in the middle of a line, behind the end of a clause; none of GPT-4.5, 10:30 and Fig. 3.
_INLINE_LABEL = re.compile(
    rf"(?<=[:：;；.。!?！？])(?:(?<!\d[.:：])|(?=\s))(?<!ig\.)(?<!o\.)(?<!p\.)\s*(?:\(\d{{1,2}}\)|\d{{1,2}}[.、])\s+(?=\S)|"
    rf"(?<=[:：;；。])(?<!\d[:：])\s*\d{{1,2}}[.、](?=[{HAN}])"
)
# So many headings make a list; what stands between its items is no word but "and".
_LIST = 3
_WORDS_BETWEEN = re.compile(rf"(?!\band\b)\b[A-Za-z]+|(?![和与及])[{HAN}]|\d", re.IGNORECASE)
# A statement is the question again when it has no word of its own and at least this share of the question's.
ECHO = 0.6
# What answers one of these may say no word of its own: "Was it in Paris or London?", 哪个更快?
_IS_CHOSEN = {
    "zh": re.compile(r"吗|还是|是否|有没有|哪一?[个种]?更|(.)不\1"),
    "en": re.compile(
        r"^\W*(?:is|are|was|were|do|does|did|can|could|will|would|has|have|had|should)\b|\bor\b", re.IGNORECASE
    ),
}
# Behind the nearest sentence others are quoted, so many at most, of the next that are looked at.
FURTHER = 2
LOOKED_AT = 5
# One whose score is at least this share of the first's, and whose paragraph is at least this many times as likely to be
# the one that answers as the first's is; a last one, only of a paragraph that is quoted already (evals/NOTES.md).
QUOTE_SHARE = 0.75
PARAGRAPH_SHARE = 0.7
# A sentence of whose words the first quote has this share says nothing else.
SAID_ALREADY = 0.7
# What is written is a copy of a sentence that has this share of its words, where it has SAID_ALREADY of the sentence's.
COPIED = 0.8
# So is a piece of one, word for word, of this share of its length; a shorter one is the answer in few words.
A_PIECE = 0.5
_STOPS = "。.！!；;，, "
# The share of the words of what a small model writes that must stand in the sentences it is attached to.
HELD = 0.6

# No unit and no name: those are written so in Chinese too.
_ENGLISH_WORD = re.compile(r"(?<![\w'’-])[a-z]{4,}(?![A-Z\d])")

# A question about how the text is headed.
_ASKS_FOR_HEADING = {
    "zh": re.compile(r"[哪那这]一?[节章]|小节|章节|标题"),
    "en": re.compile(r"\b(?:headings?|headed|sections?|chapters?)\b", re.IGNORECASE),
}
# A question of which one it is, and a sentence that says "this one": which one that is stands in the heading alone.
_ASKS_WHICH = {
    "zh": re.compile(r"[哪那]一?[种个条类项款]"),
    "en": re.compile(r"\bwhich\b", re.IGNORECASE),
}
_POINTS = {
    "zh": re.compile(r"[这此该]一?[种个条类项款]|这一"),
    "en": re.compile(r"\bthis (?:one|[a-z]+)\b", re.IGNORECASE),
}

Shares = Mapping[int, float]


def split_statements(written: str, headings: Iterable[str] = ()) -> list[str]:
    """The sentences of a model's text, without markers of its own.

    None ends within one of `headings` that it repeats, whatever stands in there ("20XX? Closing the loop").
    """
    text = _INLINE_LABEL.sub(" ", _LABEL.sub("", _MARKS.sub("", written))).strip()
    whole = [m.span() for heading in headings for m in re.finditer(re.escape(heading), text)]
    spans: list[tuple[int, int]] = []
    for start, end in split_sentences(text):
        if spans and any(first < spans[-1][1] < last for first, last in whole):
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
    return [text[start:end] for start, end in spans]


def without_half_a_sentence(written: str) -> str:
    """Text that was cut off at the token limit, without its unfinished last sentence."""
    spans = split_sentences(written)
    if not spans or ENDED.search(written.rstrip()):
        return written
    return written[: spans[-1][0]]


def in_reading_order(statement: str, headings: Sequence[str]) -> str:
    """A statement that is nothing but a list of `headings`, put in their order; any other as it is.

    A model lists them in the order of what it was shown, the likeliest paragraph first.
    """
    order = {heading: place for place, heading in enumerate(headings)}
    if not order:
        return statement
    any_of_them = re.compile("|".join(map(re.escape, sorted(order, key=len, reverse=True))))
    named = any_of_them.findall(statement)
    if len(set(named)) < _LIST or _WORDS_BETWEEN.search(any_of_them.sub("", statement)):
        return statement
    sorted_ones = iter(sorted(named, key=lambda heading: order[heading]))
    return any_of_them.sub(lambda _: next(sorted_ones), statement)


def refusal(base: Answer) -> Answer:
    """`base` as a refusal: no statement, no citation; the nearest paragraphs stay in `retrieved`."""
    return replace(base, refused=True, statements=(), citations=())


@dataclass(frozen=True, slots=True)
class Weighed:
    """A written statement, the sentences it is attached to, and what the check found; no sentence, no check."""

    text: str
    cited: tuple[Evidence, ...]
    check: Check | None


def weigh(aligned: Iterable[tuple[str, tuple[Evidence, ...]]], question: str, rarity: Rarity) -> list[Weighed]:
    """Each (statement, sentences) with the check of it; none for what only says the question again."""
    return [
        Weighed(text, cited, check(text, cited, question, rarity) if cited and not _echoes(text, question) else None)
        for text, cited in aligned
    ]


def _echoes(statement: str, question: str) -> bool:
    said, asked = content_tokens(statement), content_tokens(question)
    if any(pattern.search(simplified(question)) for pattern in _IS_CHOSEN.values()):
        return False
    return bool(asked) and said <= asked and len(said) >= ECHO * len(asked)


def compose(base: Answer, weighed: Sequence[Weighed]) -> Answer | None:
    """The answer from checked statements; None when none of them survives.

    A statement that fails is replaced by the sentence nearest to it that the reader can read (a quote is right by
    construction), else dropped; so is one in the other language, which a model copies where the evidence stands in
    that language alone. One that is only partly covered stays and is marked.
    """
    book = _Citations()
    statements: list[Statement] = []
    for text, cited, verdict in filter(None, (_kept(w, base) for w in weighed)):
        if text not in {statement.text for statement in statements}:
            statements.append(Statement(text, book.add(cited), verdict))
    if not statements:
        return None
    return replace(base, statements=tuple(statements), citations=book.citations)


def _kept(w: Weighed, base: Answer) -> tuple[str, tuple[Evidence, ...], Verdict] | None:
    """What is said in place of a written statement, what it cites, and its verdict; None where nothing is."""
    if not w.check:
        return None  # nothing shown states it: not kept in silence, and there is nothing to quote for it
    if w.check.verdict != "unsupported" and is_written_in(w.text, base.language) and not _is_mixed(w, base):
        return w.text, w.cited, w.check.verdict
    quote = next((e for e in w.cited if can_be_quoted(e, base.language)), None)
    return (quote.text, (quote,), "supported") if quote else None


def _is_mixed(w: Weighed, base: Answer) -> bool:
    """Whether a statement in Chinese has an English word that is no name, and is not in the Chinese text or question.

    A small model copies it where the other language is shown too: 增加了 140 megawatts.
    """
    if base.language != "zh":
        return False
    texts = [e.paragraph.zh for e in w.cited]
    known = " ".join([base.question, base.rewritten or "", *(text or "" for text in texts)]).lower()
    return all(texts) and any(word not in known for word in _ENGLISH_WORD.findall(w.text))


def quote_statements(base: Answer, ranked: Sequence[Evidence], share: Shares, rarity: Rarity) -> Answer:
    """The answer in quotes: the nearest sentence, and those that are nearly as near.

    `share`: the probability of each paragraph that it is the one that answers.
    """
    return quoting(base, nearest(ranked, share, rarity, base.language))


def with_nearest(answer: Answer, ranked: Sequence[Evidence], share: Shares, rarity: Rarity) -> Answer:
    """`answer` with the nearest sentences quoted after what a small model wrote.

    The model picks the wrong one of two sentences, or half of one, more often than retrieval does, so the reader gets
    both (evals/NOTES.md). A sentence that a statement already contains is not quoted again. A statement that merely
    copies a quote, perhaps with a slip, is replaced by it, and so is one that strays too far from what it cites.
    """
    if answer.refused:
        return answer
    near = nearest(ranked, share, rarity, answer.language)
    unsaid = [e for e in near if not any(e.text in said.text for said in answer.statements)]
    book = _Citations()
    statements: dict[str, Statement] = {}
    for said in answer.statements:
        cited = [answer.citations[i] for i in said.citations]
        quote = _copied(said.text, cited, unsaid, rarity) or _gone_too_far(said.text, cited, answer.language, rarity)
        if quote:
            statements[quote.quote] = Statement(quote.quote, book.add([quote]), "supported")
        else:
            statements[said.text] = replace(said, citations=book.add(cited))
    told = replace(answer, statements=tuple(statements.values()), citations=book.citations)
    return _quotes_behind(quoting(told, [e for e in unsaid if e.text not in statements]), near)


def _quotes_behind(answer: Answer, near: Sequence[Evidence]) -> Answer:
    """`answer`, what stands in it for a statement that failed behind the nearest quotes, unless it is one of them.

    It is what the sentence that failed was nearest to, which may be anything.
    """
    nearest_ones = {e.text for e in near}
    quotes = {citation.quote for citation in answer.citations}
    is_aside = {said.text: said.text in quotes and said.text not in nearest_ones for said in answer.statements}
    return in_order_of_use(replace(answer, statements=tuple(sorted(answer.statements, key=lambda s: is_aside[s.text]))))


def _copied(written: str, cited: Sequence[Citation], sentences: Sequence[Evidence], rarity: Rarity) -> Citation | None:
    """The cited one of `sentences` that what is written says over again; None where it says anything else."""
    of = (Citation.of(sentence) for sentence in sentences)
    return next((c for c in of if c in cited and _copies(written, c.quote, rarity)), None)


def _gone_too_far(written: str, cited: Sequence[Citation], language: Language, rarity: Rarity) -> Citation | None:
    """The nearest cited sentence where all of them together hold less than HELD of what is written; else None.

    A small model joins the question's words to a phrase of the text that answers another question. Nothing is lost:
    the sentence that the phrase comes from stands there instead.
    """
    quote = next((c for c in cited if c.language == language), None)
    texts = (text for c in cited for text in (*(e.text for e in run_of(c)), c.paragraph.section.path(language)))
    held = frozenset().union(*map(content_tokens, texts))
    return quote if rarity.covered(content_tokens(written), held) < HELD else None


def _copies(written: str, sentence: str, rarity: Rarity) -> bool:
    """Whether what is written says the sentence, or a large piece of it, over again and next to nothing else."""
    piece = written.strip(_STOPS)
    if piece in sentence and len(piece) >= A_PIECE * len(sentence):
        return True
    said, quoted = content_tokens(written), content_tokens(sentence)
    return rarity.covered(quoted, said) >= SAID_ALREADY and rarity.covered(said, quoted) >= COPIED


def nearest(ranked: Sequence[Evidence], share: Shares, rarity: Rarity, language: Language) -> list[Evidence]:
    """The first of `ranked` with what it leans on, and the next that are nearly as near and say something else."""
    readable = [e for e in ranked if can_be_quoted(e, language)] or ranked
    # What the text asks is nearest to a question, and tells nothing.
    readable = [e for e in readable if not ends_asking(e.text)] or readable
    first, *others = readable[: 1 + LOOKED_AT]
    quoted = {e.key: e for e in with_what_it_leans_on(first)}
    likely = PARAGRAPH_SHARE * share.get(first.paragraph.number, 0.0)
    near = (e for e in others if e.score >= QUOTE_SHARE * first.score and share.get(e.paragraph.number, 0.0) >= likely)
    left = FURTHER
    for e in near:
        numbers = dict.fromkeys(q.paragraph.number for q in quoted.values())
        may_be_quoted = left > 1 or (left and e.paragraph.number in numbers)
        if may_be_quoted and e.key not in quoted and not _is_said(e, quoted.values(), rarity):
            quoted |= {half.key: half for half in whole_sentence(e)}
            left -= 1
    order = list(dict.fromkeys(q.paragraph.number for q in quoted.values()))
    return sorted(quoted.values(), key=lambda q: (order.index(q.paragraph.number), q.start))


def _is_said(sentence: Evidence, quoted: Iterable[Evidence], rarity: Rarity) -> bool:
    words = content_tokens(sentence.text)
    return any(rarity.covered(words, content_tokens(q.text)) >= SAID_ALREADY for q in quoted)


def with_what_is_announced(answer: Answer) -> Answer:
    """`answer` with what each quote only announces ("There are two reasons.") quoted behind it.

    Wherever the quote comes from: the nearest sentence, one nearly as near, or what stands for a statement that failed.
    What another statement cites is told already.
    """
    told = {answer.citations[i] for said in answer.statements for i in said.citations}
    book = _Citations()
    statements: dict[str, Statement] = {}
    for said in answer.statements:
        cited = [answer.citations[i] for i in said.citations]
        statements.setdefault(said.text, replace(said, citations=book.add(cited)))
        for quoted in (c for c in cited if c.quote == said.text):
            for e in (e for e in told_by_the_next(quoted) if Citation.of(e) not in told):
                statements.setdefault(e.text, Statement(e.text, book.add([e]), "supported"))
    return replace(answer, statements=tuple(statements.values()), citations=book.citations)


def quoting(answer: Answer, sentences: Iterable[Evidence]) -> Answer:
    """`answer` with `sentences` quoted behind what it says."""
    book = _Citations(answer.citations)
    quotes = tuple(Statement(e.text, book.add([e]), "supported") for e in sentences)
    return replace(answer, statements=(*answer.statements, *quotes), citations=book.citations)


def in_order_of_use(answer: Answer) -> Answer:
    """`answer` with the citations that its statements use, in the order in which they do."""
    book = _Citations()
    said = [replace(own, citations=book.add(answer.citations[i] for i in own.citations)) for own in answer.statements]
    return replace(answer, statements=tuple(said), citations=book.citations)


def with_headings(answer: Answer) -> Answer:
    """`answer` with headings put before the quotes that need them, each heading once.

    Three kinds need it: timeline entries, whose date and title are in the heading; any quote, if the question asks for
    a heading or section; and "this one would be cheapest", if the question asks which. A quote cannot contain its
    heading, but the citation shows it.
    """
    asked, language = simplified(answer.rewritten or answer.question), answer.language
    of_headings = bool(_ASKS_FOR_HEADING[language].search(asked)) or names_a_section(asked)
    is_which = bool(_ASKS_WHICH[language].search(asked))
    texts = [statement.text for statement in answer.statements]
    for at, statement in enumerate(answer.statements):
        quoted = next((c for i in statement.citations if (c := answer.citations[i]).quote == statement.text), None)
        if quoted and (of_headings or quoted.paragraph.kind == "timeline" or (is_which and _points(quoted))):
            texts[at] = quoted.quote if any(quoted.heading in text for text in texts) else quoted.headed
    said = (replace(own, text=text) for own, text in zip(answer.statements, texts, strict=True))
    return replace(answer, statements=tuple(said))


def _points(quoted: Citation) -> bool:
    """Whether the quote says "this one"."""
    return bool(_POINTS[quoted.language].search(simplified(quoted.quote)))


class _Citations:
    """Citations in order of first use; the same sentence is cited once."""

    def __init__(self, made: Iterable[Citation] = ()) -> None:
        self._places = {citation: place for place, citation in enumerate(made)}

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(self._places)

    def add(self, cited: Iterable[Evidence | Citation]) -> tuple[int, ...]:
        citations = [Citation.of(sentence) for sentence in cited]
        return tuple(dict.fromkeys(self._places.setdefault(c, len(self._places)) for c in citations))
