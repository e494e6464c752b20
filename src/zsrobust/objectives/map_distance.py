"""How far apart two attention maps are, on the 224 grid of TGA-ZSR."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zsrobust.objectives.upsampling import upsample, upsampled_inner
from zsrobust.registry import Registry

_ZERO = 1e-16

MapDistance = Callable[[Tensor, Tensor], Tensor]


def l2(a: Tensor, b: Tensor) -> Tensor:
    """Unsquared Euclidean distance of the upsampled maps (TGA-ZSR eq. 6, 7): (B, h, w) -> (B,).

    Through its exact quadratic form; where all differences are 0 the gradient is 0.
    """
    difference = a - b
    square = upsampled_inner(difference, difference)
    positive = square > 0
    return torch.where(positive, square, torch.ones_like(square)).sqrt() * positive


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference over the pixels of the upsampled maps: (B, h, w) -> (B,)."""
    return upsample(a - b).abs().mean((-2, -1))


def cos(a: Tensor, b: Tensor) -> Tensor:
    """One minus the cosine of the flattened upsampled maps: (B, h, w) -> (B,).

    A map that is zero everywhere has no direction: distance 1, gradient 0.
    """
    squares = upsampled_inner(a, a) * upsampled_inner(b, b)
    known = squares > _ZERO
    lengths = torch.where(known, squares, torch.ones_like(squares)).sqrt()
    return 1 - known * upsampled_inner(a, b) / lengths


DISTANCES: Registry[MapDistance] = Registry(
    kind="map distance",
    entries={
        "l2": "zsrobust.objectives.map_distance:l2",
        "l1": "zsrobust.objectives.map_distance:l1",
        "cos": "zsrobust.objectives.map_distance:cos",
    },
)
