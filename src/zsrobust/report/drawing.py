"""How every figure looks, and figures as reproducible inline SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

PALETTE = ("#667085", "#0072b2", "#c97700", "#009e73", "#aa4499", "#56b4e9", "#882255")
"""Told apart by the colour-blind; the undefended model comes first, in grey."""

INK, SOFT, FAINT, WRONG = "#1b2333", "#5b6472", "#98a1b0", "#c8102e"


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
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#cfd5de",
        "axes.labelcolor": SOFT,
        "text.color": INK,
        "xtick.color": "#cfd5de",
        "ytick.color": "#cfd5de",
        "xtick.labelcolor": SOFT,
        "ytick.labelcolor": SOFT,
        "axes.grid": True,
        "grid.color": "#eceff3",
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
    # Group ids repeat from figure to figure, and a page holds several.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    return text.replace("'DejaVu Sans', sans-serif", "system-ui, sans-serif").replace(
        "'DejaVu Sans'", "system-ui, sans-serif"
    )


def inline(svg: str) -> str:
    """An SVG element as it stands in an HTML page, which needs no namespace."""
    return re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("<svg ", '<svg role="img" ', 1)
