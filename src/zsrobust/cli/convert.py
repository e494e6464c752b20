"""`zsrobust convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zsrobust.cli.options import JsonOption


def convert(
    model: Annotated[
        str, typer.Argument(help="A checkpoint file (give --base too), or any model by name.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; it must not exist.")],
    to: Annotated[
        Literal["open_clip", "transformers"],
        typer.Option("--to", help="What is to load it."),
    ] = "open_clip",
    base: Annotated[
        str | None,
        typer.Option("--base", help="The model that it was made from."),
    ] = None,
    clean_weight: Annotated[
        float,
        typer.Option("--clean-weight", help="Share of the base: 0.7 is 70 % base, 30 % robust."),
    ] = 0.0,
    release: Annotated[
        Literal["tecoa", "pmg-aft", "tga-zsr", "comp-tga", "robustvlm"] | None,
        typer.Option("--release", help="Who made the file; decides mean and std."),
    ] = None,
    prompt: Annotated[
        Literal["fixed_patch", "random_patch"] | None,
        typer.Option("--prompt", help="Which prompt a file with a patch was trained as."),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--runs", help="Evaluations of it, for its card. May be given repeatedly."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Of the weights, where you know it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model as plain open_clip or transformers loads it, with a card."""
    from zsrobust.cli.printing import print_json
    from zsrobust.workflows.convert_model import convert_model

    done = convert_model(
        model,
        out,
        to=to,
        base=base,
        clean_weight=clean_weight,
        release=release,
        prompt=prompt,
        runs=runs or (),
        licence=licence,
    )
    if as_json:
        print_json(
            {
                "folder": done.folder,
                "format": done.format,
                "model": done.model.name,
                "hash": done.model.fingerprint,
                "runs": done.runs,
                "warnings": done.model.warnings,
            }
        )
        return
    print(f"{done.model.name} ({done.model.fingerprint}) for {done.format}: {done.folder}")
    print(f"Its card: {done.folder / 'README.md'} (runs in its table: {done.runs})")
    for said in done.model.warnings:
        print(f"Warning: {said}")
