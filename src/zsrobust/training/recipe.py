"""A recipe states how a model is fine-tuned: objective, inner attack, optimiser, length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from zsrobust.attacks.pgd import step_length
from zsrobust.errors import SettingsError
from zsrobust.objectives.catalogue import OBJECTIVES
from zsrobust.registry import did_you_mean
from zsrobust.settings import (
    StrictModel,
    canonical_hash,
    entry_names,
    find_entry,
    parse,
    read_yaml,
    with_overrides,
)
from zsrobust.threat_model import Norm, ThreatModel, parse_eps

RECIPES = Path(__file__).parent / "recipes"


class ObjectiveChoice(StrictModel):
    """Which objective, with the settings it takes."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)


class InnerAttack(StrictModel):
    """The PGD that makes a step's adversarial images: random start, last iterate."""

    norm: Norm = "linf"
    eps: str = "1/255"
    steps: int = Field(2, ge=1)
    step_size: str = "1/255"

    @property
    def threat(self) -> ThreatModel:
        """Norm and radius."""
        return ThreatModel(self.norm, parse_eps(self.eps, self.norm))


class Optimizer(StrictModel):
    """SGD (no Nesterov) or AdamW; the learning rate is that after warm-up."""

    kind: Literal["sgd", "adamw"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(0.0, ge=0)


class Recipe(StrictModel):
    """All of a fine-tuning but model, data and seed.

    Exactly one of epochs and steps gives its length. warmup_steps: linear, then half a cosine.
    checkpoint_every: steps between resumable states. templates: the prompt of the class texts.
    """

    source: str
    objective: ObjectiveChoice
    attack: InnerAttack = InnerAttack()
    optimizer: Optimizer
    batch_size: int = Field(ge=1)
    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1)
    warmup_steps: int = Field(0, ge=0)
    checkpoint_every: int = Field(200, ge=1)
    templates: list[str] = Field(default_factory=lambda: ["This is a photo of a {}"])

    @model_validator(mode="after")
    def _means_something(self) -> Recipe:
        faults = []
        if (self.epochs is None) == (self.steps is None):
            faults.append("give exactly one of epochs and steps.")
        if self.objective.kind not in OBJECTIVES:
            near = did_you_mean(self.objective.kind, OBJECTIVES)
            faults.append(f"objective.kind: unknown objective '{self.objective.kind}'.{near}")
        else:
            faults += _said(lambda: self._objective_settings())
        faults += _said(lambda: parse_eps(self.attack.eps, self.attack.norm, "attack.eps"))
        faults += _said(lambda: step_length(self.attack.step_size, 1.0))
        if faults:
            raise ValueError(" ".join(faults))
        return self

    def _objective_settings(self) -> StrictModel:
        known = OBJECTIVES[self.objective.kind].settings
        return parse(known, self.objective.settings, "objective.settings")

    @property
    def hash(self) -> str:
        """16 hex digits over everything but the source and how often a state is saved."""
        return canonical_hash(self.model_dump(mode="json", exclude={"source", "checkpoint_every"}))


def recipe_names() -> list[str]:
    """The names of the recipes that ship, sorted."""
    return entry_names(RECIPES)


def load_recipe(recipe: str | Path | Recipe, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe by name, from a user's YAML file, or as it is; `overrides` are `key=value`.

    Raises UnknownNameError, or SettingsError listing every fault at once.
    """
    if isinstance(recipe, Recipe):
        content, where = recipe.model_dump(mode="json"), "recipe"
    else:
        path = find_entry(recipe, RECIPES, "recipe", "zsrobust recipes")
        content, where = read_yaml(path), path.name
    content = with_overrides(content, overrides)
    optimizer = content.get("optimizer")
    if isinstance(optimizer, dict) and isinstance(optimizer.get("betas"), list):
        optimizer["betas"] = tuple(optimizer["betas"])
    return parse(Recipe, content, where)


def _said(check: Any) -> list[str]:
    try:
        check()
    except SettingsError as error:
        return [str(error)]
    return []
