"""The peer: llama-index's CitationQueryEngine over the same paragraphs, with the same embedder and the same model.

Everything that is its own stays at its default: the splitter, the number of paragraphs retrieved, the chunk size, the
prompt, how it joins sources, and the longest answer (llama-index's default, more than we allow ourselves). It runs in
a process of its own, so that neither system's memory or kept prompts are the other's:

    python -m evals.peer        {"question", "language"} a line in, {"seconds", "answer", …} a line out

Its answer is brought into the contract's form, leniently: see `answer_of`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.child import environment
from index.errors import UserError
from index.paragraphs import Language, Paragraph
from index.sentences import split_sentences

if TYPE_CHECKING:
    from llama_index.core.llms import LLM
    from llama_index.core.query_engine import CitationQueryEngine

    from index.embedder import Embedder

NAME = "CitationQueryEngine"
# Which paragraph and language a numbered source is of.
Source = tuple[int, Language]

_NUMBERS = r"\d+(?:\s*(?:[,，、;；&–—-]|and|和|to|至)\s*(?:source\s*)?\d+)*"
_NAMED = r"(?:sources?|来源|资料|引用)\s*(?:no\.?|[:：#])?\s*"
# [1] [1, 3] [2-4] [^1] 【1】 [Source 2] (Source 2) (来源 2), and a bare "Source 2" or 来源2.
_MARKER = re.compile(
    rf"[\[【［]\s*\^?(?:{_NAMED})?({_NUMBERS})\s*[\]】］]|[(（]\s*{_NAMED}({_NUMBERS})\s*[)）]|{_NAMED}({_NUMBERS})",
    re.IGNORECASE,
)
_LEADING = re.compile(rf"(?:\s*{_MARKER.pattern})+", re.IGNORECASE)
# How a reply says that the sources do not tell.
_SILENT = re.compile(
    r"none of the (?:\w+ )?(?:sources|information)|(?:is|are|was|were)(?: not|n['’]t) (?:\w+ )?"
    r"(?:mentioned|stated|specified|provided|given|disclosed|included|available)|(?:do|does|did)(?: not|n['’]t) "
    r"(?:\w+ )?(?:mention|provide|contain|specify|state|include|indicate|say|give|offer|address|discuss)|"
    r"no (?:\w+ )?(?:information|mention|source|data)|cannot (?:be )?(?:answer|determin|provid)|unable to|"
    r"没有(?:明确|直接|具体)?(?:提到|提及|说明|提供|给出|指出|包含|相关|任何|关于)|未(?:明确|直接|具体)?(?:提到|提及|说明|提供|给出|指出)|"
    r"无法(?:回答|确定|得知|提供)|并未|不包含|没有.{0,8}信息",
    re.IGNORECASE,
)


# --- what it is ---------------------------------------------------------------------------------------------


def make_engine(paragraphs: Sequence[Paragraph], embedder: Embedder, llm: LLM) -> CitationQueryEngine:
    """The query engine over an index in memory, both at their defaults; the section is embedded with each paragraph."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.query_engine import CitationQueryEngine

    from index.paragraphs import Article
    from index.source import documents_of

    documents = documents_of(Article(title="", paragraphs=tuple(paragraphs)))
    for document in documents:
        document.excluded_embed_metadata_keys = ["paragraph", "kind", "language"]
    index = VectorStoreIndex.from_documents(documents, embed_model=embedder)
    return CitationQueryEngine.from_args(index, llm=llm)


def ask(
    engine: CitationQueryEngine, question: str, language: Language, paragraphs: dict[int, Paragraph]
) -> dict[str, Any]:
    """One question: `seconds` to the whole answer, and the `answer` in the contract's form."""
    started = time.perf_counter()
    response = engine.query(question)
    seconds = time.perf_counter() - started
    sources = [(n.metadata["paragraph"], n.metadata["language"]) for n in response.source_nodes]
    answer = answer_of(str(response), question, language, sources, paragraphs)
    return {"seconds": seconds, "text": str(response), "answer": answer}


# --- its answer in the contract's form ----------------------------------------------------------------------


def answer_of(
    text: str, question: str, language: Language, sources: Sequence[Source], paragraphs: dict[int, Paragraph]
) -> dict[str, Any]:
    """The contract's object of a written answer whose `[n]` names the n-th of `sources`.

    Lenient: many spellings of a marker are read, a number that names no source is passed over, a marker behind a full
    stop belongs to the sentence before it, a sentence without one rests on the next marker (else on the last), and
    whole paragraphs count as quoted. It is a refusal where the first sentence says that the sources do not tell, and
    no other sentence cites one.
    """
    statements = _statements(text, sources)
    places = {source: i for i, source in enumerate(dict.fromkeys(s for _, cited in statements for s in cited))}
    refused = bool(statements) and _SILENT.search(statements[0][0]) is not None and not _markers(text, sources, 1)
    return {
        "question": question,
        "language": language,
        "refused": refused,
        "statements": []
        if refused
        else [{"text": said, "citations": [places[s] for s in cited]} for said, cited in statements],
        "citations": [] if refused else [_citation(source, paragraphs) for source in places],
        "retrieved": [{"paragraph": number} for number in dict.fromkeys(number for number, _ in sources)],
    }


def _statements(text: str, sources: Sequence[Source]) -> list[tuple[str, tuple[Source, ...]]]:
    """The sentences without their markers, each with the sources that it rests on."""
    found = [(_MARKER.sub("", said).strip(), marked) for said, marked in _sentences(text, sources)]
    cited: tuple[Source, ...] = next((marked for _, marked in reversed(found) if marked), ())
    filled: list[tuple[str, tuple[Source, ...]]] = []
    for said, marked in reversed(found):
        cited = marked or cited
        filled.append((said, cited))
    return [(said, marked) for said, marked in reversed(filled) if said]


def _sentences(text: str, sources: Sequence[Source]) -> list[tuple[str, tuple[Source, ...]]]:
    """The sentences, each with the sources of its own markers."""
    found: list[tuple[str, tuple[Source, ...]]] = []
    for start, end in split_sentences(text):
        sentence = text[start:end]
        lead = _LEADING.match(sentence)
        if lead and lead.group().strip()[:1] in "[【［(（" and found:
            said, marked = found[-1]
            found[-1] = (said, tuple(dict.fromkeys((*marked, *_named(lead.group(), sources)))))
            sentence = sentence[lead.end() :]
        if sentence.strip():
            found.append((sentence, _named(sentence, sources)))
    return found


def _markers(text: str, sources: Sequence[Source], first: int) -> bool:
    """Whether a sentence from the `first` on has a marker of its own."""
    return any(marked for _, marked in _sentences(text, sources)[first:])


def _named(text: str, sources: Sequence[Source]) -> tuple[Source, ...]:
    """The sources that the markers of `text` name, each once."""
    numbers = [n for match in _MARKER.finditer(text) for n in numbers_of(next(g for g in match.groups() if g))]
    return tuple(dict.fromkeys(sources[n - 1] for n in numbers if 1 <= n <= len(sources)))


def numbers_of(marker: str) -> list[int]:
    """The numbers of a marker's inside: `1, 3` is 1 and 3, `2-4` is 2, 3 and 4."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*(?:[–—-]|to|至)\s*(\d+))?", marker):
        found.extend(range(int(first), min(int(last or first), int(first) + 20) + 1))
    return found


def _citation(source: Source, paragraphs: dict[int, Paragraph]) -> dict[str, Any]:
    number, language = source
    text = paragraphs[number].text(language) or ""
    return {"paragraph": number, "language": language, "text": text, "start": 0, "end": len(text), "quote": text}


# --- its process --------------------------------------------------------------------------------------------


class Peer:
    """The peer's process, ready to be asked. `ready` is its first line: how long its index and its start took."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ready = self._read()

    def ask(self, question: str, language: Language) -> dict[str, Any]:
        """See the module's `ask`; with `written`, what each reply cost, and `resident_mb`."""
        assert self._process.stdin is not None
        print(json.dumps({"question": question, "language": language}), file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise UserError(f"the peer's process ended with status {self._process.wait()}. See: python -m evals.peer")
        record: dict[str, Any] = json.loads(line)
        return record


@contextmanager
def opened(index: Path | None) -> Iterator[Peer]:
    """The peer over the paragraphs of an index (default: the settings'), ended with the block."""
    command = [sys.executable, "-m", "evals.peer", *([str(index)] if index else [])]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield Peer(process)
    finally:
        process.terminate()
        process.wait(timeout=20)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def serve(index: Path | None) -> int:
    """Answer the questions on stdin, one a line, until there are no more."""
    from evals.meter import Metered, resident_mb
    from index.build import dump
    from index.embedder import Embedder
    from index.settings import load_settings

    settings = load_settings()
    paragraphs = [Paragraph.from_json(json.loads(line)) for line in dump(settings, index)]
    embedder = Embedder.from_settings(settings)
    embedder.load()
    llm = Metered.from_settings(settings.model_copy(update={"answer_tokens": _default_answer_tokens()}))
    assert isinstance(llm, Metered)
    llm.load()
    started = time.perf_counter()
    engine = make_engine(paragraphs, embedder, llm)
    print(json.dumps({"index_seconds": time.perf_counter() - started, "resident_mb": resident_mb(llm)}), flush=True)
    by_number = {paragraph.number: paragraph for paragraph in paragraphs}
    for line in sys.stdin:
        request = json.loads(line)
        llm.take()
        reply = ask(engine, request["question"], request["language"], by_number)
        written = [{"new_tokens": w.new_tokens, "tokens": w.tokens} for w in llm.take()]
        print(json.dumps({**reply, "written": written, "resident_mb": resident_mb(llm)}), flush=True)
    return 0


def _default_answer_tokens() -> int:
    from llama_index.core.constants import DEFAULT_NUM_OUTPUTS

    return DEFAULT_NUM_OUTPUTS


if __name__ == "__main__":
    from index.environment import prepare
    from index.errors import run_command

    prepare()
    sys.exit(run_command(lambda: serve(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
