"""Articles written for the evals: captured pages of other shapes than the bundled one, with questions of their own."""

from __future__ import annotations

import json
from pathlib import Path

from index.errors import UserError
from index.progress import bar
from index.settings import Settings

PAGES = Path(__file__).with_name("captured")
SUFFIXES = (".txt", ".md", ".html")
LESSONS = Path(__file__).with_name("lessons")
READING = Path(__file__).with_name("reading")
WEIGHING = Path(__file__).with_name("weighing")
# Dev pages that the reader's adapter is not taught on: what weighs what it says is fitted on these and on WEIGHING.
UNTAUGHT = frozenset({"creamery", "glacier", "kiosks", "pioneer"})


def page_names() -> tuple[str, ...]:
    """What the pages are called."""
    return tuple(sorted(path.stem for path in PAGES.glob("*.jsonl")))


def dev_pages() -> tuple[str, ...]:
    """The pages that may be looked at and fitted on: all that is asked about them is of the dev split."""
    return tuple(name for name in page_names() if _splits_of(name) == {"dev"})


def _splits_of(name: str) -> set[str]:
    lines = gold_of_page(name).read_text(encoding="utf-8").split("\n")
    return {json.loads(line)["split"] for line in lines if line.strip()}


def page_of(name: str) -> Path:
    """The captured page. Raises UserError where there is none of that name."""
    if name not in page_names():
        raise UserError(f"--page is {name}; the pages are {', '.join(page_names())}.")
    return next(path for suffix in SUFFIXES if (path := PAGES / f"{name}{suffix}").is_file())


def gold_of_page(name: str) -> Path:
    """The questions about it."""
    return page_of(name).with_suffix(".jsonl")


def short_gold_of_page(name: str) -> Path:
    """Further questions about it, in a few words each, as people type them first."""
    return PAGES / "short" / page_of(name).with_suffix(".jsonl").name


def golds_of_page(name: str) -> list[Path]:
    """Both files of questions, or the one that there is."""
    return [path for path in (gold_of_page(name), short_gold_of_page(name)) if path.is_file()]


def lessons(*folders: Path) -> tuple[tuple[Path, Path], ...]:
    """(article, questions) of what is only fitted on: paragraphs, one a line, not pages.

    Without `folders` those of LESSONS. Both adapters are fitted on LESSONS and READING, the reader's on READING first;
    what weighs what they tell (rag/rerank.json, rag/gate.json) on WEIGHING, which neither has seen.
    """
    questions = [path for folder in folders or (LESSONS,) for path in sorted(folder.glob("*.questions.jsonl"))]
    return tuple((path.with_name(path.name.replace(".questions.", ".paragraphs.")), path) for path in questions)


def lesson_name(article: Path) -> str:
    """What one of these articles is called: `agents` for agents.paragraphs.jsonl."""
    return article.name.partition(".")[0]


def index_over_page(settings: Settings, name: str) -> Path:
    """An index of the page, in the cache; built where it is not yet, or where the page or its reading changed."""
    return _index_over(settings, page_of(name), f"page-{name}")


def index_over_lesson(settings: Settings, article: Path) -> Path:
    """The same of an article that is only fitted on."""
    return _index_over(settings, article, f"lesson-{lesson_name(article)}")


def _index_over(settings: Settings, source: Path, name: str) -> Path:
    from index.build import build

    folder = settings.home / "evals" / name / "index"
    with bar(f"Embedding {name}") as on_progress:
        build(settings, source=source, into=folder, on_progress=on_progress)
    return folder
