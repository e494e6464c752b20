"""What an attack has found for each image, kept up to date as it goes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.losses import margin
from zsrobust.attacks.rows import Rows
from zsrobust.attacks.search import Look


@dataclass(frozen=True)
class Sight:
    """What a look says of the images that were looked at, (k,) each.

    wrong: misclassified. margins: best wrong minus true logit. number: how many looks came before.
    """

    look: Look
    wrong: Tensor
    margins: Tensor
    number: Tensor

    @property
    def any_wrong(self) -> bool:
        """Whether any image is misclassified."""
        return bool(self.wrong.any())


@dataclass
class Findings(Rows):
    """One row an image, (k,) each but pixels (k, 3, H, W).

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
        """Nothing found: clean pixels (k, 3, H, W), no counts."""
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

    def see(self, look: Look, labels: Tensor, samples: int) -> Sight:
        """Counts a look, judged or not, and notes what speaks of the attack's health."""
        wrong = look.logits.argmax(1) != labels
        sight = Sight(look, wrong, margin(look.logits, labels), self.forwards // samples)
        self.forwards += samples
        if sight.any_wrong:
            self.seen_wrong |= wrong
        if look.peaks is not None:
            self.backwards += samples
            self.silent |= (look.peaks == 0) & ~wrong
        started = sight.number == 0
        if bool(started.any()):
            self.first = torch.where(started, sight.margins, self.first)
        return sight

    def judge(self, sight: Sight, judged: Tensor, slack: float) -> Tensor:
        """Takes in a look where it is judged; returns who is fooled by more than `slack`, (k,).

        A misclassification within `slack` logits of a tie is kept, yet the search goes on: judged
        again in another batch it might be none.
        """
        wrong = sight.wrong & judged
        # A tie can be wrong at margin 0: the first success must be kept even so.
        better = (judged & (sight.margins > self.margins)) | (wrong & (self.iteration < 0))
        self._keep(better.nonzero().squeeze(1), sight.look.pixels, sight.margins)
        if sight.any_wrong:
            self.iteration = torch.where(wrong & (self.iteration < 0), sight.number, self.iteration)
        beyond = wrong & (sight.margins > slack)
        self.fooled |= beyond
        return beyond

    def mark_late(self, sight: Sight, late: int) -> None:
        """Notes the best margin of those whose look this was the `late`-th of."""
        reached = sight.number == late
        if bool(reached.any()):
            self.late = torch.where(reached, self.margins, self.late)

    def absorb(self, images: Tensor, other: Findings) -> None:
        """Enters what one round found for some images, (j,) int64, all different."""
        mine = self.some(images)
        early = (mine.iteration < 0) & (other.iteration >= 0)
        better = early | other.fooled | (other.margins > mine.margins)
        mine.late = torch.where(other.late.isnan(), mine.late, mine.margins.maximum(other.late))
        mine._keep(better.nonzero().squeeze(1), other.pixels, other.margins)
        mine.iteration = torch.where(early, other.iteration, mine.iteration)
        mine.first = torch.where(mine.first.isnan(), other.first, mine.first)
        for flag in ("fooled", "seen_wrong", "silent"):
            getattr(mine, flag).logical_or_(getattr(other, flag))
        mine.forwards += other.forwards
        mine.backwards += other.backwards
        self.put(images, mine)

    def _keep(self, rows: Tensor, pixels: Tensor, margins: Tensor) -> None:
        if len(rows) == len(margins):
            self.pixels.copy_(pixels)
            self.margins.copy_(margins)
        elif len(rows):
            self.pixels[rows] = pixels.index_select(0, rows)
            self.margins[rows] = margins[rows]
