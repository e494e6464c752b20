"""A list of one's own: a CSV or parquet file with columns `path` and `label`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from zsrobust.data.columns import Row, columns_of
from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.labels import class_numbers
from zsrobust.data.readers.names import PLAIN_TEMPLATE
from zsrobust.data.readers.rows import columns_in, named, rows_in
from zsrobust.errors import DataError

SUFFIXES = (".csv", ".parquet")
_MOST_CLASSES = 100_000


def read_listing(file: Path, classes: Path | None = None, unnamed: bool = False) -> Dataset:
    """The images that a file lists: `path`, and `label`, a name or a number counted from 0.

    Paths are relative to the file's own folder, or absolute; as written they are the ids. Other
    columns are ignored. Without a column `label` the images are unlabelled and `classes` is needed,
    unless `unnamed`.
    classes: a file of class names, one a line. Raises DataError naming the file, and the row (from
    0, without the header) where one is at fault.
    """
    listed = _Listed(file)
    if listed.labelled:
        numbers, names = class_numbers(listed.distinct_labels(), classes, str(file))
    elif classes is None and not unnamed:
        raise DataError(f"{file}: has no column 'label'. Add it, or name classes: --classes FILE.")
    else:
        numbers, names = class_numbers((), classes or (), str(file))
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

    with named(file):
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
        return "label" in columns_in(self.file)

    def rows(self) -> Iterator[tuple[int, str, str | None]]:
        """Row number, path and label as written."""
        labelled = self.labelled
        for row, (path, *label) in rows_in(self.file, ("path", "label") if labelled else ("path",)):
            if not path:
                raise DataError(f"{self.file}, row {row}: no path.")
            if labelled and not label[0]:
                raise DataError(f"{self.file}, row {row}: '{path}' has no label.")
            yield row, path, label[0] if labelled else None

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
