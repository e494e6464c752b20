"""The attacks that are known by name: each a cascade, every member seeing only who is left."""

from __future__ import annotations

from zsrobust.attacks.pgd import PGD
from zsrobust.registry import Registry

Cascade = tuple[PGD, ...]

ATTACKS: Registry[Cascade] = Registry(
    kind="attack",
    entries={
        "pgd-20": (PGD("pgd-ce-20"), PGD("pgd-margin-20", loss="margin")),
        "pgd-100": (PGD("pgd-ce-100", steps=100), PGD("pgd-margin-100", loss="margin", steps=100)),
        "margin-pgd-20": (PGD("pgd-margin-20", loss="margin"),),
    },
    see="zsrobust protocols",
)
