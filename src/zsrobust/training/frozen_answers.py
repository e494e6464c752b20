"""What the model that came in says of the training set, from a cache on disk."""

from __future__ import annotations

from pathlib import Path

from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.models.model import Model
from zsrobust.objectives.frozen_cache import FrozenKey, fill_memory
from zsrobust.objectives.objective import Objective
from zsrobust.training.batches import in_order, resolution_of
from zsrobust.training.recipe import Recipe

_SIZE = 64
"""Of the batches in which answers are computed: whatever the recipe's, the bits are the same."""


def fill_from_cache(
    recipe: Recipe,
    objective: Objective,
    model: Model,
    original: ZeroShotClassifier,
    dataset: Dataset,
) -> None:
    """Fills the objective's memory for the whole training set, where the recipe names a cache.

    The answers are read from a file of `recipe.frozen_cache`, or computed and written there, for
    every training of this model on these images at this resolution.
    """
    if recipe.frozen_cache is None or not objective.remembered:
        return
    key = FrozenKey(
        model=model.fingerprint,
        dataset=dataset.variant_hash(),
        resolution=str(resolution_of(recipe, original)),
        computed=objective.remembered,
    )
    batches = in_order(recipe, original, dataset, _SIZE)
    with measuring(original):
        fill_memory(objective, batches, Path(recipe.frozen_cache), key)
