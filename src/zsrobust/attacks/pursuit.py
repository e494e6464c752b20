"""Rounds of an attack over images of a block that are still standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.attacks.findings import Findings
from zsrobust.attacks.looking import Logits, look_at
from zsrobust.attacks.rows import Rows
from zsrobust.attacks.search import Search
from zsrobust.threat_model import ThreatModel

SLACK = 1e-3
"""Logits scored again in a batch of another shape agree to this."""

_INSIDE = 1e-6
_AHEAD_ON_CPU = 32
"""Rows up to which a batch of a small net costs a CPU little more than one image alone."""


Confirm = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Pixels that fool, (k, 3, H, W), and their positions in the block -> the pixels to keep and
whether they still fool, (k,)."""


@dataclass(frozen=True)
class Hunt:
    """How the rounds of a member are run over a block.

    clean (n, 3, H, W) and labels (n,) are the whole block's.

    begin: positions in the block (k,) and a round -> its search on them.
    every_look: judge each look and drop an image at its first success; otherwise every image
    gets all its looks and its last alone is judged.
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
    every_look: bool
    stays_inside: bool
    confirm: Confirm | None = None


@dataclass
class Found(Rows):
    """What rounds found. images: positions in the block, (k,). turns: the round of each row."""

    images: Tensor
    turns: Tensor
    findings: Findings


@dataclass
class Pool(Rows):
    """The rows in work, k at most a batch: an image in a round each.

    done: had their last look, or fooled.
    """

    found: Found
    clean: Tensor
    labels: Tensor
    search: Search
    done: Tensor


def rounds_at_once(targets: int, left: int, batch_size: int, on_cpu: bool) -> int:
    """How many of the rounds left are run side by side: as many as a batch has room for.

    What comes out is what one after the other would give: see `pursue`.
    """
    room = min(batch_size, _AHEAD_ON_CPU) if on_cpu else batch_size
    return max(1, min(left, room // targets))


def pursue(hunt: Hunt, targets: Tensor, turns: range, findings: Findings) -> None:
    """Runs the rounds `turns` over `targets` (m,), positions in the block, into `findings`.

    Several rounds are run side by side only where all their rows fit into one batch. The first
    round to fool an image counts, with the looks up to it; later ones are as if never begun.
    """
    queue = [(turn, targets) for turn in turns]
    pool, ended = _filled(None, queue, hunt), list[Found]()
    while pool is not None:
        _look(hunt, pool)
        if not bool(pool.done.any()):
            continue
        rest, left = _parted(pool)
        if len(turns) == 1:
            findings.absorb(left.images, left.findings)
        else:
            ended.append(left)
        pool = _filled(rest, queue, hunt)
    for turn in turns if ended else ():
        for each in ended:
            counts = (each.turns == turn) & ~findings.fooled[each.images]
            some = each.some(counts.nonzero().squeeze(1))
            findings.absorb(some.images, some.findings)


def _filled(pool: Pool | None, queue: list[tuple[int, Tensor]], hunt: Hunt) -> Pool | None:
    """The pool with rows from the queue in its free places; None once both are empty."""
    while queue:
        room = hunt.batch_size - (len(pool.done) if pool else 0)
        if not room:
            break
        turn, images = queue.pop(0)
        if len(images) > room:
            queue.insert(0, (turn, images[room:]))
        more = _begun(hunt, images[:room], turn)
        pool = more if pool is None else pool.joined(more)
    return pool


def _begun(hunt: Hunt, images: Tensor, turn: int) -> Pool:
    clean = hunt.clean.index_select(0, images)
    return Pool(
        found=Found(images, torch.full_like(images, turn), Findings.none_yet(clean)),
        clean=clean,
        labels=hunt.labels[images],
        search=hunt.begin(images, turn),
        done=torch.zeros_like(images, dtype=torch.bool),
    )


def _parted(pool: Pool) -> tuple[Pool | None, Found]:
    """Who goes on, and what was found for those who are done.

    A row whose image an earlier round has fooled neither goes on nor counts.
    """
    left = pool.found.some(pool.done.nonzero().squeeze(1))
    fooled = left.some(left.findings.fooled.nonzero().squeeze(1))
    same = pool.found.images[:, None] == fooled.images
    overtaken = (same & (pool.found.turns[:, None] > fooled.turns)).any(1)
    going = (~pool.done & ~overtaken).nonzero().squeeze(1)
    return (pool.some(going) if len(going) else None), left


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
    some = pool.some(rows)
    _look_at_all(hunt, some, gradient=bool(wants[0]))
    pool.put(rows, some)


def _look_at_all(hunt: Hunt, pool: Pool, *, gradient: bool) -> None:
    search, findings = pool.search, pool.found.findings
    look = look_at(
        hunt.logits_of,
        search.pixels(),
        search.loss if gradient else None,
        batch_size=hunt.batch_size,
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


def _confirmed(confirm: Confirm, found: Found, pixels: Tensor, fooled: Tensor) -> Tensor:
    """Who is fooled beyond doubt, (k,) bool; keeps the pixels that prove it."""
    rows = fooled.nonzero().squeeze(1)
    kept, still = confirm(pixels[rows], found.images[rows])
    found.findings.pixels[rows[still]] = kept[still]
    found.findings.fooled[rows] = still
    fooled = torch.zeros_like(fooled)
    fooled[rows] = still
    return fooled
