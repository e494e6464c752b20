"""One trial of a search: a point of the grid trained, and measured on the validation images."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path

from zsrobust.errors import NotFiniteError
from zsrobust.evaluation.evaluate import Run, evaluate
from zsrobust.evaluation.protocol import Protocol
from zsrobust.models.model import Model
from zsrobust.records.intervals import rate
from zsrobust.records.record import clean_right, survives
from zsrobust.records.store import read_records, records_folder
from zsrobust.training.recipe import Recipe
from zsrobust.workflows.finetune import finetune
from zsrobust.workflows.search_images import SearchImages
from zsrobust.workflows.search_record import Trial


@dataclass(frozen=True)
class Plan:
    """What all trials of a search share: its arguments, read."""

    recipe: str | Path | Recipe
    model: Model
    images: SearchImages
    attack: Protocol
    out: Path
    seed: int
    limit: int | None
    device: str
    overrides: tuple[str, ...]


def run_trial(plan: Plan, trial: Trial) -> Trial:
    """The trial, finished or diverged; both its halves continue from where a kill left them."""
    try:
        trained = finetune(
            plan.recipe, plan.model, plan.images.training, plan.out / trial.folder,
            limit=plan.limit, device=plan.device, seed=plan.seed,
            overrides=[*plan.overrides, *trial.overrides],
        )  # fmt: skip
        run = evaluate(
            trained, plan.images.validation, plan.attack, plan.out / "measured",
            device=plan.device, seed=plan.seed, keep="none",
        )  # fmt: skip
    except NotFiniteError as error:
        return trial.model_copy(update={"state": "diverged", "said": str(error)})
    steps = trained.card.steps if trained.card else None
    del trained
    gc.collect()
    measured = run.path.relative_to(plan.out).as_posix()
    found = {"state": "finished", "measured": measured, "steps": steps, **_found(plan, run)}
    return trial.model_copy(update=found)


def _found(plan: Plan, run: Run) -> dict[str, object]:
    """Counts, rates and score, from the records."""
    records, (eps,) = read_records(records_folder(run.path)), plan.attack.radii
    clean = sum(map(clean_right, records))
    robust = sum(survives(record, eps) for record in records)
    return {
        "clean_right": clean,
        "robust_right": robust,
        "clean": rate(clean, len(records)),
        "robust": rate(robust, len(records)),
        "score": (clean + robust) / (2 * len(records)),
        "collapsed": run.summary is not None and run.summary.collapsed,
    }
