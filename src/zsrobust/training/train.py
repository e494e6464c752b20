"""A training run: its folder, its header, and the model that comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError, NotFiniteError
from zsrobust.models.adapted import save_adapted
from zsrobust.models.folder import is_model_folder, load_folder, save_folder
from zsrobust.models.model import Model
from zsrobust.objectives.across_processes import process_count
from zsrobust.objectives.catalogue import build_objective
from zsrobust.records.environment import invocation, package_versions
from zsrobust.records.header import (
    ModelHeader,
    ProtocolHeader,
    RunHeader,
    check_same_run,
    write_header,
)
from zsrobust.training.frozen_answers import fill_from_cache
from zsrobust.training.learned_scale import learn_scale
from zsrobust.training.loop import run_loop
from zsrobust.training.one_step import total_steps
from zsrobust.training.parts import refuse_parts
from zsrobust.training.processes import (
    first_alone,
    is_first,
    refuse_difference,
    refuse_unjoined,
    wait_for_all,
)
from zsrobust.training.progress import Watcher, watching
from zsrobust.training.recipe import Recipe
from zsrobust.training.state import drop_states, finished_updates
from zsrobust.training.track import refuse_missing
from zsrobust.training.trainable.catalogue import adapt
from zsrobust.training.trainable.settings import Lora, Tower
from zsrobust.training.trained_card import trained_card
from zsrobust.training.validation import Validate


def train(
    recipe: Recipe,
    name: str,
    model: Model,
    dataset: Dataset,
    out: Path,
    *,
    seed: int,
    overrides: Sequence[str] = (),
    on_step: Watcher | None = None,
    validate: Validate | None = None,
) -> Model:
    """Fine-tunes a copy of `model` into `out/final/`; returns it, named after `out`.

    name: what the recipe is called. dataset: what is learned from, parts and held-out images
    already chosen. overrides: those already in the recipe, for the header. on_step: hears of every
    step instead of the terminal. validate: what a recipe with `validation` chooses its best state
    by; workflows/finetune.py makes it.
    Safe to kill at any instant and to continue by the same call: on a CPU the weights are then
    those of an uninterrupted run, bit for bit. A finished run is returned as it is; another run's
    folder raises RunFolderError. Of several processes (`joined`) the first alone writes; all return
    the model.
    """
    refuse_unjoined()
    if recipe.validation is not None and validate is None:
        raise InputError("The recipe has `validation`: fine-tune by zsrobust.finetune.")
    refuse_missing(recipe.track)
    header = _header(recipe, name, model, dataset, seed, overrides)
    refuse_difference(f"{out}: what is trained", header.identity())
    continued, final = not is_first() or check_same_run(out, header), out / "final"
    called = out.resolve().name
    refuse_difference(f"{final} is there", is_model_folder(final))
    if not is_model_folder(final):
        student = adapt(model, recipe.trainable, seed).named(called, None)
        learn_scale(recipe, student)
        with first_alone():  # who embeds many class texts and keeps them, while the others wait
            original = classifier_of(model, dataset.class_names, recipe.templates)
        objective = build_objective(
            recipe.objective.kind, recipe.objective.settings, original, "objective.settings"
        )
        refuse_parts(recipe, objective, len(dataset))
        if not continued:
            write_header(out, header)
        with first_alone():  # who writes the cache, while the others wait
            fill_from_cache(recipe, objective, model, original, dataset)
        steps = total_steps(recipe, len(dataset))
        with watching(called, steps, finished_updates(out)) as watch:
            best = run_loop(
                recipe, _around(student, original), objective, dataset, out,
                seed=seed, watch=on_step or watch, validate=validate,
            )  # fmt: skip
        if is_first():  # of its state alone: the best one is known to no other
            _refuse_infinite(student)
            card = trained_card(recipe, name, student, model, dataset, seed, best)
            _save(student.named(called, card), model, recipe, final)
    if is_first():
        drop_states(out)
    wait_for_all()
    return load_folder(final, called).to(model.device)


def _refuse_infinite(student: Model) -> None:
    """The last update is followed by no loss that would show what became of the weights."""
    for name, value in student.clip.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise NotFiniteError(
                f"The last step left NaN or infinity in {name}. Lower optimizer.lr."
            )


def _around(student: Model, original: ZeroShotClassifier) -> ZeroShotClassifier:
    """The classifier that is trained: the student's tower, the class embeddings of the original.

    The objective was made from the original, so that what it freezes is the model that came in,
    without a prompt or an update that has not been trained yet.
    """
    classifier = ZeroShotClassifier(
        student.visual,
        original.preprocess,
        original.class_embeddings,
        original.logit_scale,
        original.class_names,
        student,
        original.logit_bias,
    )
    return classifier.to(student.device).eval()


def _save(student: Model, base: Model, recipe: Recipe, final: Path) -> None:
    """The whole model where the whole tower was trained, else the trained part beside its base."""
    if isinstance(recipe.trainable, Tower):
        save_folder(student, final)
    else:
        lora = recipe.trainable if isinstance(recipe.trainable, Lora) else None
        save_adapted(student, base, final, lora)


def _header(
    recipe: Recipe, name: str, model: Model, dataset: Dataset, seed: int, overrides: Sequence[str]
) -> RunHeader:
    return RunHeader(
        kind="train",
        command=invocation(),
        model=ModelHeader(name=model.name, hash=model.fingerprint, source=model.source),
        dataset=dataset.header(),
        protocol=ProtocolHeader(name=name, hash=recipe.hash, content=recipe.content),
        seed=seed,
        overrides=tuple(overrides),
        versions=package_versions(),
        device=str(model.device),
        threads=torch.get_num_threads(),
        processes=process_count(),
        batch_size=recipe.batch_size,
        created=datetime.now(UTC),
    )
