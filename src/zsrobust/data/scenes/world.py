"""What a scene may show: the vocabulary of the embedded world, and a scene as plain data."""

from __future__ import annotations

from dataclasses import dataclass

IMAGE_SIZE = 56
"""Height and width of every rendered scene, in pixels."""

FINETUNING_SHAPES = (
    "circle",
    "square",
    "triangle",
    "star",
    "cross",
    "heart",
    "crescent",
    "arrow",
    "hourglass",
    "house",
    "fish",
    "tree",
    "key",
    "lightning",
)
"""The shapes that fine-tuning sets may use."""

HELDOUT_SHAPES = ("ring", "flower", "mushroom", "mug", "ladder", "drop")
"""Shapes that pretraining sees and no fine-tuning set ever does."""

SHAPES = FINETUNING_SHAPES + HELDOUT_SHAPES
COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "cyan",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
)
TEXTURES = ("solid", "striped", "checkered", "dotted")
BACKGROUNDS = ("plain", "gradient", "noisy", "wavy", "brick", "cluttered")
SIZES = ("small", "medium", "large")
POSITIONS = ("top left", "top right", "bottom left", "bottom right", "middle")


@dataclass(frozen=True, slots=True)
class SceneAttributes:
    """The six facts that captions tell and tasks ask for; each a name from this module."""

    shape: str
    colour: str
    texture: str
    background: str
    size: str
    position: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene before it is drawn.

    `centre` is (x, y) and `radius` half the object's extent, both in pixels of the 56 x 56 image
    (x to the right, y down, the corner at 0). `tilt` is the tangent of half the rotation angle:
    the rotation is then rational in it, which keeps rendering free of sines and cosines.
    """

    id: str
    attributes: SceneAttributes
    centre: tuple[float, float]
    radius: float
    tilt: float
