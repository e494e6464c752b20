"""CIFAR-10 and CIFAR-100 as their owner distributes them: the pickles, or the binary version.

torchvision reads only the pickles, only with the archive's own hashes, by executing them, and keeps
all pixels in memory. Here both versions are mapped where they lie, and nothing is executed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import read_lines
from zsrobust.data.readers.official_order import in_catalogue_order
from zsrobust.data.readers.official_pickle import find_lists
from zsrobust.errors import DataError

PIXELS = 3 * 32 * 32
"""Bytes of an image: 1,024 of red, then green, then blue, each row by row."""

_FILES = {
    "train": [*(f"data_batch_{number}" for number in range(1, 6)), "train"],
    "test": ["test_batch", "test"],
}
_LABELS = ("labels", "fine_labels")
_NAMES = ("label_names", "fine_label_names")
_KEYS = frozenset(
    (*_LABELS, *_NAMES, "coarse_labels", "coarse_label_names", "data", "filenames", "batch_label",
     "num_vis", "num_cases_per_batch")
)  # fmt: skip

Part = tuple[np.ndarray, list[int]]
"""Pixels (n, 3072) uint8, mapped, and the n labels of one file."""


def read_cifar(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `train` or `test`; ids are `FILE/POSITION`, the same in both versions.

    folder: cifar-10-batches-py, cifar-10-batches-bin, cifar-100-python or cifar-100-binary.
    Raises DataError naming the file that is absent, cut off, or not of the documented format.
    """
    stems = _FILES[own_split]
    pickles = [folder / stem for stem in stems if (folder / stem).is_file()]
    binary = [folder / f"{stem}.bin" for stem in stems if (folder / f"{stem}.bin").is_file()]
    files = pickles or binary
    if not files:
        raise DataError(
            f"{folder}: holds none of {', '.join(stems)} (or the same with .bin). "
            "Unpack the archive again."
        )
    names = _pickled_names(folder) if pickles else _listed_names(folder)
    parts = [_of_pickle(file) if pickles else _of_binary(file) for file in files]
    own_labels = [label for _, labels in parts for label in labels]
    return Images(
        ids=tuple(
            f"{file.stem}/{row:05d}"
            for file, (_, labels) in zip(files, parts, strict=True)
            for row in range(len(labels))
        ),
        labels=in_catalogue_order(names, own_labels, request, folder),
        read=_picture_of([pixels for pixels, _ in parts]),
    )


def _pickled_names(folder: Path) -> list[str]:
    file = next((folder / n for n in ("batches.meta", "meta") if (folder / n).is_file()), None)
    if file is None:
        raise DataError(f"{folder}: has no batches.meta or meta. Unpack the archive again.")
    found = find_lists(file, _KEYS)
    for key in _NAMES:
        if key in found.names:
            return found.names[key]
    raise DataError(f"{file}: names no classes. Unpack the archive again.")


def _listed_names(folder: Path) -> list[str]:
    fine = folder / "fine_label_names.txt"
    file = fine if fine.is_file() else folder / "batches.meta.txt"
    return read_lines(file, "It names the classes.")


def _of_pickle(file: Path) -> Part:
    found = find_lists(file, _KEYS)
    labels = next((found.numbers[key] for key in _LABELS if key in found.numbers), [])
    if not labels or found.length != len(labels) * PIXELS:
        raise DataError(
            f"{file}: {len(labels)} labels and {found.length:,} bytes of pixels; each image has "
            f"{PIXELS:,}. Unpack the archive again."
        )
    pixels = np.memmap(
        file,
        dtype=np.uint8,
        mode="r",
        offset=found.offset,
        shape=(len(labels), PIXELS),
        order="F" if found.column_major else "C",
    )
    return pixels, labels


def _of_binary(file: Path) -> Part:
    # Of CIFAR-100's two labels the second is the fine one.
    label_bytes = 1 if "batch" in file.stem else 2
    size, row = file.stat().st_size, label_bytes + PIXELS
    if size == 0 or size % row:
        raise DataError(
            f"{file}: its {size:,} bytes are no whole number of images of {row:,}. "
            "Unpack the archive again."
        )
    rows = np.memmap(file, dtype=np.uint8, mode="r").reshape(-1, row)
    return rows[:, label_bytes:], rows[:, label_bytes - 1].tolist()


def _picture_of(parts: Sequence[np.ndarray]) -> Callable[[int], Image.Image]:
    ends = list(accumulate(len(part) for part in parts))

    def read(position: int) -> Image.Image:
        number = bisect_right(ends, position)
        row = parts[number][position - (ends[number - 1] if number else 0)]
        return Image.fromarray(np.ascontiguousarray(row.reshape(3, 32, 32).transpose(1, 2, 0)))

    return read
