"""A recipe states how a model is fine-tuned: objective, inner attack, optimiser, length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from zsrobust.attacks.step_size import step_length
from zsrobust.classifier.class_embeddings import check_prompts
from zsrobust.errors import InputError
from zsrobust.objectives.catalogue import OBJECTIVES
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
    """Which objective, with the settings it takes; defaults are filled in."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict, validate_default=True)

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        with _faults_of("kind"):
            OBJECTIVES[kind]
        return kind

    @field_validator("settings")
    @classmethod
    def _fitting(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "kind" not in info.data:
            return settings
        with _faults_of("objective.settings"):
            known = parse(OBJECTIVES[info.data["kind"]].settings, settings, "objective.settings")
        return known.model_dump(mode="json")


class InnerAttack(StrictModel):
    """The PGD that makes a step's adversarial images: random start, last iterate."""

    norm: Norm = "linf"
    eps: str = Field("1/255", coerce_numbers_to_str=True)
    steps: int = Field(2, ge=1)
    step_size: str = Field("1/255", coerce_numbers_to_str=True)

    @field_validator("eps")
    @classmethod
    def _radius(cls, eps: str, info: ValidationInfo) -> str:
        with _faults_of("eps"):
            parse_eps(eps, info.data.get("norm", "linf"))
        return eps

    @field_validator("step_size")
    @classmethod
    def _length(cls, step_size: str) -> str:
        with _faults_of("step_size"):
            step_length(step_size, 1.0)
        return step_size

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
    checkpoint_every: steps between resumable states. resolution: of the pixels that are attacked;
    `tower` is the model's own, `as-released` 256 and then the central 224. templates: the prompts
    of the class texts.
    """

    source: str
    objective: ObjectiveChoice
    attack: InnerAttack
    optimizer: Optimizer
    batch_size: int = Field(ge=1)
    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1, validate_default=True)
    warmup_steps: int = Field(0, ge=0)
    checkpoint_every: int = Field(200, ge=1)
    resolution: Annotated[int, Field(ge=1)] | Literal["tower", "as-released"] = "tower"
    templates: list[str] = Field(default_factory=lambda: ["This is a photo of a {}"])

    @field_validator("steps")
    @classmethod
    def _one_length(cls, steps: int | None, info: ValidationInfo) -> int | None:
        if "epochs" not in info.data:
            return steps
        epochs = info.data["epochs"]
        if epochs is None and steps is None:
            raise ValueError("give the length, as epochs or as steps.")
        if epochs is not None and steps is not None:
            raise ValueError(f"epochs = {epochs} and steps = {steps}: set one of them to null.")
        return steps

    @field_validator("templates")
    @classmethod
    def _prompts(cls, templates: list[str]) -> list[str]:
        with _faults_of("templates"):
            check_prompts(["any class"], templates)
        return templates

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
    return parse(Recipe, with_overrides(content, overrides), where)


@contextmanager
def _faults_of(key: str) -> Iterator[None]:
    """Hands what the room below refuses to pydantic, which gathers every fault with its key."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error).removeprefix(key).lstrip(" =:")) from None
