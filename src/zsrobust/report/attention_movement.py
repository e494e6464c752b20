"""How far attention moved under attack, and how much of it stays on the object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zsrobust.report.attention import SavedAttention
from zsrobust.report.story import Story
from zsrobust.report.strips import Dot


@dataclass(frozen=True)
class Mean:
    """A mean over images with its 95 % interval (mean +- 1.96 standard errors), in percent."""

    value: float
    half: float

    def __str__(self) -> str:
        """As the page prints it; without an interval where one image gives none."""
        return (
            f"{self.value:.1f} ± {self.half:.1f}" if self.half == self.half else f"{self.value:.1f}"
        )

    def dot(self, filled: bool) -> Dot:
        """As a dot on a strip."""
        half = self.half if self.half == self.half else 0.0
        return Dot(self.value, self.value - half, self.value + half, filled)


@dataclass(frozen=True)
class Movement:
    """One model on one task.

    attacked, noise: 100 * (1 - cosine of the maps before and after). in_mask: percent of
    attention on the object clean, attacked and under noise; mask: percent of the image that it
    covers, what a uniform map would score.
    """

    model: str
    name: str
    task: str
    n: int
    eps: str
    attacked: Mean
    noise: Mean
    in_mask: tuple[Mean, Mean, Mean] | None
    mask: float | None


def movements(saved: Sequence[SavedAttention], story: Story) -> list[Movement]:
    """The movement of attention in each run that saved it, in the order given."""
    return [_movement(one, story) for one in saved]


def _movement(one: SavedAttention, story: Story) -> Movement:
    masked = "in_mask_clean" in one
    kinds = ("in_mask_clean", "in_mask_adversarial", "in_mask_noise")
    clean, attacked, noise = (_mean(one[kind]) if masked else None for kind in kinds)
    inside = (clean, attacked, noise) if clean and attacked and noise else None
    return Movement(
        model=story.call(one.cell.model),
        name=one.cell.model,
        task=one.cell.dataset,
        n=len(one["shift_adversarial"]),
        eps=str(one["eps_text"]),
        attacked=_mean(one["shift_adversarial"]),
        noise=_mean(one["shift_noise"]),
        in_mask=inside,
        mask=100 * float(one["mask_share"].mean()) if masked else None,
    )


def _mean(values: np.ndarray) -> Mean:
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return Mean(100 * float(values.mean()), 100 * 1.96 * spread / len(values) ** 0.5)
