"""`zsrobust recipes show`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def show(
    name: Annotated[str, typer.Argument(help="A recipe by name, or a YAML file of one's own.")],
    model: Annotated[
        str | None, typer.Option("--model", help="Count the parameters that are trained of it.")
    ] = None,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the file itself, to copy and change.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a recipe as a methods section: each line with its source, and what a step costs.

    zsrobust recipes show tga-zsr --model ViT-B-32-quickgelu/openai
    """
    from zsrobust.cli.entries import print_entries
    from zsrobust.training.recipe import RECIPES, load_recipe

    if as_yaml or as_json:
        print_entries(
            "recipe", RECIPES, name, as_json, lambda known: load_recipe(known).model_dump()
        )
        return
    from zsrobust.cli.recipe_page import print_recipe
    from zsrobust.training.methods_section import methods_section
    from zsrobust.training.recipe_comments import recipe_comments
    from zsrobust.training.step_cost import step_cost
    from zsrobust.training.trained_parameters import trained_parameters

    recipe = load_recipe(name)
    parameters = None if model is None else (model, trained_parameters(recipe, model))
    section = methods_section(recipe, recipe_comments(name), step_cost(recipe), parameters)
    print_recipe(name, section)
