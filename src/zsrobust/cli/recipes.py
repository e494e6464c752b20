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
    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.settings import find_entry, leading_comment
    from zsrobust.training.recipe import RECIPES, load_recipe, recipe_names

    if name is not None:
        recipe = load_recipe(name)
        if as_json:
            print_json(recipe.model_dump())
        else:
            path = find_entry(name, RECIPES, "recipe", "zsrobust recipes")
            print(path.read_text(encoding="utf-8").rstrip())
        return
    names = recipe_names()
    if as_json:
        print_json({known: load_recipe(known).model_dump() for known in names})
        return
    rows = [
        {
            "recipe": known,
            "what it does": leading_comment(RECIPES / f"{known}.yaml").splitlines()[-1],
        }
        for known in names
    ]
    print_table(rows, "Recipes")
