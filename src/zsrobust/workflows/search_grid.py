"""The grid of a search: which settings take which values, and which points of it are tried."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

from zsrobust.errors import InputError, SettingsError
from zsrobust.randomness import key_seed
from zsrobust.registry import did_you_mean
from zsrobust.training.recipe import Recipe, load_recipe
from zsrobust.workflows.commented_yaml import leaves

Grid = Mapping[str, tuple[str, ...]]
"""The dotted place of a setting -> its values, as text that a recipe can read."""

_BETWEEN_VALUES = re.compile(r",(?![^\[{]*[\]}])")
_UNSAFE = re.compile(r"[^\w.+=-]+")


@dataclass(frozen=True)
class Point:
    """One choice of a value for each setting. name: says the values, and is safe as a folder."""

    name: str
    values: Mapping[str, str]

    @property
    def overrides(self) -> list[str]:
        """The choice as `--set` takes it."""
        return [f"{place}={text}" for place, text in self.values.items()]


def read_grid(words: Sequence[str], recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """The grid that `KEY=VALUE,VALUE` words say, in their order.

    KEY: a dotted place of a recipe, or its last part where that is unambiguous among the recipe's
    keys and its objective's settings. Commas within brackets belong to a value. Raises
    SettingsError for a word, a key or a list of values that means nothing.
    """
    grid: dict[str, tuple[str, ...]] = {}
    for word in words:
        key, _, text = word.partition("=")
        values = tuple(value.strip() for value in _BETWEEN_VALUES.split(text))
        if not key or "" in values:
            raise SettingsError(f"--grid {word}: expected KEY=VALUE,VALUE such as lr=1e-4,4e-4.")
        place = _place(key, recipe)
        if place in grid:
            raise SettingsError(f"--grid {word}: '{place}' is in the grid already.")
        if place == "classes":
            raise SettingsError(
                f"--grid {word}: trials of other classes are not measured on the same images. "
                "Choose the classes by --set."
            )
        grid[place] = values
    if not grid:
        raise SettingsError("The grid is empty. Give --grid KEY=VALUE,VALUE.")
    return grid


def draw(grid: Grid, count: int | None, seed: int) -> list[Point]:
    """`count` points of the grid (None: all), without repetition, in the order of their draw.

    The order is a hash of seed and point: fewer trials are among more. Raises InputError for a
    number that the grid does not hold.
    """
    size = prod(len(values) for values in grid.values())
    if count is not None and not 1 <= count <= size:
        raise InputError(f"--trials {count}: the grid has {size} points. Give 1 to {size}.")
    short = _short_names(list(grid))
    points = []
    for values in product(*grid.values()):
        said = "_".join(f"{short[place]}={text}" for place, text in zip(grid, values, strict=True))
        points.append(Point(_UNSAFE.sub("-", said), dict(zip(grid, values, strict=True))))
    points.sort(key=lambda point: key_seed(seed, "trial", *point.overrides))
    return points[:count]


def parse_points(
    points: Sequence[Point], recipe: str | Path | Recipe, overrides: Sequence[str]
) -> list[Recipe]:
    """The recipe of each point: what cannot be read is refused before anything is trained.

    Raises SettingsError, also for two points that are the same training.
    """
    recipes = [load_recipe(recipe, [*overrides, *point.overrides]) for point in points]
    first: dict[str, str] = {}
    for point, parsed in zip(points, recipes, strict=True):
        for mark in (parsed.hash, point.name):
            if mark in first:
                raise SettingsError(
                    f"--grid: {first[mark]} and {point.name} are the same training. "
                    "Give each value once."
                )
        first |= {parsed.hash: point.name, point.name: point.name}
    return recipes


def _place(key: str, recipe: Recipe) -> str:
    """The dotted place that a key means; one that begins at a field is left to the recipe."""
    if key.split(".")[0] in Recipe.model_fields:
        return key
    known = leaves(recipe.model_dump(mode="json", exclude={"source", "trainable"}))
    meant = [place for place in known if place.endswith(f".{key}")]
    if len(meant) > 1:
        raise SettingsError(f"--grid {key}: means {' or '.join(meant)}. Write it in full.")
    if not meant:
        names = {place.rpartition(".")[2] for place in known}
        raise SettingsError(
            f"--grid: the recipe has no setting '{key}'.{did_you_mean(key, names)} "
            "`zsrobust recipes show RECIPE` lists them."
        )
    return meant[0]


def _short_names(places: Sequence[str]) -> dict[str, str]:
    """The last part of each place, or the whole of it where two end alike."""
    last = {place: place.rpartition(".")[2] for place in places}
    often = Counter(last.values())
    return {place: name if often[name] == 1 else place for place, name in last.items()}
