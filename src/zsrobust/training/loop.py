"""The one fine-tuning loop."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.objectives.objective import Objective
from zsrobust.randomness import seeded
from zsrobust.training.averaging import begin_average
from zsrobust.training.checkpointing import checkpoint_activations
from zsrobust.training.dual import dual_optimizer
from zsrobust.training.learned_scale import with_learned_scale
from zsrobust.training.log import append_line, cut_log
from zsrobust.training.one_step import Training, make_step, read_share
from zsrobust.training.processes import is_first, refuse_difference, wait_for_all
from zsrobust.training.progress import Watcher
from zsrobust.training.reading_ahead import reading_ahead
from zsrobust.training.recipe import Recipe
from zsrobust.training.state import State, load_state, save_state
from zsrobust.training.step import make_optimizer
from zsrobust.training.track import Track, tracking
from zsrobust.training.validation import Best, Validate, append_validation, cut_validations, score


def run_loop(
    recipe: Recipe,
    student: ZeroShotClassifier,
    objective: Objective,
    dataset: Dataset,
    out: Path,
    *,
    seed: int,
    watch: Watcher,
    validate: Validate | None = None,
) -> Best | None:
    """Trains what of the student's tower requires a gradient, in place, up to the last step.

    Continues from the newest state in `out`. The tower stays in eval mode: batch statistics are
    the pretrained ones, and torch's fused attention is off, as in evaluation. With a validation
    the tower ends in its best state, which is returned. With an average it is that which is
    validated and in which the tower ends; each process follows it alike.
    Of several processes the first alone writes, validates, and knows the best state.
    """
    state = _state(recipe, student, objective)
    training = Training(recipe, student, objective, dataset, out, seed, state)
    first, leads = load_state(out, state), is_first()
    refuse_difference(f"{out}: the step to continue from", first)
    if leads:
        cut_log(out, first)
        cut_validations(out, first)
    if recipe.activation_checkpointing:
        checkpoint_activations(student.visual)
    steps = range(first, training.steps)
    with (
        measuring(student),
        tracking(recipe.track if leads else "none", out, first) as track,
        reading_ahead(partial(read_share, training), steps) as share_of,
    ):
        for step in steps:
            line = make_step(training, step, share_of)
            if state.average is not None:
                state.average.update(state.trained(), step)
            if leads:
                append_line(out, line)
                track({"lr": line.lr, "loss": line.total, **line.terms}, step)
            validated = _validate(training, validate, step + 1, track)
            due = (step + 1) % recipe.checkpoint_every == 0 and step + 1 < training.steps
            if leads and (validated or due):
                save_state(out, step + 1, state)
            if leads:
                watch(line)
    if state.best is not None:
        state.put_back(state.best.tensors)
    elif state.average is not None:
        state.put_back(state.average.tensors)
    return state.best


def _state(recipe: Recipe, student: ZeroShotClassifier, objective: Objective) -> State:
    """What is trained and by which optimisers, before the first step."""
    device = student.class_embeddings.device
    model: nn.Module = student if student.model is None else student.model.clip
    beside = [] if objective.modules is None else [objective.modules.to(device)]
    parameters = [p for module in (model, *beside) for p in module.parameters()]
    optimizers = [make_optimizer(recipe.optimizer, parameters)]
    if objective.dual is not None:
        beside.append(objective.dual.module.to(device))
        optimizers.append(dual_optimizer(objective.dual))
    # A cache on disk, where there is one, has what a memory would hold, for every image.
    on_disk = recipe.frozen_cache is not None and bool(objective.remembered)
    memory = {} if on_disk else objective.memory
    state = State(model, tuple(optimizers), tuple(beside), memory)
    state.average = begin_average(recipe.ema, state.trained())
    return state


def _validate(training: Training, validate: Validate | None, updates: int, track: Track) -> bool:
    """Measures where it is due, and keeps the tensors if they are the best so far.

    The first process alone does; the others wait for it.
    """
    settings = training.recipe.validation
    if settings is None or validate is None:
        return False
    if updates % settings.every and updates < training.steps:
        return False
    if is_first():
        _measure(training, validate, updates, track)
    wait_for_all()
    return True


def _measure(training: Training, validate: Validate, updates: int, track: Track) -> None:
    state = training.state
    device = training.student.class_embeddings.device
    with state.averaged(), seeded(training.seed, "validation", updates, device=device):
        measured = validate(with_learned_scale(training.student))
    append_validation(training.out, updates, measured)
    for part, found in measured.items():
        track({f"{part}/clean": found.clean, f"{part}/robust": found.robust}, updates)
    reached = score(measured)
    if state.best is None or reached > state.best.score:
        tensors = state.trained() if state.average is None else state.average.tensors
        kept = {name: value.clone() for name, value in tensors.items()}
        state.best = Best(updates, reached, kept)
