"""Pixels as files and screens hold them: 256 levels a channel."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.threat_model import ThreatModel

LEVELS = 255
_ROUNDING = 1e-4
_HALVINGS = 16


def to_eight_bit(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> tuple[Tensor, Tensor]:
    """Pixels on the grid of k/255, (k, 3, H, W), and which of them lie in the ball.

    For L-inf the nearest levels that the ball holds; a ball narrower than a level, around a clean
    image off the grid, may hold none. For L2 the change is first stretched as far as the ball
    allows once it is rounded: it is spread over so many pixels that most of it would vanish.
    """
    if threat.norm == "linf":
        low = ((clean - threat.eps) * LEVELS - _ROUNDING).ceil()
        high = ((clean + threat.eps) * LEVELS + _ROUNDING).floor()
        levels = (pixels * LEVELS).round()
        levels = torch.where(low <= high, torch.minimum(torch.maximum(levels, low), high), levels)
        rounded = levels.clamp(0, LEVELS) / LEVELS
    else:
        rounded = _stretched(pixels, clean, threat)
    return rounded, _inside(rounded, clean, threat)


def _stretched(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> Tensor:
    """Rounded, the change multiplied by the largest factor that leaves it in the ball."""
    least = torch.zeros(len(pixels), 1, 1, 1, device=pixels.device)
    most = torch.full_like(least, LEVELS)

    def rounded(factor: Tensor) -> Tensor:
        return ((clean + factor * (pixels - clean)) * LEVELS).round().clamp(0, LEVELS) / LEVELS

    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        inside = _inside(rounded(middle), clean, threat).view(-1, 1, 1, 1)
        least, most = torch.where(inside, middle, least), torch.where(inside, most, middle)
    return rounded(least)


def _inside(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> Tensor:
    return distance(pixels, clean, threat) <= threat.eps + 1e-6
