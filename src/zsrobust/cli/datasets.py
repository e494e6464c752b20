"""`zsrobust datasets`: the catalogue, and what it knows of one set."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.datasets_check import check
from zsrobust.cli.datasets_download import download
from zsrobust.cli.name_or_command import SHOW, NameOrCommand
from zsrobust.cli.options import JsonOption

datasets = typer.Typer(cls=NameOrCommand, rich_markup_mode="rich")
datasets.command()(check)
datasets.command()(download)


@datasets.callback(invoke_without_command=True)
def list_datasets(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the datasets known by name; show one; check or fetch a copy of one.

    `zsrobust datasets NAME` shows NAME. A folder of class/image files works as a dataset too.
    """
    if context.invoked_subcommand is not None:
        return
    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.data.catalogue import dataset_entry, dataset_names
    from zsrobust.data.profile import summary

    entries = {known: dataset_entry(known) for known in dataset_names()}
    if as_json:
        print_json({known: each.model_dump(by_alias=True) for known, each in entries.items()})
        return
    rows = [summary(known, each) for known, each in entries.items()]
    print_table(rows, "Datasets (a folder of class/image files works too)")


@datasets.command(SHOW)
def show(
    name: Annotated[str, typer.Argument(help="A catalogued name, or a YAML file of one's own.")],
    overlap: Annotated[
        str | None, typer.Option("--overlap", help="Which classes this set has too, by name.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of a dataset: splits, classes, prompts, faults, where to get it."""
    from zsrobust.cli.printing import print_json, print_profile
    from zsrobust.data.catalogue import dataset_entry
    from zsrobust.data.overlap import class_overlap
    from zsrobust.data.profile import profile

    entry = dataset_entry(name)
    shared = None if overlap is None else class_overlap(name, overlap)
    if as_json:
        added = {} if shared is None else {"overlap": vars(shared)}
        print_json(entry.model_dump(by_alias=True) | added)
        return
    facts = profile(name) | ({} if shared is None else {"overlap": [str(shared)]})
    print_profile(f"{name} · {entry.description}", facts)
