"""One side of one cell, alone in its process, so that time and memory are its own.

    python benchmarks/speed_side.py CELL ours|theirs FILE.json

`attack_speed.py` calls it; `SIDES` and the meaning of the numbers stand here.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from packaged_attacks import run_packaged
from peak_memory import PeakMemory
from release_loop import ReleasedClassifier, released_evaluation
from speed_cells import CELLS, STEPS, Cell, floor
from victims import BATCH, Victim, load_victim
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.records.atomic import write_text
from zsrobust.threat_model import parse_eps

SIDES = ("ours", "theirs")
CLASSES, RELEASE_BATCH = 200, 128
TIMED_STEPS = 5
"""Of the 100 steps of the release's loop so many are timed; each costs the same."""
SHORT = 60.0
"""Seconds under which a side runs three times."""


class Counted(nn.Module):
    """A classifier that counts its calls by number of rows and by whether a gradient is wanted."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.calls = inner, Counter[tuple[int, bool]]()

    def forward(self, pixels: Tensor) -> Tensor:
        """What the classifier says."""
        self.calls[len(pixels), torch.is_grad_enabled()] += 1
        logits: Tensor = self.inner(pixels)
        return logits


def model_seconds(classifier: nn.Module, pixels: Tensor, calls: Counter[tuple[int, bool]]) -> float:
    """How long the classifier alone takes for these calls, each with its gradient in the pixels."""
    total = 0.0
    with measuring(classifier):
        for (rows, gradient), count in calls.items():
            batch = pixels[torch.arange(rows) % len(pixels)].requires_grad_(gradient)
            times = []
            for _ in range(min(5, 1 + count)):
                start = time.perf_counter()
                with torch.set_grad_enabled(gradient):
                    logits = classifier(batch)
                if gradient:
                    torch.autograd.grad(logits.logsumexp(1).sum(), batch)
                times.append(time.perf_counter() - start)
            total += count * statistics.median(times)
    return total


def packaged_sides(cell: Cell, victim: Victim) -> dict[str, Callable[[], dict[str, Any]]]:
    """Both sides of a cell against the packaged official code, by name."""
    images = victim.images(cell.images)
    counted = Counted(victim.classifier).eval()
    survivors = floor(cell.attack, victim.classes)

    def ours() -> dict[str, Any]:
        counted.calls.clear()
        found = run_attack(
            counted, images.pixels, images.labels, attack=cell.attack, eps=cell.eps, norm=cell.norm,
            ids=images.ids, batch_size=BATCH,
        )  # fmt: skip
        stands = torch.tensor([status == "survived" for status in found.status])
        return {
            "robust": found.robust_accuracy,
            "forwards": _mean(found.forwards[stands]),
            "backwards": _mean(found.backwards[stands]),
            "floor": list(survivors),
        }

    def theirs() -> dict[str, Any]:
        counted.calls.clear()
        radius = parse_eps(cell.eps, cell.norm)
        broken = run_packaged(
            counted, images.pixels, images.labels, cell.attack, radius, cell.norm, 0, BATCH
        )
        return {"robust": 1 - float(broken.float().mean())}

    def spent() -> dict[str, Any]:
        calls = counted.calls
        return {
            "rows": sum(rows * count for (rows, _), count in calls.items()),
            "model_seconds": model_seconds(victim.classifier, images.pixels, calls),
        }

    return {"ours": ours, "theirs": theirs, "spent": spent}


def released_sides(cell: Cell, victim: Victim) -> dict[str, Callable[[], dict[str, Any]]]:
    """Both sides of a cell against the loop of the method releases, by name."""
    if not isinstance(victim.classifier, ZeroShotClassifier) or victim.classifier.model is None:
        raise TypeError(f"{victim.name} has no text tower.")
    model, eps = victim.classifier.model, parse_eps(cell.eps)
    pixels, labels, names, template = scenes_of_200_classes(cell.images)
    classifier = classifier_of(model, names, (template,))
    counted = Counted(classifier).eval()
    attack = PGD("pgd-ce-100", steps=STEPS) if cell.attack == "pgd-ce-100" else cell.attack

    def ours() -> dict[str, Any]:
        counted.calls.clear()
        found = run_attack(counted, pixels, labels, attack=attack, eps=eps, batch_size=BATCH)
        stands = torch.tensor([status == "survived" for status in found.status])
        return {
            "robust": found.robust_accuracy,
            "forwards": _mean(found.forwards[stands]),
            "backwards": _mean(found.backwards[stands]),
            "floor": list(floor(cell.attack, CLASSES)),
        }

    def theirs() -> dict[str, Any]:
        released = ReleasedClassifier.of(model, names, template)
        seconds, robust = {}, 0.0
        for steps in (1, 1 + TIMED_STEPS):
            start = time.perf_counter()
            right = released_evaluation(
                released, pixels, labels, eps=eps, step_size=eps / 4, steps=steps, seed=0,
                batch_size=RELEASE_BATCH,
            )  # fmt: skip
            seconds[steps] = time.perf_counter() - start
            robust = float(right.float().mean())
        a_step = (seconds[1 + TIMED_STEPS] - seconds[1]) / TIMED_STEPS
        return {"robust_after_few": robust, "scaled": seconds[1] + (STEPS - 1) * a_step}

    def spent() -> dict[str, Any]:
        if not counted.calls:
            return {}
        return {
            "rows": sum(rows * count for (rows, _), count in counted.calls.items()),
            "model_seconds": model_seconds(classifier, pixels, counted.calls),
        }

    return {"ours": ours, "theirs": theirs, "spent": spent}


def scenes_of_200_classes(count: int) -> tuple[Tensor, Tensor, tuple[str, ...], str]:
    """Pixels, labels, class names and template: the classes of the first scenes, and others."""
    dataset = load_dataset("scenes-objects")
    labels = list(dataset.labels or ())[:count]
    others = [number for number in range(len(dataset.class_names)) if number not in set(labels)]
    chosen = sorted([*set(labels), *others[: CLASSES - len(set(labels))]])
    place = {number: row for row, number in enumerate(chosen)}
    names = tuple(dataset.class_names[number] for number in chosen)
    answers = torch.tensor([place[number] for number in labels])
    return read_pixels(dataset, range(count), 56), answers, names, dataset.templates[0]


def measure(cell: Cell, side: str) -> dict[str, Any]:
    """Seconds (three where short), peak MiB beyond the loaded model, and what the side reports."""
    victim = load_victim(cell.victim)
    make = packaged_sides if cell.kind == "packaged" else released_sides
    sides = make(cell, victim)
    memory = PeakMemory()
    seconds: list[float] = []
    report: dict[str, Any] = {}
    while not seconds or (len(seconds) < 3 and seconds[0] < SHORT):
        start = time.perf_counter()
        report = sides[side]()
        elapsed = time.perf_counter() - start
        seconds.append(report.pop("scaled", elapsed))
    peak = memory.mib
    return {"seconds": seconds, "peak_mib": peak, **report, **sides["spent"]()}


def _mean(counts: Tensor) -> float | None:
    return float(counts.float().mean()) if len(counts) else None


def main() -> None:
    """Measures one side and writes it."""
    name, side, out = sys.argv[1:]
    cell = next(cell for cell in CELLS if cell.name == name)
    found = measure(cell, side)
    write_text(Path(out), json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
