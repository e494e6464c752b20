"""One row an image: what the model said of it clean, and under every attack."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from zsrobust.errors import RunError


@dataclass(frozen=True)
class AttackOutcome:
    """What one attack did to one image.

    name: the attack, or the member of a cascade. eps: a fraction of the pixel range for `linf`.
    ran: False where it had no work, the image being fooled already (clean, or by an earlier
    member); prediction and margin are then the earlier ones.
    prediction, margin: on the pixels returned. margin = best wrong logit - true logit: positive
    where the image is misclassified.
    distance: how far those pixels lie from the clean ones, in `norm`.
    iteration: of the first success, else -1. forwards, backwards: model calls spent on the image.
    flags: names of health flags raised.
    """

    name: str
    eps: float
    norm: str
    ran: bool
    prediction: int
    margin: float
    distance: float
    iteration: int
    forwards: int
    backwards: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """One image of a run.

    label: the true class, or the model's own clean prediction where the run has no labels.
    worst_prediction, worst_margin: the worst case over the clean image and all attacks.
    attacks: the members in the order in which they ran, for each eps of the protocol.
    """

    id: str
    label: int
    clean_prediction: int
    clean_margin: float
    worst_prediction: int
    worst_margin: float
    attacks: tuple[AttackOutcome, ...]


def build_record(
    sample_id: str,
    label: int,
    clean_prediction: int,
    clean_margin: float,
    attacks: Iterable[AttackOutcome],
) -> Record:
    """A record with its worst case filled in: a wrong answer before a right one, then the margin.

    A margin that is not a number counts as the worst of all; ties go to the earlier attack.
    """
    members = tuple(attacks)
    answers = [(clean_prediction, clean_margin), *((a.prediction, a.margin) for a in members)]

    def badness(answer: tuple[int, float]) -> tuple[bool, float]:
        prediction, margin = answer
        return prediction != label, math.inf if math.isnan(margin) else margin

    worst_prediction, worst_margin = max(answers, key=badness)
    return Record(
        id=sample_id,
        label=label,
        clean_prediction=clean_prediction,
        clean_margin=clean_margin,
        worst_prediction=worst_prediction,
        worst_margin=worst_margin,
        attacks=members,
    )


def clean_right(record: Record) -> bool:
    """Whether the unattacked image is classified as its label says."""
    return record.clean_prediction == record.label


def same_eps(one: float, other: float) -> bool:
    """Whether two radii are one radius, up to rounding of the last digits."""
    return math.isclose(one, other, rel_tol=1e-9)


def outcomes_at(record: Record, eps: float) -> tuple[AttackOutcome, ...]:
    """The attacks of one eps, in the order in which they ran."""
    return tuple(attack for attack in record.attacks if same_eps(attack.eps, eps))


def withstood(outcome: AttackOutcome, label: int) -> bool:
    """Whether the image was attacked and is still classified as its label says.

    An attack that did not run withstands nothing: the image was fooled before its turn.
    """
    return outcome.ran and outcome.prediction == label


def survives(record: Record, eps: float) -> bool:
    """Whether the image is right when clean and under every attack of that eps.

    Raises RunError for an image that is right when clean and was never attacked at that eps.
    """
    if not clean_right(record):
        return False
    outcomes = outcomes_at(record, eps)
    if not outcomes:
        known = ", ".join(sorted({f"{attack.eps:g}" for attack in record.attacks})) or "none"
        raise RunError(
            f"Image '{record.id}' was not attacked at eps = {eps:g}. Its record holds: {known}."
        )
    return all(withstood(outcome, record.label) for outcome in outcomes)
