"""What an attack has found for each image of a block, kept up to date as it goes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.losses import margin
from zsrobust.attacks.search import Look


@dataclass(frozen=True)
class Sight:
    """What a look says of the images that were looked at, (k,) each.

    images: positions in the block. wrong: misclassified. margins: best wrong minus true logit.
    number: how many looks came before.
    """

    images: Tensor
    look: Look
    wrong: Tensor
    margins: Tensor
    number: Tensor

    @classmethod
    def of(cls, images: Tensor, look: Look, labels: Tensor, number: Tensor) -> Sight:
        """Of a look at `images`, whose labels are (k,)."""
        wrong = look.logits.argmax(1) != labels
        return cls(images, look, wrong, margin(look.logits, labels), number)

    def some(self, rows: Tensor) -> Sight:
        """Of some rows only, without gradient. rows: (j,) int64."""
        look = Look(self.look.pixels[rows], self.look.logits[rows])
        return Sight(
            self.images[rows], look, self.wrong[rows], self.margins[rows], self.number[rows]
        )


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

    def judge(self, sight: Sight, slack: float) -> Tensor:
        """Takes in judged looks; returns who is fooled by more than `slack`, (k,) bool.

        A misclassification within `slack` logits of a tie is kept, yet the search goes on: judged
        again in another batch it might be none.
        """
        images, margins = sight.images, sight.margins
        early = sight.wrong & (self.iteration[images] < 0)
        # A tie can be wrong at margin 0: the first success must be kept even so.
        rows = (early | (margins > self.margins[images])).nonzero().squeeze(1)
        if len(rows):
            self.pixels[images[rows]] = sight.look.pixels.index_select(0, rows)
            self.margins[images[rows]] = margins[rows]
        beyond = sight.wrong & (margins > slack)
        if bool(sight.wrong.any()):
            self.iteration[images] = torch.where(early, sight.number, self.iteration[images])
            self.fooled[images] |= beyond
        return beyond

    def mark_late(self, sight: Sight, late: int) -> None:
        """Notes the best margin of those whose look this was the `late`-th of."""
        reached = sight.number == late
        if bool(reached.any()):
            images = sight.images[reached]
            self.late[images] = self.margins[images]

    def watch(self, sight: Sight, samples: int) -> None:
        """Counts looks, judged or not, and notes what speaks of the attack's health."""
        images = sight.images
        self.forwards[images] += samples
        if bool(sight.wrong.any()):
            self.seen_wrong[images] |= sight.wrong
        if sight.look.gradient is not None:
            self.backwards[images] += samples
            zero = sight.look.gradient.flatten(1).abs().amax(1) == 0
            self.silent[images] |= zero & ~sight.wrong
        started = sight.number == 0
        if bool(started.any()):
            started = started & self.first[images].isnan()
            self.first[images] = torch.where(started, sight.margins, self.first[images])
