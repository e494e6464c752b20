"""Pixels as files and screens hold them: 256 levels a channel."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.threat_model import ThreatModel

LEVELS = 255
_ROUNDING = 1e-4


def to_eight_bit(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> tuple[Tensor, Tensor]:
    """The nearest pixels on the grid of k/255, (k, 3, H, W), and which of them lie in the ball.

    For L-inf, levels outside the ball are avoided where the ball holds another; a ball narrower
    than a level, around a clean image off the grid, may hold none.
    """
    levels = (pixels * LEVELS).round()
    if threat.norm == "linf":
        low = ((clean - threat.eps) * LEVELS - _ROUNDING).ceil()
        high = ((clean + threat.eps) * LEVELS + _ROUNDING).floor()
        levels = torch.where(low <= high, torch.minimum(torch.maximum(levels, low), high), levels)
    rounded = levels.clamp(0, LEVELS) / LEVELS
    return rounded, distance(rounded, clean, threat) <= threat.eps + 1e-6
