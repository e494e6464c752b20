"""A pilot on a few images: how fast the model is here, and how much of it will be attacked long."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import torch
from torch import Tensor

from zsrobust.attacks.looking import Logits, look_at
from zsrobust.attacks.losses import cross_entropy
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.precision import Precision, passes
from zsrobust.errors import RunError
from zsrobust.selfcheck.names import PGD_MARGIN
from zsrobust.selfcheck.plan import Pilot, Plan
from zsrobust.selfcheck.questions import Subject, has_gradient
from zsrobust.selfcheck.trials import Attacks, run_trial
from zsrobust.threat_model import parse_eps

IMAGES, FEW = 16, 8
HALVES: tuple[Precision, Precision] = ("bf16", "fp16-unscaled")
SURCHARGE = 1.2
"""What the engine's own bookkeeping and its half-empty batches add to bare passes."""


def calibrate(subject: Subject, plan: Plan, eps: str) -> Pilot:
    """Times a forward and a forward with gradient at the plan's batch, and attacks 16 images.

    eps: the radius of the plan up to which they are attacked. A randomised model is timed with all
    its draws.
    """
    some = subject.first(plan.batch_size)
    with measuring(subject.draws.classifier):
        gradient = has_gradient(some)
        forward = _seconds(lambda: _look(some, False), some.pixels)
        both = _seconds(lambda: _look(some, True), some.pixels) if gradient else 0.0
    bf16, fp16 = (_half(subject.first(FEW), each) if gradient else 0.0 for each in HALVES)
    few = subject.first(IMAGES)
    radii = [each for each in plan.radii[1:] if parse_eps(each) <= parse_eps(eps) + 1e-9]
    kept = [_share_kept(few, plan, radius) if gradient else 1.0 for radius in radii]
    return Pilot(
        forward=SURCHARGE * forward / len(some.ids),
        gradient=SURCHARGE * both / len(some.ids),
        bf16=SURCHARGE * (bf16 + both / len(some.ids)),
        fp16=SURCHARGE * fp16,
        kept=tuple(zip(map(parse_eps, radii), kept, strict=True)),
    )


def _share_kept(subject: Subject, plan: Plan, eps: str) -> float:
    """Rounded up by one image: who keeps none of a few may keep some of many."""
    trial, _ = run_trial(subject, PGD_MARGIN, Attacks(plan).single(PGD_MARGIN), eps)
    return min(sum(trial.kept) + 1, len(trial.kept)) / len(trial.kept)


def _half(subject: Subject, precision: Precision) -> float:
    """Seconds an image for a gradient in a lower precision; 0 where it overflows."""
    with measuring(subject.draws.classifier), suppress(RunError):
        _, logits_of = passes(subject.logits, precision)[0]
        work = partial(_look, subject, True, logits_of)
        return _seconds(work, subject.pixels) / len(subject.ids)
    return 0.0


def _look(subject: Subject, with_gradient: bool, logits_of: Logits | None = None) -> None:
    def loss(logits: Tensor) -> Tensor:
        return cross_entropy(logits, subject.labels)

    look_at(
        logits_of or subject.logits,
        subject.pixels,
        loss if with_gradient else None,
        wide=len(subject.ids),
        samples=subject.draws.samples,
    )


def _seconds(work: Callable[[], None], pixels: Tensor) -> float:
    """The second of two passes."""
    work()
    _finish(pixels)
    start = time.perf_counter()
    work()
    _finish(pixels)
    return time.perf_counter() - start


def _finish(pixels: Tensor) -> None:
    if pixels.is_cuda:
        torch.cuda.synchronize(pixels.device)
