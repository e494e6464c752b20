"""The recipe that a search ends with: the chosen values, and where they come from."""

from __future__ import annotations

from pathlib import Path

from zsrobust.records.atomic import write_text
from zsrobust.records.intervals import Rate
from zsrobust.settings import find_entry, read_yaml, with_overrides
from zsrobust.training.recipe import RECIPES, Recipe
from zsrobust.training.recipe_comments import recipe_comments
from zsrobust.workflows.commented_yaml import commented_yaml, leaves
from zsrobust.workflows.search_images import HELD_OUT
from zsrobust.workflows.search_record import SearchRecord, Trial

FILE_NAME = "best.yaml"
HELD_OUT_TOO = " The trials did not learn from those images; a new training does."


def write_best(
    out: Path, recipe: str | Path | Recipe, record: SearchRecord, best: Trial, command: str
) -> None:
    """Writes `best.yaml`, a recipe like any other, with the comments of the one it comes from.

    command: trains it, for the first line.
    """
    content, comments = _given(recipe)
    values = with_overrides(content, [*record.overrides, *best.overrides])
    said_of = {override.partition("=")[0].strip(): "--set" for override in record.overrides}
    said_of |= {place: f"chosen among {', '.join(record.grid[place])}" for place in best.values}
    for place, comment in said_of.items():
        for leaf in leaves(values):
            if leaf == place or leaf.startswith(f"{place}."):
                comments[leaf] = comment
    said = commented_yaml(values, comments, (_source(record, best),))
    write_text(out / FILE_NAME, f"# {command}\n{said}")


def _given(recipe: str | Path | Recipe) -> tuple[dict[str, object], dict[str, str | None]]:
    if isinstance(recipe, Recipe):
        return recipe.model_dump(mode="json", exclude_unset=True), {}
    path = find_entry(recipe, RECIPES, "recipe", "zsrobust recipes")
    return read_yaml(path), dict(recipe_comments(recipe))


def _source(record: SearchRecord, best: Trial) -> str:
    images, attack = record.validation, record.protocol
    return (
        f"{record.recipe.name} with the values that zsrobust search chose: {best.choice}, the best "
        f"mean of clean and robust accuracy among {len(record.trials)} trials of "
        f"{record.model.name} (seed {record.seed}), on {record.n} images of {images.name}, split "
        f"{images.split}, under {attack.name} at {attack.content['eps'][0]}: "
        f"clean {_said(best.clean)}, robust {_said(best.robust)}. "
        "Being the best of several, it looks better there than it is: measure it on a test set."
        f"{HELD_OUT_TOO if images.split.endswith(HELD_OUT) else ''}"
    )


def _said(rate: Rate | None) -> str:
    if rate is None:
        return "not measured"
    low, high = (100 * end for end in (rate.interval.low, rate.interval.high))
    return f"{100 * rate.value:.1f} % ({low:.1f} to {high:.1f})"
