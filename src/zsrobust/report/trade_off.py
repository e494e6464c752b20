"""Clean against robust accuracy: what a defence costs and what it buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zsrobust.report.cells import Cell, in_order
from zsrobust.report.drawing import FAINT, SOFT, as_svg, colours, inline, styled
from zsrobust.report.standing import comparable
from zsrobust.report.story import Story

MARKERS = "osD^vP*Xd<>ph"


@dataclass(frozen=True)
class TradeOff:
    """The scatter as SVG, and its legend: (model, colour) and (task, marker as SVG)."""

    svg: str
    eps: str
    models: tuple[tuple[str, str], ...]
    tasks: tuple[tuple[str, str], ...]


def trade_off(cells: Sequence[Cell], story: Story) -> TradeOff | None:
    """A marker a task, a colour a model, 95 % intervals as thin lines, chance as short bars.

    Hollow where the model has collapsed on the task. None where nothing was attacked with labels.
    """
    shown = comparable(cells)
    if not shown or shown[0].hardest is None:
        return None
    colour = colours(story.models(cells))
    tasks = in_order([cell.dataset for cell in shown], [])
    marker = {task: MARKERS[i % len(MARKERS)] for i, task in enumerate(tasks)}
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(5.4, 4.5))
        axes.plot([0, 100], [0, 100], color=FAINT, linewidth=0.8, linestyle=(0, (4, 4)))
        for cell in shown:
            _point(axes, cell, colour[cell.model], marker[cell.dataset])
        for task in tasks:
            _chance(axes, next(cell for cell in shown if cell.dataset == task), marker[task])
        axes.text(
            52, 54.5, "an attack changes nothing", rotation=41, fontsize=8, color=SOFT,
            ha="center", va="bottom",
        )  # fmt: skip
        axes.set(xlabel="clean accuracy, %", ylabel="robust accuracy, %")
        axes.set(xlim=(-2, 103), ylim=(-2, 103))
        svg = inline(as_svg(figure))
    models = in_order([cell.model for cell in shown], story.order)
    return TradeOff(
        svg,
        shown[0].hardest.eps_text,
        tuple((story.call(model), colour[model]) for model in models),
        tuple((task, _legend_marker(marker[task])) for task in tasks),
    )


def _point(axes: Any, cell: Cell, colour: str, marker: str) -> None:
    clean, hardest = cell.summary.clean_accuracy, cell.hardest
    if clean is None or hardest is None or hardest.robust_accuracy is None:
        return
    robust = hardest.robust_accuracy
    x, y = 100 * clean.value, 100 * robust.value
    axes.errorbar(
        x,
        y,
        xerr=[[x - 100 * clean.interval.low], [100 * clean.interval.high - x]],
        yerr=[[y - 100 * robust.interval.low], [100 * robust.interval.high - y]],
        color=colour,
        marker=marker,
        markersize=6.5,
        markerfacecolor="white" if cell.summary.collapsed else colour,
        elinewidth=0.7,
        alpha=0.9,
    )


def _chance(axes: Any, cell: Cell, marker: str) -> None:
    """Chance of a task at the right edge: robust points must lie above it."""
    if cell.summary.chance is not None:
        axes.plot(
            103, 100 * cell.summary.chance, marker=marker, color=FAINT, markersize=4.5,
            clip_on=False,
        )  # fmt: skip


def _legend_marker(marker: str) -> str:
    """A marker alone, for the legend beneath the figure."""
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(0.2, 0.2))
        axes.plot([0], [0], marker=marker, color=SOFT, markersize=28, clip_on=False)
        axes.set_axis_off()
        return inline(as_svg(figure))
