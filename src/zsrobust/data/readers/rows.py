"""The rows of a list of one's own, CSV or parquet, a part in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from zsrobust.errors import DataError


def columns_in(file: Path) -> list[str]:
    """The names of a list's columns; raises DataError without `path`."""
    with named(file):
        columns = _columns(file)
    if "path" not in columns:
        found = " ".join(", ".join(columns[:8]).split()) or "none"
        raise DataError(
            f"{file}: has no column 'path' (it has {found}). The first line must name the "
            "columns: path,label."
        )
    return columns


def rows_in(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    """Row number, from 0, and the texts in some columns; read anew whenever they are asked for.

    Raises DataError for a column that stands twice, or a file that cannot be read.
    """
    there, row = columns_in(file), 0
    for name in columns:
        if there.count(name) > 1:
            raise DataError(f"{file}: column '{name}' stands twice.")
    with named(file):
        for batch in _batches(file, list(columns)):
            texts = [_texts(batch.column(name)) for name in columns]
            for found in zip(*texts, strict=True):
                yield row, found
                row += 1


@contextmanager
def named(file: Path) -> Iterator[None]:
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
