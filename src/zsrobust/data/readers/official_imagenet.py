"""ImageNet-1k's own folders: `train` and `val` sorted by WordNet id, or `val` flat as unpacked."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import read_lines
from zsrobust.data.readers.official_flat import flat_images
from zsrobust.data.readers.official_trees import read_named_class_folders
from zsrobust.errors import DataError

SOLUTION = "LOC_val_solution.csv"
DEVKIT = "ILSVRC2012_devkit_t12"


def read_imagenet(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `folder/train` or `folder/val`; ids are the files' names in every layout.

    A flat `val` takes its labels from LOC_val_solution.csv, or from the devkit's ground truth
    (ILSVRC2012_devkit_t12/data), beside it. Raises DataError for other classes than the
    catalogue's, or where a flat `val` has no labels.
    """
    place = folder / own_split
    if not place.is_dir() or any(path.is_dir() for path in place.iterdir()):
        return read_named_class_folders(place, request)
    return flat_images(place, _labels_of(folder), request)


def _labels_of(folder: Path) -> Mapping[str, str]:
    """File name -> WordNet id, of the validation images."""
    if (folder / SOLUTION).is_file():
        return _of_solution(folder / SOLUTION)
    if (folder / DEVKIT).is_dir():
        return _of_devkit(folder / DEVKIT / "data")
    raise DataError(
        f"{folder}: its val is not sorted into classes. Put {SOLUTION} or the unpacked {DEVKIT} "
        f"into {folder}, or sort val into folders of WordNet ids."
    )


def _of_solution(file: Path) -> dict[str, str]:
    lines = read_lines(file, "It labels the validation images.")
    try:
        rows = list(csv.DictReader(lines))
        return {f"{row['ImageId']}.JPEG": row["PredictionString"].partition(" ")[0] for row in rows}
    except (csv.Error, KeyError, AttributeError):
        raise DataError(
            f"{file}: needs lines of ImageId,PredictionString, and a first line that says so."
        ) from None


def _of_devkit(data: Path) -> dict[str, str]:
    from scipy.io import loadmat

    file = data / "ILSVRC2012_validation_ground_truth.txt"
    numbers = read_lines(file, "It labels the validation images.")
    try:
        synsets = loadmat(data / "meta.mat", squeeze_me=True)["synsets"]
        wordnet_id = {
            str(int(number)): str(name)
            for number, name in zip(synsets["ILSVRC2012_ID"], synsets["WNID"], strict=True)
        }
    except Exception as error:
        # scipy lets through whatever a damaged file makes it stumble over.
        raise DataError(
            f"{data / 'meta.mat'}: cannot be read ({error}). Unpack the devkit again."
        ) from None
    if unknown := set(numbers) - wordnet_id.keys():
        raise DataError(f"{file}: class number '{min(unknown)}' stands not in meta.mat.")
    return {
        f"ILSVRC2012_val_{position:08d}.JPEG": wordnet_id[number]
        for position, number in enumerate(numbers, 1)
    }
