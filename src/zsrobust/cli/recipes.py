"""`zsrobust recipes`, `zsrobust recipes show` and `zsrobust recipes from-release`."""

from __future__ import annotations

import typer

from zsrobust.cli.name_or_command import SHOW, NameOrCommand
from zsrobust.cli.options import JsonOption
from zsrobust.cli.recipes_from_release import from_release
from zsrobust.cli.recipes_show import show

recipes = typer.Typer(cls=NameOrCommand, rich_markup_mode="rich")
recipes.command(SHOW)(show)
recipes.command("from-release")(from_release)


@recipes.callback(invoke_without_command=True)
def list_recipes(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the training recipes; show one; translate the flags of a published release.

    `zsrobust recipes NAME` shows NAME: one of the list, or a YAML file of one's own.
    """
    if context.invoked_subcommand is not None:
        return
    from zsrobust.cli.entries import print_entries
    from zsrobust.training.recipe import RECIPES, load_recipe

    print_entries("recipe", RECIPES, None, as_json, lambda known: load_recipe(known).model_dump())
