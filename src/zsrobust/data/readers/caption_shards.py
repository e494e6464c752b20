"""The hub's layout of image-caption pairs: tars of images and `.txt` files, a caption a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.columns import Column, columns_of
from zsrobust.data.readers.arrow import image_reader, open_table
from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.webdataset import check_unique, common_suffix, shards_of


def read_caption_shards(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of `folder/SPLIT/*.tar` with the lines of the `.txt` beside each as captions.

    Sample ids are the keys of the tars. Neither image nor caption is decoded before it is asked
    for. Raises DataError naming the file at fault.
    """
    from datasets import Image as ImageFeature

    shards = shards_of(folder / own_split, request)
    suffix = common_suffix(shards, beside="txt")
    table = open_table("webdataset", shards).cast_column(suffix, ImageFeature(decode=False))
    keys: Sequence[str] = Column(table.data.column("__key__"))
    urls: Sequence[str] = Column(table.data.column("__url__"))
    texts: Sequence[str] = Column(table.data.column("txt"))
    check_unique(keys, urls)
    ids, labels = columns_of((key.removeprefix("./"), None) for key in keys)
    return Images(
        ids=ids,
        labels=labels,
        read=image_reader(
            table, suffix, lambda row: f"{urls[row]}: {keys[row]}.{suffix} (row {row})"
        ),
        captions=lambda row: caption_lines(texts[row]),
    )


def caption_lines(text: str) -> tuple[str, ...]:
    """The captions that a text holds, one a line, stripped; blank lines are none."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
