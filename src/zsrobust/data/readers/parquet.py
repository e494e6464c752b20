"""The hub's parquet layout: `data/SPLIT-*.parquet` with columns image (bytes, path) and label."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from PIL import Image

from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.errors import DataError


@dataclass(frozen=True)
class ParquetImages:
    """The rows of a split: ids (the images' own paths), labels, names, row -> RGB picture."""

    ids: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    read: Callable[[int], Image.Image]


def read_parquet(place: Path, split: str) -> ParquetImages:
    """All rows of `place/SPLIT-*.parquet`, checked, in the order of the files.

    No image is decoded before it is asked for. Raises DataError naming the file, and the row where
    one row is at fault.
    """
    from datasets import Image as ImageFeature

    files = sorted(place.glob(f"{split}-*.parquet"))
    if not files:
        raise DataError(
            f"looked for {place}/{split}-*.parquet and found none. The layout is the hub's "
            "parquet: columns image (bytes, path) and label."
        )
    table = open_table("parquet", files)
    names = _class_names(table, files[0])
    where = _places(files)
    table = table.cast_column("image", ImageFeature(decode=False))
    ids = _paths(table)
    labels = tuple(table["label"])
    _check_rows(ids, labels, len(names), where)
    read = image_reader(table, "image", lambda row: f"{where(row)}: {ids[row]}")
    return ParquetImages(ids, labels, names, read)


def _class_names(table: Any, file: Path) -> tuple[str, ...]:
    for column in ("image", "label"):
        if column not in table.column_names:
            raise DataError(
                f"{file}: has no column '{column}' (it has {', '.join(table.column_names)})."
            )
    names = getattr(table.features["label"], "names", None)
    if not names:
        raise DataError(f"{file}: its schema names no classes (a `datasets` ClassLabel).")
    return tuple(names)


def _paths(table: Any) -> tuple[Any, ...]:
    """The images' paths, without touching their bytes."""
    import pyarrow.compute as compute

    return tuple(compute.struct_field(table.data.column("image"), "path").to_pylist())


def _places(files: Sequence[Path]) -> Callable[[int], str]:
    """Row of the whole table -> "file, row of that file"."""
    import pyarrow.parquet

    ends = list(accumulate(pyarrow.parquet.read_metadata(file).num_rows for file in files))

    def where(row: int) -> str:
        number = bisect_right(ends, row)
        return f"{files[number]}, row {row - (ends[number - 1] if number else 0)}"

    return where


def _check_rows(
    ids: Sequence[Any], labels: Sequence[Any], classes: int, where: Callable[[int], str]
) -> None:
    seen: dict[str, int] = {}
    for row, (sample, label) in enumerate(zip(ids, labels, strict=True)):
        if not sample:
            raise DataError(f"{where(row)}: its image has no path, so the sample has no stable id.")
        if sample in seen:
            raise DataError(f"{where(row)}: path '{sample}' stands at {where(seen[sample])} too.")
        seen[sample] = row
        if label is None:
            raise DataError(f"{where(row)}: '{sample}' has no label.")
        if not 0 <= label < classes:
            raise DataError(
                f"{where(row)}: '{sample}' has label {label} of {classes} classes "
                f"(0 to {classes - 1})."
            )
