"""How long cells will take, from a victim's measured speed and the looks that attacks take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from packaged_attacks import MEMBERS, PGD_STEPS
from strength_cells import Cell
from victims import BATCH, Victim
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack

SURVIVING = 0.5
"""Share of a defended victim's images expected to stand after each member; undefended: none."""

QUERIES = 5000


@dataclass(frozen=True)
class Rate:
    """Seconds an image: of a forward, and of a PGD step with all that the attack does itself."""

    plain: float
    gradient: float
    classes: int

    def seconds(self, cell: Cell) -> float:
        """Expected time of a cell, both sides: ours is taken to cost what theirs does."""
        left, spent = 1.0, 0.0
        for member in MEMBERS.get(cell.attack, ("pgd",)):
            spent += left * self._image(member, cell.defended)
            left = SURVIVING if cell.defended else 0.0
        return 2 * cell.seeds * cell.images * spent

    def _image(self, member: str, defended: bool) -> float:
        """A member's price of an image: its first run in full, later ones while it stands."""
        standing = SURVIVING if defended else 0.0
        runs = 1 + (min(9, self.classes - 1) - 1) * standing
        if member == "square":
            return QUERIES * self.plain * max(standing, 0.05)
        if member == "pgd":
            return PGD_STEPS * self.gradient
        if member == "fab-t":
            return 100 * runs * (self.plain + self.gradient)
        return 101 * self.gradient * (runs if member == "apgd-t" else 1)


def calibrate(victim: Victim, steps: int = 10) -> Rate:
    """A victim's speed on this machine, from a short PGD and a few forwards."""
    images = victim.images(BATCH)

    def short_attack() -> None:
        attack = PGD("calibration", steps=steps)
        run_attack(
            victim.classifier,
            images.pixels,
            images.labels,
            attack=attack,
            ids=images.ids,
            batch_size=BATCH,
            stop="never",
        )

    def forwards() -> None:
        with measuring(victim.classifier), torch.no_grad():
            for _ in range(steps):
                victim.classifier(images.pixels)

    looks = steps * len(images)
    return Rate(_seconds(forwards) / looks, _seconds(short_attack) / looks, victim.classes)


def _seconds(work: Callable[[], None]) -> float:
    """The time of the second call."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
