"""How many numbers a recipe trains of a model, without fetching the model's weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from zsrobust.models.catalogue import model_entry, model_names
from zsrobust.models.cost import shell_of, shell_of_config
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.models.through_open_clip import architecture_and_tag, is_open_clip_name
from zsrobust.training.recipe import Recipe
from zsrobust.training.trainable.catalogue import adapt


def trained_parameters(recipe: Recipe, model: str) -> int:
    """The count of trained numbers: of the tower, or of what `recipe.trainable` puts beside it.

    model: as `zsrobust train` takes it. Of an open_clip name, and of a catalogued model whose
    weights would have to be fetched, the architecture alone is built, without weights. Raises
    UnknownNameError or ModelError.
    """
    student = adapt(_shell(model), recipe.trainable, seed=0)
    return sum(each.numel() for each in student.visual.parameters() if each.requires_grad)


def _shell(name: str) -> Model:
    """A model of which only shapes are real."""
    entry = model_entry(name) if name in model_names() else None
    base = name if entry is None or entry.bundled else entry.base or name
    if is_open_clip_name(base) and not Path(base).exists():
        return _of_architecture(base)
    loaded = load_model(base, "cpu")
    return replace(loaded, clip=shell_of(loaded.clip))


def _of_architecture(name: str) -> Model:
    import open_clip

    config: dict[str, Any] = open_clip.get_model_config(architecture_and_tag(name)[0])
    size = config["vision_cfg"].get("image_size", 224)
    return Model(
        name=name,
        clip=shell_of_config(config, name),
        tokenizer=open_clip.tokenizer.SimpleTokenizer(),
        image_size=size[0] if isinstance(size, (list, tuple)) else size,
        mean=open_clip.OPENAI_DATASET_MEAN,
        std=open_clip.OPENAI_DATASET_STD,
        config=config,
        source=name,
    )
