"""`zsrobust train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import (
    DataRootOption,
    DatasetOption,
    DeviceOption,
    LimitOption,
    ModelOption,
    OutOption,
    SeedOption,
    SetOption,
)


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe by name (`zsrobust recipes`), or a YAML file.")
    ],
    model: ModelOption,
    dataset: DatasetOption,
    out: OutOption,
    data_root: DataRootOption = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="A file of class names, one a line, for a folder."),
    ] = None,
    limit: LimitOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    overrides: SetOption = None,
) -> None:
    """Fine-tune a model for robustness by a recipe; safe to kill, the same command continues.

    zsrobust train tecoa-quick --model scenes-tiny --dataset scenes-objects --out runs/tecoa
    """
    from zsrobust.training.processes import started_first
    from zsrobust.workflows.finetune import finetune

    finetune(
        recipe,
        model,
        dataset,
        out,
        data_root=data_root,
        classes_file=classes,
        limit=limit,
        device=device,
        seed=seed,
        overrides=overrides or (),
    )
    if started_first():
        print(f"The model is in {out / 'final'}. Measure it: zsrobust evaluate --model {out} ...")
