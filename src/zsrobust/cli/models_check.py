"""`zsrobust models check`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import DataRootOption, JsonOption


def check(
    name: Annotated[str, typer.Argument(help="A catalogued model, or a folder with a card.")],
    dataset: Annotated[str, typer.Option("--dataset", help="A set that its card or entry names.")],
    data_root: DataRootOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, help="The first N images; default: as many as the claim is about."
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Compare a model's clean accuracy here with its card's, or with the one in print.

    A wrong text tower or activation raises no error and gives chance: this finds it. Exit code 1
    where the two disagree.
    """
    from dataclasses import asdict

    from zsrobust.cli.printing import print_json
    from zsrobust.workflows.model_check import check_model

    found = check_model(name, dataset, data_root=data_root, limit=limit, device=device)
    if as_json:
        print_json(asdict(found))
    else:
        print(found.sentence)
    if not found.agrees:
        raise typer.Exit(1)
