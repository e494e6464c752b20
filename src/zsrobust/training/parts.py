"""Batches in parts, one after another or a process each: where that is another training."""

from __future__ import annotations

from zsrobust.errors import InputError
from zsrobust.objectives.across_processes import process_count
from zsrobust.objectives.objective import Objective
from zsrobust.training.order import steps_per_epoch
from zsrobust.training.recipe import Recipe


def refuse_parts(recipe: Recipe, objective: Objective, count: int) -> None:
    """Raises InputError unless parts are the same training as whole batches of `count` images."""
    if recipe.accumulate > 1 and objective.in_batch:
        raise InputError(
            f"accumulate = {recipe.accumulate}: under '{recipe.objective.kind}' with these "
            "settings an image's loss depends on its whole batch. Set it to 1, and "
            "activation_checkpointing to true to need less memory."
        )
    processes, size = process_count(), min(recipe.batch_size, count)
    if size < processes:
        raise InputError(
            f"{processes} processes, and images in a batch: {size}. Start at most {size}."
        )
    last = count % recipe.batch_size
    reached = recipe.steps is None or recipe.steps >= steps_per_epoch(count, recipe.batch_size)
    if objective.in_batch and 0 < last < processes and reached:
        raise InputError(
            f"The last batch of an epoch of {count} images does not go to {processes} processes: "
            f"it has {last}, and under '{recipe.objective.kind}' with these settings an image's "
            f"loss depends on its whole batch. Say --limit {count - last}."
        )
