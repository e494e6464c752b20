"""Fine-tuning by names: recipe, model and dataset to a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.training.joining import joined
from zsrobust.training.processes import first_alone
from zsrobust.training.recipe import Recipe, load_recipe
from zsrobust.training.subset import held_out, of_classes, per_class
from zsrobust.training.train import train
from zsrobust.training.validation import Validate
from zsrobust.workflows.training_images import training_images
from zsrobust.workflows.validation import validator


def finetune(
    recipe: str | Path | Recipe,
    model: str | Path | Model,
    dataset: str | Path | Dataset,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    classes_file: Path | None = None,
    limit: int | None = None,
    device: str = "auto",
    seed: int = 0,
    overrides: Sequence[str] = (),
) -> Model:
    """A copy of `model` fine-tuned for robustness; its folder is `out/final/`.

    recipe: a name (`zsrobust recipes`), a YAML file or a Recipe. dataset: a catalogued name (its
    `train` split), a folder of class/image files or of unlabelled images, a list, or a Dataset.
    classes_file: class names for images of one's own without labels, one a line. limit: its first n
    ids, after the recipe's own choice of classes and samples, and without what it holds out for
    validation.
    The model that comes in is left as it was. Safe to kill; the same call continues. Processes that
    torchrun started train together; device `auto` or `cuda` gives each a GPU of its own.
    """
    with joined(device, Path(out)) as own_device:
        chosen = load_recipe(recipe, overrides)
        name = recipe.objective.kind if isinstance(recipe, Recipe) else Path(recipe).stem
        with first_alone():  # who fetches or indexes, while the others wait
            whole = training_images(chosen, dataset, data_root, classes_file)
            images, validate = _parts(chosen, whole, limit, seed)
            loaded = load_model(model, own_device)
        return train(
            chosen, name, loaded, images, Path(out),
            seed=seed, overrides=overrides, validate=validate,
        )  # fmt: skip


def _parts(
    recipe: Recipe, images: Dataset, limit: int | None, seed: int
) -> tuple[Dataset, Validate | None]:
    """What is trained on, and what measures the model on training images held out.

    Classes are chosen first, then images are held out, then some of each class are taken of the
    rest: fewer samples or a limit leave the validation as it is.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit = {limit}: give at least 1 image.")
    if recipe.classes is not None:
        images = of_classes(images, recipe.classes, seed)
    held: Dataset | None = None
    if recipe.validation is not None:
        images, held = held_out(images, recipe.validation.images, seed)
    if recipe.samples_per_class is not None:
        images = per_class(images, recipe.samples_per_class, seed)
    if limit is not None:
        images = images.first(limit)
    if recipe.validation is None or held is None:
        return images, None
    return images, validator(recipe, recipe.validation, held, images, seed)
