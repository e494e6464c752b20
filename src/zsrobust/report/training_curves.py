"""Loss terms of a training over its steps."""

from __future__ import annotations

import json

import numpy as np

from zsrobust.errors import RunError
from zsrobust.report.cells import Training
from zsrobust.report.drawing import INK, PALETTE, as_svg, inline, styled

LOG = "log.jsonl"
WINDOW = 10
"""Steps that a bold line is the mean of."""


def training_curves(training: Training, title: str) -> str | None:
    """A small figure as SVG, a line a loss term; None where nothing was logged.

    Thin: each step. Bold: the mean of the last ten.
    """
    path = training.path / LOG
    if not path.exists():
        return None
    try:
        lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
        steps = np.array([line["step"] + 1 for line in lines])
        terms = {
            name: np.array([line["terms"][name] for line in lines], dtype=float)
            for name in (lines[0]["terms"] if lines else {})
        }
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path}: not a training log ({error}). The same train command again mends it."
        ) from None
    return _draw(title, steps, terms) if terms else None


def _draw(title: str, steps: np.ndarray, terms: dict[str, np.ndarray]) -> str:
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(4.6, 2.7))
        for i, (name, values) in enumerate(terms.items()):
            colour = PALETTE[1 + i % (len(PALETTE) - 1)]
            axes.plot(steps, values, color=colour, linewidth=0.6, alpha=0.45)
            axes.plot(
                steps, _trailing_mean(values), color=colour, linewidth=1.6,
                label=name.replace("_", " "),
            )  # fmt: skip
        axes.set_title(title, fontsize=10, loc="left", color=INK)
        axes.set_xlabel("step")
        axes.set_ylabel("loss term")
        if all(values.min() >= 0 for values in terms.values()):
            axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, handlelength=1.2)
        return inline(as_svg(figure))


def _trailing_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each value and the nine before it (fewer at the start)."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - WINDOW)
    means: np.ndarray = (sums[ends] - sums[starts]) / (ends - starts)
    return means
