"""An image dataset of the Hugging Face hub, or a local folder or file in its layouts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow.compute as compute

from zsrobust.data.columns import Column, Row, columns_of
from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.arrow import image_reader, open_hub, open_table
from zsrobust.data.readers.labels import class_numbers
from zsrobust.data.readers.names import PLAIN_TEMPLATE, read_typed_names
from zsrobust.errors import DataError

PREFIX = "hf:"
_ADDRESS = re.compile(
    r"hf:(?P<name>[^:@#]+)(?::(?P<config>[^@#]+))?(?:@(?P<split>[^#]+))?(?:#(?P<label>.+))?"
)


def read_hub(
    address: str, split: str, classes: Path | None = None, unnamed: bool = False
) -> Dataset:
    """A dataset by `hf:ORG/NAME[:CONFIG][@SPLIT][#LABEL_COLUMN]`; NAME may be a local folder.

    split: where the address names none. The image column is found by its type, and so is the label
    column (a ClassLabel; else a column called `label`); LABEL_COLUMN chooses where there are more.
    Ids are row numbers. classes: names for labels without, or for unlabelled images, which need
    them unless `unnamed`. Nothing of the dataset is executed. Raises DataError for an
    absent set, split or column.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise DataError(f"{address}: write hf:ORG/NAME, hf:ORG/NAME:CONFIG or hf:ORG/NAME@SPLIT.")
    name, wanted = match["name"], match["split"] or split
    splits = open_hub(name, match["config"])
    if wanted not in splits:
        first = next(iter(splits))
        raise DataError(
            f"hf:{name}: has no split '{wanted}'. It has: {', '.join(splits)}. "
            f"Write hf:{name}@{first}, or --split {first}."
        )
    called = Path(name).name if match["config"] is None else f"{Path(name).name}-{match['config']}"
    table = _Table(splits[wanted], called, wanted, address)
    return _read_table(table, match["label"], classes, unnamed)


def read_image_table(file: Path, classes: Path | None = None, unnamed: bool = False) -> Dataset:
    """A parquet file that holds the images themselves, as `read_hub` reads one."""
    table = _Table(open_table("parquet", [file]), file.stem, "all", str(file))
    return _read_table(table, None, classes, unnamed)


@dataclass(frozen=True)
class _Table:
    """Rows of `datasets`, what they are called, and where they come from."""

    rows: Any
    name: str
    split: str
    source: str


def _read_table(table: _Table, label: str | None, classes: Path | None, unnamed: bool) -> Dataset:
    """A dataset from rows whose columns are found by their types."""
    from datasets import Image as ImageFeature

    image = _image_column(table.rows.features, table.source)
    chosen = _label_column(table.rows.features, label, table.source)
    values, names = _labels(table, chosen, classes, unnamed)
    ids, labels = columns_of(_rows(table.split, len(table.rows), values))
    if not len(ids):
        raise DataError(f"{table.source}: holds no images.")
    undecoded = table.rows.cast_column(image, ImageFeature(decode=False))
    return in_hash_order(
        Dataset(
            name=table.name,
            split=table.split,
            version=1,
            class_names=names,
            templates=(PLAIN_TEMPLATE,),
            ids=ids,
            labels=labels,
            read=image_reader(undecoded, image, lambda row: f"{table.source}, row {row}"),
            variant="user",
            source=table.source,
        )
    )


def _image_column(features: Any, source: str) -> str:
    """The one column of images; raises DataError for none, or several."""
    from datasets import Image as ImageFeature

    found = [str(name) for name, kind in features.items() if isinstance(kind, ImageFeature)]
    if len(found) == 1:
        return found[0]
    has = f"several columns of images: {', '.join(found)}" if found else "no column of images"
    raise DataError(f"{source}: has {has}; it must have one. Its columns: {', '.join(features)}.")


def _label_column(features: Any, wanted: str | None, source: str) -> str | None:
    """The column of labels: the one asked for, the one ClassLabel, or `label`; None for none."""
    from datasets import ClassLabel

    if wanted is not None:
        if wanted not in features:
            raise DataError(f"{source}: has no column '{wanted}'. It has: {', '.join(features)}.")
        return wanted
    found = [str(name) for name, kind in features.items() if isinstance(kind, ClassLabel)]
    if len(found) > 1:
        raise DataError(
            f"{source}: has several columns of labels: {', '.join(found)}. "
            f"Choose one: {source}#{found[0]}"
        )
    return found[0] if found else ("label" if "label" in features else None)


def _labels(
    table: _Table, column: str | None, classes: Path | None, unnamed: bool
) -> tuple[Iterable[int] | None, tuple[str, ...]]:
    """Class numbers, row by row, and class names; None for unlabelled images."""
    if column is None:
        if classes is None and unnamed:
            return None, ()
        if classes is None:
            raise DataError(f"{table.source}: has no labels. Name classes: --classes FILE.")
        return None, read_typed_names(classes)
    values = table.rows.data.column(column)
    if values.null_count:
        raise DataError(f"{table.source}: {values.null_count} rows have no {column}.")
    if names := getattr(table.rows.features[column], "names", None):
        named = tuple(names) if classes is None else read_typed_names(classes)
        return _in_range(values, column, named, table.source), named
    found = [str(value) for value in compute.unique(values).to_pylist()]
    numbers, named = class_numbers(found, classes, table.source)
    return (numbers[str(value)] for value in Column[Any](values)), named


def _in_range(values: Any, column: str, names: Sequence[str], source: str) -> Iterable[int] | None:
    """Labels that the names reach; None where all are -1, as in test splits kept secret."""
    ends = compute.min_max(values).as_py()
    low, high = ends["min"], ends["max"]
    if low == high == -1:
        return None
    if len(values) and not 0 <= low <= high < len(names):
        raise DataError(
            f"{source}: {column} runs from {low} to {high}, but {len(names)} classes are named "
            f"(0 to {len(names) - 1})."
        )
    return Column(values)


def _rows(split: str, count: int, labels: Iterable[int] | None) -> Iterator[Row]:
    known = repeat(None, count) if labels is None else labels
    for row, label in enumerate(known):
        yield f"{split}/{row}", label
