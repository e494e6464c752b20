"""What an attack's course on each image says of its health: the flags of `health.SIGNS`."""

from __future__ import annotations

from torch import Tensor

from zsrobust.attacks.findings import Findings
from zsrobust.attacks.search import Attack
from zsrobust.threat_model import ThreatModel

LATE_RISE = 0.05
"""Share of the whole rise of the margin that a finished search may still make at the end."""
_OUTSIDE = 1e-5


def member_flags(
    attack: Attack,
    found: Findings,
    ran: Tensor,
    fooled: Tensor,
    away: Tensor,
    threat: ThreatModel,
    ranking: Tensor,
    *,
    eight_bit: bool,
) -> tuple[tuple[str, ...], ...]:
    """Flags an image, for those that ran.

    away: (n,), how far the attack's own pixels lie from the clean ones; infinite outside the box.
    """
    stood = ran & ~fooled
    rise = found.margins - found.first
    always = attack.flags(ranking.shape[1])
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
        "outside-ball": ran & (away > threat.eps + _OUTSIDE),
    }
    rows = {flag: which.tolist() for flag, which in raised.items()}
    return tuple(
        (*always, *(flag for flag, which in rows.items() if which[i])) if was_run else ()
        for i, was_run in enumerate(ran.tolist())
    )
