"""From an id to a scene: attributes drawn independently and uniformly, then the geometry."""

from __future__ import annotations

from zsrobust.data.scenes.draws import draw_fractions
from zsrobust.data.scenes.shapes import REACH
from zsrobust.data.scenes.splits import check_scene_id
from zsrobust.data.scenes.world import (
    BACKGROUNDS,
    COLOURS,
    IMAGE_SIZE,
    POSITIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Scene,
    SceneAttributes,
)

RADII = {"small": (10.5, 11.5), "medium": (13.75, 15.0), "large": (17.75, 19.0)}
"""Half the object's extent in pixels, by size; the gaps keep the three names unambiguous."""

MAX_TILT = 0.2126
"""Tangent of half the largest rotation (24 degrees): a tilted shape never becomes another."""

_TOWARDS = {
    "top left": (-1.0, -1.0),
    "top right": (1.0, -1.0),
    "bottom left": (-1.0, 1.0),
    "bottom right": (1.0, 1.0),
}


def describe(scene_id: str) -> Scene:
    """Return what a scene shows, without rendering it.

    Raises DataError or UnknownNameError for an id that names no scene.
    """
    check_scene_id(scene_id)
    draws = draw_fractions(scene_id, "scene", 10)
    attributes = SceneAttributes(
        shape=_pick(SHAPES, draws[0]),
        colour=_pick(COLOURS, draws[1]),
        texture=_pick(TEXTURES, draws[2]),
        background=_pick(BACKGROUNDS, draws[3]),
        size=_pick(SIZES, draws[4]),
        position=_pick(POSITIONS, draws[5]),
    )
    smallest, largest = RADII[attributes.size]
    radius = smallest + (largest - smallest) * draws[6]
    return Scene(
        id=scene_id,
        attributes=attributes,
        centre=_place(attributes.position, radius, draws[7], draws[8]),
        radius=radius,
        tilt=MAX_TILT * (2.0 * draws[9] - 1.0),
    )


def _pick(names: tuple[str, ...], draw: float) -> str:
    return names[int(draw * len(names))]


def _place(position: str, radius: float, across: float, down: float) -> tuple[float, float]:
    """Return a centre that keeps the whole object inside the image."""
    half = IMAGE_SIZE / 2
    slack = half - 0.5 - REACH * radius
    if position == "middle":
        wobble = 0.2 * slack
        return half + wobble * (2.0 * across - 1.0), half + wobble * (2.0 * down - 1.0)
    towards_x, towards_y = _TOWARDS[position]
    # Between 70 % and 100 % of what the object leaves free: clear of the middle at every size.
    return (
        half + towards_x * slack * (0.7 + 0.3 * across),
        half + towards_y * slack * (0.7 + 0.3 * down),
    )
