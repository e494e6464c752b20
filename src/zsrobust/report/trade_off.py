"""Clean against robust accuracy: what a defence costs and what it buys."""

from __future__ import annotations

from collections.abc import Sequence

from zsrobust.report.cells import Cell, in_order
from zsrobust.report.drawing import FAINT, as_svg, colours, styled
from zsrobust.report.story import Story

MARKERS = "osD^vP*Xd<>ph"


def trade_off(cells: Sequence[Cell], story: Story) -> str | None:
    """A scatter as SVG: a marker a task, a colour a model, 95 % intervals as thin lines.

    Hollow where the model has collapsed on the task. None where nothing was attacked with labels.
    """
    shown = [cell for cell in cells if cell.hardest and cell.hardest.robust_accuracy]
    if not shown:
        return None
    models = in_order([cell.model for cell in shown], story.order)
    tasks = in_order([cell.dataset for cell in shown], [])
    colour = colours(models)
    marker = {task: MARKERS[i % len(MARKERS)] for i, task in enumerate(tasks)}
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(7.2, 4.6))
        axes.plot([0, 100], [0, 100], color=FAINT, linewidth=0.8, linestyle=(0, (4, 4)))
        for cell in shown:
            _point(axes, cell, colour[cell.model], marker[cell.dataset])
        for model in models:
            axes.scatter([], [], color=colour[model], label=story.call(model), s=42)
        for task in tasks:
            axes.scatter([], [], color=FAINT, marker=marker[task], label=task, s=34)
        axes.set_xlabel("clean accuracy, %")
        axes.set_ylabel("robust accuracy, %")
        axes.set_xlim(-2, 103)
        axes.set_ylim(-2, 103)
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), handletextpad=0.4)
        return as_svg(figure)


def _point(axes: object, cell: Cell, colour: str, marker: str) -> None:
    clean, hardest = cell.summary.clean_accuracy, cell.hardest
    if clean is None or hardest is None or hardest.robust_accuracy is None:
        return
    robust = hardest.robust_accuracy
    x, y = 100 * clean.value, 100 * robust.value
    axes.errorbar(  # type: ignore[attr-defined]
        x,
        y,
        xerr=[[x - 100 * clean.interval.low], [100 * clean.interval.high - x]],
        yerr=[[y - 100 * robust.interval.low], [100 * robust.interval.high - y]],
        color=colour,
        marker=marker,
        markersize=7,
        markerfacecolor="white" if cell.summary.collapsed else colour,
        elinewidth=0.7,
        alpha=0.9,
    )
