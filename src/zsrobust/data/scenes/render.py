"""From a scene to pixels and mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsrobust.data.scenes.backgrounds import draw_background
from zsrobust.data.scenes.palette import TONES
from zsrobust.data.scenes.shapes import REACH, SILHOUETTES, Region
from zsrobust.data.scenes.textures import SECOND_TONE
from zsrobust.data.scenes.world import IMAGE_SIZE, Scene

SAMPLES = 3
"""Samples along each side of a pixel; nine a pixel smooth the object's edge."""

RIM = 2
"""Samples of plain main tone along the edge: a texture never breaks the silhouette."""


@dataclass(frozen=True, slots=True)
class RenderedScene:
    """`image`: (56, 56, 3) 8-bit RGB; `mask`: (56, 56), true where the object touches a pixel."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def render(scene: Scene) -> RenderedScene:
    """Return the scene's picture and its object's mask; the same bits on every machine."""
    image = draw_background(scene)
    rows, columns = _window(scene.centre[1], scene.radius), _window(scene.centre[0], scene.radius)
    covered, second = _object_samples(scene, rows, columns)
    all_samples = _count_samples(covered)
    second_samples = _count_samples(second)
    image[rows, columns] = _blend(
        image[rows, columns], scene.attributes.colour, all_samples, second_samples
    )
    mask = np.zeros((IMAGE_SIZE, IMAGE_SIZE), dtype=bool)
    mask[rows, columns] = all_samples > 0
    return RenderedScene(image=image, mask=mask)


def _window(centre: float, radius: float) -> slice:
    """The rows or columns that the object can touch."""
    return slice(
        max(0, int(centre - REACH * radius)),
        min(IMAGE_SIZE, int(centre + REACH * radius) + 1),
    )


def _object_samples(scene: Scene, rows: slice, columns: slice) -> tuple[Region, Region]:
    """Sample the window: where the object is, and where it shows its second tone."""
    x = _sample_points(columns)[None, :] - np.float32(scene.centre[0])
    y = _sample_points(rows)[:, None] - np.float32(scene.centre[1])
    square = scene.tilt * scene.tilt
    cos = np.float32((1.0 - square) / (1.0 + square))
    sin = np.float32(2.0 * scene.tilt / (1.0 + square))
    p, q = cos * x + sin * y, cos * y - sin * x
    scale = np.float32(1.0 / scene.radius)
    covered = SILHOUETTES[scene.attributes.shape](p * scale, q * scale)
    return covered, _without_rim(covered) & SECOND_TONE[scene.attributes.texture](p, q)


def _without_rim(covered: Region) -> Region:
    inner = np.zeros_like(covered)
    inner[RIM:-RIM, RIM:-RIM] = (
        covered[RIM:-RIM, RIM:-RIM]
        & covered[: -2 * RIM, RIM:-RIM]
        & covered[2 * RIM :, RIM:-RIM]
        & covered[RIM:-RIM, : -2 * RIM]
        & covered[RIM:-RIM, 2 * RIM :]
    )
    return inner


def _sample_points(window: slice) -> NDArray[np.float32]:
    indices = np.arange(SAMPLES * window.start, SAMPLES * window.stop, dtype=np.float32)
    return np.asarray((indices + np.float32(0.5)) / np.float32(SAMPLES))


def _count_samples(region: Region) -> NDArray[np.int32]:
    """Add up the nine samples of each pixel."""
    count = np.zeros((region.shape[0] // SAMPLES, region.shape[1] // SAMPLES), dtype=np.int32)
    for row in range(SAMPLES):
        for column in range(SAMPLES):
            count += region[row::SAMPLES, column::SAMPLES]
    return count


def _blend(
    ground: NDArray[np.uint8],
    colour: str,
    all_samples: NDArray[np.int32],
    second_samples: NDArray[np.int32],
) -> NDArray[np.uint8]:
    """Average background and tones in integers, by how many samples each has."""
    main, second = (np.array(tone, np.int32) for tone in TONES[colour])
    total = SAMPLES * SAMPLES
    mixed = (
        ground * (total - all_samples)[:, :, None]
        + main * (all_samples - second_samples)[:, :, None]
        + second * second_samples[:, :, None]
    )
    return ((mixed + total // 2) // total).astype(np.uint8)
