"""What a training logged, read for its page and its lines on a terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zsrobust.errors import RunError
from zsrobust.records.intervals import Rate, rate
from zsrobust.report.cells import Training

LOG, VALIDATIONS = "log.jsonl", "validation.jsonl"
PARTS = ("validation", "training")


@dataclass(frozen=True)
class Validated:
    """Accuracies after `step` updates, by part (held-out or trained-on images): clean, robust."""

    step: int
    score: float
    clean: dict[str, Rate]
    robust: dict[str, Rate]


@dataclass(frozen=True)
class TrainingLog:
    """What each step and each validation said, in order; arrays have one value a step.

    steps: 1-based. lr: learning rates. speed: images a second, attack and reading included. terms:
    by name, weights included. cost: forwards' worth of the last step for each image; None where
    passes were not counted. partial: its backwards that end inside the tower, not in the cost.
    """

    steps: np.ndarray
    lr: np.ndarray
    speed: np.ndarray
    terms: dict[str, np.ndarray]
    cost: float | None
    validations: tuple[Validated, ...]
    partial: float = 0.0

    @property
    def best(self) -> Validated | None:
        """The validation with the highest score, the first of equals; None without any."""
        return max(self.validations, key=lambda one: one.score, default=None)


def read_training_log(training: Training) -> TrainingLog:
    """The log of a training run, empty where it has none; raises RunError for a file that is none.

    A last line that a training under way has not finished writing is left out.
    """
    lines = _lines(training.path / LOG)
    try:
        names = list(lines[0]["terms"]) if lines else []
        return TrainingLog(
            steps=np.array([line["step"] + 1 for line in lines], dtype=int),
            lr=np.array([line["lr"] for line in lines], dtype=float),
            speed=np.array([line["images_per_second"] for line in lines], dtype=float),
            terms={
                name: np.array([line["terms"][name] for line in lines], dtype=float)
                for name in names
            },
            cost=_cost(lines[-1].get("passes")) if lines else None,
            validations=_validations(training.path / VALIDATIONS),
            partial=lines[-1].get("passes", {}).get("partial_backwards", 0.0) if lines else 0.0,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(training.path / LOG, error) from None


def _cost(passes: dict[str, float] | None) -> float | None:
    """In forwards: a backward to the pixels is 1, one to the weights 2."""
    if not passes:
        return None
    return passes["forwards"] + passes["input_backwards"] + 2 * passes["full_backwards"]


def _validations(path: Path) -> tuple[Validated, ...]:
    try:
        return tuple(_validated(line) for line in _lines(path))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from None


def _validated(line: dict[str, Any]) -> Validated:
    def of(what: str) -> dict[str, Rate]:
        parts = {part: line[part] for part in PARTS}
        return {name: rate(round(p[what] * p["n"]), p["n"]) for name, p in parts.items()}

    return Validated(int(line["step"]), float(line["score"]), of("clean"), of("robust"))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole, _, _unfinished = path.read_text(encoding="utf-8").rpartition("\n")
    try:
        return [json.loads(text) for text in whole.splitlines()]
    except ValueError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> RunError:
    return RunError(f"{path}: not a training log ({error}). The same train command again mends it.")
