"""Writers of miniatures of ImageNet and Tiny-ImageNet: sorted by WordNet id, and flat."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from zsrobust.data.readers.images import ReadRequest
from zsrobust.testing.miniature_files import official_names
from zsrobust.testing.miniature_pictures import write_jpeg, write_lines


def write_imagenet(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`SPLIT/WNID/NAME.JPEG`, one image a class."""
    for label, wnid in enumerate(official_names(request)):
        name = f"{wnid}_1.JPEG" if own_split == "train" else _name(label)
        write_jpeg(folder / own_split / wnid / name, label)


def write_flat_imagenet(
    folder: Path, request: ReadRequest, labelled_by: Literal["solution", "devkit"]
) -> None:
    """`val/NAME.JPEG` as unpacked, and the list that labels them."""
    wnids = official_names(request)
    for label in range(len(wnids)):
        write_jpeg(folder / "val" / _name(label), label)
    if labelled_by == "solution":
        rows = [f"{Path(_name(label)).stem},{wnid} 1 2 3 4 " for label, wnid in enumerate(wnids)]
        write_lines(folder / "LOC_val_solution.csv", ["ImageId,PredictionString", *rows])
    else:
        _write_devkit(folder / "ILSVRC2012_devkit_t12" / "data", wnids)


def write_tinyimagenet(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`train/WNID/images/WNID_0.JPEG`, twelve a class; `val/images` flat with its annotations."""
    wnids = official_names(request)
    if own_split == "train":
        for label, wnid in enumerate(wnids):
            for number in range(12):
                file = f"{wnid}_{number}.JPEG"
                write_jpeg(folder / "train" / wnid / "images" / file, 12 * label + number)
        return
    for label in range(len(wnids)):
        write_jpeg(folder / "val" / "images" / f"val_{label}.JPEG", label)
    lines = [f"val_{label}.JPEG\t{wnid}\t0\t0\t9\t9" for label, wnid in enumerate(wnids)]
    write_lines(folder / "val" / "val_annotations.txt", lines)


def _name(label: int) -> str:
    return f"ILSVRC2012_val_{label + 1:08d}.JPEG"


def _write_devkit(data: Path, wnids: list[str]) -> None:
    """The ground truth by the devkit's own numbers, which follow another order than the ids'."""
    from scipy.io import savemat

    numbers = [len(wnids) - label for label in range(len(wnids))]
    write_lines(data / "ILSVRC2012_validation_ground_truth.txt", [str(n) for n in numbers])
    rows = sorted(zip(numbers, wnids, strict=True))
    fields = [("ILSVRC2012_ID", object), ("WNID", object)]
    savemat(data / "meta.mat", {"synsets": np.array(rows, dtype=fields)})
