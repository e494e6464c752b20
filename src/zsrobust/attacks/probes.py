"""Questions put to a classifier before it is attacked: is it a function of the image alone?"""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.attacks.looking import Logits

IMAGES = 8
NOISE = 1e-4
"""Relative difference of logits beyond rounding."""
LOTTERY = 1e-2
"""Relative difference of logits that decides answers."""


def probe(logits_of: Logits, pixels: Tensor, *, averaged: bool) -> tuple[str, ...]:
    """Flags that hold of the classifier, from its logits on the first few pixels (n, 3, H, W).

    averaged: it is known to be random and attacked by averaging, so that differing is no fault.
    """
    some = pixels[:IMAGES]
    with torch.no_grad():
        first, again = logits_of(some), logits_of(some)
        flags = []
        differ = _difference(first, again)
        if differ > NOISE and not averaged:
            flags.append("randomised" if differ > LOTTERY else "forwards-differ")
        elif not averaged and len(some) > 1:
            alone = logits_of(some[-1:])
            if _difference(first[-1:], alone) > LOTTERY:
                flags.append("batch-dependent")
    if bool((first >= 0).all()) and bool(((first.sum(1) - 1).abs() < 1e-4).all()):
        flags.append("probabilities")
    return tuple(flags)


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-12))
