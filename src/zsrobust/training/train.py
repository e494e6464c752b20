"""A training run: its folder, its header, and the model that comes out of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.dataset import Dataset
from zsrobust.models.card import Card
from zsrobust.models.folder import is_model_folder, load_folder, save_folder
from zsrobust.models.model import Model
from zsrobust.objectives.catalogue import build_objective
from zsrobust.records.environment import invocation, package_versions
from zsrobust.records.header import (
    DatasetHeader,
    ModelHeader,
    ProtocolHeader,
    RunHeader,
    check_same_run,
    write_header,
)
from zsrobust.training.loop import run_loop, total_steps
from zsrobust.training.progress import watching
from zsrobust.training.recipe import Recipe
from zsrobust.training.state import drop_states


def train(
    recipe: Recipe, name: str, model: Model, dataset: Dataset, out: Path, *, seed: int
) -> Model:
    """Fine-tunes a copy of `model` into `out/final/`; returns it, named after `out`.

    Safe to kill at any instant and to continue by the same call: on a CPU the weights are then
    those of an uninterrupted run, bit for bit. A finished run is returned as it is; another run's
    folder raises RunFolderError.
    """
    header = _header(recipe, name, model, dataset, seed)
    if not check_same_run(out, header):
        write_header(out, header)
    final = out / "final"
    if not is_model_folder(final):
        student = replace(model, clip=copy.deepcopy(model.clip), name=out.name)
        classifier = classifier_of(student, dataset.class_names, recipe.templates)
        objective = build_objective(
            recipe.objective.kind, recipe.objective.settings, classifier, "objective.settings"
        )
        steps = total_steps(recipe, len(dataset))
        with watching(out.name, steps, 0) as watch:
            seen = run_loop(recipe, classifier, objective, dataset, out, seed=seed, watch=watch)
        card = _card(recipe, name, student, model, dataset, seed, steps, seen)
        save_folder(replace(student, card=card), final)
        drop_states(out)
    return load_folder(final, out.name).to(model.device)


def _header(recipe: Recipe, name: str, model: Model, dataset: Dataset, seed: int) -> RunHeader:
    content = recipe.model_dump(mode="json", exclude={"source"})
    return RunHeader(
        kind="train",
        command=invocation(),
        model=ModelHeader(name=model.name, hash=model.fingerprint, source=model.source),
        dataset=DatasetHeader(
            name=dataset.name,
            split=dataset.split,
            version=dataset.version,
            variant=dataset.variant,
            n=len(dataset),
            hash=dataset.variant_hash(),
            class_names=dataset.class_names,
            notes=dataset.notes,
        ),
        protocol=ProtocolHeader(name=name, hash=recipe.hash, content=content),
        seed=seed,
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
    steps: int,
    seen: int,
) -> Card:
    return Card(
        name=student.name,
        description=f"{base.name} fine-tuned by {name} ({recipe.objective.kind}) on {dataset.name}.",
        data=f"{dataset.name}, split {dataset.split}, {len(dataset)} images, {dataset.variant}",
        steps=steps,
        images_seen=seen,
        seed=seed,
        command=invocation(),
        licence=base.card.licence if base.card else "that of the base model",
        canary_eps=base.card.canary_eps if base.card else None,
        notes=list(base.card.notes) if base.card else [],
        base={"name": base.name, "hash": base.fingerprint},
        recipe=recipe.model_dump(mode="json"),
    )
