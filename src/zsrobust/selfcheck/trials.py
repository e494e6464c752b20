"""The attacks of a self-check, each run by itself from the clean images."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import torch

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.precision import Precision
from zsrobust.attacks.result import AttackResult
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Attack, Cascade
from zsrobust.attacks.square import Square
from zsrobust.errors import RunError
from zsrobust.selfcheck.names import (
    APGD_CE,
    APGD_DLR,
    BF16,
    MORE,
    PGD_CE,
    PGD_MARGIN,
    SQUARE,
)  # fmt: skip
from zsrobust.selfcheck.plan import Plan
from zsrobust.selfcheck.questions import Subject
from zsrobust.selfcheck.result import Trial


@dataclass(frozen=True)
class Attacks:
    """What a plan runs, by the names of the trials."""

    plan: Plan

    @property
    def curve(self) -> Cascade:
        """At every radius: PGD on cross-entropy, then on the margin."""
        return (self.single(PGD_CE), self.single(PGD_MARGIN))

    @property
    def whole_box(self) -> Cascade:
        """At the radius that allows every image: all gradient attacks, since one must succeed."""
        return (*self.curve, self.single(APGD_CE), self.single(APGD_DLR))

    def single(self, name: str) -> Attack:
        """One attack."""
        plan = self.plan
        known: dict[str, Attack] = {
            PGD_CE: PGD(PGD_CE, steps=plan.steps),
            PGD_MARGIN: PGD(PGD_MARGIN, loss="margin", steps=plan.steps),
            APGD_CE: APGD(APGD_CE, steps=plan.apgd_steps),
            APGD_DLR: APGD(APGD_DLR, loss="dlr", steps=plan.apgd_steps),
            MORE: PGD(MORE, loss="margin", steps=plan.more_steps, restarts=plan.restarts),
            SQUARE: Square(SQUARE, queries=plan.queries),
        }
        return known[name]


def run_trial(
    subject: Subject,
    name: str,
    attack: Attack | Cascade,
    eps: str,
    *,
    precision: Precision = "fp32",
    only: tuple[bool, ...] | None = None,
) -> tuple[Trial, AttackResult | None]:
    """An attack on the subject's images, and its result; None where it broke down.

    only: which images to attack; the others count as not kept.
    """
    start = time.perf_counter()
    which = torch.tensor([True] * len(subject.ids) if only is None else only)
    rows = which.nonzero().squeeze(1)
    kept, flags, fault, result = [False] * len(subject.ids), Counter[str](), "", None
    if len(rows):
        try:
            result = run_attack(
                subject.classifier,
                subject.pixels[rows.to(subject.pixels.device)],
                subject.labels[rows.to(subject.labels.device)],
                attack=attack,
                eps=eps,
                seed=subject.seed,
                ids=[subject.ids[row] for row in rows.tolist()],
                batch_size=subject.batch_size,
                precision=precision,
            )
        except RunError as error:
            fault = str(error)
    if result is not None:
        flags.update(flag for health in result.health for flag in health)
        for row, status in zip(rows.tolist(), result.status, strict=True):
            kept[row] = status == "survived"
    seconds = time.perf_counter() - start
    return Trial(name, eps, tuple(kept), dict(flags), seconds, fault), result


def first_alone(subject: Subject, trial: Trial, result: AttackResult | None) -> Trial:
    """What the first member of a cascade keeps by itself: it is the one that sees every image."""
    if result is None:
        return Trial(PGD_CE, trial.eps, trial.kept, {}, 0.0, trial.fault)
    member = result.members[0]
    kept = (result.clean_predictions == subject.labels) & (member.prediction == subject.labels)
    flags = Counter(flag for row in member.flags for flag in row)
    return Trial(PGD_CE, trial.eps, tuple(kept.tolist()), dict(flags), 0.0)


def bf16_alone(trial: Trial, result: AttackResult | None) -> Trial:
    """What the pass in bfloat16 keeps by itself, without the fp32 pass that follows it.

    result: of the first images.
    """
    if result is None:
        return trial
    later = [bool(name) and not name.startswith("bf16:") for name in result.attack]
    first = [each or by_fp32 for each, by_fp32 in zip(trial.kept, later, strict=False)]
    return Trial(BF16, trial.eps, (*first, *trial.kept[len(first) :]), {}, trial.seconds)
