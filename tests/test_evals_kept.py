"""Replies that are kept: the model is asked once for each, and not again for what is already known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.llms.types import LLMMetadata
from llama_index.core.llms import ChatMessage, ChatResponse

from evals.kept import KeptLLM, keeping
from index.errors import UserError
from rag.generators import Generator
from rag.llm import ChatLLM, Piece
from rag.prompts import opening_messages
from tests.rag_support import ScriptedLLM

ASKED = [ChatMessage(role="user", content="When?")]


def kept(path: Path, *replies: str) -> tuple[KeptLLM, ScriptedLLM]:
    model = ScriptedLLM(*replies, logit=2.0)
    return KeptLLM(inner=model, path=str(path)), model


def heard(llm: KeptLLM) -> list[ChatResponse]:
    return list(llm.stream_chat(ASKED))


def text_of(responses: list[ChatResponse]) -> str:
    return "".join(response.delta or "" for response in responses)


def test_a_whole_reply_is_given_again_with_its_first_tokens_and_no_model(tmp_path: Path) -> None:
    llm, _ = kept(tmp_path / "r.jsonl", "Stated: 1802.")
    first = heard(llm)
    again, model = kept(tmp_path / "r.jsonl", "never")
    second = heard(again)
    assert text_of(second) == text_of(first) == "Stated: 1802."
    assert second[0].logprobs == first[0].logprobs
    assert model.prompts == []


def test_a_reply_that_was_stopped_is_known_as_far_as_its_opening(tmp_path: Path) -> None:
    llm, _ = kept(tmp_path / "r.jsonl", "Stated: 1802.")
    stopped = llm.stream_chat(ASKED)
    opening = next(stopped)
    stopped.close()

    again, model = kept(tmp_path / "r.jsonl", "Stated: 1802.")
    stopped = again.stream_chat(ASKED)
    assert next(stopped).logprobs == opening.logprobs
    stopped.close()
    assert model.prompts == []

    assert text_of(heard(again)) == "Stated: 1802.", "who listens on hears the whole"
    assert len(model.prompts) == 1
    assert text_of(heard(kept(tmp_path / "r.jsonl", "never")[0])) == "Stated: 1802."


class Telling(ChatLLM):
    """Tells what it holds inside with the first piece of each reply."""

    asked: int = 0

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="telling", is_chat_model=True)

    def _pieces(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[Piece]:
        self.asked += 1
        yield Piece(first={"St": -0.1}, inside=INSIDE)
        yield Piece("Stated: 1802.")


QUESTION = [*opening_messages("en"), ChatMessage(role="user", content="When?")]
INSIDE = np.array([[0.5, -2.0], [1.0, 3.0]], np.float32)


def test_what_the_model_held_is_kept_too_and_asked_for_where_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    list(KeptLLM(inner=Telling(), path=str(path)).stream_chat(QUESTION))
    path.write_text(
        "".join(json.dumps({**json.loads(line), "inside": None}) for line in path.read_text().splitlines()) + "\n"
    )

    model = Telling()
    for _ in range(2):
        llm = KeptLLM(inner=model, path=str(path), layers=(3, 4))
        replies = list(llm.stream_chat(QUESTION))
        assert replies[0].additional_kwargs["inside"].tolist() == INSIDE.tolist()
        assert text_of(replies) == "Stated: 1802."
    assert model.asked == 1

    list(KeptLLM(inner=model, path=str(path), layers=(3, 5)).stream_chat(QUESTION))
    assert model.asked == 2, "of other layers it is asked again"


def test_another_question_is_another_reply(tmp_path: Path) -> None:
    llm, model = kept(tmp_path / "r.jsonl", "one", "two")
    heard(llm)
    assert text_of(list(llm.stream_chat([ChatMessage(role="user", content="Where?")]))) == "two"
    assert len(model.prompts) == 2


def test_a_line_torn_by_an_interruption_is_asked_again(tmp_path: Path) -> None:
    llm, _ = kept(tmp_path / "r.jsonl", "Stated: 1802.")
    heard(llm)
    path = tmp_path / "r.jsonl"
    path.write_text(path.read_text()[:-9])
    again, model = kept(path, "Stated: 1802.")
    assert text_of(heard(again)) == "Stated: 1802."
    assert len(model.prompts) == 1


def test_a_line_torn_within_a_character_is_asked_again_and_loses_no_other(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    llm, _ = kept(path, "有。", "没有。")
    heard(llm)
    list(llm.stream_chat([ChatMessage(role="user", content="Where?")]))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex("没".encode()) + 1])
    again, model = kept(path, "没有。")
    assert text_of(heard(again)) == "有。"
    list(again.stream_chat([ChatMessage(role="user", content="Where?")]))
    assert len(model.prompts) == 1
    assert path.read_bytes() == whole, "the new line does not continue the torn one"


def test_another_model_is_asked_itself(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for name, model, said in (("openai", "one", "One."), ("openai", "two", "Two."), ("local", "two", "Three.")):
        for asked_before in (False, True):
            scripted = ScriptedLLM(said, logit=2.0)
            llm = keeping(Generator(name, model, scripted), path).llm
            assert text_of(list(llm.stream_chat(ASKED))) == said
            assert len(scripted.prompts) == (0 if asked_before else 1)


def test_a_generator_that_keeps_is_the_same_generator_otherwise(tmp_path: Path) -> None:
    plain = Generator("openai", "scripted", ScriptedLLM("x"), is_small=True)
    keeps = keeping(plain, tmp_path / "evals" / "r.jsonl")
    assert (keeps.name, keeps.model, keeps.is_small) == ("openai", "scripted", True)
    assert keeps.llm.metadata == plain.llm.metadata
    assert (tmp_path / "evals").is_dir()


def test_a_start_is_read_ahead_only_where_the_model_is_asked(tmp_path: Path) -> None:
    ahead: list[str] = []

    def read_ahead(messages: Sequence[ChatMessage]) -> bool:
        ahead.append(str(messages[0].content))
        if len(ahead) == 1:
            raise UserError("the disk is full")
        return True

    model = ScriptedLLM("Stated: 1802.", "Stated: Here.", logit=2.0)
    generator = keeping(Generator("local", "m", model, prepare=read_ahead), tmp_path / "r.jsonl")
    assert generator.prepare
    for question in ("When?", "Where?", "When?"):
        generator.prepare([ChatMessage(content=f"Before {question}")])
        list(generator.llm.stream_chat([ChatMessage(content=question)]))
    assert ahead == ["Before When?", "Before Where?"], "the third reply is kept"
    assert keeping(Generator("local", "m", model), tmp_path / "r.jsonl").prepare is None
