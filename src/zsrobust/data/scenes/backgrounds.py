"""The six backgrounds, each a field of mixtures between two colours.

A pattern returns weights in [0, 1] of shape (56, 56): 0 shows the first colour, 1 the second.
Mixtures keep the palette's promise that the object stands out everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from zsrobust.data.scenes.draws import draw_bytes, draw_fractions
from zsrobust.data.scenes.palette import background_colours
from zsrobust.data.scenes.shapes import Plane
from zsrobust.data.scenes.world import IMAGE_SIZE, Scene

STICKS = 26
_X: Plane = (np.arange(IMAGE_SIZE, dtype=np.float32) + np.float32(0.5))[None, :]
_Y: Plane = (np.arange(IMAGE_SIZE, dtype=np.float32) + np.float32(0.5))[:, None]


def draw_background(scene: Scene) -> NDArray[np.uint8]:
    """Return the scene without its object: (56, 56, 3) 8-bit RGB."""
    first, second = background_colours(scene)
    weights = PATTERNS[scene.attributes.background](scene.id)
    # Mixing in 1/256 steps of integers rounds alike everywhere.
    share = (weights * 256.0).astype(np.int32)[:, :, None]
    mixed = np.array(first, np.int32) * (256 - share) + np.array(second, np.int32) * share
    return (mixed >> 8).astype(np.uint8)


def _plain(scene_id: str) -> Plane:
    return np.zeros((IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)


def _gradient(scene_id: str) -> Plane:
    direction, *_ = draw_fractions(scene_id, "gradient", 1)
    cos, sin = _unit_vector(direction)
    along = (_X - 28.0) * np.float32(cos) + (_Y - 28.0) * np.float32(sin)
    reach = np.float32(28.0 * (abs(cos) + abs(sin)))
    return np.clip(along / reach * 0.5 + 0.5, 0.0, 1.0)


def _noisy(scene_id: str) -> Plane:
    count = IMAGE_SIZE * IMAGE_SIZE
    grain = np.frombuffer(draw_bytes(scene_id, "noise", count), dtype=np.uint8)
    return grain.reshape(IMAGE_SIZE, IMAGE_SIZE) / np.float32(255.0)


def _wavy(scene_id: str) -> Plane:
    direction, phase, bend, length, swing = draw_fractions(scene_id, "waves", 5)
    cos, sin = _unit_vector(direction)
    along = _X * np.float32(cos) + _Y * np.float32(sin)
    across = _Y * np.float32(cos) - _X * np.float32(sin)
    ripple = _wave(across * np.float32(1.0 / 26.0) + np.float32(bend))
    wavelength = 9.0 + 4.0 * length
    shift = (0.35 + 0.25 * swing) * ripple
    return _wave(along * np.float32(1.0 / wavelength) + shift + np.float32(phase))


def _brick(scene_id: str) -> Plane:
    offset = draw_bytes(scene_id, "bricks", 2)
    rows = np.arange(IMAGE_SIZE)[:, None] + offset[0] % 32
    columns = np.arange(IMAGE_SIZE)[None, :] + offset[1] % 32
    course = rows // 8
    mortar = (rows % 8 < 2) | ((columns + 8 * (course % 2)) % 16 < 2)
    return mortar.astype(np.float32)


def _cluttered(scene_id: str) -> Plane:
    """Sticks strewn about, each laid over the ones before."""
    draws = np.array(draw_fractions(scene_id, "clutter", 6 * STICKS), np.float32)
    x, y, turn, length, width, shade = draws.reshape(6, STICKS)[:, :, None, None]
    cos, sin = _unit_vectors(turn)
    dx, dy = _X - 56.0 * x, _Y - 56.0 * y
    half = 3.0 + 5.0 * length
    along = dx * cos + dy * sin
    past_end = along - np.clip(along, -half, half)
    across = dy * cos - dx * sin
    distance = np.sqrt(past_end * past_end + across * across)
    cover = np.clip(1.3 + 1.0 * width - distance, 0.0, 1.0)
    field = np.full((IMAGE_SIZE, IMAGE_SIZE), 0.25, dtype=np.float32)
    for layer, tone in zip(cover, shade[:, 0, 0], strict=True):
        field += layer * (tone - field)
    return np.clip(field, 0.0, 1.0)


def _wave(phase: Plane) -> Plane:
    """A smooth wave of period 1 between 0 and 1, polynomial in place of a cosine."""
    ramp = np.abs(2.0 * (phase - np.floor(phase)) - 1.0)
    return np.asarray(ramp * ramp * (3.0 - 2.0 * ramp))


def _unit_vector(draw: float) -> tuple[float, float]:
    """A direction, from the rational points of the circle; the draw's halves choose the side."""
    t = 4.0 * draw - 1.0 if draw < 0.5 else 4.0 * draw - 3.0
    side = 1.0 if draw < 0.5 else -1.0
    return side * (1.0 - t * t) / (1.0 + t * t), side * 2.0 * t / (1.0 + t * t)


def _unit_vectors(draws: Plane) -> tuple[Plane, Plane]:
    """The same for an array, over half a turn (a stick has no front)."""
    t = 2.0 * draws - 1.0
    return (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)


PATTERNS: Mapping[str, Callable[[str], Plane]] = MappingProxyType(
    {
        "plain": _plain,
        "gradient": _gradient,
        "noisy": _noisy,
        "wavy": _wavy,
        "brick": _brick,
        "cluttered": _cluttered,
    }
)
"""Background name -> pattern: scene id -> weights of the second colour, (56, 56) in [0, 1]."""
