"""How every figure looks, and figures as reproducible inline SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

PALETTE = ("#5b6472", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colour-blind safe (Okabe and Ito); the undefended model comes first, in grey."""

INK, FAINT = "#1d2430", "#8a93a3"


def colours(models: Sequence[str]) -> dict[str, str]:
    """A colour for each model, in order."""
    return {model: PALETTE[i % len(PALETTE)] for i, model in enumerate(models)}


@contextmanager
def styled() -> Iterator[Any]:
    """Matplotlib's pyplot, off screen, in the style of the page."""
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib import pyplot

    style = {
        "svg.hashsalt": "zsrobust",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.grid": True,
        "grid.color": "#e8ebf0",
        "axes.axisbelow": True,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(style):
        yield pyplot


def as_svg(figure: Any) -> str:
    """A figure as an `<svg>` element, the same bytes every time, and the figure closed."""
    from matplotlib import pyplot

    sink = io.StringIO()
    figure.savefig(
        sink, format="svg", bbox_inches="tight", metadata={"Date": None}, transparent=True
    )
    pyplot.close(figure)
    text = sink.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    return text.replace("font: 10px 'DejaVu Sans'", "font: 10px system-ui").replace(
        "'DejaVu Sans', sans-serif", "system-ui, sans-serif"
    )
