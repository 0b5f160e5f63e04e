"""An answer for people at a terminal: streamed while it is written, then with its quotes."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from index.paragraphs import Language
from rag.answer import Answer
from rag.counterpart import counterpart
from rag.engine import Delta, Done, Engine, Found
from rag.evidence import shown_language

_NEAREST: dict[Language, str] = {"zh": "文中最接近的段落(不是答案):", "en": "Closest in the article (not an answer):"}
_VERDICTS: dict[Language, dict[str, str]] = {
    "zh": {"supported": "", "partial": "(部分有据)", "unsupported": "(未找到依据)"},
    "en": {"supported": "", "partial": " (partly supported)", "unsupported": " (not found)"},
}
_UNDERSTOOD: dict[Language, str] = {"zh": "理解为:", "en": "Understood as: "}
_WITHOUT: dict[Language, str] = {"zh": "未用模型: ", "en": "Without the model: "}
SHOWN_NEAREST = 3


def print_answer(engine: Engine, question: str, console: Console | None = None) -> Answer:
    """Ask and print; the growing text is replaced by the checked answer. Returns the answer."""
    console = console or Console()
    with Live(console=console, transient=True, refresh_per_second=12) as live:
        written = ""
        for event in engine.stream(question):
            if isinstance(event, Found):
                live.update(Text(event.quotes.text, style="dim"))
            elif isinstance(event, Delta):
                written += event.text
                live.update(Text(written, style="dim"))
            elif isinstance(event, Done):
                answer = event.answer
    console.print(render(engine, answer))
    return answer


def render(engine: Engine, answer: Answer) -> RenderableType:
    """The answer with its marks, why no model wrote it where one should, then each citation's quote in both languages.

    Of a refusal the nearest paragraphs stand in place of the quotes.
    """
    parts: list[RenderableType] = []
    if answer.rewritten:
        parts.append(Text(f"{_UNDERSTOOD[answer.language]}{answer.rewritten}", style="dim"))
    parts.append(Text(answer.text, style="bold"))
    parts.extend(_doubts(answer))
    if answer.fallback:
        parts.append(Text(f"{_WITHOUT[answer.language]}{answer.fallback}", style="yellow"))
    parts.append(Text())
    parts.extend(_nearest(answer) if answer.refused else _quotes(engine, answer))
    return Group(*parts)


def _doubts(answer: Answer) -> list[RenderableType]:
    marks = _VERDICTS[answer.language]
    return [
        Text(f"{s.text[:40]}…{marks[s.verdict]}", style="yellow") for s in answer.statements if s.verdict != "supported"
    ]


def _quotes(engine: Engine, answer: Answer) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for citation in answer.citations:
        section = citation.paragraph.section.path(citation.language)
        parts.append(Text.assemble((f"¶{citation.paragraph.number}", "bold cyan"), f"  {section}"))
        parts.append(Padding(Text(citation.quote), (0, 0, 0, 4)))
        if translated := counterpart(engine.index, citation):
            parts.append(Padding(Text(translated.text, style="dim"), (0, 0, 0, 4)))
    return parts


def _nearest(answer: Answer) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(_NEAREST[answer.language], style="dim")]
    for entry in answer.retrieved[:SHOWN_NEAREST]:
        paragraph = entry.paragraph
        text = paragraph.text(shown_language(paragraph, answer.language)) or ""
        parts.append(Text(f"  ¶{paragraph.number}  {text[:90]}…", style="dim"))
    return parts
