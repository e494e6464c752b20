"""One side of one cell, alone in its process, so that time and memory are its own.

    python benchmarks/training_side.py CELL ours|released|released-image FILE.json

`training_step.py` calls it. `released-image` is the released step with its texts given: what is
left is its image part.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn

from peak_memory import peak_memory_on
from training_cells import ATTACK_STEPS, ON_GPU, SETUPS, SMALL, STEPS, Cell, cells_of
from training_models import TEMPLATE, random_dataset
from training_release import Released, released_step
from zsrobust.attacks.ball import random_start
from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.dataset import Dataset
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.objectives.passes import counting_passes
from zsrobust.records.atomic import write_text
from zsrobust.training.batches import read_batch
from zsrobust.training.log import LogLine
from zsrobust.training.loop import run_loop
from zsrobust.training.order import batch_positions
from zsrobust.training.reading_ahead import reading_ahead
from zsrobust.training.recipe import Recipe
from zsrobust.training.schedule import learning_rate
from zsrobust.training.trainable.catalogue import adapt

SEED = 0


def recipe_of(cell: Cell) -> Recipe:
    """The cell's objective and trained part under PGD-2 at 1/255, with the releases' optimiser."""
    case = cell.case
    pgd = {"norm": "linf", "eps": "1/255", "steps": ATTACK_STEPS, "step_size": "1/255"}
    content = {
        "source": "benchmarks/training_step.py",
        "objective": {"kind": case.kind, "settings": dict(case.settings)},
        "trainable": case.trainable,
        "attack": pgd if case.attacked else "none",
        "optimizer": {"kind": "sgd", "lr": cell.setup.lr, "momentum": 0.9},
        "batch_size": cell.setup.batch,
        "steps": STEPS,
        "checkpoint_every": STEPS + 1,
        "templates": [TEMPLATE],
    }
    return Recipe.model_validate(content)


def ours(cell: Cell) -> dict[str, Any]:
    """The loop's own steps, reading of the images included; texts before them, once a run."""
    recipe, model, dataset = recipe_of(cell), cell.setup.make(), dataset_of(cell)
    peak, begun = peak_memory_on(model.device), time.perf_counter()
    original = classifier_of(model, dataset.class_names, recipe.templates)
    texts = time.perf_counter() - begun
    adapted = adapt(model, recipe.trainable, SEED)
    student = classifier_of(adapted, dataset.class_names, recipe.templates)
    objective = build_objective(cell.case.kind, recipe.objective.settings, original)
    beside = [] if objective.modules is None else [objective.modules]
    marks, lines = list[float](), list[LogLine]()

    def watch(line: LogLine) -> None:
        marks.append(time.perf_counter())
        lines.append(line)

    with tempfile.TemporaryDirectory() as out:
        run_loop(recipe, student, objective, dataset, Path(out), seed=SEED, watch=watch)
    return {
        "seconds": [after - before for before, after in pairwise(marks)],
        "text_seconds": texts,
        "peak_mib": peak.mib,
        "losses": [line.total for line in lines],
        "passes": lines[-1].passes,
        "trained": _trained(adapted.clip, *beside),
    }


def released(cell: Cell, texts_once: bool) -> dict[str, Any]:
    """The same steps on the same images from the same starts, as the release makes them."""
    recipe, model, dataset = recipe_of(cell), cell.setup.make(), dataset_of(cell)
    reader = classifier_of(model, dataset.class_names, recipe.templates)
    peak = peak_memory_on(model.device)
    loop = Released.of(model, dataset.class_names, TEMPLATE)
    if texts_once:
        loop = replace(loop, texts_once=loop.texts().detach())
    optimizer = torch.optim.SGD(model.visual.parameters(), recipe.optimizer.lr, momentum=0.9)
    seconds, losses, passes = [], [], {}

    def read(step: int) -> Batch:
        positions = batch_positions(step, len(dataset), recipe.batch_size, SEED)
        return read_batch(recipe, reader, dataset, positions)

    with measuring(reader), reading_ahead(read, range(STEPS)) as batch_of:
        for step in range(STEPS):
            begun = time.perf_counter()
            batch = batch_of(step)
            threat = recipe.attack.threat
            start = random_start(batch.pixels, batch.ids, threat, SEED, "train", step)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, recipe.optimizer.lr, 0, STEPS)
            with counting_passes() as counted:
                losses.append(
                    released_step(
                        loop, cell.case.kind, batch, start, optimizer,
                        eps=threat.eps, steps=recipe.attack.steps,
                    )
                )  # fmt: skip
            seconds.append(time.perf_counter() - begun)
            passes = counted.per_image(len(batch.ids))
    return {
        "seconds": seconds[1:],
        "peak_mib": peak.mib,
        "losses": losses,
        "passes": passes,
        "trained": _trained(model.visual),
    }


SIDES: dict[str, Callable[[Cell], dict[str, Any]]] = {
    "ours": ours,
    "released": lambda cell: released(cell, texts_once=False),
    "released-image": lambda cell: released(cell, texts_once=True),
}


def dataset_of(cell: Cell) -> Dataset:
    """Images for every step, or for one where each step sees the same."""
    batches = 1 if cell.case.again else STEPS
    setup = cell.setup
    return random_dataset(batches * setup.batch, setup.prompts, setup.side)


def _trained(*modules: nn.Module) -> int:
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    return sum(parameter.numel() for parameter in parameters)


def main() -> None:
    """Measures one side and writes it."""
    name, side, out = sys.argv[1:]
    cell = next(cell for cell in cells_of((*SETUPS, ON_GPU, SMALL)) if cell.name == name)
    write_text(Path(out), json.dumps(SIDES[side](cell), indent=1) + "\n")


if __name__ == "__main__":
    main()
