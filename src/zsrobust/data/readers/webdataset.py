"""The hub's `clip-benchmark/wds_*` layout: tars of images and `.cls` files, names beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.columns import Column, columns_of, repeated
from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.names import read_class_names, read_templates
from zsrobust.data.readers.shard import check_shard
from zsrobust.errors import DataError


def read_webdataset(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `folder/SPLIT/*.tar`, checked: shards, keys, labels, class names.

    Sample ids are the keys of the tars. No image is decoded before it is asked for. Class names
    and prompts are those that lie beside the shards. Raises DataError naming the file at fault.
    """
    from datasets import Image as ImageFeature

    shards = shards_of(folder / own_split, request)
    suffix = common_suffix(shards, beside="cls")
    class_names = read_class_names(folder / "classnames.txt")
    table = open_table("webdataset", shards).cast_column(suffix, ImageFeature(decode=False))
    keys: Sequence[str] = Column(table.data.column("__key__"))
    urls: Sequence[str] = Column(table.data.column("__url__"))
    labels: Sequence[int] = Column(table.data.column("cls"))
    check_unique(keys, urls)
    _check_labels(labels, keys, urls, len(class_names))
    ids, numbers = columns_of(
        (key.removeprefix("./"), n) for key, n in zip(keys, labels, strict=True)
    )
    return Images(
        ids=ids,
        labels=numbers,
        read=image_reader(
            table, suffix, lambda row: f"{urls[row]}: {keys[row]}.{suffix} (row {row})"
        ),
        class_names=class_names,
        templates=read_templates(folder / "zeroshot_classification_templates.txt"),
    )


def shards_of(place: Path, request: ReadRequest) -> list[Path]:
    """The tars of a split in the order of their numbers, as many as `nshards.txt` says."""
    shards = sorted(place.glob("*.tar"), key=lambda path: (len(path.stem), path.stem))
    if not shards:
        raise DataError(
            f"{request.name}: looked for {place}/*.tar and found none. {request.how}".rstrip()
        )
    listing = place / "nshards.txt"
    if listing.is_file():
        said = listing.read_text(encoding="utf-8", errors="replace").strip()
        if said != str(len(shards)):
            raise DataError(
                f"{listing}: says {said} shards, {len(shards)} are there. Fetch the others."
            )
    return shards


def common_suffix(shards: Sequence[Path], beside: str) -> str:
    """The suffix that all images of all shards have; checks every shard as `check_shard` does."""
    first = check_shard(shards[0], beside)
    for shard in shards[1:]:
        if (suffix := check_shard(shard, beside)) != first:
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


def check_unique(keys: Sequence[str], urls: Sequence[str]) -> None:
    """Raises DataError for a key that stands in two shards."""
    if twice := repeated(keys):
        first, second = twice
        raise DataError(f"{urls[second]}: key '{keys[first]}' stands in {urls[first]} as well.")
