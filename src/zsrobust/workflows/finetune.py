"""Fine-tuning by names: recipe, model and dataset to a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    if limit is not None and limit < 1:
        raise InputError(f"limit = {limit}: give at least 1 image.")
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset, split="train", data_root=data_root)
    if dataset.labels is None:
        raise DataError(f"{dataset.name} has no labels: {name} trains on labelled images.")
    images = dataset if limit is None else dataset.first(limit)
    return train(chosen, name, load_model(model, device), images, Path(out), seed=seed)
