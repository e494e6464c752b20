"""The learning rate of a step: linear warm-up, then half a cosine."""

from __future__ import annotations

import math


def learning_rate(step: int, base: float, warmup: int, total: int) -> float:
    """The rate of update `step`, 0-based, set before the forward (TeCoA release, utils.py).

    base * (step + 1) / warmup while step < warmup, then
    base * (1 + cos(pi * (step - warmup) / (total - warmup))) / 2, which never quite reaches 0.

    >>> learning_rate(999, 1.0, 1000, 50050), learning_rate(1000, 1.0, 1000, 50050)
    (1.0, 1.0)
    """
    if step < warmup:
        return base * (step + 1) / warmup
    return base * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
