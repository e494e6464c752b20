"""What the trials of a search learn from, and the images of the TRAINING set that judge them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.catalogued import find_layout
from zsrobust.data.dataset import Dataset
from zsrobust.errors import DataError, InputError
from zsrobust.training.recipe import Recipe
from zsrobust.training.subset import held_out, of_classes
from zsrobust.workflows.training_images import labelled

HELD_OUT = "held out"
"""How the split of such images ends."""


@dataclass(frozen=True)
class SearchImages:
    """training: what trials learn from. validation: what they are measured on; none learns it."""

    training: Dataset
    validation: Dataset


def search_images(
    dataset: str | Path | Dataset,
    recipe: Recipe,
    count: int,
    data_root: str | Path | None,
    seed: int,
) -> SearchImages:
    """The training set, and the first `count` ids of its validation images in the recipe's classes.

    The catalogued `val` split where the training images come with one on this disk, and all of it
    where it has no more than `count` images; else images held out of the training set by a hash of
    id and seed. A test split is never opened. Raises InputError where nothing would be left to
    learn from.
    """
    if count < 1:
        raise InputError(f"--images {count}: give at least 1 image.")
    training = labelled(dataset, data_root)
    if not isinstance(dataset, Dataset) and _has_val(dataset, data_root):
        own = _chosen(labelled(dataset, data_root, split="val"), recipe, seed)
        return SearchImages(training, own.first(min(count, len(own))))
    chosen = _chosen(training, recipe, seed)
    if count >= len(chosen):
        raise InputError(
            f"--images {count}: {chosen.name} has {len(chosen)} training images, of which these "
            "are held out. Hold out fewer."
        )
    rest, out = held_out(chosen, count, seed)
    return SearchImages(rest, replace(out, split=f"{out.split}, {HELD_OUT}"))


def _chosen(images: Dataset, recipe: Recipe, seed: int) -> Dataset:
    return images if recipe.classes is None else of_classes(images, recipe.classes, seed)


def _has_val(dataset: str | Path, data_root: str | Path | None) -> bool:
    """Whether the folder that training images are read from has a catalogued `val` split too.

    Another layout may divide a set otherwise: its `val` could hold images that are trained on.
    """
    name = str(dataset)
    if name not in dataset_names() and not name.endswith((".yaml", ".yml")):
        return False
    entry = dataset_entry(name)
    if "val" not in entry.splits:
        return False
    if entry.kind == "scenes":  # Rendered: there is no layout to find.
        return True
    try:
        val = find_layout(name, entry, "val", data_root)
    except DataError:
        return False
    return val.folder == find_layout(name, entry, "train", data_root).folder
