"""A list of one's own: a CSV or parquet file with columns `path` and `label`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from zsrobust.data.columns import Row, columns_of
from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.labels import class_numbers
from zsrobust.data.readers.names import PLAIN_TEMPLATE
from zsrobust.errors import DataError

SUFFIXES = (".csv", ".parquet")
_MOST_CLASSES = 100_000


def read_listing(file: Path, classes: Path | None = None) -> Dataset:
    """The images that a file lists: `path`, and `label`, a name or a number counted from 0.

    Paths are relative to the file's own folder, or absolute; as written they are the ids. Other
    columns are ignored. Without a column `label` the images are unlabelled and `classes` is needed.
    classes: a file of class names, one a line. Raises DataError naming the file, and the row (from
    0, without the header) where one is at fault.
    """
    listed = _Listed(file)
    if listed.labelled:
        numbers, names = class_numbers(listed.distinct_labels(), classes, str(file))
    elif classes is None:
        raise DataError(f"{file}: has no column 'label'. Add it, or name classes: --classes FILE.")
    else:
        numbers, names = class_numbers((), classes, str(file))
    ids, labels = columns_of(listed.numbered(numbers))
    if not len(ids):
        raise DataError(f"{file}: lists no images.")
    folder = file.parent
    return in_hash_order(
        Dataset(
            name=file.stem,
            split="all",
            version=1,
            class_names=names,
            templates=(PLAIN_TEMPLATE,),
            ids=ids,
            labels=labels,
            read=lambda row: open_rgb(folder / ids[row], f"{file}, row {row}: {ids[row]}"),
            variant="user",
            source=str(file),
        )
    )


def holds_images(file: Path) -> bool:
    """Whether a parquet file has no column `path`, but one of images as the hub writes them."""
    if file.suffix.lower() != ".parquet":
        return False
    from pyarrow import parquet

    with _named(file):
        schema = parquet.read_schema(file)
    return "path" not in schema.names and any(
        pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 for kind in schema.types
    )


@dataclass(frozen=True)
class _Listed:
    """The rows of a file, read anew, a part at a time, whenever they are asked for."""

    file: Path

    @property
    def labelled(self) -> bool:
        with _named(self.file):
            columns = _columns(self.file)
        if "path" not in columns:
            found = " ".join(", ".join(columns[:8]).split()) or "none"
            raise DataError(
                f"{self.file}: has no column 'path' (it has {found}). The first line must name the "
                "columns: path,label."
            )
        for name in ("path", "label"):
            if columns.count(name) > 1:
                raise DataError(f"{self.file}: column '{name}' stands twice.")
        return "label" in columns

    def rows(self) -> Iterator[tuple[int, str, str | None]]:
        """Row number, path and label as written."""
        labelled, row = self.labelled, 0
        with _named(self.file):
            for batch in _batches(self.file, ["path", "label"] if labelled else ["path"]):
                texts = [_texts(batch.column(name)) for name in batch.schema.names]
                for path, *label in zip(*texts, strict=True):
                    if not path:
                        raise DataError(f"{self.file}, row {row}: no path.")
                    if labelled and not label[0]:
                        raise DataError(f"{self.file}, row {row}: '{path}' has no label.")
                    yield row, path, label[0] if labelled else None
                    row += 1

    def distinct_labels(self) -> set[str]:
        found: set[str] = set()
        for row, path, label in self.rows():
            found.add(str(label))
            if len(found) > _MOST_CLASSES:
                raise DataError(
                    f"{self.file}, row {row}: '{path}' has label number {len(found)} of those that "
                    f"differ; at most {_MOST_CLASSES} classes are read. Is `label` the class?"
                )
        return found

    def numbered(self, numbers: dict[str, int]) -> Iterator[Row]:
        for _, path, label in self.rows():
            yield path, None if label is None else numbers[label]


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Turns what pyarrow says of a damaged file into one line that names it."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file}: cannot be read ({reason.rstrip('.')}).") from None


def _columns(file: Path) -> list[str]:
    if file.suffix.lower() == ".csv":
        from pyarrow import csv

        with csv.open_csv(file, read_options=csv.ReadOptions(use_threads=False)) as reader:
            return list(reader.schema.names)
    from pyarrow import parquet

    return list(parquet.read_schema(file).names)


def _batches(file: Path, columns: list[str]) -> Iterator[Any]:
    if file.suffix.lower() == ".csv":
        from pyarrow import csv

        options = csv.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(columns, pa.string())
        )
        reading = csv.ReadOptions(use_threads=False)
        with csv.open_csv(file, read_options=reading, convert_options=options) as reader:
            yield from reader
        return
    from pyarrow import parquet

    with parquet.ParquetFile(file) as reader:
        yield from reader.iter_batches(columns=columns, use_threads=False)


def _texts(column: Any) -> list[str | None]:
    """A column of names or whole numbers as text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        if not pa.types.is_integer(column.type):
            raise ValueError(f"a column of {column.type}, neither text nor whole numbers")
        column = column.cast(pa.string())
    texts: list[str | None] = column.to_pylist()
    return texts
