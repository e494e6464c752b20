"""What the model that comes out of a training says of itself."""

from __future__ import annotations

from zsrobust.data.dataset import Dataset
from zsrobust.models.card import Card
from zsrobust.models.model import Model
from zsrobust.records.environment import invocation
from zsrobust.training.averaging import average_note
from zsrobust.training.one_step import total_steps
from zsrobust.training.order import images_seen
from zsrobust.training.recipe import Recipe
from zsrobust.training.validation import Best


def trained_card(
    recipe: Recipe,
    name: str,
    student: Model,
    base: Model,
    dataset: Dataset,
    seed: int,
    best: Best | None,
) -> Card:
    """The card of `student`, trained from `base` by the recipe that is called `name`.

    best: the state that was kept; None for the last one.
    """
    whole = total_steps(recipe, len(dataset))
    steps = whole if best is None else best.step
    notes = list(base.card.notes) if base.card else []
    notes += [] if best is None else [best.note(whole)]
    notes += [] if recipe.ema is None else [average_note(recipe.ema, steps)]
    return Card(
        name=student.name,
        description=f"{base.name} fine-tuned by {name} on {dataset.name}.",
        data=f"{dataset.name}, split {dataset.split}, {len(dataset)} images, {dataset.variant}",
        steps=steps,
        images_seen=images_seen(steps, len(dataset), recipe.batch_size),
        seed=seed,
        command=invocation(),
        licence=base.card.licence if base.card else "that of the base model",
        canary_eps=base.card.canary_eps if base.card else None,
        notes=notes,
        base={"name": base.name, "hash": base.fingerprint},
        recipe={"source": recipe.source, **recipe.content},
        tuned_on=[*(base.card.tuned_on if base.card else ()), dataset.name],
    )
