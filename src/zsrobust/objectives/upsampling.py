"""Bilinear upsampling as a matrix, so that distances on the large grid cost the small one."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

TARGET = 224
"""The grid on which TGA-ZSR measures maps: alpha and beta are tied to it."""


@lru_cache(maxsize=32)
def bilinear_matrix(size: int, target: int = TARGET) -> Tensor:
    """U (target, size), float64: U @ v upsamples v bilinearly, align_corners and antialias off.

    Rows sum to one; a map m (h, w) is upsampled as U_h m U_w^T.
    """
    position = ((torch.arange(target, dtype=torch.float64) + 0.5) * size / target - 0.5).clamp_min(
        0
    )
    low = position.floor().long().clamp_max(size - 1)
    high = (low + 1).clamp_max(size - 1)
    share = position - low
    matrix = torch.zeros(target, size, dtype=torch.float64)
    rows = torch.arange(target)
    matrix[rows, low] += 1 - share
    matrix[rows, high] += share
    return matrix


@lru_cache(maxsize=32)
def gram(size: int, target: int = TARGET) -> Tensor:
    """G = U'U (size, size), float64: <up(a), up(b)> = a' G b in one dimension."""
    matrix = bilinear_matrix(size, target)
    return matrix.T @ matrix


def upsampled_inner(a: Tensor, b: Tensor) -> Tensor:
    """<up(a), up(b)> on the 224 grid for maps (B, h, w), exactly and without the dense map: (B,).

    The quadratic form a' (G_h kron G_w) b.
    """
    height, width = a.shape[-2:]
    rows, columns = gram(height).to(a), gram(width).to(a)
    return (rows @ a @ columns * b).sum((-2, -1))


def upsample(maps: Tensor) -> Tensor:
    """Maps (B, h, w) on the dense 224 grid, (B, 224, 224)."""
    height, width = maps.shape[-2:]
    return bilinear_matrix(height).to(maps) @ maps @ bilinear_matrix(width).to(maps).T
