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
from zsrobust.attacks.search import Attack, Case, Look
from zsrobust.errors import SettingsError

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
        """From the clean images."""
        return FABSearch(self, case, turn)


class FABSearch:
    """FAB-T under way on some images.

    A step ends at a candidate. One that is right gives the next step's gradient by the same look;
    one that is wrong is looked at without a gradient where that can be foreseen (the candidate
    before was wrong too), and the next gradient is taken where the search has backed off to.
    """

    def __init__(self, attack: FAB, case: Case, turn: int) -> None:
        """Starts at the clean images, all of them nearer to their label than to the target."""
        self.case, self.steps, self.looks = case, attack.steps, 2 * attack.steps
        self.targets = case.ranking[:, 1 + turn]
        self.at = case.clean.clone()
        count = len(case.labels)
        self.step = torch.zeros_like(case.labels)
        self.is_candidate = torch.zeros(count, dtype=torch.bool, device=self.at.device)
        self.foreseen_wrong = self.is_candidate.clone()

    def wants_gradient(self, rows: Tensor) -> Tensor:
        """All but candidates that are likely wrong, and last ones."""
        spared = self.foreseen_wrong[rows] | (self.step[rows] >= self.steps)
        return ~(self.is_candidate[rows] & spared)

    def pixels(self, rows: Tensor) -> Tensor:
        """Candidates, and points to step from."""
        return self.at.index_select(0, rows)

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """How far the target leads the true class."""
        return targeted_margin(logits, self.case.labels[rows], self.targets[rows])

    def advance(self, rows: Tensor, look: Look) -> Tensor:
        """Judges candidates, backs off from wrong ones, and steps where a gradient is at hand."""
        wrong = look.logits.argmax(1) != self.case.labels[rows]
        candidate = self.is_candidate[rows]
        self.foreseen_wrong[rows] = torch.where(candidate, wrong, self.foreseen_wrong[rows])
        beyond = (candidate & wrong).nonzero().squeeze(1)
        self._back_off(rows[beyond], look.pixels.index_select(0, beyond))
        self.is_candidate[rows] = False
        finished = candidate & (self.step[rows] >= self.steps)
        if look.gradient is not None and look.loss is not None:
            going = (~(candidate & wrong) & ~finished).nonzero().squeeze(1)
            pixels, gradient = (
                part.index_select(0, going) for part in (look.pixels, look.gradient)
            )
            self._step(rows[going], pixels, gradient, look.loss[going])
        return finished

    def _back_off(self, rows: Tensor, pixels: Tensor) -> None:
        """From a misclassified candidate part of the way back to the clean image."""
        clean = self.case.clean.index_select(0, rows)
        self.at[rows] = clean + BACKWARD * (pixels - clean)

    def _step(self, rows: Tensor, pixels: Tensor, gradient: Tensor, lead: Tensor) -> None:
        """Projects iterate and clean image onto the boundary's plane, and goes between the two."""
        clean = self.case.clean.index_select(0, rows)
        here, origin, normal = pixels.flatten(1), clean.flatten(1), gradient.flatten(1)
        height = (normal * (origin - here)).sum(1) + lead
        ways = way_to_plane(
            torch.cat([here, origin]),
            torch.cat([normal, normal]),
            torch.cat([lead, height]),
            self.case.threat.norm,
        )
        if self.case.threat.norm == "linf":
            lengths = ways.abs().amax(1).clamp_min(1e-8)
        else:
            lengths = torch.linalg.vector_norm(ways, dim=1).clamp_min(1e-8)
        own, others = lengths.chunk(2)
        pull = (own / (own + others)).clamp(0, PULL)[:, None]
        way, way_back = ways.chunk(2)
        ahead = (1 - pull) * (here + OVERSHOOT * way) + pull * (origin + OVERSHOOT * way_back)
        self.at[rows] = ahead.clamp(0, 1).view_as(pixels)
        self.is_candidate[rows] = True
        self.step[rows] += 1
