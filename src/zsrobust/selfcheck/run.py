"""The self-check of any callable from pixels to logits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import torch
from torch import Tensor

from zsrobust.attacks.batches import in_batches
from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.input_checks import check_labels, check_pixels
from zsrobust.errors import InputError, PixelsError
from zsrobust.randomness import seeded
from zsrobust.records.environment import invocation, package_versions
from zsrobust.selfcheck.calibrate import calibrate
from zsrobust.selfcheck.checks import check_probes, verdict
from zsrobust.selfcheck.clean import Clean, clean_answers
from zsrobust.selfcheck.course import Course, OnStage, attack
from zsrobust.selfcheck.plan import Plan, estimate, fit
from zsrobust.selfcheck.questions import Subject, ask
from zsrobust.selfcheck.result import Check, SelfCheck
from zsrobust.threat_model import parse_eps

Say = Callable[[str], None]


def selfcheck(
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor | None = None,
    ids: Sequence[str] | None = None,
    *,
    eps: str = "4/255",
    minutes: float = 5.0,
    plan: Plan | None = None,
    seed: int = 0,
    batch_size: int = 64,
    model: str = "model",
    dataset: str = "images",
    say: Say | None = None,
    on_stage: OnStage | None = None,
) -> SelfCheck:
    """Whether a model's robustness is its own, or its gradients are masked.

    classifier: any callable from pixels (B, 3, H, W) in [0, 1] to logits (B, C); a randomised one
    wrapped in `Randomised`, or that is named as a sign. pixels, labels, ids: the images, of which
    the first n are used; labels (N,) int64, default: the model's own answers; ids default to
    positions. eps: where attacks are compared if the model keeps enough images there, else below.
    minutes: what n and Square's queries are fitted to; a `plan` fixes both instead.
    say: told the plan and its estimate. on_stage(done, all, name): told each attack.
    Raises InputError for settings, PixelsError or ModelError for images or logits that mean
    nothing, RunError where the clean logits are not finite.
    """
    started = time.perf_counter()
    _check_settings(eps, minutes)
    subject = _subject(classifier, pixels, labels, ids, batch_size, seed)
    wanted = (plan or Plan(batch_size=batch_size)).with_radius(eps)
    foreseen = None
    with seeded(seed, "selfcheck", device=subject.pixels.device):
        if plan is None:
            pilot = calibrate(subject, wanted, wanted.radius_of(eps))
            left = 60 * minutes - (time.perf_counter() - started)
            wanted = fit(pilot, left, wanted, len(pixels))
            foreseen = estimate(wanted, pilot)
            if say is not None:
                say(_announcement(wanted, foreseen, minutes))
        subject = subject.first(wanted.n)
        wanted = replace(wanted, n=len(subject.ids))
        answers = ask(subject, wanted.batches)
        clean = clean_answers(answers, subject.labels.tolist() if labels is not None else None)
        course = Course(subject, wanted, on_stage, bool(clean.collapsed))
        found = attack(course, answers, wanted.radius_of(eps))
    checks = (clean.check, *_beside(clean, (*check_probes(answers), *found.checks)))
    return SelfCheck(
        model=model,
        dataset=dataset,
        command=invocation(),
        created=datetime.now(UTC),
        plan=wanted,
        seed=seed,
        estimate=foreseen,
        seconds=time.perf_counter() - started,
        labelled=labels is not None,
        chance=clean.chance,
        ids=subject.ids,
        right=answers.right,
        eps=wanted.radius_of(eps),
        close_eps=found.close_eps,
        curve=found.curve,
        looks=found.looks,
        checks=checks,
        verdict=verdict(checks, sum(answers.right), clean.collapsed),
        device=str(subject.pixels.device),
        threads=torch.get_num_threads(),
        versions=package_versions(),
    )


def _check_settings(eps: str, minutes: float) -> None:
    if not 0 < minutes < float("inf"):
        raise InputError(f"minutes = {minutes:g}: give more than 0.")
    if parse_eps(eps) == 0.0:
        raise InputError(f"eps = {eps}: give a radius above 0, such as 4/255.")


def _subject(
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor | None,
    ids: Sequence[str] | None,
    batch_size: int,
    seed: int,
) -> Subject:
    check_pixels(pixels)
    if not len(pixels):
        raise PixelsError("pixels hold no image.")
    names = tuple(map(str, range(len(pixels)))) if ids is None else tuple(ids)
    if len(set(names)) != len(pixels):
        raise PixelsError(f"ids must be {len(pixels)} different names; got {len(set(names))}.")
    nothing = torch.zeros(len(pixels), dtype=torch.int64, device=pixels.device)
    subject = Subject(classifier, pixels.float(), nothing, names, batch_size, seed)
    with measuring(subject.draws.classifier), torch.no_grad():
        if labels is None:
            labels = in_batches(subject.logits, subject.pixels, batch_size).argmax(1)
        else:
            check_labels(labels, len(pixels), subject.logits(pixels[:1]).shape[1])
    return replace(subject, labels=labels.to(pixels.device))


def _announcement(plan: Plan, foreseen: float, minutes: float) -> str:
    said = f"n = {plan.n} images, Square with {plan.queries} queries; about {duration(foreseen)}."
    if foreseen > 60 * minutes:
        said += " That is more than asked for, and the least that can decide."
    return said


def duration(seconds: float) -> str:
    """A time as "45 s" or "3.5 min".

    >>> duration(45.2), duration(210)
    ('45 s', '3.5 min')
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _beside(clean: Clean, checks: Sequence[Check]) -> list[Check]:
    """Of a constant answer gradients prove nothing either way: only `invalid` stands beside it."""
    if not clean.collapsed:
        return list(checks)
    return [
        replace(check, level="open", flag="") if check.level == "warning" else check
        for check in checks
    ]
