"""FAB-T, the fast adaptive boundary attack (Croce and Hein, ICML 2020), targeted.

It looks for the nearest misclassified image by stepping onto linearised decision boundaries; the
radius only decides when it has found enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.losses import targeted_margin
from zsrobust.attacks.plane import way_to_plane
from zsrobust.attacks.search import Attack, Case, Look, Search
from zsrobust.errors import SettingsError
from zsrobust.threat_model import Norm

PULL = 0.1
"""alpha_max: how far the step may lean towards the clean image's own projection."""
OVERSHOOT = 1.05
"""eta: how far beyond the linearised boundary."""
BACKWARD = 0.9
"""beta: after a success, how much of the change is kept for the next step."""


@dataclass(frozen=True)
class FAB(Attack):
    """FAB-T: `steps` steps towards each of the `targets` next-ranking classes (at most C - 1).

    Each run starts at the clean image.
    """

    steps: int = 100
    targets: int = 9

    def __post_init__(self) -> None:
        """Refuses settings that mean nothing."""
        if self.steps < 1 or self.targets < 1:
            raise SettingsError(
                f"{self.name}: steps = {self.steps}, targets = {self.targets}: at least 1 each."
            )

    @property
    def stays_inside(self) -> bool:
        """No: it looks for the nearest boundary, wherever that lies."""
        return False

    def rounds(self, classes: int) -> int:
        """One for each target."""
        return min(self.targets, classes - 1)

    def begin(self, case: Case, turn: int) -> FABSearch:
        """From the clean images, all of them nearer to their label than to the target."""
        count = torch.zeros_like(case.labels)
        return FABSearch(
            looks=2 * self.steps,
            steps=self.steps,
            norm=case.threat.norm,
            clean=case.clean,
            labels=case.labels,
            targets=case.ranking[:, 1 + turn],
            at=case.clean.clone(),
            step=count,
            is_candidate=torch.zeros_like(count, dtype=torch.bool),
            foreseen_wrong=torch.zeros_like(count, dtype=torch.bool),
        )


@dataclass
class FABSearch(Search):
    """FAB-T under way.

    A step ends at a candidate. One that is right gives the next step's gradient by the same look;
    one that is wrong is looked at without a gradient where that can be foreseen (the candidate
    before was wrong too), and the next gradient is taken where the search has backed off to.
    """

    steps: int
    norm: Norm
    clean: Tensor
    labels: Tensor
    targets: Tensor
    at: Tensor
    step: Tensor
    is_candidate: Tensor
    foreseen_wrong: Tensor

    def wants_gradient(self) -> Tensor:
        """All but candidates that are likely wrong, and last ones."""
        return ~(self.is_candidate & (self.foreseen_wrong | (self.step >= self.steps)))

    def pixels(self) -> Tensor:
        """Candidates, and points to step from."""
        return self.at

    def loss(self, logits: Tensor) -> Tensor:
        """How far the target leads the true class."""
        return targeted_margin(logits, self.labels, self.targets)

    def advance(self, look: Look) -> Tensor:
        """Judges candidates, backs off from wrong ones, and steps where a gradient is at hand."""
        wrong, candidate = look.logits.argmax(1) != self.labels, self.is_candidate
        beyond, finished = candidate & wrong, candidate & (self.step >= self.steps)
        self.foreseen_wrong = torch.where(candidate, wrong, self.foreseen_wrong)
        self.is_candidate = torch.zeros_like(candidate)
        ahead = torch.where(beyond.view(-1, 1, 1, 1), self._backed_off(), self.at)
        if look.gradient is not None and look.loss is not None:
            going = (~beyond & ~finished).nonzero().squeeze(1)
            ahead[going] = self._step(going, look.gradient[going], look.loss[going])
            self.is_candidate[going] = True
            self.step[going] += 1
        self.at = ahead
        return finished

    def _backed_off(self) -> Tensor:
        """From a misclassified candidate part of the way back to the clean image."""
        return self.clean + BACKWARD * (self.at - self.clean)

    def _step(self, rows: Tensor, gradient: Tensor, lead: Tensor) -> Tensor:
        """Projects iterate and clean image onto the boundary's plane, and goes between the two."""
        here, origin = (part[rows].flatten(1) for part in (self.at, self.clean))
        normal = gradient.flatten(1)
        height = (normal * (origin - here)).sum(1) + lead
        ways = way_to_plane(
            torch.cat([here, origin]),
            torch.cat([normal, normal]),
            torch.cat([lead, height]),
            self.norm,
        )
        if self.norm == "linf":
            lengths = ways.abs().amax(1).clamp_min(1e-8)
        else:
            lengths = torch.linalg.vector_norm(ways, dim=1).clamp_min(1e-8)
        own, others = lengths.chunk(2)
        pull = (own / (own + others)).clamp(0, PULL)[:, None]
        way, way_back = ways.chunk(2)
        ahead = (1 - pull) * (here + OVERSHOOT * way) + pull * (origin + OVERSHOOT * way_back)
        return ahead.clamp(0, 1).view_as(gradient)
