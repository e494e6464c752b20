"""`zsrobust datasets check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import DataRootOption, JsonOption


def check(
    name: Annotated[
        str, typer.Argument(help="A catalogued dataset, a folder, a list, or hf:ORG/NAME.")
    ],
    data_root: DataRootOption = None,
    split: Annotated[str, typer.Option("--split", help="Which part of the dataset.")] = "test",
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="A file of class names, one a line, for a set of your own."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", help="Decode only the first N ids; default: all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look a local copy through: complete, readable, rightly named? Exit 1 where it is not.

    zsrobust datasets check cifar10 --data-root ~/data
    """
    from zsrobust.cli.printing import print_json, print_lines
    from zsrobust.cli.progress import block_progress
    from zsrobust.data.check import check_dataset
    from zsrobust.data.check_words import conclusion_of, lines_of

    with block_progress(f"{name} · {split}", "images") as on_image:
        report = check_dataset(
            name,
            data_root=data_root,
            split=split,
            classes_file=classes,
            sample=sample,
            on_image=on_image,
        )
    if as_json:
        from dataclasses import asdict

        print_json({**asdict(report), "sound": report.sound})
    else:
        title = f"{report.name} · {report.split}"
        print_lines(lines_of(report), title, conclusion_of(report))
    if not report.sound:
        raise typer.Exit(1)
