"""What the catalogue's attacks are, in a line each, and what their members do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.attacks.search import Attack

ABOUT: Mapping[str, str] = {
    "apgd-ce+t": "The strong default: Auto-PGD on cross-entropy, then towards nine targets.",
    "autoattack": "Standard AutoAttack: apgd-ce+t, then FAB towards nine targets, then Square.",
    "apgd-ce+dlr": "Auto-PGD on cross-entropy, then on the difference of logits ratio.",
    "tga-autoattack": "What the TGA-ZSR release calls AutoAttack: two members of its four.",
    "robustvlm": "As apgd-ce+t, with five restarts on cross-entropy (the RobustVLM release).",
    "pgd-20": "Quick: 20 steps of PGD on cross-entropy, then 20 on the margin.",
    "pgd-100": "100 steps of PGD on cross-entropy, then 100 on the margin.",
    "margin-pgd-20": "20 steps of PGD on the margin alone.",
    "margin-pgd-100": "100 steps of PGD on the margin: the literature's CW.",
    "apgd-ce": "Auto-PGD on cross-entropy alone.",
    "apgd-dlr": "Auto-PGD on the difference of logits ratio alone.",
    "apgd-t": "Auto-PGD towards the nine classes that rank next.",
    "fab-t": "FAB towards nine targets: seeks the nearest wrong image, whatever the radius.",
    "square": "Square: queries without gradients, for defences that mask them.",
}


def members_of(name: str) -> list[tuple[str, dict[str, str]]]:
    """(name, settings) of each member of a catalogued attack, in the order in which they run.

    Raises UnknownNameError with the nearest known name.
    """
    return [(member.name, _settings(member)) for member in ATTACKS[name]]


def _settings(member: Attack) -> dict[str, str]:
    own = {
        each.name: str(getattr(member, each.name)) for each in fields(member) if each.name != "name"
    }
    return {"method": type(member).__name__, **own}
