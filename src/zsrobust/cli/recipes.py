"""`zsrobust recipes`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def recipes(
    name: Annotated[str | None, typer.Argument(help="Show this one whole.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the training recipes, or show one: objective, inner attack, optimiser, length."""
    from zsrobust.cli.entries import print_entries
    from zsrobust.training.recipe import RECIPES, load_recipe

    print_entries("recipe", RECIPES, name, as_json, lambda known: load_recipe(known).model_dump())
