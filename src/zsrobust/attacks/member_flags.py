"""What an attack's course on each image says of its health: the flags of `health.SIGNS`."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.attacks.block import Block
from zsrobust.attacks.findings import Findings
from zsrobust.attacks.search import Attack
from zsrobust.threat_model import ThreatModel

LATE_RISE = 0.05
"""Share of the whole rise of the margin that a finished search may still make at the end."""
_OUTSIDE = 1e-5


def member_flags(
    attack: Attack,
    found: Findings,
    block: Block,
    fooled: Tensor,
    threat: ThreatModel,
    eight_bit: bool,
) -> tuple[tuple[str, ...], ...]:
    """Flags an image, for those of the block that the attack was given. fooled: (n,) bool."""
    ran = block.standing
    stood, rise = ran & ~fooled, found.margins - found.first
    always = attack.flags(block.verdict.ranking.shape[1])
    wrong_in_vain = "lost-in-rounding" if eight_bit else "silent-success"
    raised = {
        "zero-gradient": ran & found.silent,
        wrong_in_vain: stood & found.seen_wrong & attack.stays_inside,
        # Where the last look alone is judged, nothing is known of the margins on the way.
        "still-rising": stood
        & found.late.isfinite()
        & (found.margins - found.late > LATE_RISE * rise)
        & (rise > 0),
        "no-progress": stood & (rise <= 0) & ~found.seen_wrong & attack.stays_inside,
        "random-start": fooled & (found.iteration == 0),
        "outside-ball": ran & _outside(found.pixels, block.clean, threat),
    }
    rows = {flag: which.tolist() for flag, which in raised.items()}
    return tuple(
        (*always, *(flag for flag, which in rows.items() if which[i])) if was_run else ()
        for i, was_run in enumerate(ran.tolist())
    )


def _outside(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> Tensor:
    """Which pixels lie outside ball or box by more than rounding, (n,) bool."""
    beyond_box = torch.linalg.vector_norm(
        (pixels - pixels.clamp(0, 1)).flatten(1), torch.inf, dim=1
    )
    beyond_ball = distance(pixels, clean, threat) - threat.eps
    return torch.maximum(beyond_box, beyond_ball) > _OUTSIDE
