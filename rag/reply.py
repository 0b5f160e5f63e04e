"""A reply as it is written: its opening word becomes log odds, what follows is the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

from llama_index.core.llms import ChatResponse

from rag.generators import WORD_LOGIT, stated_logit
from rag.prompts import Wording


class Reply:
    """Iterates over the answer's pieces, without the opening word; the first comes once the opening is known.

    `opening` is the log odds that the evidence states the answer: of the first token's probabilities where the
    endpoint tells them, else WORD_LOGIT with the sign of the word. `text` is the answer so far, empty where the
    model replied that nothing is stated; `usage` what the reply cost, once it has ended.
    """

    def __init__(self, responses: Iterator[ChatResponse], wording: Wording) -> None:
        self._responses = responses
        self._wording = wording
        self.opening: float | None = None
        self.text = ""
        self.usage: Mapping[str, int] | None = None

    def __iter__(self) -> Iterator[str]:
        whole = ""
        # Closed by hand: a loop that is left early must stop the model now, not when it is collected.
        with closing(self._responses) as responses:  # type: ignore[type-var]
            for response in responses:
                self.usage = response.additional_kwargs.get("usage", self.usage)
                told = self.opening is None and (logit := stated_logit(response, self._wording)) is not None
                if told:
                    self.opening = logit
                whole += response.delta or ""
                if (answer := self._answer_in(whole)) is None:
                    if told:
                        yield ""
                    continue
                piece, self.text = answer[len(self.text) :], answer
                if piece:
                    self.opening = WORD_LOGIT if self.opening is None else self.opening
                    yield piece
        if self.opening is None:
            self.opening = -WORD_LOGIT
            yield ""

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
