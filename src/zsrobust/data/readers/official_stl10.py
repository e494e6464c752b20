"""STL-10's binary files, mapped where they lie.

torchvision reads them only with the archive's own hashes and the 2.7 GB of unlabelled images
beside them, and keeps all pixels in memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import read_lines
from zsrobust.data.readers.official_order import in_catalogue_order
from zsrobust.errors import DataError

SIDE = 96
PIXELS = 3 * SIDE * SIDE
"""Bytes of an image: red, then green, then blue, each column by column."""


def read_stl10(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `train` or `test` from `folder/SPLIT_X.bin`; ids are `SPLIT/POSITION`.

    Labels, from 1 in `SPLIT_y.bin`, are counted from 0. Raises DataError naming the file that is
    absent, cut off, or whose number of images is not that of the labels.
    """
    names = read_lines(folder / "class_names.txt", "It names the classes.")
    pictures, labels = folder / f"{own_split}_X.bin", folder / f"{own_split}_y.bin"
    pixels = _mapped(pictures)
    if len(pixels) % PIXELS:
        raise DataError(
            f"{pictures}: its {len(pixels):,} bytes are no whole number of images of {PIXELS:,}. "
            "Unpack the archive again."
        )
    images = pixels.reshape(-1, 3, SIDE, SIDE)
    own_labels = [int(label) - 1 for label in _mapped(labels)]
    if len(own_labels) != len(images):
        raise DataError(f"{labels}: {len(own_labels)} labels for {len(images)} images.")
    return Images(
        ids=tuple(f"{own_split}/{row:05d}" for row in range(len(images))),
        labels=in_catalogue_order(names, own_labels, request, labels),
        read=lambda row: Image.fromarray(np.ascontiguousarray(images[row].transpose(2, 1, 0))),
    )


def _mapped(file: Path) -> np.ndarray:
    try:
        return np.memmap(file, dtype=np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({error}). Unpack the archive again.") from None
