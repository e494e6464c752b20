"""Expectation over transformation (Athalye et al. 2018): how a randomised classifier is attacked.

Its gradient is averaged over several draws a step, and an image counts as fooled when the most
frequent answer of several fresh draws is wrong: one lucky draw overturns nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from zsrobust.errors import SettingsError


@dataclass(frozen=True)
class Randomised:
    """A classifier that draws random numbers, to be attacked by `run_attack` with averaging.

    classifier: pixels (B, 3, H, W) -> logits (B, C), other at each call; its numbers come from
    torch's global generator, which the attack seeds for each block and puts back.
    samples: forwards and backwards a step. votes: fresh forwards that judge an image, odd.
    """

    classifier: Callable[[Tensor], Tensor]
    samples: int = 20
    votes: int = 11

    def __post_init__(self) -> None:
        """Refuses counts that mean nothing."""
        if self.samples < 1 or self.votes < 1 or self.votes % 2 == 0:
            raise SettingsError(
                f"samples = {self.samples}, votes = {self.votes}: at least 1 each, and votes odd."
            )

    def __call__(self, pixels: Tensor) -> Tensor:
        """One draw of the logits."""
        return self.classifier(pixels)
