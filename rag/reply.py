"""A reply as it is generated: its first word is turned into log odds, what follows is the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import numpy as np
from llama_index.core.llms import ChatResponse
from numpy.typing import NDArray

from rag.generators import WORD_LOGIT, is_cut, stated_logit
from rag.prompts import Wording


class Reply:
    """Iterates over the answer's pieces, without the opening word; the first piece comes once the opening is known.

    logit: log odds of the opening word, from the first token's log probabilities; if the endpoint gives none,
        WORD_LOGIT with the sign of the word that was written.
    inside: the activations from which the first token was chosen, if the model gives them.
    opening: log odds that the evidence states the answer: what `hears` makes of `inside`, else `logit`.
    text: the answer so far; empty if the model replied that nothing is stated.
    usage: token counts.
    is_cut: whether the reply ended because it reached the token limit.
    """

    def __init__(
        self,
        responses: Iterator[ChatResponse],
        wording: Wording,
        hears: Callable[[NDArray[np.float32]], float] | None = None,
    ) -> None:
        self._responses = responses
        self._wording = wording
        self._hears = hears
        self.inside: NDArray[np.float32] | None = None
        self.logit: float | None = None
        self.opening: float | None = None
        self.text = ""
        self.usage: Mapping[str, int] | None = None
        self.is_cut = False

    def __iter__(self) -> Iterator[str]:
        whole = ""
        # Closed by hand: a loop that is left early must stop the model now, not when it is collected.
        with closing(self._responses) as responses:  # type: ignore[type-var]
            for response in responses:
                self.usage = response.additional_kwargs.get("usage", self.usage)
                self.is_cut = self.is_cut or is_cut(response)
                logit = stated_logit(response, self._wording) if self.opening is None else None
                if logit is not None:
                    self._open(logit, response.additional_kwargs.get("inside"))
                whole += response.delta or ""
                if (answer := self._answer_in(whole)) is None:
                    if logit is not None:
                        yield ""  # the opening is known; nothing is written yet
                    continue
                piece, self.text = answer[len(self.text) :], answer
                if piece:
                    self._say(WORD_LOGIT)
                    yield piece
        if self.opening is None:
            self._say(-WORD_LOGIT)
            yield ""

    def _open(self, logit: float, inside: NDArray[np.float32] | None) -> None:
        self.logit, self.inside = logit, inside
        self.opening = logit if inside is None or self._hears is None else self._hears(inside)

    def _say(self, logit: float) -> None:
        """What the word itself tells, where the endpoint told no probabilities."""
        if self.opening is None:
            self.logit = self.opening = logit

    def close(self) -> None:
        """Stop the model."""
        self._responses.close()  # type: ignore[attr-defined]

    def _answer_in(self, whole: str) -> str | None:
        """The answer in what was written so far; None while that may still be an opening word, or is `silent`."""
        written = whole.lstrip()
        stated, silent = self._wording.stated, self._wording.silent.rstrip("。.")
        if written.startswith(silent) or silent.startswith(written) or stated.startswith(written):
            return None
        for mark in (stated, stated.replace(":", "：")):
            if written.startswith(mark):
                return self._answer_in(written[len(mark) :])  # "Stated: Not stated." says nothing
        return written
