"""Backward pass by a substitute (BPDA, Athalye et al. 2018): attacks what has no useful gradient.

A transform such as quantisation or JPEG passes no gradient, and gradient attacks then fail for
that alone. Forward through the true transform, backward through a smooth one like it.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def with_substitute(
    transform: Callable[[Tensor], Tensor],
    substitute: Callable[[Tensor], Tensor] = lambda pixels: pixels,
) -> Callable[[Tensor], Tensor]:
    """A transform of pixels whose value is `transform`'s and whose gradient is `substitute`'s.

    Both take (B, 3, H, W) and return the same shape as each other; the default is the identity.

    >>> import torch
    >>> quantise = with_substitute(lambda pixels: (pixels * 7).round() / 7)
    >>> pixels = torch.full((1, 3, 2, 2), 0.5, requires_grad=True)
    >>> quantise(pixels).sum().backward()
    >>> float(pixels.grad.sum())
    12.0
    """

    def forward(pixels: Tensor) -> Tensor:
        smooth = substitute(pixels)
        return smooth + (transform(pixels) - smooth).detach()

    return forward
