"""Projected gradient descent (Madry et al. 2018): its settings, its search, and the plain loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.ball import ascend, random_start
from zsrobust.attacks.looking import pixel_gradient
from zsrobust.attacks.losses import LOSSES, ImageLoss
from zsrobust.attacks.search import Attack, Case, Iterate, Look
from zsrobust.attacks.step_size import step_length
from zsrobust.errors import SettingsError
from zsrobust.threat_model import ThreatModel


@dataclass(frozen=True)
class PGD(Attack):
    """One PGD attack: a random start and `steps` projected gradient steps, `restarts` times.

    step_size: `"eps/4"` (a share of the radius) or an absolute `"1/255"`.
    iterate: `best` counts a success at any visited iterate; `last` judges the last one alone, as
    the literature's loops do, and so loses silent successes.
    reduction: `mean` divides the loss by the size of the batch, as the literature's loops do. In
    fp32 that changes nothing; in half precision small gradients vanish (`fp16-unscaled`).
    """

    loss: str = "cross-entropy"
    steps: int = 20
    step_size: str = "eps/4"
    restarts: int = 1
    iterate: Iterate = "best"
    reduction: Literal["sum", "mean"] = "sum"

    def __post_init__(self) -> None:
        """Refuses settings that mean nothing."""
        LOSSES[self.loss]
        if self.steps < 1 or self.restarts < 1:
            raise SettingsError(
                f"{self.name}: steps = {self.steps}, restarts = {self.restarts}: at least 1 each."
            )
        step_length(self.step_size, 1.0)

    def rounds(self, classes: int) -> int:
        """Its restarts."""
        return self.restarts

    def begin(self, case: Case, turn: int) -> PGDSearch:
        """From a random point of the ball."""
        return PGDSearch(self, case, turn)


class PGDSearch:
    """PGD under way on some images."""

    def __init__(self, attack: PGD, case: Case, turn: int) -> None:
        """Draws the random start."""
        self.attack, self.case = attack, case
        self.looks = attack.steps + 1
        self.step_size = step_length(attack.step_size, case.threat.eps)
        self.at = random_start(case.clean, case.ids, case.threat, case.seed, attack.name, turn)
        self.step = torch.zeros_like(case.labels)

    def wants_gradient(self, rows: Tensor) -> Tensor:
        """All but those whose last iterate is looked at."""
        return self.step[rows] < self.attack.steps

    def pixels(self, rows: Tensor) -> Tensor:
        """The iterates."""
        return self.at.index_select(0, rows)

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The attack's loss of the true labels."""
        loss = LOSSES[self.attack.loss](logits, self.case.labels[rows])
        return loss / len(rows) if self.attack.reduction == "mean" else loss

    def advance(self, rows: Tensor, look: Look) -> Tensor:
        """One projected step."""
        if look.gradient is not None:
            self.at[rows] = ascend(
                look.pixels,
                look.gradient,
                self.case.clean.index_select(0, rows),
                self.case.threat,
                self.step_size,
            )
            self.step[rows] += 1
            return torch.zeros_like(rows, dtype=torch.bool)
        return torch.ones_like(rows, dtype=torch.bool)


def pgd(
    loss: ImageLoss,
    clean: Tensor,
    threat: ThreatModel,
    *,
    steps: int,
    step_size: float,
    start: Tensor,
) -> Tensor:
    """The last of `steps` iterates, (B, 3, H, W): the inner attack of adversarial training.

    loss: pixels -> (B,), maximised; summed, so that no image's step depends on its batch.
    clean, start: (B, 3, H, W) in [0, 1]. The gradient is taken in the pixels alone.
    """
    pixels = start
    for _ in range(steps):
        pixels = ascend(pixels, pixel_gradient(loss, pixels), clean, threat, step_size)
    return pixels
