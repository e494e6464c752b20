"""The self-check of a model and a dataset by name, into a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from zsrobust.classifier.class_embeddings import check_classes
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import InputError
from zsrobust.models.load import load_model
from zsrobust.selfcheck.course import OnStage
from zsrobust.selfcheck.plan import MOST
from zsrobust.selfcheck.result import SelfCheck, write_result
from zsrobust.selfcheck.run import Say, selfcheck

DEFAULT_OUT = Path("runs/selfcheck")


@dataclass(frozen=True)
class Written:
    """A self-check and the folder that holds its record."""

    folder: Path
    result: SelfCheck


def selfcheck_model(
    model: str,
    dataset: str,
    *,
    out: Path | None = None,
    eps: str = "4/255",
    minutes: float = 5.0,
    split: str = "test",
    data_root: Path | None = None,
    classes_file: Path | None = None,
    limit: int | None = None,
    device: str = "auto",
    batch_size: int = 64,
    seed: int = 0,
    say: Say | None = None,
    on_stage: OnStage | None = None,
) -> Written:
    """Checks a model on the first images of a dataset, at the model's own resolution.

    out: default runs/selfcheck/<model>--<dataset>. limit: at most so many images. The rest as
    `evaluate` and `zsrobust.selfcheck.run.selfcheck` take it. Raises InputError and its kin.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit = {limit}: give at least 1 image.")
    images = load_dataset(dataset, split=split, data_root=data_root, classes_file=classes_file)
    images = images.first(min(limit or MOST, MOST))
    check_classes(images.name, images.class_names, typed=images.variant == "user")
    loaded = load_model(model, device)
    pixels = read_pixels(images, range(len(images)), loaded.image_size).to(loaded.device)
    labels = None
    if images.labels is not None:
        labels = torch.tensor(images.labels, dtype=torch.int64, device=loaded.device)
    result = selfcheck(
        classifier_of(loaded, images.class_names, images.templates),
        pixels,
        labels,
        images.ids,
        eps=eps,
        minutes=minutes,
        seed=seed,
        batch_size=batch_size,
        model=loaded.name,
        dataset=images.name,
        say=say,
        on_stage=on_stage,
    )
    folder = out or DEFAULT_OUT / f"{_file_name(loaded.name)}--{_file_name(images.name)}"
    write_result(folder, result)
    return Written(folder, result)


def _file_name(name: str) -> str:
    """A name without what a file system would not like."""
    return re.sub(r"[^\w.+-]+", "-", name)
