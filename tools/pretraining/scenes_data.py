"""The pretraining split of the scenes, rendered once, and its captions as training texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zsrobust.data.scenes import SPLITS, Scene, describe, render, scene_ids
from zsrobust.data.scenes.captions import FORMS, CaptionForm


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


def texts_of(scenes: list[Scene], form: CaptionForm, template: int) -> tuple[list[str], list[int]]:
    """The distinct captions of a batch in one form, and which of them is each scene's."""
    place: dict[str, int] = {}
    which = []
    for scene in scenes:
        text = form.fill(scene.attributes)[template]
        which.append(place.setdefault(text, len(place)))
    return list(place), which


__all__ = ["FORMS", "SPLITS", "rendered", "texts_of"]
