"""How far apart two attention maps are, on the 224 grid of TGA-ZSR."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zsrobust.objectives.upsampling import TARGET, upsample, upsampled_inner
from zsrobust.registry import Registry

_ZERO = 1e-16
_ROUNDING = 8
"""In units of the type's last place: by how much a map of [0, 1] computed anew may differ."""

MapDistance = Callable[[Tensor, Tensor], Tensor]


def l2(a: Tensor, b: Tensor) -> Tensor:
    """Unsquared Euclidean distance of the upsampled maps (TGA-ZSR eq. 6, 7): (B, h, w) -> (B,).

    Through its exact quadratic form. Maps that differ by rounding alone have distance and gradient
    0: not being squared, it would pull a model that has not moved yet with full strength.
    """
    difference = a - b
    return _root_above_rounding(upsampled_inner(difference, difference))


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference over the pixels of the upsampled maps: (B, h, w) -> (B,).

    Where it is by rounding alone, 0 without gradient, as `l2`.
    """
    return _above_rounding(upsample(a - b).abs().mean((-2, -1)))


def cos(a: Tensor, b: Tensor) -> Tensor:
    """One minus the cosine of the flattened upsampled maps: (B, h, w) -> (B,).

    A map that is zero everywhere has no direction: distance 1, gradient 0.
    """
    return _angle(a, b, upsampled_inner)


def dense_l2(a: Tensor, b: Tensor) -> Tensor:
    """`l2` of maps that are dense already: (B, H, W) -> (B,)."""
    return _root_above_rounding((a - b).square().sum((-2, -1)))


def dense_l1(a: Tensor, b: Tensor) -> Tensor:
    """`l1` of maps that are dense already: (B, H, W) -> (B,)."""
    return _above_rounding((a - b).abs().mean((-2, -1)))


def dense_cos(a: Tensor, b: Tensor) -> Tensor:
    """`cos` of maps that are dense already: (B, H, W) -> (B,)."""
    return _angle(a, b, lambda x, y: (x * y).sum((-2, -1)))


def of_map(number: int, apart: MapDistance) -> MapDistance:
    """A distance of maps (B, h, w), between the maps of a number in two stacks (B, K, h, w)."""
    return lambda a, b: apart(a[:, number], b[:, number])


def safe_root(squares: Tensor) -> Tensor:
    """Square roots of numbers >= 0; where one is 0 the gradient is 0, and not infinite.

    NaN stays NaN, so that a training stops at it.
    """
    positive = ~(squares <= 0)
    return torch.where(positive, squares, torch.ones_like(squares)).sqrt() * positive


def _above_rounding(differences: Tensor) -> Tensor:
    """Differences of maps of [0, 1], where they are by rounding alone 0 without gradient."""
    return differences * (differences > _ROUNDING * torch.finfo(differences.dtype).eps)


def _root_above_rounding(squares: Tensor) -> Tensor:
    """Roots of sums of squares over the 224 grid, of which the mean is above rounding."""
    least = TARGET * _ROUNDING * torch.finfo(squares.dtype).eps
    return safe_root(squares * (squares > least**2))


def stretched(maps: Tensor) -> Tensor:
    """Maps (B, H, W) stretched to [0, 1] each; a constant one gives zeros."""
    low = maps.amin((-2, -1), keepdim=True)
    width = maps.amax((-2, -1), keepdim=True) - low
    return (maps - low) / torch.where(width > 0, width, torch.ones_like(width))


def _angle(a: Tensor, b: Tensor, inner: MapDistance) -> Tensor:
    """1 - cos, as half the squared distance of unit maps: near 0 nothing cancels."""
    squares = inner(a, a), inner(b, b)
    known = ~(squares[0] * squares[1] <= _ZERO)  # NaN stays NaN, as in `safe_root`
    scales = [torch.where(known, each, torch.ones_like(each)).rsqrt() for each in squares]
    apart = a * scales[0][:, None, None] - b * scales[1][:, None, None]
    return torch.where(known, inner(apart, apart) / 2, torch.ones_like(squares[0]))


DISTANCES: Registry[MapDistance] = Registry(
    kind="map distance",
    entries={
        "l2": "zsrobust.objectives.map_distance:l2",
        "l1": "zsrobust.objectives.map_distance:l1",
        "cos": "zsrobust.objectives.map_distance:cos",
    },
)
"""Of token maps (B, h, w), upsampled inside."""

DENSE_DISTANCES: Registry[MapDistance] = Registry(
    kind="map distance",
    entries={
        "l2": "zsrobust.objectives.map_distance:dense_l2",
        "l1": "zsrobust.objectives.map_distance:dense_l1",
        "cos": "zsrobust.objectives.map_distance:dense_cos",
    },
)
"""The same of dense maps (B, H, W), for those that are no bilinear picture of a token map."""
