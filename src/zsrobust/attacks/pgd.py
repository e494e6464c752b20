"""Projected gradient descent (Madry et al. 2018): its settings, and the plain loop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.ball import ascend
from zsrobust.attacks.losses import LOSSES, ImageLoss
from zsrobust.errors import RunError, SettingsError
from zsrobust.threat_model import ThreatModel, parse_eps


@dataclass(frozen=True)
class PGD:
    """One PGD attack: a random start and `steps` projected gradient steps, `restarts` times.

    step_size: `"eps/4"` (a share of the radius) or an absolute `"1/255"`.
    iterate: `best` counts a success at any visited iterate; `last` judges the last one alone, as
    the literature's loops do, and so loses silent successes.
    """

    name: str
    loss: str = "cross-entropy"
    steps: int = 20
    step_size: str = "eps/4"
    restarts: int = 1
    iterate: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        """Refuses settings that mean nothing."""
        LOSSES[self.loss]
        if self.steps < 1 or self.restarts < 1:
            raise SettingsError(
                f"{self.name}: steps = {self.steps}, restarts = {self.restarts}: at least 1 each."
            )
        step_length(self.step_size, 1.0)


def step_length(step_size: str, eps: float) -> float:
    """A step size as a number: `"eps/4"`, `"eps"` or `"2*eps"` of the radius, or absolute.

    >>> step_length("eps/4", 0.5)
    0.125
    """
    text = str(step_size).replace(" ", "")
    try:
        if not 0 < _length(text, 1.0) < math.inf:
            raise SettingsError(f"step_size = {step_size!r}: a step must be longer than 0.")
        return _length(text, eps)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f'step_size = {step_size!r}: write "eps/4" or "1/255".') from None


def _length(text: str, eps: float) -> float:
    if text == "eps":
        return eps
    if text.startswith("eps/"):
        return eps / float(text[4:])
    if text.endswith("*eps"):
        return eps * float(text[:-4])
    return parse_eps(text, where="step_size")


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


def pixel_gradient(loss: ImageLoss, pixels: Tensor) -> Tensor:
    """Gradient of the summed loss in the pixels, (B, 3, H, W); no parameter gradient is made."""
    with torch.enable_grad():
        pixels = pixels.detach().requires_grad_()
        return input_gradient(loss(pixels).sum(), pixels)


def input_gradient(total: Tensor, pixels: Tensor) -> Tensor:
    """Gradient of a scalar in `pixels`; raises RunError where none reaches them."""
    if not total.requires_grad:
        raise RunError(
            "No gradient reaches the pixels: the classifier detaches them or runs in no_grad. "
            "A gradient attack would call it robust for that alone."
        )
    (gradient,) = torch.autograd.grad(total, pixels)
    return gradient
