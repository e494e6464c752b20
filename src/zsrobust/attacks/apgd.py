"""Auto-PGD (Croce and Hein, ICML 2020): PGD with momentum that chooses its step size itself.

Every image keeps its own step size, checkpoints and momentum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from zsrobust.attacks.ball import ascend, on_the_sphere, project
from zsrobust.attacks.losses import LOSSES, TARGETED
from zsrobust.attacks.search import Attack, Case, Look
from zsrobust.errors import SettingsError

MOMENTUM = 0.75
RISES = 0.75
"""Share of a window's steps that must raise the loss, else the step size is halved."""


@dataclass(frozen=True)
class APGD(Attack):
    """Auto-PGD: `steps` steps from a random point of the sphere, `restarts` times.

    loss: `cross-entropy`, `margin` or `dlr`; with `targets` it is `targeted-dlr`: one run for each
    of the `targets` classes that rank next after the true one in the clean logits (at most C - 1),
    any misclassification counting. Below four classes the targeted ratio is undefined and the
    targeted margin takes its place; below three, the margin that of the untargeted ratio.
    """

    loss: str = "cross-entropy"
    steps: int = 100
    restarts: int = 1
    targets: int = 0

    def __post_init__(self) -> None:
        """Refuses settings that mean nothing."""
        (TARGETED if self.targets else LOSSES)[self.loss]
        if self.steps < 1 or self.restarts < 1 or self.targets < 0:
            raise SettingsError(
                f"{self.name}: steps = {self.steps}, restarts = {self.restarts}, targets = "
                f"{self.targets}: at least 1, 1 and 0."
            )

    def rounds(self, classes: int) -> int:
        """Restarts, times targets where there are any."""
        return self.restarts * (min(self.targets, classes - 1) if self.targets else 1)

    def flags(self, classes: int) -> tuple[str, ...]:
        """`few-classes` where the loss had to be replaced."""
        return ("few-classes",) if self.needed_classes > classes else ()

    @property
    def needed_classes(self) -> int:
        """How many classes its loss is defined for, at least."""
        return {"dlr": 3, "targeted-dlr": 4}.get(self.loss, 2)

    def begin(self, case: Case, turn: int) -> APGDSearch:
        """From a random point of the sphere."""
        return APGDSearch(self, case, turn)


class APGDSearch:
    """Auto-PGD under way on some images."""

    def __init__(self, attack: APGD, case: Case, turn: int) -> None:
        """Draws the start on the sphere; the first step is two radii long."""
        self.case, self.looks = case, attack.steps + 1
        self.rank = 1 + turn // attack.restarts if attack.targets else 0
        enough = attack.needed_classes <= case.classes
        self.untargeted = LOSSES["margin" if attack.targets or not enough else attack.loss]
        self.targeted = TARGETED[attack.loss if attack.targets and enough else "targeted-margin"]
        self.at = on_the_sphere(case.clean, case.ids, case.threat, case.seed, attack.name, turn)
        self.before = self.at.clone()
        self.best, self.best_gradient = self.at.clone(), torch.zeros_like(self.at)
        count, like = len(case.labels), self.at.new_zeros(len(case.labels))
        self.step_size = torch.full_like(like, 2 * case.threat.eps)
        self.step = torch.zeros_like(case.labels)
        self.rises = torch.zeros_like(case.labels)
        self.last_loss, self.best_loss = like - torch.inf, like - torch.inf
        self.best_at_check = like - torch.inf
        self.halved = torch.ones(count, dtype=torch.bool, device=like.device)
        self.window_ends = torch.tensor(_windows(attack.steps), device=like.device)

    def wants_gradient(self, rows: Tensor) -> Tensor:
        """All but those at their last iterate."""
        return self.step[rows] < self.looks - 1

    def pixels(self, rows: Tensor) -> Tensor:
        """The iterates."""
        return self.at.index_select(0, rows)

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The attack's loss, of the target of this round where it is targeted."""
        labels = self.case.labels[rows]
        if self.rank:
            return self.targeted(logits, labels, self.case.ranking[rows, self.rank])
        return self.untargeted(logits, labels)

    def advance(self, rows: Tensor, look: Look) -> Tensor:
        """Enters the loss, halves the step where a checkpoint asks for it, and steps."""
        if look.gradient is None or look.loss is None:
            return torch.ones_like(rows, dtype=torch.bool)
        self._enter(rows, look, look.loss, look.gradient)
        gradient = self._check(rows, look.gradient)
        at, clean = self.at.index_select(0, rows), self.case.clean.index_select(0, rows)
        size = self.step_size[rows].view(-1, 1, 1, 1)
        ahead = ascend(at, gradient, clean, self.case.threat, size)
        first = self.step[rows] == 0
        weight = torch.where(first, 1.0, MOMENTUM).view(-1, 1, 1, 1)
        drift = (at - self.before.index_select(0, rows)).mul_(1 - weight)
        ahead = ahead.sub_(at).mul_(weight).add_(at).add_(drift)
        self.before[rows] = at
        self.at[rows] = project(ahead, clean, self.case.threat)
        self.step[rows] += 1
        return torch.zeros_like(rows, dtype=torch.bool)

    def _enter(self, rows: Tensor, look: Look, loss: Tensor, gradient: Tensor) -> None:
        """The loss of the iterate that was looked at: has it risen, is it the best?"""
        first = self.step[rows] == 0
        self.rises[rows] += ((loss > self.last_loss[rows]) & ~first).long()
        self.last_loss[rows] = loss
        better = loss > self.best_loss[rows]
        risen = better.nonzero().squeeze(1)
        where = rows[risen]
        self.best[where] = look.pixels.index_select(0, risen)
        self.best_gradient[where] = gradient.index_select(0, risen)
        self.best_loss[where] = loss[risen]
        self.best_at_check[rows[first]] = loss[first]

    def _check(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """At the end of a window: halve the step and go back to the best point, or go on.

        Returns the gradients from which to step.
        """
        window = self.window_ends[self.step[rows]]
        if not bool((window > 0).any()):
            return gradient
        ends = window > 0
        few = self.rises[rows] <= RISES * window
        stale = ~self.halved[rows] & (self.best_at_check[rows] >= self.best_loss[rows])
        halve = ends & (few | stale)
        self.halved[rows] = torch.where(ends, halve, self.halved[rows])
        self.best_at_check[rows] = torch.where(ends, self.best_loss[rows], self.best_at_check[rows])
        self.rises[rows] = self.rises[rows].masked_fill(ends, 0)
        where = rows[halve]
        self.step_size[where] /= 2
        self.at[where] = self.best[where]
        return torch.where(halve.view(-1, 1, 1, 1), self.best_gradient[rows], gradient)


@lru_cache
def _windows(steps: int) -> tuple[int, ...]:
    """For each step 0..steps the length of the window that ends with it, else 0.

    Of 100 steps the windows end at 22, 41, 57, 70, 80, 87, 93 and 99.
    """
    length, shortest = max(int(0.22 * steps), 1), max(int(0.06 * steps), 1)
    shrink, end = max(int(0.03 * steps), 1), 0
    ends = [0] * (steps + 1)
    while end + length <= steps:
        end += length
        ends[end] = length
        length = max(length - shrink, shortest)
    return tuple(ends)
