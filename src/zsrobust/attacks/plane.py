"""The shortest way to a plane inside the box [0, 1], for every image at once."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.threat_model import Norm

_TINY = 1e-12
_MOST_ROUNDS = 50
_CLOSE = 1e-6


def way_to_plane(points: Tensor, normals: Tensor, heights: Tensor, norm: Norm) -> Tensor:
    """The least change of each point that brings it onto its plane without leaving the box, (k, d).

    points: (k, d) in [0, 1]. The plane of row i is {x: normals[i] . (x - points[i]) = -heights[i]}.
    Where box and plane do not meet, the change goes to the box's nearest corner.

    Coordinate j moves against the sign of normals * heights by min(L * v_j, room_j), with room_j
    its distance to the box's face and v_j = 1 (L-inf) or |normal_j| (L2): Croce and Hein, ICML
    2020, section 3. The height thereby won is concave in L, so Newton's steps from L = 0 climb to
    the root without passing it: no coordinate has to be sorted.
    """
    width = normals.abs()
    speed = torch.ones((), device=width.device) if norm == "linf" else width
    rise = width * speed
    direction = normals.sign() * -heights.sign()[:, None]
    room = (direction.clamp_min(0) - points).abs_()
    target = heights.abs()
    length = torch.zeros_like(target)
    open_rows = torch.ones_like(target, dtype=torch.bool)
    for _ in range(_MOST_ROUNDS):
        reach = length[:, None] * speed
        won = torch.minimum(reach, room).mul_(width).sum(1)
        free = (room - reach).sign_().clamp_min_(0)
        slope = free.mul_(rise).sum(1)
        missing = target - won
        open_rows = open_rows & (missing > _CLOSE * target) & (slope > _TINY)
        if not bool(open_rows.any()):
            break
        # Rows that have arrived are left alone: their last bits must not depend on their batch.
        length = torch.where(open_rows, length + missing / slope.clamp_min(_TINY), length)
    return torch.minimum(length[:, None] * speed, room).mul_(direction)
