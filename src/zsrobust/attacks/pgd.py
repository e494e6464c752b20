"""Projected gradient descent (Madry et al. 2018): its settings, its search, and the plain loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.ball import ascend, random_start
from zsrobust.attacks.looking import pixel_gradient
from zsrobust.attacks.losses import LOSSES, ImageLoss
from zsrobust.attacks.search import Attack, Case, Iterate, Look, Search
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
        return PGDSearch(
            looks=self.steps + 1,
            attack=self,
            threat=case.threat,
            clean=case.clean,
            labels=case.labels,
            at=random_start(case.clean, case.ids, case.threat, case.seed, self.name, turn),
            step=torch.zeros_like(case.labels),
        )


@dataclass
class PGDSearch(Search):
    """PGD under way. at: the iterates. step: how many steps were made."""

    attack: PGD
    threat: ThreatModel
    clean: Tensor
    labels: Tensor
    at: Tensor
    step: Tensor

    def wants_gradient(self) -> Tensor:
        """All but those whose last iterate is looked at."""
        return self.step < self.attack.steps

    def pixels(self) -> Tensor:
        """The iterates."""
        return self.at

    def loss(self, logits: Tensor) -> Tensor:
        """The attack's loss of the true labels."""
        loss = LOSSES[self.attack.loss](logits, self.labels)
        return loss / len(loss) if self.attack.reduction == "mean" else loss

    def advance(self, look: Look) -> Tensor:
        """One projected step."""
        if look.gradient is None:
            return torch.ones_like(self.step, dtype=torch.bool)
        size = step_length(self.attack.step_size, self.threat.eps)
        self.at = ascend(self.at, look.gradient, self.clean, self.threat, size)
        self.step += 1
        return torch.zeros_like(self.step, dtype=torch.bool)


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
