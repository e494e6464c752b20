"""The pretraining split of the scenes, rendered once, and the batches drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zsrobust.data.scenes import Scene, describe, render, scene_ids
from zsrobust.data.scenes.captions import FORMS, CaptionForm

EXTRA_FORMS = 3


@dataclass(frozen=True)
class Captions:
    """The distinct captions of a batch in one form; `which` (B,) is each image's."""

    texts: list[str]
    which: Tensor


@dataclass(frozen=True)
class Batch:
    """Pixels (B, 3, 56, 56) in [0, 1] and their captions in several forms, shapes first."""

    pixels: Tensor
    captions: list[Captions]


def rendered(folder: Path, count: int) -> tuple[np.ndarray, list[Scene]]:
    """Images (count, 56, 56, 3) uint8, memory-mapped, and the scenes of the pretraining split."""
    scenes = [describe(scene_id) for scene_id in scene_ids("pretrain")[:count]]
    path = folder / f"pretrain-{count}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        images = np.stack([render(scene).image for scene in scenes])
        partial = path.with_suffix(".partial.npy")
        np.save(partial, images)
        partial.rename(path)
    return np.load(path, mmap_mode="r"), scenes


def draw_batch(images: np.ndarray, scenes: list[Scene], size: int, key: tuple[int, int]) -> Batch:
    """The batch of one step, a pure function of `key` = (seed, step).

    Brightness and a little noise vary; nothing is flipped, since an arrow and a position would
    then be told wrongly. The shape is captioned in every batch: it is the hardest to learn.
    """
    generator = np.random.default_rng(key)
    rows = np.sort(generator.choice(len(images), size, replace=False))
    pixels = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float() / 255
    gain = torch.from_numpy(generator.uniform(0.9, 1.1, (size, 1, 1, 1))).float()
    noise = torch.from_numpy(generator.normal(0, 0.01, pixels.shape).astype(np.float32))
    chosen = [0, *generator.choice(np.arange(1, len(FORMS)), EXTRA_FORMS, replace=False)]
    part = [scenes[row] for row in rows]
    told = [
        distinct_captions(part, FORMS[i], int(generator.integers(len(FORMS[i].templates))))
        for i in chosen
    ]
    return Batch((pixels * gain + noise).clamp(0, 1), told)


def distinct_captions(scenes: list[Scene], form: CaptionForm, template: int) -> Captions:
    """The distinct captions of some scenes in one form, and which of them is each scene's."""
    place: dict[str, int] = {}
    which = []
    for scene in scenes:
        text = form.fill(scene.attributes)[template]
        which.append(place.setdefault(text, len(place)))
    return Captions(list(place), torch.tensor(which))
