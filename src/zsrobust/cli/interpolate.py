"""`zsrobust interpolate`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from zsrobust.cli.options import (
    DataRootOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    OutOption,
    SeedOption,
    SetOption,
)


def interpolate(
    base: Annotated[str, typer.Option("--base", help="The model before fine-tuning.")],
    tuned: Annotated[str, typer.Option("--model", help="The model that was made from it.")],
    dataset: Annotated[
        list[str],
        typer.Option("--dataset", help="As `evaluate` takes it. May be given more than once."),
    ],
    out: OutOption,
    protocol: Annotated[
        list[str],
        typer.Option("--protocol", help="See `zsrobust protocols`. May be given more than once."),
    ] = ["pgd-20"],  # noqa: B006
    clean_weight: Annotated[
        list[float] | None,
        typer.Option(
            "--clean-weight",
            help="Share of the base, from 0 to 1. May be given more than once; "
            "default: 0, 0.3, 0.5, 0.7, 1.",
        ),
    ] = None,
    data_root: DataRootOption = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Go on without sets that are not on this disk.")
    ] = False,
    limit: LimitOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure mixtures of a base and its tuned model: the baseline of every trade-off.

    zsrobust interpolate --base photos-mini --model runs/tecoa --dataset my-photos/ --out runs/mix
    """
    from zsrobust.cli.progress import block_progress
    from zsrobust.cli.results import print_runs
    from zsrobust.evaluation.asked import asked_for, present
    from zsrobust.workflows.interpolation_curve import CLEAN_WEIGHTS, interpolation_curve

    asked, skipped = present(asked_for(dataset), data_root, skip_missing=skip_missing)
    if skipped:
        print(skipped, file=sys.stderr)
    with block_progress(f"{tuned} mixed with {base}") as on_block:
        points = interpolation_curve(
            base,
            tuned,
            asked,
            protocol,
            out,
            clean_weights=clean_weight or CLEAN_WEIGHTS,
            device=device,
            data_root=data_root,
            limit=limit,
            seed=seed,
            overrides=overrides or (),
            on_block=on_block,
        )
        runs = [point.run for point in points]
    print_runs(runs, out, as_json)
