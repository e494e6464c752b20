"""Tiny-ImageNet's own folder: `train/WNID/images`, and `val` flat as unpacked, or sorted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import read_lines
from zsrobust.data.readers.official_flat import flat_images
from zsrobust.data.readers.official_trees import read_named_class_folders
from zsrobust.errors import DataError


def read_tinyimagenet_folder(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `folder/train` or `folder/val`; ids are the files' names in every layout.

    folder: tiny-imagenet-200. A flat `val/images` takes its labels from `val/val_annotations.txt`;
    a `val` sorted by WordNet id, as the releases want it, needs none. Raises DataError for other
    classes than the catalogue's, or a damaged list.
    """
    place = folder / own_split
    flat = place / "images"
    if flat.is_dir():
        return flat_images(flat, _labels_of(place / f"{own_split}_annotations.txt"), request)
    return read_named_class_folders(place, request)


def _labels_of(file: Path) -> Mapping[str, str]:
    """File name -> WordNet id, from lines `name wnid x y x y`."""
    class_of = {}
    for number, line in enumerate(read_lines(file, "It labels the validation images."), 1):
        fields = line.split("\t")
        if len(fields) < 2:
            raise DataError(f"{file}, line {number}: no file name and class, with a tab between.")
        class_of[fields[0]] = fields[1]
    return class_of
