"""Templates that escape whatever they are given: the one way text becomes HTML in this room."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from index.paragraphs import LANGUAGES
from ui.wording import LANG, WORDING

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> Markup:
    """The template `<template>.html` with `values` filled in.

    Text becomes HTML here and nowhere else. Every value is escaped, wherever it comes from; only what another
    template returned goes in as it is.
    """
    return Markup(_environment().get_template(f"{template}.html").render(**values))  # noqa: S704 - it escaped them


def both(key: str, **values: Any) -> Markup:
    """Interface words in both languages; the style sheet shows the reader's, so a switch needs no server."""
    spans = (
        Markup('<span class="w" lang="{}">{}</span>').format(LANG[own], WORDING[key].say(own, **values))
        for own in LANGUAGES
    )
    return Markup("").join(spans)


def label(key: str, at: str = "aria-label", **values: Any) -> Markup:
    """Attributes that give an element's `at` (one or more attribute names) in the reader's language.

    The page's script copies the right one of data-zh and data-en to the attributes that data-say names.
    """
    words = WORDING[key]
    zh, en = words.say("zh", **values), words.say("en", **values)
    now = Markup(" ").join(Markup('{}="{}"').format(name, en) for name in at.split())
    return Markup('{} data-say="{}" data-zh="{}" data-en="{}"').format(now, at, zh, en)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(both=both, label=label, LANG=LANG)
    return environment
