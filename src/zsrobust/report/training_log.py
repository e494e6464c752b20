"""What a training logged, read for its page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """steps: 1-based. rates: learning rates. terms: by name, a value a step."""

    steps: list[int]
    rates: list[float]
    terms: dict[str, list[float]]
    validations: list[Validated]

    @property
    def best(self) -> Validated | None:
        """The validation with the highest score, the first of equals; None without any."""
        return max(self.validations, key=lambda one: one.score, default=None)


def read_training_log(training: Training) -> TrainingLog:
    """The log of a training run; raises RunError for a file that is none."""
    lines = _lines(training.path / LOG)
    measured = _lines(training.path / VALIDATIONS)
    try:
        names = list(lines[0]["terms"]) if lines else []
        return TrainingLog(
            steps=[line["step"] + 1 for line in lines],
            rates=[float(line["lr"]) for line in lines],
            terms={name: [float(line["terms"][name]) for line in lines] for name in names},
            validations=[_validated(line) for line in measured],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(training.path / LOG, error) from None


def _validated(line: dict[str, Any]) -> Validated:
    def of(what: str) -> dict[str, Rate]:
        parts = {part: line[part] for part in PARTS}
        return {name: rate(round(p[what] * p["n"]), p["n"]) for name, p in parts.items()}

    return Validated(int(line["step"]), float(line["score"]), of("clean"), of("robust"))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> RunError:
    return RunError(f"{path}: not a training log ({error}). The same train command again mends it.")
