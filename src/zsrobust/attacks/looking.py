"""One look at a batch: the forward, and where it is asked for the gradient in the pixels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zsrobust.attacks.search import Look
from zsrobust.errors import RunError

Logits = Callable[[Tensor], Tensor]
"""Pixels (B, 3, H, W) -> finite fp32 logits (B, C)."""


def look_at(
    logits_of: Logits,
    pixels: Tensor,
    loss: Callable[[Tensor], Tensor] | None,
    *,
    count: int,
    samples: int = 1,
) -> Look:
    """Logits of pixels (k, 3, H, W) and, given a loss of logits, its gradient; first `count` rows.

    samples: forwards over which logits, loss and gradient are averaged (randomised classifiers).
    Raises RunError where no gradient reaches the pixels, or one that is not finite.
    """
    looks = [_one(logits_of, pixels, loss, count) for _ in range(samples)]
    if samples == 1:
        return looks[0]
    return Look(
        looks[0].pixels,
        _mean([look.logits for look in looks]),
        None if loss is None else _mean([look.loss for look in looks]),
        None if loss is None else _mean([look.gradient for look in looks]),
    )


def input_gradient(total: Tensor, pixels: Tensor) -> Tensor:
    """Gradient of a scalar in `pixels`; raises RunError where none reaches them."""
    gradient = None
    if total.requires_grad:
        # Trained weights give the loss a gradient even where the pixels are detached.
        (gradient,) = torch.autograd.grad(total, pixels, allow_unused=True)
    if gradient is None:
        raise RunError(
            "No gradient reaches the pixels: the classifier detaches them or runs in no_grad. "
            "A gradient attack would call it robust for that alone. Give it a differentiable "
            "stand-in for the backward pass: zsrobust.attacks.substitute."
        )
    return gradient


def pixel_gradient(loss: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """Gradient of the summed loss in the pixels, (B, 3, H, W); no parameter gradient is made."""
    with torch.enable_grad():
        pixels = pixels.detach().requires_grad_()
        return input_gradient(loss(pixels).sum(), pixels)


def _one(
    logits_of: Logits, pixels: Tensor, loss: Callable[[Tensor], Tensor] | None, count: int
) -> Look:
    if loss is None:
        with torch.no_grad():
            return Look(pixels[:count], logits_of(pixels)[:count])
    with torch.enable_grad():
        variable = pixels.detach().requires_grad_()
        logits = logits_of(variable)
        losses = loss(logits)
        gradient = input_gradient(losses.sum(), variable)
    # The largest element is NaN or infinite where any is, and is found faster than each is asked.
    if not bool(gradient.abs().amax().isfinite()):
        raise RunError("The gradient in the pixels is NaN or infinite: no attack can follow it.")
    return Look(pixels[:count], logits.detach()[:count], losses.detach()[:count], gradient[:count])


def _mean(parts: list[Tensor | None]) -> Tensor:
    return torch.stack([part for part in parts if part is not None]).mean(0)
