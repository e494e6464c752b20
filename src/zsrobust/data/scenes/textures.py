"""The four textures: where an object shows its second tone.

Coordinates are pixels in the object's own, tilted frame, so that a pattern keeps its scale
whatever the object's size and turns with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from zsrobust.data.scenes.shapes import Plane, Region

STRIPE = 3.5
CHECK = 4.0
DOT_SPACING = 6.0
DOT_RADIUS = 1.75


def _solid(p: Plane, q: Plane) -> Region:
    return np.zeros(np.broadcast_shapes(p.shape, q.shape), dtype=bool)


def _striped(p: Plane, q: Plane) -> Region:
    """Bands along the diagonal of the object, so that no straight edge hides them."""
    return _odd((p + q) * np.float32(0.70710678), STRIPE)


def _checkered(p: Plane, q: Plane) -> Region:
    return np.asarray(_odd(p, CHECK) ^ _odd(q, CHECK))


def _dotted(p: Plane, q: Plane) -> Region:
    row = np.floor(q / np.float32(DOT_SPACING))
    # Every other row is shifted by half a spacing: dots, not a grid of columns.
    shifted = p + (row - 2.0 * np.floor(row * 0.5)) * np.float32(DOT_SPACING / 2)
    across = _offset_from_cell_centre(shifted, DOT_SPACING)
    down = _offset_from_cell_centre(q, DOT_SPACING)
    return np.asarray(across * across + down * down <= DOT_RADIUS * DOT_RADIUS)


def _odd(p: Plane, width: float) -> Region:
    """Whether a coordinate lies in an odd band of the given width."""
    half = p / np.float32(2.0 * width)
    return np.asarray(half - np.floor(half) >= 0.5)


def _offset_from_cell_centre(p: Plane, width: float) -> Plane:
    cell = p / np.float32(width)
    return np.asarray((cell - np.floor(cell) - np.float32(0.5)) * np.float32(width))


SECOND_TONE: Mapping[str, Callable[[Plane, Plane], Region]] = MappingProxyType(
    {"solid": _solid, "striped": _striped, "checkered": _checkered, "dotted": _dotted}
)
"""Texture name -> predicate on pixels of the object's frame: true where the second tone shows."""
