"""A recipe states how a model is fine-tuned: objective, inner attack, optimiser, length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from zsrobust.classifier.class_embeddings import check_prompts
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
from zsrobust.threat_model import parse_eps
from zsrobust.training.faults import faults_of
from zsrobust.training.inner_attack import InnerAttack
from zsrobust.training.precision import Precision
from zsrobust.training.track import Tracker
from zsrobust.training.trainable.settings import Tower, Trainable
from zsrobust.training.validation import ValidationSettings

RECIPES = Path(__file__).parent / "recipes"
_SILENT = {"source", "checkpoint_every", "activation_checkpointing", "frozen_cache", "track"}
"""What changes no weight, but for rounding."""
_FIRST = {"tecoa": set[str](), "tga-zsr": {"alpha", "beta", "distance", "attention"}}
"""The settings that the first objectives began with."""


class ObjectiveChoice(StrictModel):
    """Which objective, with the settings it takes; defaults are filled in."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict, validate_default=True)

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        with faults_of("kind"):
            OBJECTIVES[kind]
        return kind

    @field_validator("settings")
    @classmethod
    def _fitting(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "kind" not in info.data:
            return settings
        with faults_of("objective.settings"):
            known = parse(OBJECTIVES[info.data["kind"]].settings, settings, "objective.settings")
        return known.model_dump(mode="json")

    @property
    def content(self) -> dict[str, Any]:
        """What decides numbers; settings that came later stand only where they say something."""
        plain = OBJECTIVES[self.kind].settings.model_construct().model_dump(mode="json")
        first = _FIRST.get(self.kind, set(plain))
        kept = {k: v for k, v in self.settings.items() if k in first or plain.get(k) != v}
        return {"kind": self.kind, "settings": kept}


class Optimizer(StrictModel):
    """SGD (no Nesterov) or AdamW; the learning rate is that after warm-up."""

    kind: Literal["sgd", "adamw"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(0.0, ge=0)


class Recipe(StrictModel):
    """All of a fine-tuning but model, data and seed.

    trainable: what is trained, the whole image tower unless said (`trainable/settings.py`).
    Exactly one of epochs and steps gives the length. accumulate: in how many equal parts a batch
    goes through the model. warmup_steps: linear, then half a cosine. precision: of the tower. ema:
    the decay of an average of what is trained, which is validated and kept in its place.
    activation_checkpointing: less memory, one forward more. resolution: of the pixels that are
    attacked; `tower` is the model's own, `as-released` 256 and then the central 224. templates:
    the prompts of the class texts. samples_per_class, classes: the part of the training set that
    is seen; `classes` is a number or a file of names. validation: by which the best state is
    chosen; without it the last one is kept. checkpoint_every: steps between resumable states.
    track: `tensorboard` beside the JSON log. frozen_cache: a folder in which what the model that
    came in says of the training set is kept for other trainings.
    """

    source: str
    objective: ObjectiveChoice
    trainable: Trainable = Tower()
    attack: InnerAttack
    optimizer: Optimizer
    batch_size: int = Field(ge=1)
    accumulate: int = Field(1, ge=1)
    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1, validate_default=True)
    warmup_steps: int = Field(0, ge=0)
    precision: Precision = "fp32"
    ema: float | None = Field(None, gt=0, lt=1)
    activation_checkpointing: bool = False
    checkpoint_every: int = Field(200, ge=1)
    resolution: Annotated[int, Field(ge=1)] | Literal["tower", "as-released"] = "tower"
    templates: list[str] = Field(default_factory=lambda: ["This is a photo of a {}"])
    samples_per_class: int | None = Field(None, ge=1)
    classes: Annotated[int, Field(ge=2)] | str | None = None
    validation: ValidationSettings | None = None
    track: Tracker = "none"
    frozen_cache: str | None = None

    @field_validator("attack", mode="before")
    @classmethod
    def _or_none(cls, attack: Any) -> Any:
        return {"kind": "none"} if attack == "none" else attack

    @field_validator("accumulate")
    @classmethod
    def _parts(cls, accumulate: int, info: ValidationInfo) -> int:
        if info.data.get("batch_size", accumulate) % accumulate:
            raise ValueError(
                f"{accumulate} does not divide batch_size = {info.data['batch_size']}."
            )
        return accumulate

    @field_validator("validation")
    @classmethod
    def _has_a_radius(
        cls, validation: ValidationSettings | None, info: ValidationInfo
    ) -> ValidationSettings | None:
        attack = info.data.get("attack")
        if validation is None or attack is None:
            return validation
        if validation.eps is None and attack.kind == "none":
            raise ValueError('eps is missing: a training without attack has none. Give "1/255".')
        with faults_of("eps"):
            parse_eps(validation.eps or attack.eps, attack.norm)
        return validation

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
        with faults_of("templates"):
            check_prompts(["any class"], templates)
        return templates

    @property
    def content(self) -> dict[str, Any]:
        """What decides weights: all but the source, how often a state is saved, and the like.

        What came later than the first recipes stands only where it is not as before.
        """
        dumped = self.model_dump(mode="json", exclude=_SILENT)
        dumped |= {"attack": self.attack.content, "objective": self.objective.content}
        as_before = {"trainable": {"kind": "tower"}, "accumulate": 1, "precision": "fp32"}
        as_before |= dict.fromkeys(("samples_per_class", "classes", "validation", "ema"))
        return {k: v for k, v in dumped.items() if k not in as_before or as_before[k] != v}

    @property
    def hash(self) -> str:
        """16 hex digits over the canonical JSON of `content`."""
        return canonical_hash(self.content)


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
