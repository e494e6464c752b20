"""Fine-tuning by names: recipe, model and dataset to a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.classifier.class_embeddings import refuse_duplicates
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.errors import DataError, InputError
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.training.recipe import Recipe, load_recipe
from zsrobust.training.train import train


def finetune(
    recipe: str | Path | Recipe,
    model: str | Path | Model,
    dataset: str | Path | Dataset,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    limit: int | None = None,
    device: str = "auto",
    seed: int = 0,
    overrides: Sequence[str] = (),
) -> Model:
    """A copy of `model` fine-tuned for robustness; its folder is `out/final/`.

    recipe: a name (`zsrobust recipes`), a YAML file or a Recipe. dataset: a catalogued name (its
    `train` split), a folder of class/image files, or a Dataset. limit: its first n ids.
    The model that comes in is left as it was. Safe to kill; the same call continues.
    """
    chosen = load_recipe(recipe, overrides)
    name = recipe.objective.kind if isinstance(recipe, Recipe) else Path(recipe).stem
    loaded = load_model(model, device)
    images = _images(dataset, data_root, limit)
    return train(chosen, name, loaded, images, Path(out), seed=seed, overrides=overrides)


def _images(
    dataset: str | Path | Dataset, data_root: str | Path | None, limit: int | None
) -> Dataset:
    if limit is not None and limit < 1:
        raise InputError(f"limit = {limit}: give at least 1 image.")
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset, split="train", data_root=data_root)
    if dataset.labels is None:
        raise DataError(f"{dataset.name} has no labels: fine-tuning learns from labelled images.")
    if dataset.variant == "user":
        refuse_duplicates(dataset.class_names)
    if len(dataset.class_names) < 2:
        raise InputError(f"{dataset.name} has {len(dataset.class_names)} class. Name at least two.")
    return dataset if limit is None else dataset.first(limit)
