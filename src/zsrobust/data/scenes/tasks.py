"""Zero-shot tasks over the scenes: which question is asked, with which names and prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
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

OBJECT_TEMPLATES = ("a picture of one {}.",)
COLOUR_TEMPLATES = ("a picture of something {}.", "the colour of the object is {}.")
TEXTURE_TEMPLATES = ("a picture of something {}.", "the texture of the object is {}.")
BACKGROUND_TEMPLATES = ("a picture with a {} background.", "the background is {}.")
SIZE_TEMPLATES = ("a picture of something {}.", "the object is {}.")
POSITION_TEMPLATES = ("a picture of something in the {}.", "the object is in the {}.")


@dataclass(frozen=True, slots=True)
class SceneTask:
    """One question about scenes.

    `templates` hold `{}` for a class name. `label` maps a scene to the index of its class, or to
    None where the scene takes no part. `attributes` names the fields of SceneAttributes
    asked for, in the order in which a class name tells them.
    """

    name: str
    attributes: tuple[str, ...]
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
    name: str,
    vocabulary: Mapping[str, tuple[str, ...]],
    templates: tuple[str, ...],
) -> SceneTask:
    """A task over every combination of words of the attributes in `vocabulary`, in their order."""
    combinations = list(product(*vocabulary.values()))
    index = {words: number for number, words in enumerate(combinations)}

    def label(scene: Scene) -> int | None:
        return index.get(tuple(getattr(scene.attributes, attribute) for attribute in vocabulary))

    return SceneTask(
        name, tuple(vocabulary), tuple(" ".join(words) for words in combinations), templates, label
    )


TASKS: Mapping[str, SceneTask] = MappingProxyType(
    {
        task.name: task
        for task in (
            _task(
                "scenes-objects",
                {"texture": TEXTURES, "colour": COLOURS, "shape": FINETUNING_SHAPES},
                OBJECT_TEMPLATES,
            ),
            _task("scenes-shapes", {"shape": FINETUNING_SHAPES}, SHAPE_TEMPLATES),
            _task("scenes-heldout", {"shape": HELDOUT_SHAPES}, SHAPE_TEMPLATES),
            _task("scenes-colours", {"colour": COLOURS}, COLOUR_TEMPLATES),
            _task("scenes-textures", {"texture": TEXTURES}, TEXTURE_TEMPLATES),
            _task("scenes-backgrounds", {"background": BACKGROUNDS}, BACKGROUND_TEMPLATES),
            _task("scenes-sizes", {"size": SIZES}, SIZE_TEMPLATES),
            _task("scenes-positions", {"position": POSITIONS}, POSITION_TEMPLATES),
        )
    }
)
"""Task name -> task. `scenes-objects` tells texture, colour and shape ("striped red circle");
`scenes-heldout` asks for the shapes that no fine-tuning set contains."""
