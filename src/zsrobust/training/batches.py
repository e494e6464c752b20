"""Images of a training set as a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import Resolution, read_pixels
from zsrobust.objectives.objective import Batch
from zsrobust.training.recipe import Recipe


def read_batch(
    recipe: Recipe, classifier: ZeroShotClassifier, dataset: Dataset, positions: Sequence[int]
) -> Batch:
    """The images at some positions, at the recipe's resolution, where the classifier is."""
    device = classifier.class_embeddings.device
    pixels = read_pixels(dataset, positions, resolution_of(recipe, classifier))
    labels = torch.tensor([(dataset.labels or ())[i] for i in positions], dtype=torch.int64)
    return Batch(pixels.to(device), labels.to(device), [dataset.ids[i] for i in positions])


def in_order(
    recipe: Recipe, classifier: ZeroShotClassifier, dataset: Dataset, size: int
) -> Iterator[Batch]:
    """All images in the order of their ids, `size` at a time."""
    for first in range(0, len(dataset), size):
        positions = range(first, min(first + size, len(dataset)))
        yield read_batch(recipe, classifier, dataset, positions)


def resolution_of(recipe: Recipe, classifier: ZeroShotClassifier) -> Resolution:
    """At which images are read: the recipe's, or the tower's own."""
    tower: Resolution = classifier.input_size or "native"
    return tower if recipe.resolution == "tower" else recipe.resolution
