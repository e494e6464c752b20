"""Which round of an attack counts for which image, where rounds run side by side."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.findings import Findings
from zsrobust.attacks.rows import Rows


@dataclass
class Found(Rows):
    """What rounds found. images: positions in the block, (k,). turns: the round of each row."""

    images: Tensor
    turns: Tensor
    findings: Findings


@dataclass
class Course:
    """How far the rounds over `targets` (m,), positions in the block, have come; won, due (n,).

    won: the first round known to have fooled the image, `rounds` where none has. due: the round
    that is entered next. waiting: what rounds found that ended before those they follow.
    """

    findings: Findings
    targets: Tensor
    rounds: int
    won: Tensor
    due: Tensor
    waiting: Found | None = None

    @classmethod
    def of(cls, findings: Findings, targets: Tensor, rounds: int) -> Course:
        """At the start of `rounds` rounds over `targets` (m,), positions in the block."""
        due = torch.zeros_like(findings.iteration)
        return cls(findings, targets, rounds, won=due + rounds, due=due)

    @property
    def standing(self) -> int:
        """How many targets no round is known to have fooled."""
        return int((self.won[self.targets] == self.rounds).count_nonzero())

    def settle(self, ended: Found, *, until_fooled: bool) -> None:
        """Takes in rounds that have ended, and enters those whose turn it is, one after the other.

        until_fooled: whether an image's rounds end with the first that fools it.
        """
        if until_fooled:
            fooled = ended.findings.fooled.nonzero().squeeze(1)
            self.won.scatter_reduce_(0, ended.images[fooled], ended.turns[fooled], "amin")
        left = ended if self.waiting is None else self.waiting.joined(ended)
        left = left.some((left.turns <= self.won[left.images]).nonzero().squeeze(1))
        while bool((ready := left.turns == self.due[left.images]).any()):
            now = left.some(ready.nonzero().squeeze(1))
            self.findings.absorb(now.images, now.findings)
            self.due[now.images] += 1
            left = left.some((~ready).nonzero().squeeze(1))
        self.waiting = left if len(left.images) else None
