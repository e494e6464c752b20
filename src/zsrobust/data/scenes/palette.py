"""Colours: two tones for every object, and backgrounds that no object vanishes against."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zsrobust.data.scenes.draws import draw_bytes
from zsrobust.data.scenes.world import Scene

Colour = tuple[int, int, int]

TONES: Mapping[str, tuple[Colour, Colour]] = MappingProxyType(
    {
        "red": ((222, 38, 44), (112, 8, 22)),
        "orange": ((250, 134, 20), (150, 58, 0)),
        "yellow": ((250, 222, 40), (168, 130, 0)),
        "green": ((44, 168, 66), (8, 78, 32)),
        "cyan": ((52, 214, 222), (0, 112, 128)),
        "blue": ((38, 84, 226), (150, 188, 255)),
        "purple": ((136, 44, 190), (212, 160, 250)),
        "pink": ((255, 132, 186), (186, 36, 108)),
        "brown": ((118, 70, 32), (206, 164, 120)),
        "white": ((250, 250, 250), (112, 118, 132)),
    }
)
"""Colour name -> (main tone, second tone) in 8-bit RGB; textures show the second one."""

MAIN_CONTRAST = 96
SECOND_CONTRAST = 60
"""Euclidean distances in 8-bit RGB sought between an object's tones and its whole background."""

_CANDIDATES = 24
"""Backgrounds tried. Where none keeps both distances (8 % of the scenes, nearly all of them white)
the best is taken, which leaves the main tone, and so the silhouette's rim, more than 50 away."""


def background_colours(scene: Scene) -> tuple[Colour, Colour]:
    """Return two muted colours of which no mixture comes near the object's tones."""
    main, second = TONES[scene.attributes.colour]
    draws = draw_bytes(scene.id, "palette", 6 * _CANDIDATES)
    best, best_margin = ((0, 0, 0), (0, 0, 0)), -1.0
    for start in range(0, len(draws), 6):
        pair = _muted_pair(draws[start : start + 6])
        margin = min(
            _squared_distance_to_segment(main, *pair) / MAIN_CONTRAST**2,
            _squared_distance_to_segment(second, *pair) / SECOND_CONTRAST**2,
        )
        if margin >= 1.0:
            return pair
        if margin > best_margin:
            best, best_margin = pair, margin
    return best


def _muted_pair(draws: bytes) -> tuple[Colour, Colour]:
    """Two greyish colours that differ in brightness by 52 to 83 levels."""
    level = 36 + draws[0] % 108
    step = 52 + draws[1] % 32
    tints = [(byte % 57) - 28 for byte in draws[2:6]]
    dark = (level + tints[0], level, level + tints[1])
    light = (level + step + tints[2], level + step, level + step + tints[3])
    return (dark, light) if draws[0] >= 128 else (light, dark)


def _squared_distance_to_segment(point: Colour, start: Colour, end: Colour) -> float:
    along = [e - s for s, e in zip(start, end, strict=True)]
    to_point = [p - s for s, p in zip(start, point, strict=True)]
    length = along[0] * along[0] + along[1] * along[1] + along[2] * along[2]
    dot = along[0] * to_point[0] + along[1] * to_point[1] + along[2] * to_point[2]
    share = min(1.0, max(0.0, dot / length))
    rest = [t - share * a for t, a in zip(to_point, along, strict=True)]
    return rest[0] * rest[0] + rest[1] * rest[1] + rest[2] * rest[2]
