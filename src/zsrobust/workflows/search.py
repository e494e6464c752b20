"""Settings of a recipe chosen on a validation part of the training set, and never on a test set."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError, RunError
from zsrobust.evaluation.protocol import Protocol
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.records.chance import chance
from zsrobust.records.environment import invocation, package_versions
from zsrobust.records.header import ModelHeader, ProtocolHeader
from zsrobust.training.processes import asked_processes
from zsrobust.training.recipe import Recipe, load_recipe
from zsrobust.workflows.search_attack import search_attack
from zsrobust.workflows.search_best import FILE_NAME as BEST
from zsrobust.workflows.search_best import write_best
from zsrobust.workflows.search_grid import draw, parse_points, read_grid
from zsrobust.workflows.search_images import search_images
from zsrobust.workflows.search_record import SearchRecord, Trial, begin, write_record
from zsrobust.workflows.search_trial import Plan, run_trial

IMAGES = 200


@dataclass(frozen=True)
class Search:
    """A finished search. best: the folder of the best trial, a model like any training's."""

    path: Path
    record: SearchRecord
    best: Path


def search(
    recipe: str | Path | Recipe,
    model: str | Path | Model,
    dataset: str | Path | Dataset,
    out: str | Path,
    *,
    grid: Sequence[str],
    trials: int | None = None,
    images: int = IMAGES,
    protocol: str | Path | Protocol | None = None,
    eps: str | None = None,
    data_root: str | Path | None = None,
    limit: int | None = None,
    device: str = "auto",
    seed: int = 0,
    overrides: Sequence[str] = (),
    on_trial: Callable[[SearchRecord, Trial], None] | None = None,
) -> Search:
    """Fine-tunes `trials` points of a grid and keeps the best mean of clean and robust accuracy.

    grid: `KEY=VALUE,VALUE` words (`read_grid`). trials: how many points, drawn by the seed; None is
    all. images: how many validation images of the training set (`search_images`). protocol, eps: by
    what trials are measured (`search_attack`). limit: of training images. on_trial hears of every
    trial that ends. Each trial is a model folder, OUT/trials/NAME; OUT also gets `search.json` and
    `best.yaml`. Trials share seed, images and attack; one that diverges is said to, and the others
    go on. Every point is read before the first is trained.
    Safe to kill; the same call continues. Raises SettingsError or InputError for what cannot be
    tried, RunFolderError for another search's folder, RunError where every trial diverged.
    """
    _refuse_many_processes()
    base, folder = load_recipe(recipe, overrides), Path(out)
    space = read_grid(grid, base)
    points = draw(space, trials, seed)
    parsed = parse_points(points, recipe, overrides)
    attack = search_attack(base, protocol, eps)
    loaded = load_model(model, device)
    parts = search_images(dataset, base, images, data_root, seed)
    plan = Plan(recipe, loaded, parts, attack, folder, seed, limit, device, tuple(overrides))
    tried = tuple(
        Trial(
            name=point.name,
            values=dict(point.values),
            recipe_hash=its.hash,
            folder=f"trials/{point.name}",
        )
        for point, its in zip(points, parsed, strict=True)
    )
    record = begin(folder, _record(plan, base, space, tried))
    for trial in record.trials:
        if trial.state == "to come":
            ended = run_trial(plan, trial)
            record = record.with_trial(ended)
            write_record(folder, record)
            if on_trial is not None:
                on_trial(record, ended)
    again = _training(folder, model, dataset, data_root, limit, seed)
    return _finish(plan, record, again)


def _refuse_many_processes() -> None:
    """Trials are written by one process: a launcher's others would write the same folder."""
    if (asked := asked_processes()) > 1:
        raise InputError(
            f"WORLD_SIZE = {asked}: a search runs in one process. Start it without a launcher."
        )


def _record(
    plan: Plan, base: Recipe, grid: dict[str, tuple[str, ...]], trials: tuple[Trial, ...]
) -> SearchRecord:
    model, attack, images = plan.model, plan.attack, plan.images.validation
    given = plan.recipe
    name = given.objective.kind if isinstance(given, Recipe) else Path(given).stem
    return SearchRecord(
        command=invocation(),
        recipe=ProtocolHeader(name=name, hash=base.hash, content=base.content),
        overrides=plan.overrides,
        model=ModelHeader(name=model.name, hash=model.fingerprint, source=model.source),
        dataset=plan.images.training.header(),
        validation=images.header(),
        protocol=ProtocolHeader(name=attack.name, hash=attack.hash, content=attack.content),
        grid=grid,
        seed=plan.seed,
        limit=plan.limit,
        n=len(images),
        chance=chance([int(label) for label in images.labels or ()]),
        versions=package_versions(),
        device=str(model.device),
        trials=trials,
    )


def _training(
    out: Path,
    model: str | Path | Model,
    dataset: str | Path | Dataset,
    data_root: str | Path | None,
    limit: int | None,
    seed: int,
) -> str:
    """The command that trains the chosen recipe as its trial was trained."""
    named = [
        each.name if isinstance(each, Model | Dataset) else str(each) for each in (model, dataset)
    ]
    words = ["zsrobust", "train", str(out / BEST), "--model", named[0], "--dataset", named[1]]
    given = {"--data-root": data_root, "--limit": limit, "--seed": seed or None}
    for option, value in given.items():
        words += [] if value is None else [option, str(value)]
    return shlex.join([*words, "--out", "runs/best"])


def _finish(plan: Plan, record: SearchRecord, again: str) -> Search:
    best = record.ranked[0]
    if best.score is None:
        raise RunError(
            f"Every trial diverged; {best.name}: {best.said} Give a grid of lower learning rates."
        )
    record = record.model_copy(update={"best": best.folder})
    write_record(plan.out, record)
    write_best(plan.out, plan.recipe, record, best, again)
    return Search(plan.out, record, plan.out / best.folder)
