"""A training that takes moments: plain colours, a tiny random CLIP, a recipe of few steps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from zsrobust.data.dataset import Dataset
from zsrobust.models.model import Model
from zsrobust.settings import parse
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip
from zsrobust.training.recipe import Recipe
from zsrobust.training.train import train

COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}
STEM = {"widths": [8, 32], "blocks": [0, 0]}


def colours(count: int = 20, split: str = "train") -> Dataset:
    labels = tuple(i % len(COLOURS) for i in range(count))
    plain = np.array(list(COLOURS.values()))

    def read(position: int) -> Image.Image:
        noise = np.random.default_rng(position).integers(-30, 30, (28, 28, 3))
        return Image.fromarray((plain[labels[position]] + noise).astype(np.uint8))

    return Dataset(
        name="colours",
        split=split,
        version=1,
        class_names=tuple(COLOURS),
        templates=("a {}",),
        ids=tuple(f"colour-{i}" for i in range(count)),
        labels=labels,
        read=read,
        variant="miniature",
        source="made in the test",
    )


def recipe(kind: str = "tecoa", **changes) -> Recipe:
    content = {
        "source": "a test",
        "objective": {"kind": kind},
        "attack": {"eps": "4/255", "steps": 2, "step_size": "eps"},
        "optimizer": {"kind": "sgd", "lr": 0.003},
        "batch_size": 8,
        "steps": 7,
        "warmup_steps": 2,
        "checkpoint_every": 2,
    }
    return parse(Recipe, {**content, **changes}, "test")


def run(out: Path, chosen: Recipe | None = None, model: Model | None = None, **options) -> Model:
    options = {"seed": 0, "dataset": colours(), **options}
    return train(chosen or recipe(), "test", model or tiny_clip(), out=out, **options)


def weights(model: Model, within: Sequence[str] = ("",)) -> dict[str, bytes]:
    """State entries whose names begin with one of `within`, as bytes."""
    return {
        name: tensor.detach().cpu().numpy().tobytes()
        for name, tensor in model.clip.state_dict().items()
        if name.startswith(tuple(within))
    }


def stemmed_clip() -> Model:
    """A tiny CLIP with batch norm in its image tower."""
    return tiny_clip(config={**CONFIG, "conv_stem": STEM})
