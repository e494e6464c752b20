"""Auto-PGD (Croce and Hein, ICML 2020): PGD with momentum that chooses its step size itself.

Every image keeps its own step size, checkpoints and momentum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from zsrobust.attacks.ball import ascend, on_the_sphere, project
from zsrobust.attacks.losses import LOSSES, TARGETED, TargetedLoss
from zsrobust.attacks.search import Attack, Case, Look, Search
from zsrobust.errors import SettingsError
from zsrobust.threat_model import ThreatModel

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
        """From a random point of the sphere, with a first step of two radii."""
        start = on_the_sphere(case.clean, case.ids, case.threat, case.seed, self.name, turn)
        count = torch.zeros_like(case.labels)
        lowest = start.new_full((len(start),), -torch.inf)
        rank = 1 + turn // self.restarts if self.targets else 0
        return APGDSearch(
            looks=self.steps + 1,
            rise=self._loss(case.classes),
            threat=case.threat,
            clean=case.clean,
            labels=case.labels,
            targets=case.ranking[:, rank],
            at=start,
            before=start,
            best=start.clone(),
            best_gradient=torch.zeros_like(start),
            step_size=start.new_full((len(start),), 2 * case.threat.eps),
            step=count,
            rises=count.clone(),
            last_loss=lowest,
            best_loss=lowest.clone(),
            best_at_check=lowest.clone(),
            halved=torch.ones_like(count, dtype=torch.bool),
        )

    def _loss(self, classes: int) -> TargetedLoss:
        """What is maximised: (logits, labels, targets) -> (k,)."""
        enough = self.needed_classes <= classes
        if self.targets:
            return TARGETED[self.loss if enough else "targeted-margin"]
        untargeted = LOSSES[self.loss if enough else "margin"]
        return lambda logits, labels, targets: untargeted(logits, labels)


@dataclass
class APGDSearch(Search):
    """Auto-PGD under way.

    rise: what is maximised, of logits, labels and targets. step: how many were made. rises: how
    many of this window's steps raised the loss. halved: whether the last checkpoint did so.
    """

    rise: TargetedLoss
    threat: ThreatModel
    clean: Tensor
    labels: Tensor
    targets: Tensor
    at: Tensor
    before: Tensor
    best: Tensor
    best_gradient: Tensor
    step_size: Tensor
    step: Tensor
    rises: Tensor
    last_loss: Tensor
    best_loss: Tensor
    best_at_check: Tensor
    halved: Tensor

    def wants_gradient(self) -> Tensor:
        """All but those at their last iterate."""
        return self.step < self.looks - 1

    def pixels(self) -> Tensor:
        """The iterates."""
        return self.at

    def loss(self, logits: Tensor) -> Tensor:
        """The attack's loss, of the target of this round where it is targeted."""
        return self.rise(logits, self.labels, self.targets)

    def advance(self, look: Look) -> Tensor:
        """Enters the loss, halves the step where a checkpoint asks for it, and steps."""
        if look.gradient is None or look.loss is None:
            return torch.ones_like(self.halved)
        first = self.step == 0
        self._enter(first, look.loss, look.gradient)
        gradient = self._check(look.gradient)
        ahead = ascend(self.at, gradient, self.clean, self.threat, self.step_size.view(-1, 1, 1, 1))
        weight = torch.where(first, 1.0, MOMENTUM).view(-1, 1, 1, 1)
        drift = (self.at - self.before).mul_(1 - weight)
        ahead = ahead.sub_(self.at).mul_(weight).add_(self.at).add_(drift)
        self.before, self.at = self.at, project(ahead, self.clean, self.threat)
        self.step += 1
        return torch.zeros_like(self.halved)

    def _enter(self, first: Tensor, loss: Tensor, gradient: Tensor) -> None:
        """The loss of the iterate that was looked at: has it risen, is it the best?"""
        self.rises += (loss > self.last_loss) & ~first
        self.last_loss = loss
        rows = (loss > self.best_loss).nonzero().squeeze(1)
        if len(rows) == len(loss):
            self.best.copy_(self.at)
            self.best_gradient.copy_(gradient)
        elif len(rows):
            self.best[rows] = self.at.index_select(0, rows)
            self.best_gradient[rows] = gradient.index_select(0, rows)
        self.best_loss = torch.maximum(self.best_loss, loss)
        self.best_at_check = torch.where(first, loss, self.best_at_check)

    def _check(self, gradient: Tensor) -> Tensor:
        """At the end of a window: halve the step and go back to the best point, or go on.

        Returns the gradients from which to step.
        """
        window = _windows(self.looks - 1, self.step.device)[self.step]
        ends = window > 0
        if not bool(ends.any()):
            return gradient
        few = self.rises <= RISES * window
        stale = ~self.halved & (self.best_at_check >= self.best_loss)
        halve = ends & (few | stale)
        self.halved = torch.where(ends, halve, self.halved)
        self.best_at_check = torch.where(ends, self.best_loss, self.best_at_check)
        self.rises = self.rises.masked_fill(ends, 0)
        self.step_size = torch.where(halve, self.step_size / 2, self.step_size)
        back = halve.view(-1, 1, 1, 1)
        self.at = torch.where(back, self.best, self.at)
        return torch.where(back, self.best_gradient, gradient)


@lru_cache
def _windows(steps: int, device: torch.device) -> Tensor:
    """For each step 0..steps the length of the window that ends with it, else 0: (steps + 1,).

    Of 100 steps the windows end at 22, 41, 57, 70, 80, 87, 93 and 99.
    """
    length, shortest = max(int(0.22 * steps), 1), max(int(0.06 * steps), 1)
    shrink, end = max(int(0.03 * steps), 1), 0
    ends = [0] * (steps + 1)
    while end + length <= steps:
        end += length
        ends[end] = length
        length = max(length - shrink, shortest)
    return torch.tensor(ends, device=device)
