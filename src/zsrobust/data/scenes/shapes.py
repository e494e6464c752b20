"""The twenty silhouettes, each a predicate on points (u, v) of the plane (u right, v down).

Only + - * and comparisons, which IEEE 754 fixes bit for bit; no trigonometry, no powers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]
Region = NDArray[np.bool_]
Point = tuple[float, float]

REACH = 1.17
"""No shape reaches farther than this from its centre, in units of the object's radius."""


def _disc(u: Plane, v: Plane, x: float, y: float, radius: float) -> Region:
    du, dv = u - x, v - y
    return np.asarray(du * du + dv * dv <= radius * radius)


def _box(u: Plane, v: Plane, left: float, right: float, top: float, bottom: float) -> Region:
    return np.asarray((u >= left) & (u <= right) & (v >= top) & (v <= bottom))


def _polygon(u: Plane, v: Plane, *corners: Point) -> Region:
    """A convex polygon, corners clockwise as seen on the screen."""
    inside = np.ones(np.broadcast_shapes(u.shape, v.shape), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        inside &= (x1 - x0) * (v - y0) >= (y1 - y0) * (u - x0)
    return inside


def _circle(u: Plane, v: Plane) -> Region:
    return _disc(u, v, 0.0, 0.0, 0.96)


def _square(u: Plane, v: Plane) -> Region:
    return _box(u, v, -0.82, 0.82, -0.82, 0.82)


def _triangle(u: Plane, v: Plane) -> Region:
    return _polygon(u, v, (0.0, -0.98), (0.95, 0.68), (-0.95, 0.68))


def _star(u: Plane, v: Plane) -> Region:
    """A pentagram: the points on the inner side of at least four of its five lines."""
    tips: list[Point] = [
        (0.0, -1.08),
        (1.027, -0.334),
        (0.635, 0.874),
        (-0.635, 0.874),
        (-1.027, -0.334),
    ]
    votes = np.zeros(np.broadcast_shapes(u.shape, v.shape), dtype=np.uint8)
    for index, (x0, y0) in enumerate(tips):
        x1, y1 = tips[(index + 2) % 5]
        votes += (x1 - x0) * (v - y0) >= (y1 - y0) * (u - x0)
    return np.asarray(votes >= 4)


def _cross(u: Plane, v: Plane) -> Region:
    return _box(u, v, -0.33, 0.33, -1.0, 1.0) | _box(u, v, -1.0, 1.0, -0.33, 0.33)


def _heart(u: Plane, v: Plane) -> Region:
    lobes = _disc(u, v, -0.47, -0.35, 0.53) | _disc(u, v, 0.47, -0.35, 0.53)
    return lobes | _polygon(u, v, (-0.95, -0.12), (0.0, -0.5), (0.95, -0.12), (0.0, 1.0))


def _crescent(u: Plane, v: Plane) -> Region:
    return _disc(u, v, 0.1, 0.0, 1.0) & ~_disc(u, v, 0.5, 0.0, 0.8)


def _arrow(u: Plane, v: Plane) -> Region:
    head = _polygon(u, v, (-0.05, -0.85), (1.05, 0.0), (-0.05, 0.85))
    return head | _box(u, v, -1.0, 0.0, -0.28, 0.28)


def _hourglass(u: Plane, v: Plane) -> Region:
    height = np.abs(v)
    return np.asarray((height <= 0.92) & (np.abs(u) <= 0.06 + 0.72 * height))


def _house(u: Plane, v: Plane) -> Region:
    roof = _polygon(u, v, (0.0, -1.0), (1.0, -0.1), (-1.0, -0.1))
    door = _box(u, v, -0.2, 0.2, 0.3, 1.0)
    return roof | (_box(u, v, -0.68, 0.68, -0.1, 0.88) & ~door)


def _fish(u: Plane, v: Plane) -> Region:
    du, dv = (u + 0.22) / 0.82, v / 0.56
    body = np.asarray(du * du + dv * dv <= 1.0)
    tail = _polygon(u, v, (0.3, 0.0), (1.0, -0.58), (1.0, 0.58))
    return (body | tail) & ~_disc(u, v, -0.62, -0.12, 0.13)


def _tree(u: Plane, v: Plane) -> Region:
    top = _polygon(u, v, (0.0, -1.1), (0.58, -0.2), (-0.58, -0.2))
    skirt = _polygon(u, v, (0.0, -0.75), (0.88, 0.62), (-0.88, 0.62))
    return top | skirt | _box(u, v, -0.2, 0.2, 0.6, 1.1)


def _key(u: Plane, v: Plane) -> Region:
    bow = _disc(u, v, -0.58, 0.0, 0.52) & ~_disc(u, v, -0.58, 0.0, 0.23)
    teeth = _box(u, v, 0.35, 0.58, 0.0, 0.46) | _box(u, v, 0.82, 1.05, 0.0, 0.46)
    return bow | _box(u, v, -0.2, 1.05, -0.16, 0.16) | teeth


def _lightning(u: Plane, v: Plane) -> Region:
    upper = _polygon(u, v, (-0.1, -1.1), (0.6, -1.0), (0.2, 0.25), (-0.62, 0.2))
    lower = _polygon(u, v, (0.0, -0.25), (0.72, -0.22), (-0.32, 1.1), (-0.1, 0.2))
    return upper | lower


def _ring(u: Plane, v: Plane) -> Region:
    return _disc(u, v, 0.0, 0.0, 1.0) & ~_disc(u, v, 0.0, 0.0, 0.54)


def _flower(u: Plane, v: Plane) -> Region:
    centres: list[Point] = [
        (0.0, -0.68),
        (0.647, -0.21),
        (0.4, 0.55),
        (-0.4, 0.55),
        (-0.647, -0.21),
    ]
    petals = _disc(u, v, 0.0, 0.0, 0.45)
    for x, y in centres:
        petals |= _disc(u, v, x, y, 0.4)
    return petals & ~_disc(u, v, 0.0, 0.0, 0.17)


def _mushroom(u: Plane, v: Plane) -> Region:
    dv = (v - 0.08) / 0.95
    cap = np.asarray(u * u + dv * dv <= 1.0) & (v <= 0.08)
    return cap | _box(u, v, -0.3, 0.3, 0.0, 0.95)


def _mug(u: Plane, v: Plane) -> Region:
    handle = _disc(u, v, 0.42, -0.02, 0.6) & ~_disc(u, v, 0.42, -0.02, 0.32)
    return (handle & (u >= 0.4)) | _box(u, v, -0.8, 0.42, -0.78, 0.82)


def _ladder(u: Plane, v: Plane) -> Region:
    across, up = np.abs(u), np.abs(v)
    rails = (across >= 0.4) & (across <= 0.68) & (up <= 0.95)
    rungs = (across <= 0.5) & ((up <= 0.12) | ((up >= 0.5) & (up <= 0.74)))
    return np.asarray(rails | rungs)


def _drop(u: Plane, v: Plane) -> Region:
    # The straight sides touch the disc where the tangents from the tip do.
    tip = _polygon(u, v, (0.0, -1.1), (0.569, 0.085), (-0.569, 0.085))
    return tip | _disc(u, v, 0.0, 0.36, 0.632)


SILHOUETTES: Mapping[str, Callable[[Plane, Plane], Region]] = MappingProxyType(
    {
        "circle": _circle,
        "square": _square,
        "triangle": _triangle,
        "star": _star,
        "cross": _cross,
        "heart": _heart,
        "crescent": _crescent,
        "arrow": _arrow,
        "hourglass": _hourglass,
        "house": _house,
        "fish": _fish,
        "tree": _tree,
        "key": _key,
        "lightning": _lightning,
        "ring": _ring,
        "flower": _flower,
        "mushroom": _mushroom,
        "mug": _mug,
        "ladder": _ladder,
        "drop": _drop,
    }
)
"""Shape name -> predicate: float32 coordinates in units of the radius -> inside or not."""
