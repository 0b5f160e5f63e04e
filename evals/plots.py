"""The report's drawings, as SVG that takes its colours from the page (light or dark)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evals.controls import CEILING
from evals.score import CONTROLLED, Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Stand-ins that matplotlib draws with and the page's own colours replace.
_INK, _SOFT, _ACCENT = "#010203", "#040506", "#070809"
_COLOURS = {_INK: "var(--ink)", _SOFT: "var(--soft)", _ACCENT: "var(--accent)"}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def draw(scores: Scores) -> dict[str, str]:
    """Every drawing by name: `controls`, `coverage`, `calibration`, `latency`; those without data are left out."""
    drawings: dict[str, Callable[[Axes], None]] = {"controls": lambda axes: _controls(axes, scores)}
    if len(scores.reliability.curve) > 1:
        drawings["coverage"] = lambda axes: _coverage(axes, scores)
        drawings["calibration"] = lambda axes: _calibration(axes, scores)
    if any(_seconds(scores)):
        drawings["latency"] = lambda axes: _latency(axes, scores)
    return {name: _svg(name, paint) for name, paint in drawings.items()}


def _svg(name: str, paint: Callable[[Axes], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": name}  # the same ids at every drawing
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.6, 3.4), layout="constrained")
        paint(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)  # ids are the page's, not the drawing's
    for stand_in, colour in _COLOURS.items():
        svg = svg.replace(stand_in, colour)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', f'class="plot" role="img" aria-label="{name}"', svg, count=1)


def _controls(axes: Axes, scores: Scores) -> None:
    rows = [("the system", scores.system[CONTROLLED])]
    rows += [(name, figures[CONTROLLED]) for name, figures in scores.controls.items()]
    rows = [(name, figure) for name, figure in reversed(rows) if figure.value is not None]
    for y, (name, figure) in enumerate(rows):
        colour = _ACCENT if name == "the system" else _SOFT
        axes.barh(y, figure.value or 0.0, color=colour, height=0.62)
        if figure.low is not None and figure.high is not None:
            axes.plot([figure.low, figure.high], [y, y], color=_INK, linewidth=1.4)
    axes.set_yticks(range(len(rows)), [f"{name} (ceiling)" if name == CEILING else name for name, _ in rows])
    axes.set_xlim(0, 1)
    axes.set_xlabel("handled rightly, balanced")


def _coverage(axes: Axes, scores: Scores) -> None:
    coverage, risk = zip(*scores.reliability.curve, strict=True)
    axes.step(coverage, risk, where="pre", color=_ACCENT, linewidth=1.8, label="gate")
    axes.axhline(risk[-1], color=_SOFT, linestyle="--", linewidth=1.2, label="a gate that knows nothing")
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="coverage: share of questions let through", ylabel="risk: share not answerable"
    )
    axes.legend(loc="upper left")


def _calibration(axes: Axes, scores: Scores) -> None:
    gate, share, counts = zip(*scores.reliability.bins, strict=True)
    axes.plot([0, 1], [0, 1], color=_SOFT, linestyle="--", linewidth=1.2)
    axes.plot(gate, share, color=_ACCENT, linewidth=1.6, marker="o", markersize=5)
    for x, y, count in zip(gate, share, counts, strict=True):
        axes.annotate(str(count), (x, y), textcoords="offset points", xytext=(5, -11), fontsize=8, color=_INK)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="gate, mean of bin", ylabel="share answerable")


def _latency(axes: Axes, scores: Scores) -> None:
    axes.hist(_seconds(scores), bins=24, color=_ACCENT)
    axes.set(xlabel="seconds to the whole answer", ylabel="answers")


def _seconds(scores: Scores) -> list[float]:
    times = ((o.answer.get("timings_ms") or {}).get("total") for o in scores.outcomes)
    return [time / 1000 for time in times if time is not None]
