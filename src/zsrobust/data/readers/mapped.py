"""An archive's image column mapped for random access: of the disk only the images asked for.

`datasets` maps its files for reading in order: at every access the system then fetches far more
than one small image. Here it is told to expect random accesses, and which bytes one needs.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

Cell = Mapping[str, Any]
"""An undecoded image: `bytes`, or None, and `path`, or None."""


def image_cells(table: Any, column: str) -> Callable[[int], Cell | None]:
    """Row -> undecoded image of a table of `datasets`.

    A table that lies in no files of its own, or in another order or form, is asked itself.
    """
    files = [Path(each["filename"]) for each in table.cache_files]
    reordered = getattr(table, "_indices", None) is not None
    if not files or reordered or not hasattr(mmap, "MADV_RANDOM"):
        return lambda row: _asked(table, column, row)
    archive = _Archive(files, column)
    if len(archive) != len(table) or not archive.holds_images:
        return lambda row: _asked(table, column, row)
    return archive.cell


def _asked(table: Any, column: str, row: int) -> Cell | None:
    cell: Cell | None = table[row][column]
    return cell


class _Archive:
    """One column over several mapped files."""

    def __init__(self, files: list[Path], column: str) -> None:
        maps = [_mapped(file) for file in files]
        buffers = [pa.py_buffer(mapped) for mapped in maps]
        self._maps = sorted(zip((each.address for each in buffers), maps, strict=True), key=_first)
        tables = [pa.ipc.open_stream(pa.BufferReader(each)).read_all() for each in buffers]
        self._kind = tables[0].schema.field(column).type
        self._parts = [part for table in tables for part in table.column(column).chunks]
        self._ends = list(accumulate(len(part) for part in self._parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def holds_images(self) -> bool:
        found = self._kind.get_field_index("bytes") if pa.types.is_struct(self._kind) else -1
        return found >= 0 and pa.types.is_binary(self._kind.field(found).type)

    def cell(self, row: int) -> Cell | None:
        number = bisect_right(self._ends, row)
        part = self._parts[number]
        at = row - self._ends[number] + len(part)
        self._fetch(part.field("bytes"), at)
        cell: Cell | None = part[at].as_py()
        return cell

    def _fetch(self, contents: Any, at: int) -> None:
        """Asks for all pages of an image at once, instead of one by one as they are touched."""
        _, ends, stored = contents.buffers()
        if ends is None or stored is None:
            return
        first, last = np.frombuffer(ends, np.int32, 2, 4 * (contents.offset + at)).tolist()
        address = stored.address + first
        start, mapped = self._maps[bisect_right(self._maps, address, key=_first) - 1]
        page = (address - start) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first and 0 <= page < len(mapped):
            mapped.madvise(mmap.MADV_WILLNEED, page, address - start - page + last - first)


def _first(each: tuple[int, mmap.mmap]) -> int:
    return each[0]


def _mapped(file: Path) -> mmap.mmap:
    with file.open("rb") as handle:
        mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_RANDOM)
    return mapped
