"""Square Attack as its paper states it, one image at a time: see `reference_victim.py`."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from zsrobust.verification.reference_victim import (
    TINY,
    Found,
    Victim,
    channel_norms,
    euclidean,
    logits_of,
    loss_of,
    nothing,
    project,
    signs_of,
    uniform,
)


def square(victim: Victim, name: str, *, queries: int, share: float) -> Found:
    """Square Attack (Andriushchenko et al., ECCV 2020, algorithms 1 to 3).

    Draws of a query, in [-1, 1): row and column of one window, of a second (L2), a sign for each
    channel, and whether the bump is turned (L2).
    """
    channels, height, width = victim.clean.shape
    propose = _recoloured if victim.threat.norm == "linf" else _mass_moved
    smallest = 1 if victim.threat.norm == "linf" else 3
    draws = uniform(victim, (queries, 5 + channels), name, 0)
    best = _square_start(victim, name)
    logits = logits_of(victim, best)
    found = nothing(victim).or_worse(victim, best, logits)
    best_margin = float(loss_of("margin", logits, victim.label))
    for query in range(queries):
        halvings = sum(query > end for end in (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000))
        side = round(math.sqrt(share / 2**halvings * height * width))
        side = min(max(side, smallest), height, width)
        x = propose(victim, best, draws[query], side)
        logits = logits_of(victim, x)
        found = found.or_worse(victim, x, logits)
        margin = float(loss_of("margin", logits, victim.label))
        if margin > best_margin or margin >= 0:
            best, best_margin = x, margin
    return found


def _square_start(victim: Victim, name: str) -> Tensor:
    """L-inf: stripes of +-eps, one pixel wide. L2: a bump of either sign in each of 5 x 5 tiles."""
    channels, height, width = victim.clean.shape
    if victim.threat.norm == "linf":
        signs = signs_of(uniform(victim, (channels, 1, width), name, 0, "start"))
        return project(victim, victim.clean + victim.threat.eps * signs)
    signs = signs_of(uniform(victim, (channels, 5, 5), name, 0, "start"))
    delta, side = torch.zeros_like(victim.clean), max(min(height, width) // 5, 1)
    for i in range(5):
        for j in range(5):
            top, left = math.ceil(height * i / 5), math.ceil(width * j / 5)
            tile = delta[:, top : top + side, left : left + side]
            bump = _bump(side).to(delta)[: tile.shape[1], : tile.shape[2]]
            tile += signs[:, i, j, None, None] * bump
    return project(victim, victim.clean + delta * (victim.threat.eps / max(euclidean(delta), TINY)))


def _recoloured(victim: Victim, best: Tensor, draw: Tensor, side: int) -> Tensor:
    """L-inf (algorithm 2): one square, each channel to the other side of the ball or as it is."""
    x = best.clone()
    rows, columns = _window(draw[0], draw[1], side, x)
    x[:, rows, columns] += 2 * victim.threat.eps * signs_of(draw[4:-1])[:, None, None]
    return project(victim, x)


def _mass_moved(victim: Victim, best: Tensor, draw: Tensor, side: int) -> Tensor:
    """L2 (algorithm 3): a window takes a bump, a second one's mass, and what the ball has left."""
    eps, delta = victim.threat.eps, best - victim.clean
    shorter = min(delta.shape[1:])
    side = min(side + 1 - side % 2, shorter - 1 + shorter % 2)
    one, two = _window(draw[0], draw[1], side, delta), _window(draw[2], draw[3], side, delta)
    either = torch.zeros(delta.shape[1:], dtype=torch.bool, device=delta.device)
    either[one] = either[two] = True
    unused = max(eps**2 - euclidean(delta) ** 2, 0.0) / len(delta)
    available = ((delta**2 * either).sum((1, 2), keepdim=True) + unused).sqrt()
    old = delta[:, one[0], one[1]]
    bump = _bump(side).to(delta)
    bump = (bump.T if draw[-1] < 0 else bump) * signs_of(draw[4:-1])[:, None, None]
    new = bump + old / channel_norms(old)
    delta[:, either] = 0
    delta[:, one[0], one[1]] = new / channel_norms(new) * available
    return project(victim, victim.clean + delta * (eps / max(euclidean(delta), TINY)))


@lru_cache
def _bump(side: int) -> Tensor:
    """Two pyramids of opposite sign, one above the other, (side, side), of unit length.

    A cell r rings from its pyramid's centre has the height sum of 1 / k^2 for r < k <= n.
    """

    def pyramid(height: int, width: int) -> Tensor:
        n = max(height, width) // 2 + 1
        cells = torch.zeros(height, width)
        for i in range(height):
            for j in range(width):
                ring = max(abs(i - height // 2), abs(j - width // 2))
                cells[i, j] = sum(1 / k**2 for k in range(ring + 1, n + 1))
        return cells / euclidean(cells)

    if side == 1:
        return torch.ones(1, 1)
    both = torch.cat([pyramid(side // 2, side), -pyramid(side - side // 2, side)])
    return both / euclidean(both)


def _window(down: Tensor, across: Tensor, side: int, like: Tensor) -> tuple[slice, slice]:
    """The rows and columns of a square; both draws lie in [-1, 1)."""
    places = (like.shape[1] - side, like.shape[2] - side)
    starts = [
        min(int((float(draw) + 1) / 2 * (most + 1)), most)
        for draw, most in zip((down, across), places, strict=True)
    ]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)
