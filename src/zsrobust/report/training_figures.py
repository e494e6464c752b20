"""What a training's course and accuracies look like over its steps."""

from __future__ import annotations

from typing import Any

from zsrobust.records.intervals import Rate
from zsrobust.report.drawing import FAINT, INK, PALETTE, SOFT, as_svg, inline, styled
from zsrobust.report.training_curves import thinned, trailing_mean
from zsrobust.report.training_log import PARTS, TrainingLog

_NAMES = {"validation": "held out", "training": "trained on"}
_COLOURS = {"clean": PALETTE[1], "robust": PALETTE[2]}
_ROOM = 1.18
"""How much higher an axis is than what is highest on it."""


def course_figure(log: TrainingLog) -> str:
    """Learning rate, and below it images a second, over the steps, as SVG."""
    with styled() as plot:
        figure, (above, below) = plot.subplots(2, 1, figsize=(4.6, 2.7), sharex=True)
        above.plot(*thinned(log.steps, log.lr), color=INK, linewidth=1.4)
        above.set_ylabel("learning rate")
        above.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
        above.yaxis.get_offset_text().set_fontsize(8)
        below.plot(*thinned(log.steps, log.speed), color=FAINT, linewidth=0.6)
        below.plot(*thinned(log.steps, trailing_mean(log.speed)), color=INK, linewidth=1.4)
        below.set_ylabel("images/s")
        below.set_xlabel("step")
        above.set_ylim(bottom=0)
        below.set_ylim(0, _ROOM * float(log.speed.max()) or 1.0)
        figure.align_ylabels()
        return inline(as_svg(figure))


def accuracy_figure(log: TrainingLog) -> str:
    """Clean and robust accuracy over the steps, as SVG.

    Solid with its 95 % interval: images held out of training. Dashed: as many that it learns
    from; where the two part, it learns them by heart. Dotted: the state that is kept.
    """
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(7.6, 3.2))
        tops = [_draw_rates(axes, log, what, part) for what in _COLOURS for part in PARTS]
        axes.set_ylim(0, min(100.0, _ROOM * max(tops)))
        if log.best is not None:
            axes.axvline(log.best.step, color=SOFT, linewidth=0.9, linestyle=":")
            axes.annotate(
                "kept", (log.best.step, 1), xycoords=("data", "axes fraction"),
                xytext=(3, -3), textcoords="offset points", va="top", fontsize=8, color=SOFT,
            )  # fmt: skip
        axes.set_xlabel("step")
        axes.set_ylabel("accuracy, %")
        axes.legend(
            fontsize=8, handlelength=2.2, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0)
        )
        return inline(as_svg(figure))


def _draw_rates(axes: Any, log: TrainingLog, what: str, part: str) -> float:
    """One line; returns its highest point, interval included, in percent."""
    rates: list[Rate] = [getattr(one, what)[part] for one in log.validations]
    steps, colour = [one.step for one in log.validations], _COLOURS[what]
    held_out = part == PARTS[0]
    values = [100 * each.value for each in rates]
    axes.plot(
        steps, values, "-o" if held_out else "--", color=colour, linewidth=1.5,
        markersize=3, label=f"{what}, {_NAMES[part]}",
    )  # fmt: skip
    if not held_out:
        return max(values)
    low = [100 * each.interval.low for each in rates]
    high = [100 * each.interval.high for each in rates]
    axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
    return max(high)
