"""One step of a training: a batch, its inner attack, its updates, and what the log says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.objectives.objective import Batch, Objective
from zsrobust.objectives.passes import counting_passes
from zsrobust.randomness import seeded
from zsrobust.training.batches import read_batch
from zsrobust.training.dual import ascend_dual
from zsrobust.training.inner_attack import attack_batch
from zsrobust.training.learned_scale import hold_scale
from zsrobust.training.log import LogLine
from zsrobust.training.order import batch_positions, epoch_of, steps_per_epoch
from zsrobust.training.precision import in_precision
from zsrobust.training.processes import own_part, sum_numbers
from zsrobust.training.recipe import Recipe
from zsrobust.training.schedule import learning_rate
from zsrobust.training.state import State
from zsrobust.training.step import Part, parts_of, update


def total_steps(recipe: Recipe, count: int) -> int:
    """How many steps, each of one batch, a recipe means on `count` images."""
    if recipe.steps is not None:
        return recipe.steps
    return int(recipe.epochs or 1) * steps_per_epoch(count, recipe.batch_size)


@dataclass(frozen=True)
class Training:
    """A training under way: what stays from step to step, and the state, which does not."""

    recipe: Recipe
    student: ZeroShotClassifier
    objective: Objective
    dataset: Dataset
    out: Path
    seed: int
    state: State

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return total_steps(self.recipe, len(self.dataset))


@dataclass(frozen=True)
class Share:
    """What one process works on of a step's batch.

    whole: images of the batch. start: the place in it of the first that is this process's own.
    parts: in which those go through the model; none where no image is its own.
    """

    whole: int
    start: int
    parts: list[Batch]


def read_share(training: Training, step: int) -> Share:
    """The images of a step that are this process's own."""
    recipe, dataset = training.recipe, training.dataset
    positions = batch_positions(step, len(dataset), recipe.batch_size, training.seed)
    start, own = own_part(positions)
    if not own:
        return Share(len(positions), start, [])
    turn = training.seed, epoch_of(step, len(dataset), recipe.batch_size)
    batch = read_batch(recipe, training.student, dataset, own, turn)
    return Share(len(positions), start, parts_of(batch, recipe.accumulate))


def make_step(training: Training, step: int, share_of: Callable[[int], Share]) -> LogLine:
    """Makes step `step`, 0-based; its loss is that of its first update.

    share_of: gives the images of a step, and is waited for.
    Several processes share the batch: each makes the update of all of them, and returns the line
    of all. Random numbers that a forward draws (the place of a random patch) are those of seed and
    step, the same in every process.
    """
    recipe, student, state = training.recipe, training.student, training.state
    objective, begun = training.objective, time.monotonic()
    share = share_of(step)
    parts, count = share.parts, share.whole
    lr = learning_rate(step, recipe.optimizer.lr, recipe.warmup_steps, training.steps)
    with (
        counting_passes(student.visual) as passes,
        seeded(training.seed, "train", step, device=student.class_embeddings.device),
        in_precision(student.visual, recipe.precision),
    ):
        attacked = _attacked(training, parts, step, share.start)
        losses = _losses(training, parts, attacked, count)
        made = []
        for _ in range(objective.updates_per_batch):
            made.append(update(state.optimizers[0], losses, lr, step))
            hold_scale(student)
        if objective.dual is not None:
            ascend_dual(objective.dual, state.optimizers[-1], student, parts, count)
    terms, total, cost = sum_numbers(
        made[0].terms, {"total": made[0].total}, passes.per_image(count)
    )
    rate = round(count / (time.monotonic() - begun), 1)
    return LogLine(step, lr, terms, total["total"], rate, cost)


def _attacked(training: Training, parts: Sequence[Batch], step: int, start: int) -> list[Tensor]:
    """The adversarial pixels of each part, all of them made before any update.

    start: the place in the batch of the first image.
    """
    attack, objective = training.recipe.attack, training.objective
    repeated = objective.random_start == "repeated"
    key = (training.seed, "train", "repeated" if repeated else step)
    names: list[Sequence[str] | None] = [None for _ in parts]
    if repeated:  # the release's noise goes with the place in the batch, not with the image
        ends = [start + sum(len(part.ids) for part in parts[: i + 1]) for i in range(len(parts))]
        names = [
            [f"row {row}" for row in range(end - len(part.ids), end)]
            for part, end in zip(parts, ends, strict=True)
        ]
    return [
        attack_batch(
            training.student, objective, part, attack, key, names=some, ramp=attack.ramp(step)
        )
        for part, some in zip(parts, names, strict=True)
    ]


def _losses(
    training: Training, parts: Sequence[Batch], attacked: Sequence[Tensor], whole: int
) -> list[Part]:
    outer_loss, student = training.objective.outer_loss, training.student
    return [
        (len(part.ids) / whole, partial(outer_loss, student, part, pixels))
        for part, pixels in zip(parts, attacked, strict=True)
    ]
