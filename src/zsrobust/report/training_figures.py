"""What a training's rate and accuracies look like over its steps."""

from __future__ import annotations

from zsrobust.records.intervals import Rate
from zsrobust.report.drawing import INK, PALETTE, SOFT, as_svg, inline, styled
from zsrobust.report.training_log import PARTS, TrainingLog

_NAMES = {"validation": "held out", "training": "trained on"}
_COLOURS = {"clean": PALETTE[1], "robust": PALETTE[2]}


def rate_figure(log: TrainingLog) -> str:
    """The learning rate over the steps, as SVG."""
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(4.6, 2.0))
        axes.plot(log.steps, log.rates, color=INK, linewidth=1.2)
        axes.set_xlabel("step")
        axes.set_ylabel("learning rate")
        axes.set_ylim(bottom=0)
        return inline(as_svg(figure))


def accuracy_figure(log: TrainingLog) -> str:
    """Clean and robust accuracy over the steps, as SVG.

    Solid with its 95 % interval: images held out of training. Dashed: as many that it learns
    from; where the two part, it learns them by heart. A mark: the state that was kept.
    """
    steps = [one.step for one in log.validations]
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(4.6, 2.7))
        for what, colour in _COLOURS.items():
            for part, line in zip(PARTS, ("-", "--"), strict=True):
                rates: list[Rate] = [getattr(one, what)[part] for one in log.validations]
                axes.plot(
                    steps, [100 * each.value for each in rates], line, color=colour,
                    linewidth=1.4, label=f"{what}, {_NAMES[part]}",
                )  # fmt: skip
                if part == PARTS[0]:
                    low = [100 * each.interval.low for each in rates]
                    high = [100 * each.interval.high for each in rates]
                    axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
        if log.best is not None:
            axes.axvline(log.best.step, color=SOFT, linewidth=0.8, linestyle=":")
        axes.set_xlabel("step")
        axes.set_ylabel("accuracy, %")
        axes.set_ylim(0, 100)
        axes.legend(fontsize=8, handlelength=1.8)
        return inline(as_svg(figure))
