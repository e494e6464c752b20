"""The bumps that Square Attack's L2 form puts into windows (Andriushchenko et al. 2020, section 3).

A bump is two pyramids of opposite sign side by side: mass that falls off from two centres.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

TILES = 5


def bump(window: Tensor, side: Tensor, turned: Tensor) -> Tensor:
    """A bump of unit length in each row's window, 0 outside: (k, 1, H, W).

    window: (k, 1, H, W), 1 inside a square. side: (k,) its side. turned: (k,) bool, whether the
    two pyramids stand beside each other rather than one above the other.
    """
    placed = torch.zeros_like(window)
    for length in sorted(set(side.tolist())):
        for is_turned in (False, True):
            rows = ((side == length) & (turned == is_turned)).nonzero().squeeze(1)
            if not len(rows):
                continue
            form = _bump(length).to(window)
            form = (form.T if is_turned else form).flatten()
            flat = torch.zeros_like(window[rows]).flatten()
            flat[window[rows].flatten() > 0] = form.repeat(len(rows))
            placed[rows] = flat.view_as(window[rows])
    return placed


def tiled_bumps(height: int, width: int, device: torch.device | str) -> Tensor:
    """Bumps in a tiling of 5 by 5 tiles, (1, 1, H, W); what the tiles do not cover is 0."""
    tiled = torch.zeros(1, 1, height, width, device=device)
    side = max(min(height, width) // TILES, 1)
    form = _bump(side).to(tiled)
    for down in range(TILES):
        for across in range(TILES):
            top, left = -(-height * down // TILES), -(-width * across // TILES)
            part = tiled[0, 0, top : top + side, left : left + side]
            part.copy_(form[: part.shape[0], : part.shape[1]])
    return tiled


@lru_cache
def _bump(side: int) -> Tensor:
    """Two pyramids of opposite sign, one above the other, (side, side), of unit length."""
    if side == 1:
        return torch.ones(1, 1)
    upper, lower = _pyramid(side // 2, side), _pyramid(side - side // 2, side)
    return functional.normalize(torch.cat([upper, -lower]).flatten(), dim=0).view(side, side)


def _pyramid(height: int, width: int) -> Tensor:
    """Sums of 1 / k^2 that rise towards the centre, (height, width), of unit length."""
    n = max(height, width) // 2 + 1
    down = (torch.arange(height) - height // 2).abs()
    across = (torch.arange(width) - width // 2).abs()
    ring = torch.maximum(down[:, None], across[None, :])
    steps = torch.cumsum(
        torch.arange(1, n + 1, dtype=torch.float32).flip(0).square().reciprocal(), 0
    )
    form = steps[(n - 1 - ring).clamp_min(0)]
    return functional.normalize(form.flatten(), dim=0).view_as(form)
