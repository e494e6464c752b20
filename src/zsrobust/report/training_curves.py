"""Loss terms of a training over its steps."""

from __future__ import annotations

import numpy as np

from zsrobust.report.cells import Training
from zsrobust.report.drawing import INK, PALETTE, as_svg, inline, styled
from zsrobust.report.training_log import read_training_log

WINDOW = 10
"""Steps that a bold line is the mean of."""
_DRAWN = 500
"""Points that a line is drawn with at most: a long log is drawn by the means of its parts."""


def training_curves(training: Training, title: str) -> str | None:
    """A small figure as SVG, a line a loss term; None where nothing was logged.

    Thin: each step. Bold: the mean of the last ten.
    """
    log = read_training_log(training)
    return _draw(title, log.steps, log.terms) if log.terms else None


def thinned(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same line with at most 500 points, each the mean of equally many neighbours."""
    size = -(-len(values) // _DRAWN)
    if size <= 1:
        return steps, values
    starts = np.arange(0, len(values), size)
    counts = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(steps, starts) / counts, np.add.reduceat(values, starts) / counts


def _draw(title: str, steps: np.ndarray, terms: dict[str, np.ndarray]) -> str:
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(4.6, 2.7))
        for i, (name, values) in enumerate(terms.items()):
            colour = PALETTE[1 + i % (len(PALETTE) - 1)]
            axes.plot(*thinned(steps, values), color=colour, linewidth=0.6, alpha=0.45)
            axes.plot(
                *thinned(steps, trailing_mean(values)), color=colour, linewidth=1.6,
                label=name.replace("_", " "),
            )  # fmt: skip
        axes.set_title(title, fontsize=10, loc="left", color=INK)
        axes.set_xlabel("step")
        axes.set_ylabel("loss term")
        if all(values.min() >= 0 for values in terms.values()):
            axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, handlelength=1.2)
        return inline(as_svg(figure))


def trailing_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each value and the nine before it (fewer at the start)."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - WINDOW)
    means: np.ndarray = (sums[ends] - sums[starts]) / (ends - starts)
    return means
