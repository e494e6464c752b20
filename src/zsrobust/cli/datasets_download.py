"""`zsrobust datasets download`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import DataRootOption


def download(
    name: Annotated[str, typer.Argument(help="A catalogued dataset.")],
    data_root: DataRootOption = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Default: test, where there is one.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="By kind or folder; default: the first."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start without asking.")] = False,
) -> None:
    """Fetch a dataset from its owner or the hub: resumed, hashes verified, never unasked.

    zsrobust datasets download cifar10 --layout cifar --data-root ~/data
    """
    import sys

    from zsrobust.cli.download_progress import byte_progress
    from zsrobust.data.download import plan_download, run_download
    from zsrobust.errors import DataError

    if data_root is None:
        raise DataError("Say where the dataset shall lie: --data-root DIR.")
    plan = plan_download(name, Path(data_root).expanduser(), split=split, layout=layout)
    size = "of unknown size" if plan.size is None else f"{plan.size / 1e6:,.0f} MB"
    print(f"{name}: {size} from {plan.source}\ninto {plan.place}\nLicence: {plan.licence}")
    if not yes:
        if not sys.stdin.isatty():
            raise DataError("Nothing is fetched unasked: add --yes.")
        if not typer.confirm("Fetch it?"):
            raise typer.Exit
    with byte_progress() as progress:
        place = run_download(plan, progress)
    print(f"{place}: complete. Look it through: zsrobust datasets check {name}")
