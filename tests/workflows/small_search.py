"""A search that takes moments: plain colours, a tiny random CLIP, two learning rates."""

from tests.training.small_training import colours, recipe

from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training.recipe import Recipe
from zsrobust.workflows.search import Search, search

LR = "lr=0.001,0.003"


def short(**changes) -> Recipe:
    return recipe(steps=3, warmup_steps=1, **changes)


def run(out, **changes) -> Search:
    settings = {
        "recipe": short(), "model": tiny_clip(), "dataset": colours(), "grid": [LR],
        "images": 6, "device": "cpu", **changes,
    }  # fmt: skip
    return search(settings.pop("recipe"), out=out, **settings)
