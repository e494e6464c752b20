"""Tiny-ImageNet's training images in the hub's parquet layout, and the part held out of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.errors import DataError

HELD_OUT_A_CLASS = 10


def read_tinyimagenet(root: Path, entry: DatasetEntry, split: str) -> Dataset:
    """`train`, or `val`: per class the 10 training ids of smallest sha256, never trained on.

    Ids are the original file names. Raises DataError naming what is missing.
    """
    from datasets import Image as ImageFeature

    place = root / "tinyimagenet" / "data"
    files = sorted(place.glob("train-*.parquet"))
    if not files:
        raise DataError(
            f"tinyimagenet {split}: looked for {place}/train-*.parquet and found none. The layout "
            "is the hub's parquet: columns image (bytes, path) and label."
        )
    table = open_table("parquet", files)
    class_names = tuple(table.features["label"].names)
    pretty = _pretty_names(root / str(entry.folder) / "classnames.txt", len(class_names))
    table = table.cast_column("image", ImageFeature(decode=False))
    ids = [cell["path"] for cell in table.select_columns("image")["image"]]
    labels = list(table["label"])
    chosen = held_out(ids, labels)
    if split == "train":
        chosen = sorted(set(range(len(ids))) - set(chosen))
    read = image_reader(table, "image", lambda i: f"{place}: {ids[i]}")
    return in_hash_order(
        Dataset(
            name="tinyimagenet",
            split=split,
            version=entry.version,
            class_names=pretty or class_names,
            templates=tuple(entry.templates),
            ids=tuple(ids[i] for i in chosen),
            labels=tuple(labels[i] for i in chosen),
            read=lambda position: read(chosen[position]),
            variant="official" if len(chosen) == entry.counts[split] else "subset",
            source=entry.source,
            notes=tuple(entry.notes),
        )
    )


def held_out(ids: Sequence[str], labels: Sequence[int]) -> list[int]:
    """Positions of the 10 ids a class with the smallest sha256, sorted."""
    digests = [hashlib.sha256(sample.encode()).hexdigest() for sample in ids]
    of_class: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        of_class.setdefault(label, []).append(position)
    smallest = (
        sorted(positions, key=lambda position: digests[position])[:HELD_OUT_A_CLASS]
        for positions in of_class.values()
    )
    return sorted(position for positions in smallest for position in positions)


def _pretty_names(path: Path, count: int) -> tuple[str, ...] | None:
    if not path.is_file():
        return None
    names = tuple(path.read_text(encoding="utf-8").splitlines())
    if len(names) != count:
        raise DataError(f"{path}: names {len(names)} classes; the parquet files have {count}.")
    return names
