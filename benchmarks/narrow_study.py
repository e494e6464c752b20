"""What `narrow_training.py` compares, as its YAML file says it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from zsrobust.evaluation.protocol import load_protocol
from zsrobust.settings import StrictModel, parse, read_yaml
from zsrobust.training.faults import faults_of


class Method(StrictModel):
    """A defence. grid: settings and values, as `search` takes them, from which it draws its trials.

    attacked: whether its recipe has an inner attack. seeds: whether it is trained by every seed of
    the study.
    """

    name: str
    title: str
    recipe: str
    grid: list[str]
    attacked: bool = True
    seeds: bool = False


class Search(StrictModel):
    """How settings are chosen: trials of each method, and images that judge each."""

    trials: int = Field(ge=1)
    images: int = Field(ge=1)


class Evaluation(StrictModel):
    """What is measured at the end: the first `images` ids of each set.

    images_of_trained: of the set of the fine-tuning, for its learned and its other classes.
    """

    datasets: list[str] = Field(min_length=1)
    images: int = Field(ge=1)
    images_of_trained: int = Field(ge=1)


class Interpolation(StrictModel):
    """The first seed of a method, mixed with the base at these shares of the base."""

    method: str
    clean_weights: list[float]


class Study(StrictModel):
    """Everything that is trained alike, and what differs.

    classes: a file of names beside the study's own. training: settings of every recipe. attack:
    settings of every inner attack beside the radius. seeds: how many.
    """

    base: str
    dataset: str
    classes: str
    eps: str
    protocol: str
    training: dict[str, int]
    attack: dict[str, int | str]
    search: Search
    seeds: int = Field(ge=1)
    evaluation: Evaluation
    interpolation: Interpolation
    methods: list[Method] = Field(min_length=1)

    @field_validator("protocol")
    @classmethod
    def _one_radius(cls, protocol: str, info: ValidationInfo) -> str:
        with faults_of("protocol"):
            radii = load_protocol(protocol).settings.eps
        if radii != [info.data.get("eps")]:
            raise ValueError(f"attacks at {', '.join(radii) or 'no eps'}, not at the study's eps.")
        return protocol

    @field_validator("methods")
    @classmethod
    def _named(cls, methods: list[Method], info: ValidationInfo) -> list[Method]:
        names = [method.name for method in methods]
        if len(set(names)) < len(names):
            raise ValueError(f"a name stands twice in {', '.join(names)}.")
        mixed = info.data.get("interpolation")
        if mixed is not None and mixed.method not in names:
            raise ValueError(
                f"interpolation.method = {mixed.method} is none of {', '.join(names)}."
            )
        return methods

    @property
    def images_trained(self) -> int:
        """Images that a training sees."""
        return self.training["batch_size"] * self.training["steps"]

    def settings(self, method: Method) -> list[str]:
        """What the method's recipe is told, as `key=value`."""
        told: dict[str, int | str] = {**self.training, "classes": self.classes}
        if method.attacked:
            told["attack.eps"] = self.eps
            told |= {f"attack.{key}": value for key, value in self.attack.items()}
        return [f"{key}={value}" for key, value in told.items()]


def load_study(path: Path) -> Study:
    """The study of a YAML file; the path of its classes is then one from the working folder.

    Raises SettingsError listing every fault.
    """
    study = parse(Study, read_yaml(path), path.name)
    classes = os.path.relpath(path.parent / study.classes)
    return study.model_copy(update={"classes": classes})
