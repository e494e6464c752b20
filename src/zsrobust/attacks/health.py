"""Signs that an attack may have failed for a reason other than robustness: one table.

Each image's flags are data (`AttackResult.health`, the records); what they say of a run together,
and how loudly, is decided here (Carlini et al. 2019; Pintor et al. 2022; Croce and Hein 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["note", "warning", "invalid"]


@dataclass(frozen=True)
class Sign:
    """A flag, and when it speaks of a run: on more than `share` of the attacked images.

    says: what it means, and what to do.
    """

    level: Level
    share: float
    says: str


SIGNS: Mapping[str, Sign] = {
    "zero-gradient": Sign(
        "warning",
        0.05,
        "a gradient of exactly zero: the loss is flat there (saturated, quantised or in too low "
        "a precision), so gradient attacks stand still. Attack with `square`, or unmask it",
    ),
    "no-progress": Sign(
        "warning",
        0.5,
        "no step ever raised the margin: the gradient points nowhere. Attack with `square`",
    ),
    "forwards-differ": Sign(
        "warning", 0.0, "the same pixels give other logits when asked again: results are a lottery"
    ),
    "probabilities": Sign(
        "warning", 0.0, "the outputs look like probabilities: pass logits, or losses saturate"
    ),
    "few-classes": Sign(
        "note", 0.0, "too few classes for this loss: the margin took its place, as defined"
    ),
    "silent-success": Sign(
        "note", 0.0, "fooled on the way, but not by the last iterate, which alone is judged here"
    ),
    "lost-in-rounding": Sign(
        "note", 0.0, "fooled before rounding to 8 bits, and by nothing that survives it"
    ),
    "still-rising": Sign(
        "note",
        0.1,
        "the margin still rose in the last tenth of the steps: more steps may find more",
    ),
    "random-start": Sign("note", 0.0, "fooled by the random start alone, before any step"),
    "batch-dependent": Sign(
        "invalid", 0.0, "the logits of an image depend on its batch: no result per image exists"
    ),
    "randomised": Sign(
        "invalid",
        0.0,
        "a randomised classifier attacked without averaging: wrap it in "
        "zsrobust.attacks.randomised.Randomised",
    ),
    "outside-ball": Sign(
        "invalid",
        0.0,
        "the attack left ball or box; what is judged here was projected back into them",
    ),
}

SQUARE_SHARE, SQUARE_COUNT = 0.01, 2
"""Square may break this share of the white-box survivors, or this many, without being a sign."""


@dataclass(frozen=True)
class MemberCount:
    """What one member of a cascade did: images it was given, and that it alone overturned."""

    name: str
    ran: int
    fooled: int


@dataclass(frozen=True)
class Diagnosis:
    """One thing to be said of a run: flag, level, and a sentence with the counts."""

    flag: str
    level: Level
    text: str


def diagnose(
    flags: Mapping[str, int],
    attacked: int,
    members: Sequence[MemberCount] = (),
    *,
    collapsed: bool = False,
) -> tuple[Diagnosis, ...]:
    """What the flags of a run say together, the loudest first.

    flags: how many images carry each. attacked: images right when clean. A collapsed model is
    named first, and its gradients then prove nothing either way: only `invalid` stands beside it.
    """
    order = ["invalid", "warning", "note"]
    found = [
        Diagnosis(flag, SIGNS[flag].level, f"{flag} ({count} of {attacked}): {SIGNS[flag].says}.")
        for flag, count in sorted(flags.items())
        if flag in SIGNS and attacked and count > SIGNS[flag].share * attacked
    ]
    found += _square_breaks(members)
    if collapsed:
        constant = "one answer for nearly everything: a constant is never overturned"
        found = [each for each in found if each.level == "invalid"]
        found.append(Diagnosis("collapsed", "warning", f"collapsed: {constant}."))
    return tuple(sorted(found, key=lambda each: order.index(each.level)))


def _square_breaks(members: Sequence[MemberCount]) -> list[Diagnosis]:
    """Whether a search without gradients finds what gradients missed."""
    white_box = False
    for member in members:
        if not member.name.startswith("square"):
            white_box = True
        elif white_box and member.fooled > max(SQUARE_COUNT, SQUARE_SHARE * member.ran):
            return [
                Diagnosis(
                    "square-breaks",
                    "warning",
                    f"square-breaks ({member.fooled} of {member.ran}): Square overturns what "
                    "gradient attacks left standing, so their gradients are masked.",
                )
            ]
    return []
