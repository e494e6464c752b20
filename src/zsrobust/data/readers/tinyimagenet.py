"""Tiny-ImageNet's training images in the hub's parquet layout, and the part held out of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.names import read_class_names, read_templates
from zsrobust.data.readers.parquet import read_parquet
from zsrobust.errors import DataError

HELD_OUT_A_CLASS = 10


def read_tinyimagenet(root: Path, folder: Path, entry: DatasetEntry, split: str) -> Dataset:
    """`train`, or `val`: per class the 10 training ids of smallest sha256, never trained on.

    root: the data root, with `tinyimagenet/data/train-*.parquet`. folder: the test images' one,
    whose class names and prompts serve here too. Ids are the original file names. Raises DataError
    naming what is missing.
    """
    images = read_parquet(root / "tinyimagenet" / "data", "train")
    # Out of fewer training images others are held out: then neither part is the official one.
    whole = len(images.ids) == entry.counts["train"] + entry.counts["val"]
    chosen = held_out(images.ids, images.labels)
    if split == "train":
        chosen = sorted(set(range(len(images.ids))) - set(chosen))
    return in_hash_order(
        Dataset(
            name="tinyimagenet",
            split=split,
            version=entry.version,
            class_names=_class_names(folder / "classnames.txt", images.class_names),
            templates=read_templates(
                folder / "zeroshot_classification_templates.txt", entry.templates
            ),
            ids=tuple(images.ids[row] for row in chosen),
            labels=tuple(images.labels[row] for row in chosen),
            read=lambda position: images.read(chosen[position]),
            variant="official" if whole else "subset",
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


def _class_names(path: Path, in_schema: tuple[str, ...]) -> tuple[str, ...]:
    """The names beside the test images, in plain words, or else those of the parquet schema."""
    if not path.is_file():
        return in_schema
    names = read_class_names(path)
    if len(names) != len(in_schema):
        raise DataError(
            f"{path}: names {len(names)} classes; the parquet files have {len(in_schema)}."
        )
    return names
