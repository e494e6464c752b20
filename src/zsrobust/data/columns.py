"""Ids and labels in files: sequences of millions that take no memory of their own.

Few rows stay in tuples. Many are written to an Arrow file and mapped into memory, where the system
keeps only the pages in use, and gives them back when it needs room.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np

from zsrobust.errors import DataError

T = TypeVar("T")
Row = tuple[str, int | None]

IN_MEMORY = 65_536
"""Up to so many rows are kept in tuples; also how many are written, or read, at a time."""


class Column(Sequence[T]):
    """A column of an Arrow table as a sequence; values become Python objects as they are read."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._values)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """The value at a position; of a slice another column over the same file."""
        if not isinstance(at, slice):
            value: T = self._values[at].as_py()
            return value
        places = range(*at.indices(len(self)))
        if places.step == 1:
            return Column(self._values.slice(places.start, len(places)))
        return tuple(self[place] for place in places)

    def __iter__(self) -> Iterator[T]:
        """The values in order, a batch in memory at a time."""
        for start in range(0, len(self), IN_MEMORY):
            yield from self._values.slice(start, IN_MEMORY).to_pylist()


def columns_of(rows: Iterable[Row]) -> tuple[Sequence[str], Sequence[int] | None]:
    """Ids and labels of rows, in their order: tuples where they are few, else in a file.

    Rows without labels have None in place of each, and then there is no second column.
    The file has no name any more once it is mapped, and goes with the last use of it. Raises
    DataError where the cache cannot be written.
    """
    rest = iter(rows)
    first = list(islice(rest, IN_MEMORY + 1))
    labelled = any(label is not None for _, label in first[:1])
    if len(first) <= IN_MEMORY:
        known = tuple(label for _, label in first if label is not None)
        return tuple(sample for sample, _ in first), known if labelled else None
    cache = cache_folder()
    try:
        handle, name = tempfile.mkstemp(dir=cache, prefix=".listing-")
        os.close(handle)
        try:
            write_columns(Path(name), ("id", "label"), chain(first, rest))
            table = map_columns(Path(name))
        finally:
            os.unlink(name)
    except OSError as error:
        raise unwritable(cache, error) from None
    return Column(table["id"]), Column(table["label"]) if labelled else None


def write_columns(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows to an Arrow file, a batch at a time: column `id` is text, the others numbers."""
    import pyarrow as pa

    kinds = [pa.string() if name == "id" else pa.int64() for name in names]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    rest = iter(rows)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        while batch := list(islice(rest, IN_MEMORY)):
            arrays = [
                pa.array(values, kind)
                for values, kind in zip(zip(*batch, strict=True), kinds, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def map_columns(path: Path) -> Any:
    """The pyarrow.Table of a file that `write_columns` wrote, mapped and not read."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def repeated(ids: Sequence[str]) -> tuple[int, int] | None:
    """The first two positions of an id that stands twice, or None; 8 bytes an id are needed."""
    heads = np.fromiter((_head(sample) for sample in ids), dtype=np.uint64, count=len(ids))
    order = np.argsort(heads, kind="stable")
    same = np.flatnonzero(heads[order[1:]] == heads[order[:-1]])
    for at in same.tolist():
        first, second = int(order[at]), int(order[at + 1])
        if ids[first] == ids[second]:
            return first, second
    return None


def _head(sample: str) -> int:
    return int.from_bytes(sha256(sample.encode()).digest()[:8], "big")


def hash_of(*columns: Iterable[Any] | None) -> str:
    """The 16 hex digits that `canonical_hash` gives the list of these columns, read in batches."""
    digest = sha256(b"[")
    for number, column in enumerate(columns):
        digest.update(b"," if number else b"")
        if column is None:
            digest.update(b"null")
            continue
        digest.update(b"[")
        rest, comma = iter(column), ""
        while part := list(islice(rest, IN_MEMORY)):
            text = json.dumps(part, separators=(",", ":"), ensure_ascii=False)[1:-1]
            digest.update((comma + text).encode())
            comma = ","
        digest.update(b"]")
    digest.update(b"]")
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where large indices lie: in the cache of `datasets`, which HF_DATASETS_CACHE sets."""
    import datasets.config

    folder = Path(datasets.config.HF_DATASETS_CACHE) / "zsrobust-index"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    return folder


def unwritable(folder: Path, error: Exception) -> DataError:
    """The error for a cache folder that cannot hold an index."""
    return DataError(
        f"{folder}: the index of the images cannot be written ({error}). "
        "Make room, or set HF_DATASETS_CACHE to a folder that can be written."
    )
