"""Trees of class folders as their owners distribute them.

torchvision's ImageFolder lists every image in memory; here ImageNet's 1.3 million go to a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zsrobust.data.columns import Row, columns_of
from zsrobust.data.readers.folder import SUFFIXES
from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import file_reader
from zsrobust.data.readers.official_order import catalogue_labels
from zsrobust.errors import DataError

NOT_A_CLASS = "BACKGROUND_Google"
"""Caltech-101's folder of images of nothing in particular: left out, as in the literature."""


def read_class_folders(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `folder/own_split/CLASS/**`; ids are paths within `folder/own_split`.

    own_split: a sub-folder, or `.` for the folder itself. The folders must be the catalogue's
    official ones; labels follow its order. Raises DataError for other folders or an empty class.
    """
    place = folder / own_split
    files, labels = list_class_folders(place, request)
    return Images(ids=files, labels=labels, read=file_reader(place, files))


def read_named_class_folders(place: Path, request: ReadRequest) -> Images:
    """The same of `place`, for sets whose file names are unique: they alone are the ids."""
    files, labels = list_class_folders(place, request)
    ids, _ = columns_of((file.rpartition("/")[2], None) for file in files)
    return Images(ids=ids, labels=labels, read=file_reader(place, files))


def list_class_folders(
    place: Path, request: ReadRequest
) -> tuple[Sequence[str], Sequence[int] | None]:
    """Files, as paths within `place`, and the catalogue's labels, class by class, sorted.

    A class folder is searched to any depth. Raises DataError as `read_class_folders`.
    """
    try:
        found = sorted(
            entry.name
            for entry in os.scandir(place)
            if entry.is_dir() and not entry.name.startswith(".")
        )
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"{place}: no class folders there ({reason}). {request.how}".rstrip()
        ) from None
    if NOT_A_CLASS not in (request.folder_names or ()):
        found = [name for name in found if name != NOT_A_CLASS]
    labels = catalogue_labels(found, request, place)
    return columns_of(_rows(place, found, labels))


def _rows(place: Path, found: Sequence[str], labels: Sequence[int]) -> Iterator[Row]:
    for name, label in zip(found, labels, strict=True):
        files = sorted(_images(place, name))
        if not files:
            raise DataError(
                f"{place / name}: an empty class ({', '.join(SUFFIXES)}). Unpack the archive again."
            )
        for file in files:
            yield file, label


def _images(place: Path, name: str) -> Iterator[str]:
    for parent, _, files in os.walk(place / name):
        within = Path(parent).relative_to(place).as_posix()
        for file in files:
            if file.lower().endswith(SUFFIXES) and not file.startswith("."):
                yield f"{within}/{file}"
