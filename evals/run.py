"""A run: every question asked once, every raw answer kept, so that all figures recompute without a model.

evals/runs/<name>/
    run.json            what was asked of what, and by which code
    paragraphs.jsonl    the paragraphs as they were indexed
    article.jsonl       the article that the gold was written from, where a bed indexed another
    answers.jsonl       one answer a line, appended as it comes; a rerun continues behind the last whole line
    closed_book.jsonl   the same questions asked of the bare model, where that control was run
    report.html|json|md written by `score`
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from evals.files import PART, cut_torn_line, json_lines, readable, write_whole
from evals.gold import Question
from index.errors import UserError
from index.paragraphs import LANGUAGES, Language, Paragraph
from index.weights import sha256_of

RUNS = Path(__file__).parent / "runs"
ANSWERS = "answers.jsonl"
CLOSED_BOOK = "closed_book.jsonl"
_ROOT = Path(__file__).parent.parent

# Asks one question in one language; gives the contract's JSON object.
Ask = Callable[[Question, Language], dict[str, Any]]
Key = tuple[str, Language]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is of. Two runs are comparable where their gold and article agree."""

    bed: str  # "plain", or a stress bed
    split: str
    languages: tuple[Language, ...]
    generator: str
    model: str
    article: str
    gold: str
    code: str
    limit: int | None
    questions: tuple[str, ...]
    started: str
    command: str
    # None in runs that were begun before these were recorded.
    embedder: str | None = None
    evidence_tokens: int | None = None
    answer_tokens: int | None = None

    @property
    def keys(self) -> list[Key]:
        """Every (question, language) of the run, in the order they are asked."""
        return [(name, language) for name in self.questions for language in self.languages]


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "run.json").is_file()

    @property
    def info(self) -> RunInfo:
        """What the run is of. Raises UserError where there is none."""
        if not self.exists:
            raise UserError(
                f"{self.path} holds no run (no run.json). Make one with: python -m evals run --out {self.path}"
            )
        with readable(path := self.path / "run.json"):
            record = json.loads(path.read_text(encoding="utf-8"))
            record["languages"], record["questions"] = tuple(record["languages"]), tuple(record["questions"])
            return RunInfo(**record)

    @cached_property
    def paragraphs(self) -> dict[int, Paragraph]:
        """The indexed paragraphs by number."""
        return {paragraph.number: paragraph for paragraph in self._read("paragraphs.jsonl")}

    @property
    def article(self) -> tuple[Paragraph, ...]:
        """The paragraphs that the gold's snippets stand in."""
        return tuple(self._read("article.jsonl") or self.paragraphs.values())

    def _read(self, file: str) -> list[Paragraph]:
        with readable(path := self.path / file):
            return [Paragraph.from_json(record) for record in json_lines(path)]

    def _write(self, file: str, paragraphs: Sequence[Paragraph]) -> None:
        lines = (json.dumps(p.to_json(), ensure_ascii=False) + "\n" for p in paragraphs)
        write_whole(self.path / file, "".join(lines))

    def begin(self, info: RunInfo, paragraphs: Sequence[Paragraph], article: Sequence[Paragraph]) -> None:
        """Start the run, or go on with it. `paragraphs` is what was indexed, `article` what the gold is about.

        Raises UserError where the folder holds a run of something else, for answers of two kinds are never mixed, and
        where it holds no run but other files.
        """
        if self.exists:
            _refuse_other(self.path, self.info, info)
        else:
            self._refuse_foreign()
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(self.path / "run.json", json.dumps(asdict(info), ensure_ascii=False, indent=1))
        texts = {
            "paragraphs.jsonl": paragraphs,
            "article.jsonl": article if tuple(article) != tuple(paragraphs) else (),
        }
        for file, own in texts.items():
            if own and not (self.path / file).is_file():  # it may be there but for a kill right behind run.json
                self._write(file, own)

    def start_over(self) -> None:
        """Delete the run's files; folders beside them, which may be other runs, stay.

        Raises UserError where the folder holds something that is no run.
        """
        self._refuse_foreign()
        for path in self.path.glob("*"):
            if not path.is_dir():
                path.unlink()

    def _refuse_foreign(self) -> None:
        """Folders may be other runs, and are in nobody's way; a file of someone's is."""
        found = self.path.iterdir() if self.path.is_dir() else [self.path]
        if not self.exists and any(p.exists() and not p.is_dir() and p.suffix != PART for p in found):
            raise UserError(
                f"{self.path} holds no run, but something else that a run would mix with. Choose another --out."
            )

    def answers(self, file: str = ANSWERS) -> dict[Key, dict[str, Any]]:
        """The raw answers by (question, language). A line torn by a kill is not counted."""
        with readable(path := self.path / file):
            records = json_lines(path, is_appended=True)
            return {(record["question"], record["language"]): record["answer"] for record in records}

    def is_complete(self, questions: Sequence[Question], file: str = ANSWERS) -> bool:
        """Whether every one of `questions` has an answer in every language of the run; an error is none."""
        answered = {key for key, answer in self.answers(file).items() if "error" not in answer}
        return {(question.id, language) for question in questions for language in self.info.languages} <= answered

    def append(self, key: Key, answer: dict[str, Any], file: str = ANSWERS) -> None:
        """Keep one raw answer."""
        record = {"question": key[0], "language": key[1], "answer": answer}
        with (self.path / file).open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(record, ensure_ascii=False) + "\n")


def answer_all(
    folder: RunFolder,
    questions: Sequence[Question],
    ask: Ask,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    file: str = ANSWERS,
) -> int:
    """Ask those of `questions` that have not been answered yet; returns how many were asked now.

    A question that makes the engine fail is kept as an error, counts as unanswered, and is asked again by a
    rerun. A UserError (no index, no key) ends the run: it would fail every question alike.
    """
    cut_torn_line(folder.path / file)
    known = {key for key, answer in folder.answers(file).items() if "error" not in answer}
    by_id = {question.id: question for question in questions}
    keys = [key for key in folder.info.keys if key[0] in by_id]
    missing = [key for key in keys if key not in known]
    for done, (name, language) in enumerate(missing, start=len(keys) - len(missing)):
        on_progress(done, len(keys))
        answer = or_error(partial(ask, by_id[name], language), language)
        folder.append((name, language), answer, file)
    on_progress(len(keys), len(keys))
    return len(missing)


def or_error(ask: Callable[[], dict[str, Any]], language: Language) -> dict[str, Any]:
    """What `ask` gives, or the failure of the engine as an answer; a UserError ends the run."""
    try:
        return ask()
    except UserError:
        raise
    except Exception as error:  # one question that trips the engine must not lose the others
        return {"error": f"{type(error).__name__}: {error}", "refused": False, "language": language}


def sample(questions: Sequence[T], limit: int | None) -> tuple[T, ...]:
    """At most `limit` questions, spread evenly over the file so that every part and kind has its share."""
    if limit is None or limit >= len(questions):
        return tuple(questions)
    return tuple(questions[i * len(questions) // limit] for i in range(limit))


def code_digest() -> str:
    """Names the code that answers (index/ and rag/), so that answers of two versions are never one run."""
    sha = hashlib.sha256()
    answering = ("index/*.py", "index/*.toml", "index/*.safetensors", "rag/*.py", "rag/*.json", "rag/*.gguf")
    for path in sorted(path for pattern in answering for path in _ROOT.glob(pattern)):
        sha.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]


def file_digest(path: Path) -> str:
    """Names a gold file's content."""
    return sha256_of(path)[:12]


def now() -> str:
    """The time, as a run records it (UTC)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def run_path(name: str | None, default: str) -> Path:
    """Where a run is kept: a path as given; a bare name (else `default`) is a folder of evals/runs.

    Whatever the working directory holds: a folder of that name there is most likely no run.
    """
    name = name or default
    return RUNS / name if Path(name).name == name else Path(name)


def parse_languages(text: str) -> tuple[Language, ...]:
    """`zh,en` as languages. Raises UserError for any other."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or any(name not in LANGUAGES for name in names):
        raise UserError(f"--language is {text!r}; one or both of {', '.join(LANGUAGES)} are needed, joined by a comma.")
    return tuple(language for language in LANGUAGES if language in names)


def _refuse_other(path: Path, there: RunInfo, wanted: RunInfo) -> None:
    told = ("embedder", "evidence_tokens", "answer_tokens")
    for name in ("bed", "split", "languages", "generator", "model", "limit", "article", "gold", "code", *told):
        old, new = getattr(there, name), getattr(wanted, name)
        if old != new:
            raise UserError(
                f"the run in {path} has {name} = {old}, now it is {new}. "
                f"Start it over with --fresh, or keep it and choose another place with --out."
            )
