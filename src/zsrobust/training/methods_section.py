"""A recipe as the methods section of a paper: sentences, each with where its setting is from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zsrobust.objectives.catalogue import OBJECTIVES
from zsrobust.training.inner_attack import InnerAttack
from zsrobust.training.recipe import Recipe
from zsrobust.training.step_cost import LIGHT, PARTLY, StepCost

_PIXELS = {
    "tower": "shorter side to the tower's input, central square",
    "as-released": "shorter side 256, central 224",
}
_PRECISION = {
    "fp32": "float32 throughout",
    "tf32": "float32, matrix products in TF32",
    "bf16": "the tower's forward in bfloat16, all else in float32",
}


@dataclass(frozen=True)
class Sentence:
    """One line of the section: its heading, what is done, and where that is from ("" if unsaid)."""

    heading: str
    said: str
    source: str = ""


def methods_section(
    recipe: Recipe,
    comments: Mapping[str, str],
    cost: StepCost,
    parameters: tuple[str, int] | None = None,
) -> list[Sentence]:
    """What `recipe` does, in the order in which papers say it.

    comments: of its file, by dotted place (`recipe_comments`). cost: of `step_cost`. parameters:
    the name of a model, and how many of its numbers are trained.
    """
    length = f"{recipe.epochs} epochs" if recipe.steps is None else f"{recipe.steps:,} steps"
    batch = f"batches of {recipe.batch_size:,}"
    if recipe.accumulate > 1:
        batch += f" in {recipe.accumulate} parts"
    return [
        Sentence("Source", recipe.source),
        _loss(recipe, comments),
        *_settings(recipe, comments),
        Sentence("Inner attack", _attack(recipe.attack), _from(comments, "attack")),
        Sentence("Trained", _trained(recipe, parameters), _from(comments, "trainable")),
        Sentence("Optimiser", _optimizer(recipe), _from(comments, "optimizer")),
        Sentence("Length", length, _from(comments, "epochs", "steps")),
        Sentence("Batches", batch, _from(comments, "batch_size", "accumulate")),
        Sentence("Schedule", _schedule(recipe), _from(comments, "warmup_steps")),
        *_part(recipe, comments),
        Sentence("Images", _images(recipe), _from(comments, "resolution")),
        Sentence("Prompts", _quoted(recipe.templates), _from(comments, "templates")),
        Sentence("Precision", _PRECISION[recipe.precision], _from(comments, "precision")),
        Sentence("State kept", _kept(recipe), _from(comments, "validation", "ema")),
        *_costs(recipe, cost),
    ]


def _from(comments: Mapping[str, str], *places: str) -> str:
    """The comments at some keys and below them."""
    found = [
        said
        for key, said in comments.items()
        if any(key == place or key.startswith(f"{place}.") for place in places)
    ]
    return " · ".join(dict.fromkeys(found))


def _loss(recipe: Recipe, comments: Mapping[str, str]) -> Sentence:
    """The objective's own first sentence, which has its equation."""
    kind = recipe.objective.kind
    equation = inspect.getdoc(OBJECTIVES[kind].build) or ""
    first = " ".join(equation.split("\n\n")[0].split())
    return Sentence("Objective", f"{kind}: {first}", _from(comments, "objective.kind"))


def _settings(recipe: Recipe, comments: Mapping[str, str]) -> list[Sentence]:
    settings = recipe.objective.settings
    if not settings:
        return []
    said = ", ".join(f"{key} {_value(value)}" for key, value in settings.items())
    return [Sentence("Settings", said, _from(comments, "objective.settings"))]


def _attack(attack: InnerAttack) -> str:
    norm = {"linf": "l-inf", "l2": "l2"}[attack.norm]
    if attack.kind == "none":
        return "none: clean images"
    if attack.kind == "n-fgsm":
        said = f"N-FGSM: one step of {attack.step_size} from noise of {attack.noise:g} radii"
    else:
        steps = "step" if attack.steps == 1 else "steps"
        said = f"PGD: {attack.steps} {steps} of {attack.step_size} from a random start"
    said += f", within {norm} {attack.eps}, last iterate"
    if attack.eps_warmup_steps:
        said += f"; radius and step grow over the first {attack.eps_warmup_steps} training steps"
    return said


def _trained(recipe: Recipe, parameters: tuple[str, int] | None) -> str:
    settings = recipe.trainable.model_dump()
    kind = settings.pop("kind")
    said = "the whole image tower" if kind == "tower" else kind
    if settings:
        said += " (" + ", ".join(f"{key} {_value(value)}" for key, value in settings.items()) + ")"
    if parameters is not None:
        said += f"; {parameters[1]:,} parameters of {parameters[0]}"
    return said


def _optimizer(recipe: Recipe) -> str:
    chosen = recipe.optimizer
    if chosen.kind == "sgd":
        kind = f"SGD, momentum {chosen.momentum:g}"
    else:
        kind = f"AdamW, betas {chosen.betas[0]:g} and {chosen.betas[1]:g}"
    return f"{kind}, learning rate {chosen.lr:g}, weight decay {chosen.weight_decay:g}"


def _schedule(recipe: Recipe) -> str:
    if not recipe.warmup_steps:
        return "half a cosine down to 0, no warm-up"
    return f"{recipe.warmup_steps:,} steps of linear warm-up, then half a cosine down to 0"


def _part(recipe: Recipe, comments: Mapping[str, str]) -> list[Sentence]:
    """Which part of the training set is seen, where it is not all of it."""
    said = [] if recipe.classes is None else [f"classes: {recipe.classes}"]
    if recipe.samples_per_class is not None:
        said.append(f"at most {recipe.samples_per_class} images of a class")
    where = _from(comments, "classes", "samples_per_class")
    return [Sentence("Seen", ", ".join(said), where)] if said else []


def _images(recipe: Recipe) -> str:
    size = recipe.resolution
    return f"{_PIXELS.get(str(size), f'shorter side {size}, central square')}; no augmentation"


def _kept(recipe: Recipe) -> str:
    decay, chosen = recipe.ema, recipe.validation
    kept = "" if decay is None else f"a moving average of the weights (decay up to {decay:g}): "
    if chosen is None:
        return kept + "the last"
    kept += f"the best mean of clean and robust accuracy ({chosen.attack}) on {chosen.images} "
    return kept + f"held-out training images, every {chosen.every} steps"


def _costs(recipe: Recipe, cost: StepCost) -> list[Sentence]:
    """Passes of an image in a step, in forwards F of the image tower."""
    attack, loss, kind = cost.attack, cost.loss, recipe.trainable.kind
    weights, unit = (1, "1 F") if kind in LIGHT else (2, "2 F")
    forwards = f"{attack.forwards} + {loss.forwards} forwards"
    backwards = (
        f"{attack.input_backwards + loss.input_backwards} backwards to the pixels (1 F each)"
    )
    full = f"{loss.full_backwards} to what is trained ({unit} each)"
    most = "at most " if kind in PARTLY else ""
    total = cost.cost(weights)
    said = [
        f"{most}{total} F an image and step, F being a forward of the image tower: {forwards} "
        f"(attack + loss), {backwards}, {full}"
    ]
    if loss.partial_backwards:
        said.append(
            f"beside them {loss.partial_backwards} backwards that end inside the tower, each less "
            "than 1 F"
        )
    if cost.kept:
        spared = "one forward" if cost.kept == 1 else f"{cost.kept} forwards"
        said.append(
            f"{most}{total - cost.kept} F once an image has been seen: {spared} of the frozen "
            "model is kept"
        )
    if recipe.activation_checkpointing:
        said.append("a forward more for each backward, for activation checkpointing")
    return [
        Sentence("Cost" if not i else "", line, "counted in a step") for i, line in enumerate(said)
    ]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return _quoted(value) if isinstance(value, list) else str(value)


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
