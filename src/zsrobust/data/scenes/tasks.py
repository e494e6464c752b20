"""Zero-shot tasks over the scenes: which question is asked, with which names and prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from zsrobust.data.scenes.describe import describe
from zsrobust.data.scenes.splits import scene_ids
from zsrobust.data.scenes.world import (
    BACKGROUNDS,
    COLOURS,
    FINETUNING_SHAPES,
    HELDOUT_SHAPES,
    POSITIONS,
    SIZES,
    TEXTURES,
    Scene,
)

SHAPE_TEMPLATES = (
    "a photo of a {}.",
    "This is a photo of a {}.",
    "a picture of one {}.",
    "the shape of the object is a {}.",
)
"""The first two are the literature's; CLIP's prompts do not bend "a" to "an" either."""

COLOUR_TEMPLATES = ("a picture of something {}.", "the colour of the object is {}.")
TEXTURE_TEMPLATES = ("a picture of something {}.", "the texture of the object is {}.")
BACKGROUND_TEMPLATES = ("a picture with a {} background.", "the background is {}.")
SIZE_TEMPLATES = ("a picture of something {}.", "the object is {}.")
POSITION_TEMPLATES = ("a picture of something in the {}.", "the object is in the {}.")


@dataclass(frozen=True, slots=True)
class SceneTask:
    """One question about scenes.

    `templates` hold `{}` for a class name. `label` maps a scene to the index of its class, or to
    None where the scene takes no part. `attribute` names the field of SceneAttributes asked for.
    """

    name: str
    attribute: str
    class_names: tuple[str, ...]
    templates: tuple[str, ...]
    label: Callable[[Scene], int | None]


@dataclass(frozen=True, slots=True)
class LabelledScenes:
    """The part of a split that a task asks about: equally long `ids` and `labels`."""

    ids: tuple[str, ...]
    labels: tuple[int, ...]


def task_ids(task: SceneTask, split: str) -> LabelledScenes:
    """Return ids and labels of the scenes of a split that take part, without rendering.

    In the order of their numbers. Raises UnknownNameError for an unknown split.
    """
    pairs = [(scene_id, task.label(describe(scene_id))) for scene_id in scene_ids(split)]
    kept = [(scene_id, label) for scene_id, label in pairs if label is not None]
    return LabelledScenes(
        ids=tuple(scene_id for scene_id, _ in kept), labels=tuple(label for _, label in kept)
    )


def _task(
    name: str, attribute: str, class_names: tuple[str, ...], templates: tuple[str, ...]
) -> SceneTask:
    index = {class_name: number for number, class_name in enumerate(class_names)}

    def label(scene: Scene) -> int | None:
        return index.get(getattr(scene.attributes, attribute))

    return SceneTask(name, attribute, class_names, templates, label)


OBJECT_TEMPLATES = ("a photo of a {}.", "a picture of one {}.")


def _objects() -> SceneTask:
    """Texture, colour and fine-tuning shape together: "striped red circle", 560 classes."""
    names = tuple(
        f"{texture} {colour} {shape}"
        for texture in TEXTURES
        for colour in COLOURS
        for shape in FINETUNING_SHAPES
    )
    index = {name: number for number, name in enumerate(names)}

    def label(scene: Scene) -> int | None:
        told = scene.attributes
        return index.get(f"{told.texture} {told.colour} {told.shape}")

    return SceneTask("scenes-objects", "shape", names, OBJECT_TEMPLATES, label)


TASKS: Mapping[str, SceneTask] = MappingProxyType(
    {
        task.name: task
        for task in (
            _objects(),
            _task("scenes-shapes", "shape", FINETUNING_SHAPES, SHAPE_TEMPLATES),
            _task("scenes-heldout", "shape", HELDOUT_SHAPES, SHAPE_TEMPLATES),
            _task("scenes-colours", "colour", COLOURS, COLOUR_TEMPLATES),
            _task("scenes-textures", "texture", TEXTURES, TEXTURE_TEMPLATES),
            _task("scenes-backgrounds", "background", BACKGROUNDS, BACKGROUND_TEMPLATES),
            _task("scenes-sizes", "size", SIZES, SIZE_TEMPLATES),
            _task("scenes-positions", "position", POSITIONS, POSITION_TEMPLATES),
        )
    }
)
"""Task name -> task. `scenes-heldout` asks for the shapes that no fine-tuning set contains."""
