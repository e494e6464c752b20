"""A training run: its folder, its header, and the model that comes out of it."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError
from zsrobust.models.card import Card
from zsrobust.models.folder import is_model_folder, load_folder, save_folder
from zsrobust.models.model import Model
from zsrobust.objectives.catalogue import build_objective
from zsrobust.records.environment import invocation, package_versions
from zsrobust.records.header import (
    ModelHeader,
    ProtocolHeader,
    RunHeader,
    check_same_run,
    write_header,
)
from zsrobust.training.loop import run_loop, total_steps
from zsrobust.training.order import images_seen
from zsrobust.training.progress import Watcher, watching
from zsrobust.training.recipe import Recipe
from zsrobust.training.state import drop_states, finished_updates


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
) -> Model:
    """Fine-tunes a copy of `model` into `out/final/`; returns it, named after `out`.

    name: what the recipe is called. overrides: those already in the recipe, for the header.
    on_step: hears of every step instead of the terminal.
    Safe to kill at any instant and to continue by the same call: on a CPU the weights are then
    those of an uninterrupted run, bit for bit. A finished run is returned as it is; another run's
    folder raises RunFolderError.
    """
    _refuse_many_processes()
    header = _header(recipe, name, model, dataset, seed, overrides)
    continued, final = check_same_run(out, header), out / "final"
    called = out.resolve().name
    if not is_model_folder(final):
        student = replace(model, clip=copy.deepcopy(model.clip), name=called)
        student.visual.requires_grad_(True)
        classifier = classifier_of(student, dataset.class_names, recipe.templates)
        objective = build_objective(
            recipe.objective.kind, recipe.objective.settings, classifier, "objective.settings"
        )
        if not continued:
            write_header(out, header)
        steps = total_steps(recipe, len(dataset))
        with watching(called, steps, finished_updates(out)) as watch:
            run_loop(recipe, classifier, objective, dataset, out, seed=seed, watch=on_step or watch)
        card = _card(recipe, name, student, model, dataset, seed)
        save_folder(replace(student, card=card), final)
    drop_states(out)
    return load_folder(final, called).to(model.device)


def _refuse_many_processes() -> None:
    """One process trains: a launcher's others would each write the same folder."""
    asked = os.environ.get("WORLD_SIZE", "1")
    if asked != "1":
        raise InputError(
            f"WORLD_SIZE = {asked}: training runs in one process. Start it without a launcher."
        )


def _header(
    recipe: Recipe,
    name: str,
    model: Model,
    dataset: Dataset,
    seed: int,
    overrides: Sequence[str],
) -> RunHeader:
    content = recipe.model_dump(mode="json", exclude={"source"})
    return RunHeader(
        kind="train",
        command=invocation(),
        model=ModelHeader(name=model.name, hash=model.fingerprint, source=model.source),
        dataset=dataset.header(),
        protocol=ProtocolHeader(name=name, hash=recipe.hash, content=content),
        seed=seed,
        overrides=tuple(overrides),
        versions=package_versions(),
        device=str(model.device),
        threads=torch.get_num_threads(),
        batch_size=recipe.batch_size,
        created=datetime.now(UTC),
    )


def _card(
    recipe: Recipe,
    name: str,
    student: Model,
    base: Model,
    dataset: Dataset,
    seed: int,
) -> Card:
    steps = total_steps(recipe, len(dataset))
    return Card(
        name=student.name,
        description=f"{base.name} fine-tuned by {name} on {dataset.name}.",
        data=f"{dataset.name}, split {dataset.split}, {len(dataset)} images, {dataset.variant}",
        steps=steps,
        images_seen=images_seen(steps, len(dataset), recipe.batch_size),
        seed=seed,
        command=invocation(),
        licence=base.card.licence if base.card else "that of the base model",
        canary_eps=base.card.canary_eps if base.card else None,
        notes=list(base.card.notes) if base.card else [],
        base={"name": base.name, "hash": base.fingerprint},
        recipe=recipe.model_dump(mode="json"),
        tuned_on=[*(base.card.tuned_on if base.card else ()), dataset.name],
    )
