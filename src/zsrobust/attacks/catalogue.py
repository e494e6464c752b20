"""The attacks that are known by name: each a cascade, every member seeing only who is left."""

from __future__ import annotations

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.fab import FAB
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.search import Cascade
from zsrobust.attacks.square import Square
from zsrobust.registry import Registry

APGD_CE = APGD("apgd-ce")
APGD_DLR = APGD("apgd-dlr", loss="dlr")
APGD_T = APGD("apgd-t", loss="targeted-dlr", targets=9)
FAB_T = FAB("fab-t")
SQUARE = Square("square")

ATTACKS: Registry[Cascade] = Registry(
    kind="attack",
    entries={
        "apgd-ce+t": (APGD_CE, APGD_T),
        "autoattack": (APGD_CE, APGD_T, FAB_T, SQUARE),
        "apgd-ce+dlr": (APGD_CE, APGD_DLR),
        "tga-autoattack": (APGD_CE, APGD_DLR),
        "robustvlm": (APGD("apgd-ce", restarts=5), APGD_T),
        "pgd-20": (PGD("pgd-ce-20"), PGD("pgd-margin-20", loss="margin")),
        "pgd-100": (PGD("pgd-ce-100", steps=100), PGD("pgd-margin-100", loss="margin", steps=100)),
        "margin-pgd-20": (PGD("pgd-margin-20", loss="margin"),),
        "margin-pgd-100": (PGD("pgd-margin-100", loss="margin", steps=100),),
        "apgd-ce": (APGD_CE,),
        "apgd-dlr": (APGD_DLR,),
        "apgd-t": (APGD_T,),
        "fab-t": (FAB_T,),
        "square": (SQUARE,),
    },
    see="zsrobust attacks",
)
