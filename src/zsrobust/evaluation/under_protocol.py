"""What a protocol makes of a model and a dataset: the classifier, and the size of its images."""

from __future__ import annotations

from typing import get_args

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import Resolution
from zsrobust.errors import SettingsError
from zsrobust.evaluation.protocol import Protocol, Study
from zsrobust.models.model import Model

MOSTLY: dict[str, int | str] = {"tecoa": "as-released", "tga": "as-released", "robustvlm": "tower"}
"""Study -> the resolution that it takes where the dataset's entry names no other."""


def prompts_under(protocol: Protocol, dataset: str, suite_says: str | None = None) -> str | None:
    """The kind of prompts to load a dataset with; None leaves it to the dataset.

    suite_says: what a suite or the user asks for. The protocol's own word wins over it, but where
    the catalogue has no such prompts of the set.
    """
    own = protocol.settings.prompts
    if own == "dataset" or isinstance(own, list):
        return suite_says
    return suite_says if suite_says and not _has(dataset, own) else own


def _has(dataset: str, prompts: str) -> bool:
    """Whether a set has that kind of prompts, as far as the catalogue knows."""
    if dataset not in dataset_names():
        return True
    known = dataset_entry(dataset).prompts
    return known is None or prompts in known.of_kinds()


def templates_under(protocol: Protocol, images: Dataset) -> tuple[str, ...]:
    """The prompts of a run: the protocol's list, or those the dataset was loaded with."""
    own = protocol.settings.prompts
    return tuple(own) if isinstance(own, list) else images.templates


def classifier_under(protocol: Protocol, model: Model, images: Dataset) -> ZeroShotClassifier:
    """The zero-shot classifier, with the protocol's prompts or the dataset's own."""
    return classifier_of(model, images.class_names, templates_under(protocol, images))


def size_under(protocol: Protocol, images: Dataset, input_size: int | None) -> Resolution:
    """The resolution at which images are read, and attacked.

    input_size: side of the tower's input in pixels, None for a tower that takes any. Raises
    SettingsError where the dataset's entry gives a resolution that there is not.
    """
    resolution: int | str = protocol.settings.resolution
    if resolution in get_args(Study):
        resolution = images.resolutions.get(str(resolution), MOSTLY[str(resolution)])
    if resolution == "tower":
        return input_size or "native"
    if isinstance(resolution, int):
        return resolution
    for known in ("as-released", "native", "224x224"):
        if resolution == known:
            return known
    raise SettingsError(f"{images.name}: resolution {resolution!r} is none that can be read.")
