"""`zsrobust search`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from zsrobust.cli.options import (
    DataRootOption,
    DatasetOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    ModelOption,
    OutOption,
    SeedOption,
    SetOption,
)


def search(
    recipe: Annotated[
        str, typer.Argument(help="A recipe by name (`zsrobust recipes`), or a YAML file.")
    ],
    grid: Annotated[
        list[str],
        typer.Option(
            "--grid",
            metavar="KEY=V1,V2 ...",
            help="Values of a setting: optimizer.lr=1e-4,4e-4, or by its last name: lr=1e-4,4e-4. "
            "Several settings may follow one --grid.",
        ),
    ],
    model: ModelOption,
    dataset: DatasetOption,
    out: OutOption,
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=V1,V2]", help="More of the grid.", hidden=True),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", help="Points of the grid, drawn by the seed; default: all."),
    ] = None,
    images: Annotated[
        int, typer.Option("--images", help="How many validation images; subsets nest.")
    ] = 200,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", help="Of one radius; default: apgd-ce at the training's eps."),
    ] = None,
    eps: Annotated[
        str | None, typer.Option("--eps", help="Radius that robustness is measured at.")
    ] = None,
    data_root: DataRootOption = None,
    limit: LimitOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose settings of a recipe on a validation part of the training set, never on a test set.

    zsrobust search RECIPE --grid lr=1e-4,4e-4 alpha=0.04,0.08 --trials 4 --out DIR ...
    """
    from zsrobust.cli.printing import print_json, print_table, print_text
    from zsrobust.cli.progress import time_left
    from zsrobust.workflows import search as searching
    from zsrobust.workflows.search_table import table_rows, table_words, trial_words

    left = time_left()
    found = searching.search(
        recipe,
        model,
        dataset,
        out,
        grid=[*grid, *(more or ())],
        trials=trials,
        images=images,
        protocol=protocol,
        eps=eps,
        data_root=data_root,
        limit=limit,
        device=device,
        seed=seed,
        overrides=overrides or (),
        on_trial=lambda record, trial: print(
            trial_words(record, trial) + left(record.to_come), file=sys.stderr
        ),
    )
    if as_json:
        print_json(found.record.model_dump(mode="json"))
        return
    print_table(
        table_rows(found.record), f"{found.record.recipe.name} on {found.record.model.name}"
    )
    print_text(table_words(found.record))
    print(f"The best as a recipe: {out / 'best.yaml'}\nIts model: {found.best}")
