"""How a question is worded: in the article's own rare words, or in the reader's.

A search by string finds the first kind; only the second measures whether meaning was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.gold import Question
from index.keywords import tokenize
from index.paragraphs import LANGUAGES, Language, Paragraph

RARE = 2  # a word is rare that stands in at most so many paragraphs of the article


@dataclass(frozen=True, slots=True)
class RareWords:
    """The rare words of each paragraph of an article, by its number and by language."""

    words: Mapping[int, Mapping[Language, frozenset[str]]]

    @classmethod
    def of(cls, paragraphs: Sequence[Paragraph]) -> RareWords:
        """The rare words of `paragraphs`."""
        words = {
            p.number: {language: frozenset(tokenize(p.text(language) or "")) for language in LANGUAGES}
            for p in paragraphs
        }
        counts = Counter(word for by_language in words.values() for word in by_language["zh"] | by_language["en"])
        rare = frozenset(word for word, count in counts.items() if count <= RARE)
        return cls({n: {own: found & rare for own, found in by.items()} for n, by in words.items()})

    def shared(self, question: Question, language: Language) -> frozenset[str]:
        """The rare words that the question, asked in `language`, has in common with its gold paragraphs."""
        asked = frozenset(tokenize(question.asked[language]))
        return asked & frozenset().union(*(self.words[n][language] for n in question.gold if n in self.words))


def rare_overlap(questions: Sequence[Question], paragraphs: Sequence[Paragraph]) -> float:
    """The share of answerable questions (a language each) that share a rare word with their evidence.

    Readers ask in their own words; a gold set that lifts the article's rare words measures string search.
    """
    rare = RareWords.of(paragraphs)
    asked = [bool(rare.shared(q, language)) for q in questions if q.answerable for language in LANGUAGES]
    return sum(asked) / len(asked) if asked else 0.0
