"""Validation on a held-out part of the TRAINING set: what it measures, and which state is best."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field, field_validator
from torch import Tensor

from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.settings import StrictModel
from zsrobust.threat_model import parse_eps
from zsrobust.training.faults import faults_of
from zsrobust.training.log import keep_before

FILE_NAME = "validation.jsonl"
HELD_OUT, SEEN = "validation", "training"


class ValidationSettings(StrictModel):
    """images: how many are held out of the training set. every: training steps between two.

    attack: a catalogued one, of all its steps. eps: of it; default the radius of the training.
    """

    images: int = Field(ge=1)
    every: int = Field(ge=1)
    attack: str = "apgd-ce"
    eps: str | None = Field(None, coerce_numbers_to_str=True)

    @field_validator("attack")
    @classmethod
    def _known(cls, attack: str) -> str:
        with faults_of("attack"):
            ATTACKS[attack]
        return attack

    @field_validator("eps")
    @classmethod
    def _radius(cls, eps: str | None) -> str | None:
        with faults_of("eps"):
            parse_eps(eps or 0, "l2")
        return eps


@dataclass(frozen=True)
class Measured:
    """Clean and robust accuracy in [0, 1] on `n` images."""

    clean: float
    robust: float
    n: int


Validate = Callable[[ZeroShotClassifier], Mapping[str, Measured]]
"""The model under training -> what it does on images held out (`validation`), and for comparison
on images that it learns from (`training`). Never on a test set."""


@dataclass(frozen=True)
class Best:
    """The trained tensors after `step` updates, which had the highest score so far.

    score: the mean of clean and robust accuracy on the images held out. tensors: the average of
    the trained ones, where the recipe has one.
    """

    step: int
    score: float
    tensors: dict[str, Tensor]

    def note(self, steps: int) -> str:
        """What a model card says of the state, of a training of `steps` steps."""
        return (
            f"The state after {self.step} of {steps} steps: the best mean of clean and robust "
            f"accuracy ({self.score:.3f}) on training images held out."
        )


def score(measured: Mapping[str, Measured]) -> float:
    """By what the best state is chosen: the mean of clean and robust accuracy, held-out images."""
    held_out = measured[HELD_OUT]
    return (held_out.clean + held_out.robust) / 2


def append_validation(out: Path, step: int, measured: Mapping[str, Measured]) -> None:
    """Adds what was measured after `step` updates to `validation.jsonl`."""
    parts = {name: asdict(part) for name, part in measured.items()}
    with (out / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, "score": score(measured), **parts}) + "\n")


def cut_validations(out: Path, step: int) -> None:
    """Drops what was measured after more than `step` updates."""
    keep_before(out / FILE_NAME, step + 1)
