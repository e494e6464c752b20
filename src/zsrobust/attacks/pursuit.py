"""One round of an attack over the images of a block that are still standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.attacks.batches import padded
from zsrobust.attacks.findings import Findings, Sight
from zsrobust.attacks.looking import Logits, look_at
from zsrobust.attacks.search import Search
from zsrobust.threat_model import ThreatModel

SLACK = 1e-3
"""Logits scored again in a batch of another shape agree to this."""

_INSIDE = 1e-6


@dataclass(frozen=True)
class Quarry:
    """The images of a block that a round pursues, and what counts as catching one.

    clean (n, 3, H, W) and labels (n,) are the whole block's; targets (m,) are positions in it.
    every_look: judge each look and drop an image at its first success; otherwise every image
    gets all its looks and its last alone is judged.
    stays_inside: whether looks need no check of being inside the ball.
    confirm: a last test of pixels that fool, (k, 3, H, W) and their positions in the block ->
    the pixels to keep and whether they still fool, (k,).
    """

    clean: Tensor
    labels: Tensor
    targets: Tensor
    threat: ThreatModel
    every_look: bool
    stays_inside: bool = True
    confirm: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None


def pursue(
    logits_of: Logits,
    quarry: Quarry,
    search: Search,
    findings: Findings,
    *,
    batch_size: int,
    samples: int = 1,
) -> None:
    """Runs one search over `quarry.targets`, writing into `findings`."""
    targets, every_look = quarry.targets, quarry.every_look
    looks = torch.zeros_like(targets)
    done = torch.zeros_like(targets, dtype=torch.bool)
    late = int(0.9 * search.looks)
    before = targets[:0]
    while not bool(done.all()):
        turn, gradient = _turn(search, done, batch_size)
        if not torch.equal(turn, before):
            slots, images, before = padded(turn, batch_size), targets[turn], turn
            labels = quarry.labels[images]
        loss = partial(search.loss, rows=slots) if gradient else None
        look = look_at(logits_of, search.pixels(slots), loss, count=len(turn), samples=samples)
        sight = Sight.of(images, look, labels, looks[turn])
        findings.watch(sight, samples)
        finished = search.advance(turn, look)
        judged = finished | every_look
        if every_look and not quarry.stays_inside:
            away = distance(look.pixels, quarry.clean[images], quarry.threat)
            judged = judged & (away <= quarry.threat.eps + _INSIDE)
        fooled = _judge(quarry, findings, sight, judged)
        findings.mark_late(sight, late)
        looks[turn] = sight.number + 1
        done[turn] = finished | (fooled & every_look)


def _turn(search: Search, done: Tensor, batch_size: int) -> tuple[Tensor, bool]:
    """Whom to look at, and whether with a gradient: those not done that want what the first wants.

    No batch pays for a gradient that some of its images do not need.
    """
    left = (~done).nonzero().squeeze(1)
    wants = search.wants_gradient(left)
    gradient = bool(wants[0])
    return left[wants == gradient][:batch_size], gradient


def _judge(quarry: Quarry, findings: Findings, sight: Sight, judged: Tensor) -> Tensor:
    """Who of the judged is fooled, (k,) bool."""
    if bool(judged.all()):
        fooled = findings.judge(sight, SLACK)
    else:
        fooled, some = torch.zeros_like(judged), judged.nonzero().squeeze(1)
        if len(some):
            fooled[some] = findings.judge(sight.some(some), SLACK)
    if quarry.confirm is not None and bool(fooled.any()):
        rows = fooled.nonzero().squeeze(1)
        images = sight.images[rows]
        kept, still = quarry.confirm(sight.look.pixels[rows], images)
        findings.pixels[images[still]] = kept[still]
        findings.fooled[images] = still
        fooled[rows] = still
    return fooled
