"""Lower precision, where it is asked for: of the search alone, never of the verdict."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.looking import Logits

Precision = Literal["fp32", "bf16", "fp16-unscaled"]
"""`fp32`: everything. `bf16`: a first pass in bfloat16, then the whole fp32 attack, from its own
start, on whoever is left: never weaker, and faster only for weakly defended models on a GPU.
`fp16-unscaled`: the search in float16 without loss scaling, as the literature's loops run:
gradients underflow to zero and the attack is weaker than it looks."""


def passes(logits_of: Logits, precision: Precision) -> tuple[tuple[str, Logits], ...]:
    """What the cascade is run with, one pass after the other: a prefix of its records' names."""
    if precision == "bf16":
        low = partial(_in_half, logits_of, torch.bfloat16)
        return (("bf16:", low), ("", logits_of))
    if precision == "fp16-unscaled":
        return (("", partial(_in_half, logits_of, torch.float16)),)
    return (("", logits_of),)


def _in_half(logits_of: Logits, dtype: torch.dtype, pixels: Tensor) -> Tensor:
    with torch.autocast(pixels.device.type, dtype=dtype, cache_enabled=False):
        return logits_of(pixels).float()
