"""PatchCamelyon's HDF5 files, read one image at a time (needs h5py)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_order import in_catalogue_order
from zsrobust.errors import DataError, UnreadableImageError

_CLASSES = ("0", "1")
"""The files name no classes: 0 is tissue without, 1 tissue with a tumour in the middle."""


def read_pcam(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `train`, `valid` or `test`; ids are `SPLIT/POSITION`.

    folder: holds camelyonpatch_level_2_split_SPLIT_x.h5 and ..._y.h5, unpacked. torchvision opens
    both files anew for each label; here the labels are read at once and the images where they lie.
    Raises DataError without h5py, and for files that are absent, damaged or do not belong together.
    """
    stem = folder / f"camelyonpatch_level_2_split_{own_split}"
    pictures, answers = Path(f"{stem}_x.h5"), Path(f"{stem}_y.h5")
    with _explained(answers):
        labels = [int(label) for label in _array(answers, "y")[:].reshape(-1)]
    with _explained(pictures):
        count = len(_array(pictures, "x"))
    if len(labels) != count:
        raise DataError(f"{answers}: {len(labels)} labels for {count} images.")
    return Images(
        ids=tuple(f"{own_split}/{row:06d}" for row in range(count)),
        labels=in_catalogue_order(_CLASSES, labels, request, answers),
        read=_picture_of(pictures),
    )


def _picture_of(file: Path) -> Callable[[int], Image.Image]:
    # Opened at the first image, once a process: an open HDF5 file must not cross a fork.
    opened = cache(lambda process: _array(file, "x"))

    def read(row: int) -> Image.Image:
        try:
            return Image.fromarray(opened(os.getpid())[row]).convert("RGB")
        except Exception as error:
            raise UnreadableImageError(f"{file}, image {row}: cannot be read ({error}).") from None

    return read


def _array(file: Path, key: str) -> Any:
    """The array of a file, read in parts as it is indexed."""
    try:
        import h5py
    except ModuleNotFoundError:
        raise DataError(
            f"{file}: HDF5 is read with h5py, which is not installed: pip install h5py"
        ) from None
    return h5py.File(file, "r")[key]


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Whatever a damaged file makes h5py stumble over, as one message."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{file}: no such file. Unpack its .gz (gunzip) there.") from None
    except Exception as error:
        raise DataError(f"{file}: cannot be read ({error}). Fetch it again.") from None
