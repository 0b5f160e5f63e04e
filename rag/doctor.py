"""`python -m rag doctor`: what is set, where weights and index are, what is missing, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from index import weights
from index.build import open_index
from index.embedder import Embedder
from index.errors import UserError, WeightsMissing
from index.settings import SETTINGS_FILE, Settings
from rag.generators import make_generator


def report(settings: Settings) -> Iterator[tuple[bool, str]]:
    """(whether it is well, one line) for each thing that must be in place; settings first."""
    defaults = Settings.model_construct()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        changed = " (set)" if name in settings.model_fields_set and value != getattr(defaults, name, None) else ""
        yield True, f"{name:18} {value}{changed}"
    found = "found" if Path(SETTINGS_FILE).is_file() else "none in this folder"
    yield True, f"{'settings file':18} {SETTINGS_FILE}: {found}"
    yield from _weights(settings)
    yield from _index(settings)
    try:
        make_generator(settings)
    except WeightsMissing:
        pass  # told above
    except UserError as error:
        yield False, f"generator          {error}"


def _weights(settings: Settings) -> Iterator[tuple[bool, str]]:
    for model in weights.needed(settings):
        if model.is_present(settings):
            yield True, f"weights            {model.name}: in {model.folder(settings)}"
        else:
            yield False, f"weights            {model.name}: missing. Fetch: {weights.FETCH_COMMAND} {model.name}"


def _index(settings: Settings) -> Iterator[tuple[bool, str]]:
    try:
        embedder = Embedder.from_settings(settings)
        index = open_index(settings, embedder=embedder)
        paragraphs, vectors = len(index.paragraphs), index.vectors.count()
        yield (
            True,
            f"index              {index.folder}: {index.manifest.title}; {paragraphs} paragraphs, {vectors} vectors",
        )
    except UserError as error:
        yield False, f"index              {error}"
