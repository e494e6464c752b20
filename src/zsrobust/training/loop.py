"""The one fine-tuning loop."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import Resolution, read_pixels
from zsrobust.objectives.objective import Batch, Objective
from zsrobust.training.log import LogLine, append_line, cut_log
from zsrobust.training.order import batch_positions, steps_per_epoch
from zsrobust.training.progress import Watcher
from zsrobust.training.recipe import Recipe
from zsrobust.training.schedule import learning_rate
from zsrobust.training.state import load_state, save_state
from zsrobust.training.step import attack_batch, make_optimizer, update


def total_steps(recipe: Recipe, count: int) -> int:
    """How many updates a recipe means on `count` images."""
    if recipe.steps is not None:
        return recipe.steps
    return int(recipe.epochs or 1) * steps_per_epoch(count, recipe.batch_size)


def run_loop(
    recipe: Recipe,
    classifier: ZeroShotClassifier,
    objective: Objective,
    dataset: Dataset,
    out: Path,
    *,
    seed: int,
    watch: Watcher,
) -> None:
    """Trains the image tower of `classifier` in place, up to the last step of the recipe.

    Continues from the newest state in `out`. The tower stays in eval mode: batch statistics are
    the pretrained ones, and torch's fused attention is off, as in evaluation.
    Runs on `accelerate` in fp32, on the device where the classifier is.
    """
    from accelerate import Accelerator

    accelerator = Accelerator(device_placement=False, mixed_precision="no")
    optimizer = make_optimizer(recipe.optimizer, classifier.visual)
    first = load_state(out, classifier.visual, optimizer, objective.memory)
    cut_log(out, first)
    prepared, optimizer = accelerator.prepare(classifier, optimizer)
    student = accelerator.unwrap_model(prepared)
    steps = total_steps(recipe, len(dataset))
    with measuring(student):
        for step in range(first, steps):
            begun = time.monotonic()
            batch = _batch(dataset, recipe, step, seed, student)
            adversarial = attack_batch(
                student, objective, batch, recipe.attack, (seed, "train", step)
            )
            terms = objective.outer_loss(student, batch, adversarial)
            lr = learning_rate(step, recipe.optimizer.lr, recipe.warmup_steps, steps)
            total = update(optimizer, terms, lr, step)
            named = {name: float(term.detach()) for name, term in terms.terms.items()}
            rate = len(batch.ids) / (time.monotonic() - begun)
            line = LogLine(step, lr, named, total, round(rate, 1))
            append_line(out, line)
            if (step + 1) % recipe.checkpoint_every == 0 and step + 1 < steps:
                save_state(out, step + 1, student.visual, optimizer, objective.memory)
            watch(line)


def _batch(
    dataset: Dataset, recipe: Recipe, step: int, seed: int, classifier: ZeroShotClassifier
) -> Batch:
    positions = batch_positions(step, len(dataset), recipe.batch_size, seed)
    device = classifier.class_embeddings.device
    tower: Resolution = classifier.input_size or "native"
    resolution = tower if recipe.resolution == "tower" else recipe.resolution
    pixels = read_pixels(dataset, positions, resolution)
    labels = torch.tensor([(dataset.labels or ())[i] for i in positions], dtype=torch.int64)
    ids = [dataset.ids[i] for i in positions]
    return Batch(pixels.to(device), labels.to(device), ids)
