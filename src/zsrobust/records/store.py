"""A run's records folder: one file a block while the run goes on, one file when it has ended.

Readers see a block once: `part-all.parquet` lists the blocks it holds, and the single file of a
listed block, which a kill in the middle of `compact` may have left, is passed over.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zsrobust.errors import RunError
from zsrobust.records.atomic import write_bytes
from zsrobust.records.record import Record
from zsrobust.records.schema import SCHEMA, check_schema, from_table, to_table

BLOCK_SIZE = 256
COMPACTED = "part-all.parquet"
_BLOCKS_KEY = b"zsrobust.records.blocks"
_PART = re.compile(r"part-(\d{5,})\.parquet")


def records_folder(run: Path) -> Path:
    """Where a run folder keeps its records."""
    return run / "records"


def write_block(folder: Path, block: int, records: Iterable[Record]) -> Path:
    """Writes one block of consecutive images to `part-<block>.parquet`, whole or not at all.

    The same records give the same bytes. Returns the file's path.
    """
    path = folder / f"part-{block:05d}.parquet"
    write_bytes(path, _encode(to_table(records)))
    return path


def finished_blocks(folder: Path) -> frozenset[int]:
    """The numbers of the blocks that are done; none where the folder does not exist yet."""
    return frozenset(_parts(folder)) | frozenset(_compacted_blocks(folder))


def read_records(folder: Path) -> list[Record]:
    """All records of a run, block by block, whether or not the run has ended.

    Raises RunError for a missing folder, a file that cannot be read or that zsrobust did not
    write, and an image that stands in the records twice.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder. Is this a run that `zsrobust evaluate` made?")
    blocks = _read_blocks(folder)
    seen: dict[str, int] = {}
    records = []
    for block in sorted(blocks):
        for record in from_table(blocks[block]):
            if record.id in seen:
                raise RunError(
                    f"{folder}: image '{record.id}' stands in block {seen[record.id]} and in "
                    f"block {block}. Files of two runs are mixed here: run again elsewhere."
                )
            seen[record.id] = block
            records.append(record)
    return records


def compact(folder: Path) -> None:
    """Joins all blocks into `part-all.parquet` and removes their files; once a run has ended.

    The joined file is in place before the first block's file goes, so that a kill at any instant
    leaves all records readable, and calling it again finishes the work. Its bytes depend on the
    records alone. One process only: those that share a folder agree on which.
    """
    parts = _parts(folder)
    if not frozenset(parts) <= frozenset(_compacted_blocks(folder)):
        blocks = _read_blocks(folder)
        numbers = sorted(blocks)
        listing = json.dumps([[number, blocks[number].num_rows] for number in numbers])
        table = pa.concat_tables([blocks[number] for number in numbers]).combine_chunks()
        metadata = {**SCHEMA.metadata, _BLOCKS_KEY: listing.encode()}
        write_bytes(folder / COMPACTED, _encode(table.replace_schema_metadata(metadata)))
    leftovers = folder.glob(".part-*.parquet") if folder.is_dir() else ()
    for path in [*parts.values(), *leftovers]:
        path.unlink()


def _parts(folder: Path) -> dict[int, Path]:
    """Block number -> its own file; a Parquet file of any other name is refused."""
    parts: dict[int, Path] = {}
    if not folder.is_dir():
        return parts
    for path in sorted(folder.glob("*.parquet")):
        if path.name.startswith(".") or path.name == COMPACTED:
            continue
        match = _PART.fullmatch(path.name)
        if match is None:
            raise RunError(f"{path}: not a file of this run's records. Move it out of the folder.")
        parts[int(match[1])] = path
    return parts


def _compacted_blocks(folder: Path) -> Mapping[int, int]:
    """Block number -> number of rows, of what `part-all.parquet` holds, in its order."""
    path = folder / COMPACTED
    return _listing(_decode(path, pq.read_schema), path) if path.exists() else {}


def _read_blocks(folder: Path) -> dict[int, Any]:
    blocks: dict[int, Any] = {}
    path = folder / COMPACTED
    if path.exists():
        table = _decode(path, _read_table)
        start = 0
        for block, rows in _listing(table.schema, path).items():
            blocks[block] = table.slice(start, rows).replace_schema_metadata(SCHEMA.metadata)
            start += rows
        if start != table.num_rows:
            raise RunError(f"{path}: lists {start} images and holds {table.num_rows}. Run again.")
    for block, part in _parts(folder).items():
        if block not in blocks:
            blocks[block] = _decode(part, _read_table)
    return blocks


def _listing(schema: Any, path: Path) -> dict[int, int]:
    listing = (schema.metadata or {}).get(_BLOCKS_KEY)
    if listing is None:
        raise RunError(f"{path}: does not say which blocks it holds. Run again elsewhere.")
    return {int(block): int(rows) for block, rows in json.loads(listing)}


def _decode(path: Path, read: Callable[[io.BytesIO], Any]) -> Any:
    """What `read` makes of a file's bytes, of the right schema; RunError names the file."""
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        content = read(io.BytesIO(stored))
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(". ")
        raise RunError(
            f"{path}: damaged ({reason}). Delete it and give the same command again: "
            "only its images are computed anew."
        ) from None
    check_schema(content if isinstance(content, pa.Schema) else content.schema, str(path))
    return content


def _read_table(stored: io.BytesIO) -> Any:
    return pq.ParquetFile(stored, page_checksum_verification=True).read()


def _encode(table: Any) -> bytes:
    sink = io.BytesIO()
    rows = max(table.num_rows, 1)
    pq.write_table(table, sink, compression="zstd", row_group_size=rows, write_page_checksum=True)
    return sink.getvalue()
