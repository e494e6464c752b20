"""What a training was, in words: for the page and the terminal."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from zsrobust.report.cells import Training
from zsrobust.report.training_log import PARTS, TrainingLog

TAIL = 10
"""Steps at either end that a term or a rate is the mean of."""


def what_was_trained(training: Training) -> str:
    """One sentence: base, recipe, data, trained part, inner attack, seed."""
    header = training.header
    content = header.protocol.content
    part = content.get("trainable", {}).get("kind", "tower")
    trained = "the whole image tower" if part == "tower" else part
    return (
        f"{header.model.name} by {header.protocol.name} on {header.dataset.n:,} images of "
        f"{header.dataset.name}; trained: {trained}; inner attack: "
        f"{_attack(content.get('attack', {}))}; seed {header.seed}."
    )


def how_far(training: Training, log: TrainingLog) -> str:
    """How many steps were made, as "120 steps", or "40 of 120 steps" while some are missing."""
    header = training.header
    content, made = header.protocol.content, int(log.steps[-1]) if len(log.steps) else 0
    epochs, size = content.get("epochs"), content.get("batch_size")
    planned = content.get("steps")
    if planned is None and epochs and size:
        planned = epochs * ceil(header.dataset.n / size)
    return f"{made:,} of {planned:,} steps" if planned and made < planned else f"{made:,} steps"


def what_was_kept(log: TrainingLog) -> str:
    """Which state the run keeps and by what; "" without validations."""
    best = log.best
    if best is None:
        return ""
    images = best.clean[PARTS[0]].n
    return (
        f"Kept: the state after {best.step:,} steps, the best mean of clean and robust accuracy "
        f"({100 * best.score:.1f} %) on {images:,} training images held out."
    )


def how_fast(log: TrainingLog) -> str:
    """Median images a second, and what a step costs an image where that was counted."""
    if not len(log.speed):
        return ""
    said = f"{np.median(log.speed):,.0f} images/s"
    if log.cost is not None:
        said += f"; a step costs {log.cost:.3g} forwards an image"
    if log.partial:
        said += f" beside {log.partial:.3g} backwards that end inside the tower (less than 2 each)"
    return said


def ends(values: np.ndarray) -> tuple[float, float]:
    """The mean of the first ten values, and of the last ten."""
    return float(values[:TAIL].mean()), float(values[-TAIL:].mean())


def _attack(settings: dict[str, Any]) -> str:
    kind = settings.get("kind", "pgd")
    if kind == "none":
        return "none"
    steps = f"-{settings['steps']}" if kind == "pgd" and "steps" in settings else ""
    radius = f", eps {settings['eps']}" if "eps" in settings else ""
    norm = " (L2)" if settings.get("norm") == "l2" else ""
    return f"{kind}{steps}{radius}{norm}"
