"""`zsrobust selfcheck`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import (
    DataRootOption,
    DatasetOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    ModelOption,
    SeedOption,
)


def selfcheck(
    model: ModelOption,
    dataset: DatasetOption,
    eps: Annotated[
        str, typer.Option("--eps", help="Where attacks are compared, if enough is kept there.")
    ] = "4/255",
    minutes: Annotated[
        float, typer.Option("--minutes", help="What images and Square's queries are fitted to.")
    ] = 5.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder; default: runs/selfcheck/<model>--<dataset>."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which part of the dataset.")] = "test",
    data_root: DataRootOption = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="A file of class names, one a line, for a folder."),
    ] = None,
    limit: LimitOption = None,
    device: DeviceOption = "auto",
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Of attacks.")] = 64,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Is a model robust, or does it hide its gradients? A curve, checks, one line of verdict.

    zsrobust selfcheck --model scenes-tiny --dataset scenes-shapes --minutes 5
    """
    from zsrobust.cli.printing import print_json
    from zsrobust.cli.stage_progress import stage_progress
    from zsrobust.report.selfcheck_page import write_selfcheck
    from zsrobust.report.selfcheck_table import print_selfcheck
    from zsrobust.selfcheck.of_model import selfcheck_model

    with stage_progress() as (say, on_stage):
        written = selfcheck_model(
            model,
            dataset,
            out=out,
            eps=eps,
            minutes=minutes,
            split=split,
            data_root=data_root,
            classes_file=classes,
            limit=limit,
            device=device,
            batch_size=batch_size,
            seed=seed,
            say=say,
            on_stage=on_stage,
        )
    page = write_selfcheck(written.folder, written.result)
    if as_json:
        print_json(written.result.model_dump(mode="json"))
        return
    print_selfcheck(written.result)
    print(f"The page: {page}")
