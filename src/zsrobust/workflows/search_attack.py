"""The attack by which the trials of a search are judged: one and the same for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from zsrobust.errors import InputError
from zsrobust.evaluation.protocol import NamedPrompts, Protocol, ProtocolSettings, load_protocol
from zsrobust.settings import parse
from zsrobust.training.recipe import Recipe

ATTACK = "apgd-ce"


def search_attack(
    recipe: Recipe, protocol: str | Path | Protocol | None, eps: str | None
) -> Protocol:
    """A protocol of one radius, with the prompts and the resolution of the recipe if not its own.

    recipe: before any value of the grid, so that a grid over the radius of the training changes
    nothing here. protocol: None is `apgd-ce`. eps: None is the radius of the training, or the
    protocol's own. Raises InputError where no radius is known, or more than one.
    """
    if protocol is None:
        return _of_recipe(recipe, eps)
    chosen = load_protocol(protocol, [] if eps is None else [f"eps={eps}"])
    radii, prompts = chosen.settings.eps, chosen.settings.prompts
    if len(radii) != 1:
        raise InputError(
            f"--protocol {chosen.name} has {len(radii)} radii: a search judges by one. Give --eps."
        )
    if isinstance(prompts, str) and prompts in set(get_args(NamedPrompts)) - {"dataset"}:
        raise InputError(
            f"--protocol {chosen.name} asks for prompts '{prompts}', which are for test sets. "
            "A search takes a protocol with a list of prompts, or `dataset`."
        )
    return chosen


def _of_recipe(recipe: Recipe, eps: str | None) -> Protocol:
    attack = recipe.attack
    if eps is None and attack.kind == "none":
        raise InputError(
            "The recipe trains without an attack, so that there is no radius to measure "
            "robustness at. Give it, as in --eps 1/255."
        )
    settings = {
        "source": "zsrobust search",
        "norm": attack.norm,
        "eps": [eps or attack.eps],
        "attack": ATTACK,
        "resolution": recipe.resolution,
        "prompts": recipe.templates,
    }
    return Protocol(ATTACK, parse(ProtocolSettings, settings, "--eps"))
