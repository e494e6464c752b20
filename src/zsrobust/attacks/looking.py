"""One look at a batch: the forward, and where it is asked for the gradient in the pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from zsrobust.attacks.batches import padded
from zsrobust.attacks.search import Look
from zsrobust.errors import RunError

Logits = Callable[[Tensor], Tensor]
"""Pixels (B, 3, H, W) -> finite fp32 logits (B, C)."""


def look_at(
    logits_of: Logits,
    pixels: Tensor,
    loss: Callable[[Tensor], Tensor] | None,
    *,
    wide: int,
    samples: int = 1,
) -> Look:
    """Logits of pixels (k, 3, H, W) and, given a loss (k,) of logits, its gradient.

    wide: to how many rows the batch is padded. samples: forwards over which logits, loss and
    gradient are averaged (randomised classifiers).
    Raises RunError where no gradient reaches the pixels, or one that is not finite.
    """
    looks = [_one(logits_of, pixels, loss, wide) for _ in range(samples)]
    look = looks[0] if samples == 1 else _averaged(looks)
    if look.gradient is None:
        return look
    peaks = look.gradient.flatten(1).abs().amax(1)
    if not bool(peaks.isfinite().all()):
        raise RunError("The gradient in the pixels is NaN or infinite: no attack can follow it.")
    return replace(look, peaks=peaks)


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
    logits_of: Logits, pixels: Tensor, loss: Callable[[Tensor], Tensor] | None, wide: int
) -> Look:
    count = len(pixels)
    if loss is None:
        with torch.no_grad():
            return Look(pixels, logits_of(padded(pixels, wide))[:count])
    with torch.enable_grad():
        variable = padded(pixels.detach(), wide).requires_grad_()
        logits = logits_of(variable)[:count]
        losses = loss(logits)
        gradient = input_gradient(losses.sum(), variable)[:count]
    return Look(pixels, logits.detach(), losses.detach(), gradient)


def _averaged(looks: Sequence[Look]) -> Look:
    """The mean of several looks at the same pixels."""
    logits, losses, gradients = (
        [part for part in parts if part is not None]
        for parts in zip(*((look.logits, look.loss, look.gradient) for look in looks), strict=True)
    )
    mean = torch.stack(logits).mean(0)
    if not losses:
        return Look(looks[0].pixels, mean)
    return Look(looks[0].pixels, mean, torch.stack(losses).mean(0), torch.stack(gradients).mean(0))
