"""Rounds of an attack over images of a block that are still standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.attacks.batches import width
from zsrobust.attacks.course import Course, Found
from zsrobust.attacks.findings import Findings
from zsrobust.attacks.looking import Logits, look_at
from zsrobust.attacks.rows import Rows
from zsrobust.attacks.search import Search
from zsrobust.threat_model import ThreatModel

SLACK = 1e-3
"""Logits scored again in a batch of another shape agree to this."""

_INSIDE = 1e-6
_SETTLED = 16
"""Looks after which a row that is only padding would cost more than a shape of its own."""
_AHEAD = 16
"""Rows up to which a batch costs a small net, or a GPU, little more than one image alone."""


Confirm = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Pixels that fool, (k, 3, H, W), and their positions in the block -> the pixels to keep and
whether they still fool, (k,)."""


@dataclass(frozen=True)
class Hunt:
    """How the rounds of a member are run over a block.

    clean (n, 3, H, W) and labels (n,) are the whole block's.

    begin: positions in the block (k,) and a round -> its search on them.
    until_fooled: whether an image leaves once a round has fooled it. every_look: judge each look,
    and end a round at its first success; otherwise its last look alone is judged.
    stays_inside: whether looks need no check of being inside the ball.
    confirm: a last test of pixels that fool.
    """

    logits_of: Logits
    begin: Callable[[Tensor, int], Search]
    clean: Tensor
    labels: Tensor
    threat: ThreatModel
    batch_size: int
    samples: int
    until_fooled: bool
    every_look: bool
    stays_inside: bool
    confirm: Confirm | None = None


@dataclass
class Pool(Rows):
    """The rows in work, k at most a batch: an image in a round each.

    done: had their last look, or fooled. unchanged: how many looks ago rows left or joined.
    """

    found: Found
    clean: Tensor
    labels: Tensor
    search: Search
    done: Tensor
    unchanged: int = 0


def pursue(hunt: Hunt, targets: Tensor, rounds: int, findings: Findings) -> None:
    """Runs all rounds over `targets` (m,), positions in the block, into `findings`.

    A place that would be padding is given to an image's next round, begun ahead of its time. What
    comes out is what one round after the other would give: the first to fool an image counts, with
    the looks up to it; later ones are as if never begun.
    """
    queue = [(turn, targets) for turn in range(rounds)]
    course = Course.of(findings, targets, rounds)
    pool = _filled(None, queue, hunt, course)
    while pool is not None:
        _look(hunt, pool)
        pool.unchanged += 1
        if not bool(pool.done.any()):
            continue
        ended = pool.found.some(pool.done.nonzero().squeeze(1))
        course.settle(ended, until_fooled=hunt.until_fooled)
        going = ~pool.done & (pool.found.turns <= course.won[pool.found.images])
        rows = going.nonzero().squeeze(1)
        pool = _filled(pool.some(rows) if len(rows) else None, queue, hunt, course)
        if pool is not None:
            pool.unchanged = 0


def _filled(
    pool: Pool | None, queue: list[tuple[int, Tensor]], hunt: Hunt, course: Course
) -> Pool | None:
    """The pool with rows from the queue in its free places; None once both are empty."""
    while queue:
        turn, images = queue.pop(0)
        images = images[course.won[images] > turn]
        if not len(images):
            continue
        room = _places(hunt, course.standing) - (len(pool.done) if pool else 0)
        if len(images) > room:
            queue.insert(0, (turn, images[max(0, room) :]))
        if room <= 0:
            break
        more = _begun(hunt, images[:room], turn)
        pool = more if pool is None else pool.joined(more)
    return pool


def _places(hunt: Hunt, standing: int) -> int:
    """How many rows are worked on at once, of so many images that still stand."""
    least = min(_AHEAD, hunt.batch_size)
    wanted = min(max(standing, least), hunt.batch_size)
    return width(wanted, hunt.batch_size, hunt.clean.device)


def _begun(hunt: Hunt, images: Tensor, turn: int) -> Pool:
    clean = hunt.clean.index_select(0, images)
    return Pool(
        found=Found(images, torch.full_like(images, turn), Findings.none_yet(clean)),
        clean=clean,
        labels=hunt.labels[images],
        search=hunt.begin(images, turn),
        done=torch.zeros_like(images, dtype=torch.bool),
    )


def _look(hunt: Hunt, pool: Pool) -> None:
    """One look at all rows, or at those alone that want a gradient or not as the first does.

    No batch pays for a gradient that some of its images do not need.
    """
    wants = pool.search.wants_gradient()
    wanting = int(wants.count_nonzero())
    if wanting in (0, len(wants)):
        _look_at_all(hunt, pool, gradient=wanting > 0)
        return
    rows = (wants == wants[0]).nonzero().squeeze(1)
    some = replace(pool.some(rows), unchanged=0)
    _look_at_all(hunt, some, gradient=bool(wants[0]))
    pool.put(rows, some)


def _look_at_all(hunt: Hunt, pool: Pool, *, gradient: bool) -> None:
    search, findings = pool.search, pool.found.findings
    look = look_at(
        hunt.logits_of,
        search.pixels(),
        search.loss if gradient else None,
        wide=_wide(hunt, pool, gradient=gradient),
        samples=hunt.samples,
    )
    sight = findings.see(look, pool.labels, hunt.samples)
    finished = search.advance(look)
    judged = torch.ones_like(finished) if hunt.every_look else finished
    if hunt.every_look and not hunt.stays_inside:
        away = distance(look.pixels, pool.clean, hunt.threat)
        judged = away <= hunt.threat.eps + _INSIDE
    fooled = findings.judge(sight, judged, SLACK)
    if hunt.confirm is not None and bool(fooled.any()):
        fooled = _confirmed(hunt.confirm, pool.found, look.pixels, fooled)
    findings.mark_late(sight, int(0.9 * search.looks))
    pool.done = finished | fooled if hunt.every_look else finished


def _wide(hunt: Hunt, pool: Pool, *, gradient: bool) -> int:
    """To how many rows a look is padded.

    Not at all on a CPU where rows have settled and no round can fill the places: Square's thousands
    of queries. A shape of a mere forward takes little memory.
    """
    count, device = len(pool.done), pool.done.device
    if device.type == "cpu" and not gradient and pool.unchanged >= _SETTLED:
        return count
    return width(count, hunt.batch_size, device)


def _confirmed(confirm: Confirm, found: Found, pixels: Tensor, fooled: Tensor) -> Tensor:
    """Who is fooled beyond doubt, (k,) bool; keeps the pixels that prove it."""
    rows = fooled.nonzero().squeeze(1)
    kept, still = confirm(pixels[rows], found.images[rows])
    found.findings.pixels[rows[still]] = kept[still]
    found.findings.fooled[rows] = still
    fooled = torch.zeros_like(fooled)
    fooled[rows] = still
    return fooled
