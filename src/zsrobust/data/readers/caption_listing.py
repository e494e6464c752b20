"""A list of image-caption pairs of one's own: a CSV or parquet file, `path` and `caption`."""

from __future__ import annotations

from pathlib import Path

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.rows import columns_in, rows_in
from zsrobust.errors import DataError


def lists_captions(file: Path) -> bool:
    """Whether a list has a column `caption`, and none of labels."""
    columns = columns_in(file)
    return "caption" in columns and "label" not in columns


def read_caption_listing(file: Path) -> Dataset:
    """The images that a file lists, a row a caption: a path that comes again has several.

    Paths are relative to the file's own folder, or absolute; as written they are the ids. The
    captions are kept in memory. Raises DataError naming the file and the row (from 0).
    """
    captions: dict[str, tuple[str, ...]] = {}
    for row, (path, caption) in rows_in(file, ("path", "caption")):
        if not path:
            raise DataError(f"{file}, row {row}: no path.")
        if caption is None or not caption.strip():
            raise DataError(f"{file}, row {row}: '{path}' has no caption.")
        captions[path] = (*captions.get(path, ()), caption.strip())
    if not captions:
        raise DataError(f"{file}: lists no images.")
    folder, ids = file.parent, tuple(captions)
    return in_hash_order(
        Dataset(
            name=file.stem,
            split="all",
            version=1,
            class_names=(),
            templates=(),
            ids=ids,
            labels=None,
            read=lambda place: open_rgb(folder / ids[place], f"{file}: {ids[place]}"),
            captions=lambda place: captions[ids[place]],
            variant="user",
            source=str(file),
        )
    )
