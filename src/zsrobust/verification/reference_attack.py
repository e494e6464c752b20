"""PGD, Auto-PGD and FAB-T as their papers state them, one image at a time.

Slow and plain on purpose: see `reference_victim.py` for what is shared with the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from zsrobust.verification.reference_victim import (
    Found,
    Victim,
    differentiate,
    direction,
    length,
    logits_of,
    nothing,
    point_of_the_sphere,
    project,
    random_point,
)


def pgd(
    victim: Victim, name: str, *, loss: str, steps: int, step: float, restarts: int, last: bool
) -> Found:
    """Projected gradient descent (Madry et al. 2018) from a uniform point of the ball.

    last: only the last iterate of each restart counts; otherwise every one does.
    """
    found = nothing(victim)
    for turn in range(restarts):
        x = random_point(victim, name, turn)
        for _ in range(steps):
            logits, _, gradient = differentiate(victim, x, loss)
            if not last:
                found = found.or_worse(victim, x, logits)
            x = project(victim, x + step * direction(victim, gradient))
        found = found.or_worse(victim, x, logits_of(victim, x))
    return found


def apgd(victim: Victim, name: str, *, loss: str, steps: int, restarts: int, targets: int) -> Found:
    """Auto-PGD (Croce and Hein, ICML 2020, algorithm 1); with targets, a run for each.

    Where a ratio needs more classes than there are, the difference of logits replaces it: below
    four classes for the targeted one, below three for the other.
    """
    found = nothing(victim)
    classes = len(victim.ranking)
    if targets and classes < 4:
        loss = "targeted-margin"
    elif loss == "dlr" and classes < 3:
        loss = "margin"
    rounds = restarts * (min(targets, classes - 1) if targets else 1)
    for turn in range(rounds):
        target = victim.ranking[1 + turn // restarts] if targets else -1
        x = point_of_the_sphere(victim, name, turn)
        for pixels, logits in _apgd_iterates(victim, x, loss, target, steps):
            found = found.or_worse(victim, pixels, logits)
    return found


def _apgd_iterates(
    victim: Victim, x: Tensor, loss: str, target: int, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """All iterates of one run with their logits. The names follow the algorithm's."""
    eta = 2 * victim.threat.eps
    logits, f, gradient = differentiate(victim, x, loss, target)
    yield x, logits
    x_before, x_max, f_max, gradient_max = x, x, f, gradient
    rises, halved_before, f_max_before, checked_at = 0, True, f, 0
    checkpoints = apgd_checkpoints(steps)
    for k in range(steps):
        alpha = 1.0 if k == 0 else 0.75
        z = project(victim, x + eta * direction(victim, gradient))
        ahead = project(victim, x + alpha * (z - x) + (1 - alpha) * (x - x_before))
        x_before, x = x, ahead
        logits, f_new, gradient = differentiate(victim, x, loss, target)
        yield x, logits
        rises += f_new > f
        f = f_new
        if f > f_max:
            x_max, f_max, gradient_max = x, f, gradient
        if k + 1 in checkpoints:
            few_rises = rises <= 0.75 * (k + 1 - checked_at)
            no_gain = not halved_before and f_max <= f_max_before
            halved_before = few_rises or no_gain
            if halved_before:
                eta, x, gradient = eta / 2, x_max, gradient_max
            rises, f_max_before, checked_at = 0, f_max, k + 1


def apgd_checkpoints(steps: int) -> set[int]:
    """The steps after which Auto-PGD looks back: of 100 they are 22, 41, 57, 70, 80, 87, 93, 99."""
    window, points = max(int(0.22 * steps), 1), [0]
    while points[-1] + window <= steps:
        points.append(points[-1] + window)
        window = max(window - max(int(0.03 * steps), 1), int(0.06 * steps), 1)
    return set(points[1:])


def fab(victim: Victim, *, steps: int, targets: int) -> Found:
    """FAB-T (Croce and Hein, ICML 2020, algorithm 1), from the clean image towards each target."""
    alpha_max, eta, beta = 0.1, 1.05, 0.9
    found = nothing(victim)
    origin = victim.clean
    for target in victim.ranking[1 : 1 + targets]:
        x = origin
        for _ in range(steps):
            logits, lead, normal = differentiate(victim, x, "targeted-margin", target)
            found = found.or_worse(victim, x, logits)
            way = nearest_on_plane(x, normal, lead, victim.threat.norm) - x
            height = lead + float((normal * (origin - x)).sum())
            back = nearest_on_plane(origin, normal, height, victim.threat.norm) - origin
            own = max(length(victim, way), 1e-8)
            others = max(length(victim, back), 1e-8)
            alpha = min(own / (own + others), alpha_max)
            x = ((1 - alpha) * (x + eta * way) + alpha * (origin + eta * back)).clamp(0, 1)
            logits = logits_of(victim, x)
            found = found.or_worse(victim, x, logits)
            if int(logits.argmax()) != victim.label:
                x = origin + beta * (x - origin)
    return found


def nearest_on_plane(x: Tensor, normal: Tensor, height: float, norm: str) -> Tensor:
    """The point of {z in [0, 1]: normal . (z - x) + height = 0} nearest to `x`, by sorting.

    Every coordinate moves against sign(normal * height) at its speed (1 for L-inf, |normal| for
    L2) until it meets its face of the box. Sorted by when they do, the moment at which the plane is
    reached lies between two of them. Where it never is: the box's nearest corner. In fp64.
    """
    point, slope = x.double().flatten(), normal.double().flatten()
    way = -(slope.sign() * math.copysign(1.0, height)) if height else torch.zeros_like(slope)
    room = torch.where(way < 0, point, 1 - point)
    speed = slope.abs() if norm == "l2" else torch.ones_like(slope)
    moves = way != 0
    if not bool(moves.any()):
        return x
    ends, order = (room[moves] / speed[moves]).sort()
    gains = (slope.abs() * speed)[moves][order]
    still_moving = gains.flip(0).cumsum(0).flip(0)
    begins = torch.cat([ends.new_zeros(1), ends[:-1]])
    reached = ((ends - begins) * still_moving).cumsum(0)
    first = int((reached < abs(height)).sum())
    if first == len(ends):
        time = float(ends[-1])
    else:
        before = float(reached[first - 1]) if first else 0.0
        time = float(begins[first]) + (abs(height) - before) / float(still_moving[first])
    moved = point + way * torch.minimum(time * speed, room)
    return moved.view_as(x).to(x.dtype)
