"""Loss terms of a training over its steps."""

from __future__ import annotations

import json

from zsrobust.errors import RunError
from zsrobust.report.cells import Training
from zsrobust.report.drawing import PALETTE, as_svg, styled

LOG = "log.jsonl"


def training_curves(training: Training, title: str) -> str | None:
    """A small figure as SVG, a line a loss term; None where nothing was logged."""
    path = training.path / LOG
    if not path.exists():
        return None
    try:
        lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise RunError(f"{path}: not a training log ({error}).") from None
    if not lines:
        return None
    steps = [line["step"] + 1 for line in lines]
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(4.4, 2.5))
        for i, name in enumerate(lines[0]["terms"]):
            values = [line["terms"][name] for line in lines]
            axes.plot(
                steps, values, color=PALETTE[i + 1], linewidth=1.3, label=name.replace("_", " ")
            )
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("step")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
        return as_svg(figure)
