"""What `attack_speed.py` measures: its cells, and what each attack must cost at least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Bar = Literal["undefended", "defended"]
Kind = Literal["packaged", "released"]

STEPS = 100
TARGETS = 9
QUERIES = 5000
FASTER = {
    ("packaged", "undefended"): 5.0,
    ("packaged", "defended"): 1.0,
    ("released", "undefended"): 10.0,
}
"""How many times faster ours must be, at least; of `released`, `defended`: `SHARE` / r."""
SHARE = 1.4


@dataclass(frozen=True)
class Cell:
    """One row of the table.

    kind: against the packaged official code, or against a loop as the method releases have it.
    victim: a name of `victims.SOURCES`. bar: which of the bars holds here. images: how many.
    seconds: about how long both sides take together on two idle cores, repeats included.
    eps: where undefended, the radius at which next to nothing survives.
    """

    kind: Kind
    victim: str
    norm: Literal["linf", "l2"]
    attack: str
    bar: Bar
    images: int
    seconds: int
    eps: str

    @property
    def name(self) -> str:
        """What `--only` calls it."""
        return f"{self.victim}-{self.norm}-{self.eps.replace('/', '-')}-{self.attack}"


CELLS = (
    Cell("packaged", "scenes-tiny", "linf", "apgd-ce+t", "undefended", 64, 90, "8/255"),
    Cell("packaged", "scenes-tiny", "linf", "autoattack", "undefended", 64, 90, "8/255"),
    # At 16/255 one image in 200 still stands and runs alone to the end: it shows the cost.
    Cell("packaged", "convnet-plain", "linf", "apgd-ce+t", "undefended", 200, 60, "16/255"),
    Cell("packaged", "convnet-plain", "linf", "apgd-ce+t", "undefended", 200, 30, "32/255"),
    Cell("packaged", "convnet-plain", "linf", "autoattack", "undefended", 200, 60, "32/255"),
    Cell("packaged", "scenes-tecoa", "linf", "apgd-ce+t", "defended", 32, 300, "4/255"),
    Cell("packaged", "scenes-tecoa", "linf", "autoattack", "defended", 16, 400, "4/255"),
    Cell("packaged", "convnet-robust", "linf", "apgd-ce+t", "defended", 100, 120, "8/255"),
    Cell("packaged", "convnet-robust", "linf", "autoattack", "defended", 100, 240, "8/255"),
    Cell("packaged", "convnet-robust", "l2", "apgd-ce+t", "defended", 100, 120, "1"),
    Cell("packaged", "convnet-robust", "l2", "autoattack", "defended", 100, 300, "1"),
    Cell("released", "scenes-tiny", "linf", "pgd-ce-100", "undefended", 128, 30, "4/255"),
    Cell("released", "scenes-tiny", "linf", "pgd-100", "undefended", 128, 30, "4/255"),
    Cell("released", "scenes-tecoa", "linf", "pgd-ce-100", "defended", 128, 120, "2/255"),
    Cell("released", "scenes-tecoa", "linf", "pgd-100", "defended", 128, 200, "2/255"),
)


def bar_of(cell: Cell, robust_share: float) -> float:
    """How many times faster ours must be than the other side; robust_share: ours, of all images."""
    if cell.kind == "released" and cell.bar == "defended":
        return SHARE / robust_share if robust_share else FASTER["released", "undefended"]
    return FASTER[cell.kind, cell.bar]


def floor(attack: str, classes: int) -> tuple[int, int]:
    """Forwards and backwards that a survivor of an attack costs at least.

    A gradient at every step and a look at the last iterate: for PGD and APGD, k + 1 forwards and
    k backwards a run. For FAB-T the same, where every candidate's look also gives the next
    gradient. For Square a look at the start and one a query.
    """
    runs = min(TARGETS, classes - 1)
    of_one = {"apgd-ce": 1, "apgd-t": runs, "fab-t": runs, "pgd-ce-100": 1, "pgd-margin-100": 1}
    cascades = {
        "apgd-ce+t": ("apgd-ce", "apgd-t"),
        "autoattack": ("apgd-ce", "apgd-t", "fab-t", "square"),
        "pgd-100": ("pgd-ce-100", "pgd-margin-100"),
    }
    members = cascades.get(attack, (attack,))
    gradient_runs = sum(of_one[member] for member in members if member != "square")
    queries = QUERIES + 1 if "square" in members else 0
    return gradient_runs * (STEPS + 1) + queries, gradient_runs * STEPS
