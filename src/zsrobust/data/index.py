"""The order in which subsets of a dataset nest: ids by their sha256, sorted on disk if many."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from zsrobust.data.columns import (
    IN_MEMORY,
    Column,
    cache_folder,
    hash_of,
    map_columns,
    unwritable,
    write_columns,
)
from zsrobust.errors import DataError
from zsrobust.randomness import hash_order

_LAYOUT = 1
"""Part of an index file's name: a new one where its columns change."""


@dataclass(frozen=True)
class Index:
    """Images in the order of their ids' sha256. rows: where each stands in its source."""

    ids: Sequence[str]
    labels: Sequence[int] | None
    rows: Sequence[int]


def hash_index(ids: Sequence[str], labels: Sequence[int] | None, called: str = "index") -> Index:
    """The index of a source's rows.

    Up to 65,536 rows it is made in memory; beyond, on disk by SQLite's sorter, once: the file in
    the cache of `datasets` is named after the rows it holds, so that it is never out of date.
    called: what errors call the source. Raises DataError for an id that stands twice, or a cache
    that cannot be written.
    """
    index = _in_memory(ids, labels) if len(ids) <= IN_MEMORY else _on_disk(ids, labels)
    for number, (one, other) in enumerate(pairwise(index.ids)):
        if one == other:
            first, second = sorted((index.rows[number], index.rows[number + 1]))
            raise DataError(
                f"{called}: sample id '{one}' stands twice, in rows {first} and {second} (from 0). "
                "Remove one of them."
            )
    return index


def _in_memory(ids: Sequence[str], labels: Sequence[int] | None) -> Index:
    order = tuple(hash_order(ids))
    return Index(
        ids=tuple(ids[row] for row in order),
        labels=None if labels is None else tuple(labels[row] for row in order),
        rows=order,
    )


def _on_disk(ids: Sequence[str], labels: Sequence[int] | None) -> Index:
    cache = cache_folder()
    path = cache / f"{hash_of(ids, labels)}-{_LAYOUT}.arrow"
    try:
        if not path.exists():
            _write(path, ids, labels)
        table = map_columns(path)
    except (OSError, sqlite3.Error) as error:
        raise unwritable(cache, error) from None
    known: Sequence[int] | None = None if labels is None else Column(table["label"])
    return Index(Column(table["id"]), known, Column(table["row"]))


def _write(path: Path, ids: Sequence[str], labels: Sequence[int] | None) -> None:
    """Writes the sorted index whole or not at all; only SQLite's small cache is in memory."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".sorting-") as place:
        with closing(sqlite3.connect(Path(place) / "rows.sqlite")) as rows:
            rows.execute("PRAGMA journal_mode = OFF")
            rows.execute("PRAGMA synchronous = OFF")
            rows.execute("CREATE TABLE sample (digest BLOB, id TEXT, label INTEGER, place INTEGER)")
            rows.executemany("INSERT INTO sample VALUES (?, ?, ?, ?)", _digested(ids, labels))
            ordered = rows.execute("SELECT id, label, place FROM sample ORDER BY digest, id")
            write_columns(Path(place) / path.name, ("id", "label", "row"), ordered)
        os.replace(Path(place) / path.name, path)


def _digested(
    ids: Sequence[str], labels: Sequence[int] | None
) -> Iterator[tuple[bytes, str, int | None, int]]:
    known = iter(labels) if labels is not None else iter(lambda: None, 0)
    for row, (sample, label) in enumerate(zip(ids, known, strict=False)):
        yield sha256(sample.encode()).digest(), sample, label, row
