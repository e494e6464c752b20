"""A user's own model as a small YAML file, which works wherever a model's name does."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.model import Model
from zsrobust.models.normalisation import Release
from zsrobust.settings import StrictModel, parse, read_yaml


class CheckpointEntry(StrictModel):
    """A checkpoint and what it takes to load it (see `load_checkpoint`).

    checkpoint: a file, from the YAML's own folder on, and so is a base that is a folder there.
    name: default, the YAML's name.
    """

    checkpoint: Path
    base: str
    clean_weight: float = Field(0.0, ge=0, le=1)
    release: Release | None = None
    prompt: str | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    name: str | None = None


def load_checkpoint_entry(path: Path) -> Model:
    """The model that a user's YAML describes, named by it, in eval mode, on the CPU."""
    entry = parse(CheckpointEntry, read_yaml(path), str(path))
    model = load_checkpoint(
        path.parent / entry.checkpoint,
        beside if (beside := path.parent / entry.base).is_dir() else entry.base,
        entry.clean_weight,
        release=entry.release,
        prompt=entry.prompt,
        mean=entry.mean,
        std=entry.std,
    )
    return model.named(entry.name or path.stem, None)
