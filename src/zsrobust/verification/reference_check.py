"""Does the engine decide as the attacks of the papers do? A few images, attacked once more."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.fab import FAB
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.search import Attack, Cascade
from zsrobust.attacks.square import Square
from zsrobust.attacks.step_size import step_length
from zsrobust.errors import RunError
from zsrobust.records.paired import mcnemar
from zsrobust.records.record import clean_right, survives
from zsrobust.threat_model import ThreatModel, format_eps
from zsrobust.verification.check import Check
from zsrobust.verification.finished_run import FinishedRun, Subject
from zsrobust.verification.reference_attack import apgd, fab, pgd
from zsrobust.verification.reference_square import square
from zsrobust.verification.reference_victim import Found, Victim, meet

NAME = "reference attack"
AGREE = 0.98
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class _Decision:
    """What was recorded of one image at one radius, and what the reference attack found."""

    sample_id: str
    eps: float
    recorded: bool
    reference: bool
    by: str
    margin: float


def check_reference(
    run: FinishedRun,
    subject: Subject,
    count: int,
    on_image: Callable[[int, int], None] | None = None,
) -> Check:
    """The first `count` images that are right when clean, attacked by the reference path.

    Of the decisions (does the image withstand?) at least 98 % must agree, and those that do not
    must not lean to one side (exact McNemar test, p < 0.05). on_image(done, all): after each.
    """
    if run.protocol.settings.precision == "fp16-unscaled":
        why = "the run searched in fp16 on purpose; the reference attack is in fp32"
        return Check(NAME, nothing_to_do=why)
    chosen = [i for i, record in enumerate(run.records) if clean_right(record)][:count]
    if not chosen:
        return Check(NAME, nothing_to_do="no image of the run is right when clean")
    decisions = []
    with measuring(subject.classifier):
        for done, position in enumerate(chosen, start=1):
            decisions += _decide(run, subject, position)
            if on_image is not None:
                on_image(done, len(chosen))
    return _judge(decisions, len(chosen))


def reference_cascade(victim: Victim, cascade: Cascade) -> dict[str, Found]:
    """What each member finds, by its name: all of them run, whoever was fooled before."""
    return {attack.name: _run(victim, attack) for attack in cascade}


def _run(victim: Victim, attack: Attack) -> Found:
    if isinstance(attack, PGD):
        return pgd(
            victim,
            attack.name,
            loss=attack.loss,
            steps=attack.steps,
            step=step_length(attack.step_size, victim.threat.eps),
            restarts=attack.restarts,
            last=attack.iterate == "last",
        )
    if isinstance(attack, APGD):
        return apgd(
            victim,
            attack.name,
            loss=attack.loss,
            steps=attack.steps,
            restarts=attack.restarts,
            targets=attack.targets,
        )
    if isinstance(attack, FAB):
        return fab(victim, steps=attack.steps, targets=attack.targets)
    if isinstance(attack, Square):
        return square(victim, attack.name, queries=attack.queries, share=attack.share)
    raise RunError(f"{attack.name}: no reference attack of kind {type(attack).__name__} exists.")


def _decide(run: FinishedRun, subject: Subject, position: int) -> list[_Decision]:
    record, clean = run.records[position], subject.image(position)
    decisions = []
    for eps in run.protocol.radii:
        threat = ThreatModel(run.protocol.settings.norm, eps)
        victim, before = meet(
            subject.classifier, clean, record.label, record.id, threat, run.header.seed
        )
        found = {"clean": before, **reference_cascade(victim, run.protocol.cascade)}
        fooled = [name for name, each in found.items() if each.fooled]
        decisions.append(
            _Decision(
                sample_id=record.id,
                eps=eps,
                recorded=survives(record, eps),
                reference=not fooled,
                by=fooled[0] if fooled else "",
                margin=max(each.margin for each in found.values()),
            )
        )
    return decisions


def _judge(decisions: list[_Decision], images: int) -> Check:
    named = {f"{each.sample_id} at {each.eps}": each for each in decisions}
    test = mcnemar(
        {key: each.recorded for key, each in named.items()},
        {key: each.reference for key, each in named.items()},
    )
    differ = [each for each in decisions if each.recorded != each.reference]
    faults = []
    if len(differ) > math.floor((1 - AGREE) * len(decisions) + 1e-9):
        said = f"{len(differ)} of {len(decisions)} decisions differ, more than 2 %"
        faults.append(f"{said}: {'; '.join(map(_told, differ[:3]))}")
    if test.p_value < SIGNIFICANT:
        faults.append(
            f"the differences lean to one side: {test.only_a} withstood by the records alone, "
            f"{test.only_b} by the reference alone (p = {test.p_value:.2g})"
        )
    figures = {
        "images": images,
        "decisions": len(decisions),
        "agree": len(decisions) - len(differ),
        "withstood, records": sum(each.recorded for each in decisions),
        "withstood, reference": sum(each.reference for each in decisions),
        "McNemar p": test.p_value,
    }
    return Check(NAME, figures, tuple(faults))


def _told(one: _Decision) -> str:
    does = f"fooled by {one.by}" if one.by else "withstands"
    told = "withstands" if one.recorded else "fooled"
    where = f"image {one.sample_id} at {format_eps(one.eps)}"
    return f"{where}: recorded {told}, reference {does} (margin {one.margin:.4f})"
