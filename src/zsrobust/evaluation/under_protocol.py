"""What a protocol makes of a model and a dataset: the classifier, and the size of its images."""

from __future__ import annotations

from typing import Literal

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.data.dataset import Dataset
from zsrobust.evaluation.protocol import Protocol
from zsrobust.models.model import Model


def classifier_under(protocol: Protocol, model: Model, images: Dataset) -> ZeroShotClassifier:
    """The zero-shot classifier, with the protocol's prompts or the dataset's own."""
    prompts = protocol.settings.prompts
    templates = images.templates if prompts == "dataset" else prompts
    return classifier_of(model, images.class_names, templates)


def size_under(
    protocol: Protocol, classifier: ZeroShotClassifier
) -> int | Literal["as-released", "native"]:
    """The resolution at which images are read, and attacked."""
    resolution = protocol.settings.resolution
    return (classifier.input_size or "native") if resolution == "tower" else resolution
