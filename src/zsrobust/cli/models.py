"""`zsrobust models`, `zsrobust models show` and `zsrobust models check`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.models_check import check
from zsrobust.cli.name_or_command import SHOW, NameOrCommand
from zsrobust.cli.options import JsonOption

models = typer.Typer(cls=NameOrCommand, rich_markup_mode="rich")
models.command()(check)


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the models known by name; show one; check one's accuracy against its card.

    `zsrobust models NAME` shows NAME: any open_clip name or folder works too.
    """
    if context.invoked_subcommand is not None:
        return
    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.models.catalogue import model_entry, model_names

    entries = {known: model_entry(known) for known in model_names()}
    if as_json:
        print_json({known: entry.model_dump() for known, entry in entries.items()})
        return
    ordered = sorted(entries.items(), key=lambda item: (not item[1].bundled, item[0]))
    rows = [
        {
            "model": known,
            "weights": "bundled" if entry.bundled else "fetched" if entry.fetched else "by hand",
            "what it is": entry.description,
        }
        for known, entry in ordered
    ]
    print_table(rows, "Models (any open_clip name or folder works too)")


@models.command(SHOW)
def show(
    name: Annotated[str, typer.Argument(help="A catalogued or open_clip name, or a folder.")],
    as_json: JsonOption = False,
) -> None:
    """Show what is known of a model: parts, cost, licences, what was measured, what was printed."""
    from zsrobust.cli.model_page import print_model
    from zsrobust.cli.printing import print_json
    from zsrobust.models.describe import describe_model

    description = describe_model(name)
    if as_json:
        print_json(description.as_json())
    else:
        print_model(description)
