"""`zsrobust datasets`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import DataRootOption, JsonOption


def datasets(
    name: Annotated[
        str | None, typer.Argument(help="Show this one: classes, prompts, notes.")
    ] = None,
    data_root: DataRootOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the datasets known by name, or show one as it lies on this disk."""
    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.data.catalogue import dataset_entry, dataset_names

    if name is not None:
        entry = dataset_entry(name)
        if as_json:
            print_json(entry.model_dump())
        else:
            import yaml

            print(yaml.safe_dump(entry.model_dump(exclude_none=True), sort_keys=False, width=80))
        return
    entries = {known: dataset_entry(known) for known in dataset_names()}
    if as_json:
        print_json({known: entry.model_dump() for known, entry in entries.items()})
        return
    rows = [{"dataset": known, "what it is": entry.description} for known, entry in entries.items()]
    print_table(rows, "Datasets (a folder of class/image files works too)")
