"""The options that commands share, with the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="A catalogued name, a folder, local-dir:DIR, hf-hub:ORG/NAME or ARCHITECTURE/TAG.",
    ),
]
DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        help="A catalogued name, a folder of class/image files, a .csv or .parquet of path,label, "
        "or hf:ORG/NAME of the hub.",
    ),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root", envvar="ZSROBUST_DATA_ROOT", help="Where catalogued datasets lie on disk."
    ),
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for results.")]
LimitOption = Annotated[
    int | None, typer.Option("--limit", help="Only the first N ids; subsets nest.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 ...")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of all random numbers.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a setting: key=value. May be given more than once."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for a machine to read.")]
