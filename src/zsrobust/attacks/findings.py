"""What an attack has found for each image of a block, kept up to date as it goes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.losses import margin
from zsrobust.attacks.search import Look


@dataclass
class Findings:
    """One row an image of the block, (n,) each but pixels (n, 3, H, W).

    pixels: best judged look by margin; margins: its margin, -inf before any. iteration: the look
    of the first success, else -1. fooled: at a judged look, beyond the doubt of rounding.
    seen_wrong: at any look, judged or not. silent: a gradient at which nothing moves was zero.
    first, late: the best margin after the first look, and when a tenth of the looks was left.
    """

    pixels: Tensor
    margins: Tensor
    fooled: Tensor
    iteration: Tensor
    forwards: Tensor
    backwards: Tensor
    seen_wrong: Tensor
    silent: Tensor
    first: Tensor
    late: Tensor

    @classmethod
    def none_yet(cls, clean: Tensor) -> Findings:
        """Nothing found: clean pixels (n, 3, H, W), no counts."""
        count, device = len(clean), clean.device
        zeros = torch.zeros(count, dtype=torch.int64, device=device)
        never = torch.zeros(count, dtype=torch.bool, device=device)
        lowest = torch.full((count,), -torch.inf, device=device)
        return cls(
            pixels=clean.clone(),
            margins=lowest.clone(),
            fooled=never.clone(),
            iteration=zeros - 1,
            forwards=zeros.clone(),
            backwards=zeros.clone(),
            seen_wrong=never.clone(),
            silent=never.clone(),
            first=lowest * torch.nan,
            late=lowest * torch.nan,
        )

    def judge(
        self, images: Tensor, look: Look, labels: Tensor, number: Tensor, slack: float
    ) -> Tensor:
        """Takes in judged looks at `images` (k,); returns who is fooled by more than `slack`.

        number: (k,), how many looks came before. A misclassification within `slack` logits of a
        tie is kept, yet the search goes on: judged again in another batch it might be none.
        """
        margins = margin(look.logits, labels)
        wrong = look.logits.argmax(1) != labels
        early = wrong & (self.iteration[images] < 0)
        # A tie can be wrong at margin 0: the first success must be kept even so.
        better = early | (margins > self.margins[images])
        self.pixels[images[better]] = look.pixels[better]
        self.margins[images[better]] = margins[better]
        self.iteration[images[early]] = number[early]
        beyond = wrong & (margins > slack)
        self.fooled[images[beyond]] = True
        return beyond

    def watch(
        self, images: Tensor, look: Look, labels: Tensor, number: Tensor, samples: int
    ) -> None:
        """Counts a look, judged or not, and notes what speaks of the attack's health."""
        self.forwards[images] += samples
        wrong = look.logits.argmax(1) != labels
        self.seen_wrong[images[wrong]] = True
        if look.gradient is not None:
            self.backwards[images] += samples
            zero = look.gradient.flatten(1).abs().amax(1) == 0
            self.silent[images[zero & ~wrong]] = True
        started = (number == 0) & self.first[images].isnan()
        self.first[images[started]] = margin(look.logits, labels)[started]
