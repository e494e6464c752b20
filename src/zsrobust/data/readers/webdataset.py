"""The hub's `clip-benchmark/wds_*` layout: tars of images and `.cls` files, names beside them."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.errors import DataError

IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp")
_END_OF_ARCHIVE = 1024
"""Bytes of zeros that close a tar; one cut off between two members lacks them."""


def read_webdataset(folder: Path, name: str, entry: DatasetEntry, split: str) -> Dataset:
    """A dataset from `folder/SPLIT/*.tar`, checked: shards, keys, labels, class names.

    Sample ids are the keys of the tars. Raises DataError naming the file at fault.
    """
    from datasets import Image as ImageFeature

    shards = _shards(folder, name, split)
    for shard in shards:
        _check_members(shard)
    table = open_table("webdataset", shards)
    column = next((suffix for suffix in IMAGE_SUFFIXES if suffix in table.column_names), None)
    if column is None:
        raise DataError(f"{shards[0]}: holds no images ({', '.join(IMAGE_SUFFIXES)}).")
    if "cls" not in table.column_names:
        raise DataError(f"{shards[0]}: holds no labels (.cls files beside the images).")
    table = table.cast_column(column, ImageFeature(decode=False))
    keys, class_names = list(table["__key__"]), _lines(folder / "classnames.txt")
    urls = list(table["__url__"])
    labels = _labels(list(table["cls"]), keys, urls, class_names)
    _check_unique(keys, urls)
    return in_hash_order(
        Dataset(
            name=name,
            split=split,
            version=entry.version,
            class_names=class_names,
            templates=_templates(folder, entry),
            ids=tuple(keys),
            labels=labels,
            read=image_reader(table, column, lambda i: f"{urls[i]}: {keys[i]}.{column}"),
            variant="official" if len(keys) == entry.counts[split] else "subset",
            source=entry.source,
            notes=tuple(entry.notes),
        )
    )


def _shards(folder: Path, name: str, split: str) -> list[Path]:
    place = folder / split
    shards = sorted(place.glob("*.tar"), key=lambda path: (len(path.stem), path.stem))
    if not shards:
        raise DataError(
            f"{name}: looked for {place}/*.tar and found none. The layout is the hub's "
            f"clip-benchmark/{folder.name}: fetch that dataset into {folder}."
        )
    listing = place / "nshards.txt"
    if listing.is_file():
        said = listing.read_text(encoding="utf-8").strip()
        if said != str(len(shards)):
            raise DataError(f"{listing}: says {said} shards, {len(shards)} are there.")
    return shards


def _check_members(shard: Path) -> None:
    """Refuses a truncated tar, and keys with dots, which would merge into one sample silently."""
    try:
        with tarfile.open(shard) as tar:
            entries = tar.getmembers()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{shard}: damaged tar ({error}). Fetch this file again.") from None
    end = max((entry.offset_data + entry.size for entry in entries), default=0)
    if shard.stat().st_size < end + _END_OF_ARCHIVE:
        raise DataError(f"{shard}: damaged tar (it ends too early). Fetch this file again.")
    names = [entry.name for entry in entries if entry.isfile()]
    for name in names:
        stem, _, suffix = Path(name).name.rpartition(".")
        if "." in stem:
            raise DataError(
                f"{shard}: member '{name}' has a dot in its key: such samples merge. Rename it "
                f"without dots before .{suffix}."
            )
    pictures = {name.rpartition(".")[0] for name in names if name.endswith(IMAGE_SUFFIXES)}
    labelled = {name.rpartition(".")[0] for name in names if name.endswith(".cls")}
    if labelled and pictures != labelled:
        key = sorted(pictures ^ labelled)[0]
        what = "label (.cls)" if key in pictures else "image"
        raise DataError(f"{shard}: sample '{key}' has no {what}.")
    if not names:
        raise DataError(f"{shard}: an empty tar.")


def _labels(
    cells: list[Any], keys: list[str], urls: list[str], class_names: tuple[str, ...]
) -> tuple[int, ...]:
    labels = []
    for cell, key, url in zip(cells, keys, urls, strict=True):
        if not isinstance(cell, int):
            raise DataError(f"{url}: sample '{key}' has no label: its .cls reads {cell!r}.")
        if not 0 <= cell < len(class_names):
            raise DataError(
                f"{url}: sample '{key}' has label {cell}, but classnames.txt names "
                f"{len(class_names)} classes (0 to {len(class_names) - 1})."
            )
        labels.append(cell)
    return tuple(labels)


def _check_unique(keys: list[str], urls: list[str]) -> None:
    seen: dict[str, str] = {}
    for key, url in zip(keys, urls, strict=True):
        if key in seen:
            raise DataError(f"{url}: key '{key}' stands in {seen[key]} as well.")
        seen[key] = url


def _templates(folder: Path, entry: DatasetEntry) -> tuple[str, ...]:
    path = folder / "zeroshot_classification_templates.txt"
    if path.is_file():
        return tuple(line.replace("{c}", "{}") for line in _lines(path))
    return tuple(entry.templates) or ("a photo of a {}.",)


def _lines(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. It names the classes, one a line.") from None
    named = tuple(line.strip() for line in lines if line.strip())
    if not named:
        raise DataError(f"{path}: is empty.")
    return named
