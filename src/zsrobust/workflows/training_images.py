"""The images that a training learns from, and whether they have what its recipe needs."""

from __future__ import annotations

from pathlib import Path

from zsrobust.classifier.class_embeddings import check_classes
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.errors import DataError
from zsrobust.objectives.catalogue import OBJECTIVES, learns_from
from zsrobust.training.recipe import Recipe


def training_images(
    recipe: Recipe,
    dataset: str | Path | Dataset,
    data_root: str | Path | None,
    classes_file: Path | None = None,
) -> Dataset:
    """The training images, which have all that the recipe's objective learns from.

    Labels, class names, captions, or nothing beside the images (`objectives/catalogue.py`); and
    labels where a validation measures accuracy. Raises DataError or InputError for what they lack.
    """
    needed, called = learns_from(recipe.objective.kind, recipe.objective.settings), _called(recipe)
    unnamed = needed in ("captions", "images")
    images = _loaded(dataset, "train", data_root, classes_file, unnamed)
    if needed == "captions" and images.captions is None:
        raise DataError(
            f"{images.name} has no captions, which {called} learns from. Take image-caption pairs: "
            "flickr8k, or a CSV of path,caption."
        )
    if needed == "labels":
        _check_labels(images, f"which {called} learns from")
    if recipe.validation is not None and images.labels is None:
        raise DataError(
            f"{images.name} has no labels, by which `validation` measures accuracy. Leave it out: "
            "--set validation=null."
        )
    if needed in ("labels", "class names") or images.class_names:
        check_classes(images.name, images.class_names, typed=images.variant == "user")
    return images


def labelled(
    dataset: str | Path | Dataset, data_root: str | Path | None, split: str = "train"
) -> Dataset:
    """The labelled images of a split; raises DataError or InputError for none to learn from."""
    images = _loaded(dataset, split, data_root)
    _check_labels(images, "by which accuracy is measured")
    check_classes(images.name, images.class_names, typed=images.variant == "user")
    return images


def _loaded(
    dataset: str | Path | Dataset,
    split: str,
    data_root: str | Path | None,
    classes_file: Path | None = None,
    unnamed: bool = False,
) -> Dataset:
    if isinstance(dataset, Dataset):
        return dataset
    return load_dataset(
        dataset, split=split, data_root=data_root, classes_file=classes_file, unnamed=unnamed
    )


def _called(recipe: Recipe) -> str:
    """The objective, with what of its settings decides what it learns from."""
    chosen = recipe.objective
    told = {key: chosen.settings[key] for key in ("labels", "texts") if key in chosen.settings}
    said = ", ".join(f"{key}: {value}" for key, value in told.items())
    return f"'{chosen.kind}'" + (f" ({said})" if said else "")


def _check_labels(images: Dataset, why: str) -> None:
    if images.labels is None:
        pairs = " Its captions: tecoa-captions." if images.captions else ""
        raise DataError(
            f"{images.name} has no labels, {why}. Recipes that need none: "
            f"{', '.join(_without_labels())}.{pairs}"
        )


def _without_labels() -> list[str]:
    """Recipes for images of which no one has said what they show."""
    return ["tecoa-pseudo", *(kind for kind in OBJECTIVES if learns_from(kind, {}) != "labels")]
