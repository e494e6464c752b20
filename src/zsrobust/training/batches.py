"""Images of a training set as a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import Resolution, read_pixels
from zsrobust.objectives.objective import Batch
from zsrobust.randomness import key_seed
from zsrobust.training.recipe import Recipe


def read_batch(
    recipe: Recipe,
    classifier: ZeroShotClassifier,
    dataset: Dataset,
    positions: Sequence[int],
    turn: tuple[int, int] = (0, 0),
) -> Batch:
    """The images at some positions, at the recipe's resolution, where the classifier is.

    turn: (seed, epoch), by which one of an image's captions is taken. Labels are -1 where there
    are none.
    """
    device = classifier.class_embeddings.device
    pixels = read_pixels(dataset, positions, resolution_of(recipe, classifier))
    known = dataset.labels
    labels = torch.tensor([-1 if known is None else known[i] for i in positions], dtype=torch.int64)
    ids = [dataset.ids[i] for i in positions]
    captions = dataset.captions
    taken = None
    if captions is not None:
        taken = [_in_turn(captions(i), name, *turn) for i, name in zip(positions, ids, strict=True)]
    return Batch(pixels.to(device), labels.to(device), ids, captions=taken)


def _in_turn(captions: Sequence[str], name: str, seed: int, epoch: int) -> str:
    """The captions of an image come one an epoch, all of them equally often; a seed's first one.

    The pairs of the literature have one caption each (AdvFLYP's LAION), so that it is silent here.
    """
    return captions[(key_seed(seed, "caption", name) + epoch) % len(captions)]


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
