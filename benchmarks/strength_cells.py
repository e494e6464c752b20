"""What is compared with what: one cell a victim, norm and attack. Data, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from zsrobust.threat_model import Norm

SINGLES = {"apgd-ce": 5, "apgd-dlr": 5, "apgd-t": 3, "fab-t": 1, "square": 2}
"""Single attacks and their seeds a side: more where one is cheap and its random start decides one
image in twenty; FAB-T draws no random numbers; Square makes 5000 queries a seed."""

DEFENDED = ("scenes-tecoa", "convnet-robust")
UNDEFENDED = ("scenes-tiny", "convnet-plain", "photos-mini")
PHOTOGRAPHIC = "photos-tecoa"
NORMS: tuple[Norm, ...] = ("linf", "l2")


@dataclass(frozen=True)
class Cell:
    """One comparison: `images` that the victim gets right when clean, `seeds` a side."""

    victim: str
    norm: Norm
    attack: str
    images: int
    seeds: int

    @property
    def name(self) -> str:
        """What its file is called, and what `--only` looks into."""
        return f"{self.victim}--{self.norm}--{self.attack}--{self.images}x{self.seeds}"

    @property
    def defended(self) -> bool:
        """Whether some images are expected to survive."""
        return self.victim not in UNDEFENDED


@dataclass(frozen=True)
class Sizes:
    """How many images and seeds: of `apgd-ce+t` and PGD, of `autoattack`, of single attacks ..."""

    strong: int
    suite: int
    single: int
    photographs: int
    undefended: int
    seeds: int
    photographic_norms: tuple[Norm, ...]


STANDARD = Sizes(200, 100, 64, 50, 32, 3, ("linf",))
FULL = Sizes(1000, 500, 500, 500, 200, 5, NORMS)


def matrix(sizes: Sizes) -> list[Cell]:
    """Every cell, those of greatest weight first."""
    pairs = [(victim, norm) for victim in DEFENDED for norm in NORMS]
    strong = [Cell(*pair, "apgd-ce+t", sizes.strong, sizes.seeds) for pair in pairs]
    suites = [Cell(*pair, "autoattack", sizes.suite, 1) for pair in pairs]
    foolbox = [Cell(*pair, "pgd", sizes.strong, sizes.seeds) for pair in pairs]
    singles = [
        Cell(*pair, attack, sizes.single, seeds)
        for attack, seeds in SINGLES.items()
        for pair in pairs
    ]
    photographs = [
        Cell(PHOTOGRAPHIC, norm, "apgd-ce+t", sizes.photographs, sizes.seeds)
        for norm in sizes.photographic_norms
    ]
    undefended = [
        Cell(victim, norm, "apgd-ce+t", sizes.undefended, 1)
        for victim in UNDEFENDED
        for norm in NORMS
    ]
    return [*strong, *photographs, *foolbox, *suites, *singles, *undefended]
