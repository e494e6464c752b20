"""The hub's `clip-benchmark/wds_*` layout: tars of images and `.cls` files, names beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.data.readers.names import read_class_names, read_templates
from zsrobust.data.readers.shard import check_shard
from zsrobust.errors import DataError


def read_webdataset(folder: Path, name: str, entry: DatasetEntry, split: str) -> Dataset:
    """A dataset from `folder/SPLIT/*.tar`, checked: shards, keys, labels, class names.

    Sample ids are the keys of the tars. No image is decoded before it is asked for. Raises
    DataError naming the file at fault.
    """
    from datasets import Image as ImageFeature

    shards = _shards(folder, name, entry, split)
    suffix = _common_suffix(shards)
    class_names = read_class_names(folder / "classnames.txt")
    table = open_table("webdataset", shards).cast_column(suffix, ImageFeature(decode=False))
    keys, urls = list(table["__key__"]), list(table["__url__"])
    _check_unique(keys, urls)
    labels = tuple(table["cls"])
    _check_labels(labels, keys, urls, len(class_names))
    return in_hash_order(
        Dataset(
            name=name,
            split=split,
            version=entry.version,
            class_names=class_names,
            templates=read_templates(
                folder / "zeroshot_classification_templates.txt", entry.templates
            ),
            ids=tuple(key.removeprefix("./") for key in keys),
            labels=labels,
            read=image_reader(
                table, suffix, lambda row: f"{urls[row]}: {keys[row]}.{suffix} (row {row})"
            ),
            variant="official" if len(keys) == entry.counts[split] else "subset",
            source=entry.source,
            notes=tuple(entry.notes),
        )
    )


def _shards(folder: Path, name: str, entry: DatasetEntry, split: str) -> list[Path]:
    place = folder / split
    shards = sorted(place.glob("*.tar"), key=lambda path: (len(path.stem), path.stem))
    if not shards:
        how = f"fetch {entry.hub} from the Hugging Face hub" if entry.hub else "put the set"
        raise DataError(
            f"{name}: looked for {place}/*.tar and found none. The layout is that of the hub's "
            f"clip-benchmark sets: {how} into {folder}."
        )
    listing = place / "nshards.txt"
    if listing.is_file():
        said = listing.read_text(encoding="utf-8", errors="replace").strip()
        if said != str(len(shards)):
            raise DataError(
                f"{listing}: says {said} shards, {len(shards)} are there. Fetch the others."
            )
    return shards


def _common_suffix(shards: Sequence[Path]) -> str:
    """The suffix that all images of all shards have; checks every shard on the way."""
    first = check_shard(shards[0])
    for shard in shards[1:]:
        if (suffix := check_shard(shard)) != first:
            raise DataError(
                f"{shard}: holds .{suffix} images, {shards[0].name} .{first}: only one kind would "
                "be read. Give all images of the set the same suffix."
            )
    return first


def _check_labels(
    labels: Sequence[int], keys: Sequence[str], urls: Sequence[str], classes: int
) -> None:
    for label, key, url in zip(labels, keys, urls, strict=True):
        if not 0 <= label < classes:
            raise DataError(
                f"{url}: sample '{key}' has label {label}, but classnames.txt names "
                f"{classes} classes (0 to {classes - 1})."
            )


def _check_unique(keys: Sequence[str], urls: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for key, url in zip(keys, urls, strict=True):
        if key in seen:
            raise DataError(f"{url}: key '{key}' stands in {seen[key]} as well.")
        seen[key] = url
