"""The picture of a self-check: what is kept over eps, and by each attack at one eps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.report.drawing import FAINT, INK, PALETTE, SOFT, WRONG, as_svg, inline, styled
from zsrobust.report.selfcheck_words import levels
from zsrobust.selfcheck.names import TITLES
from zsrobust.selfcheck.result import SelfCheck, Trial

BLUE = PALETTE[1]


def curve_figure(result: SelfCheck) -> str | None:
    """Percent kept over eps as SVG, with 95 % intervals; chance dashed. None without a radius.

    Radii stand at equal steps: they double, and then leap. What is kept in the whole box is red.
    """
    if len(result.curve) < 2:
        return None
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(5.6, 3.5))
        places = list(range(len(result.curve)))
        rates = [trial.rate for trial in result.curve]
        values = [100 * each.value for each in rates]
        axes.fill_between(
            places,
            [100 * each.interval.low for each in rates],
            [100 * each.interval.high for each in rates],
            color=BLUE, alpha=0.13, linewidth=0,
        )  # fmt: skip
        axes.plot(places, values, color=BLUE, linewidth=1.8, marker="o", markersize=5)
        last = result.curve[-1]
        if last.eps == "255/255" and any(last.kept):
            axes.plot(places[-1], values[-1], color=WRONG, marker="o", markersize=6.5)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.0f}", (place, value), (5, 6), textcoords="offset points",
                fontsize=8, color=INK,
            )  # fmt: skip
        _mark_chance(axes, result)
        axes.set_xticks(places, [levels(trial.eps) for trial in result.curve])
        axes.set(xlabel="eps, in 1/255 (L∞)", ylabel="kept, %", ylim=(-3, 109))
        axes.set_xlim(-0.35, len(places) - 0.65)
        axes.set_yticks([0, 25, 50, 75, 100])
        return inline(as_svg(figure))


def attacks_figure(result: SelfCheck) -> str | None:
    """Percent that each attack keeps at the close radius, as SVG; None where none was run."""
    shown = [trial for trial in result.looks if trial.name in TITLES]
    if len(shown) < 2:
        return None
    shown.sort(key=lambda trial: list(TITLES).index(trial.name))
    with styled() as plot:
        figure, axes = plot.subplots(figsize=(3.7, 2.6), layout="constrained")
        _dots(axes, shown)
        axes.set_yticks(range(len(shown)), [TITLES[trial.name] for trial in shown])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel=f"kept at {result.close_eps}, %", xlim=(-3, 103))
        return inline(as_svg(figure))


def _dots(axes: Any, shown: Sequence[Trial]) -> None:
    for row, trial in enumerate(shown):
        share = trial.rate
        axes.plot(
            [100 * share.interval.low, 100 * share.interval.high], [row, row],
            color=BLUE, linewidth=1.4, alpha=0.5,
        )  # fmt: skip
        axes.plot(100 * share.value, row, "o", color=BLUE, markersize=6)


def _mark_chance(axes: Any, result: SelfCheck) -> None:
    if result.chance is None:
        return
    level = 100 * result.chance
    axes.axhline(level, color=FAINT, linewidth=0.9, linestyle=(0, (4, 4)))
    axes.text(
        0.99, level + 1.5, "chance", transform=axes.get_yaxis_transform(), fontsize=8,
        color=SOFT, ha="right", va="bottom",
    )  # fmt: skip
