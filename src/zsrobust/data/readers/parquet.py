"""The hub's parquet layout: `data/SPLIT-*.parquet` with columns image (bytes, path) and label."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from zsrobust.data.columns import Column, repeated
from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.errors import DataError


def read_parquet(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """All rows of `folder/data/SPLIT-*.parquet`, checked, in the order of the files.

    Ids are the images' own paths; class names those of the schema. No image is decoded before it
    is asked for. Raises DataError naming the file, and the row where one row is at fault.
    """
    from datasets import Image as ImageFeature

    place = folder / "data"
    files = sorted(place.glob(f"{own_split}-*.parquet"))
    if not files:
        raise DataError(
            f"{request.name}: looked for {place}/{own_split}-*.parquet and found none. "
            f"{request.how}".rstrip()
        )
    table = open_table("parquet", files)
    names = _class_names(table, files[0])
    where = _places(files)
    table = table.cast_column("image", ImageFeature(decode=False))
    ids, labels = _paths(table), Column[Any](table.data.column("label"))
    _check_rows(ids, labels, len(names), where)
    read = image_reader(table, "image", lambda row: f"{where(row)}: {ids[row]}")
    return Images(ids, labels, read, class_names=names)


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


def _paths(table: Any) -> Column[Any]:
    """The images' paths, without touching their bytes."""
    import pyarrow.compute as compute

    return Column(compute.struct_field(table.data.column("image"), "path"))


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
    for row, (sample, label) in enumerate(zip(ids, labels, strict=True)):
        if not sample:
            raise DataError(f"{where(row)}: its image has no path, so the sample has no stable id.")
        if label is None:
            raise DataError(f"{where(row)}: '{sample}' has no label.")
        if not 0 <= label < classes:
            raise DataError(
                f"{where(row)}: '{sample}' has label {label} of {classes} classes "
                f"(0 to {classes - 1})."
            )
    if twice := repeated(ids):
        first, second = twice
        raise DataError(f"{where(second)}: path '{ids[first]}' stands at {where(first)} too.")
