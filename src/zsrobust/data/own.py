"""A source of one's own where a dataset's name is expected: folder, list, or a set of the hub."""

from __future__ import annotations

from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.errors import DataError


def own_source(
    source: str, split: str, classes: Path | None = None, unnamed: bool = False
) -> Dataset | None:
    """The dataset that a user's own source holds; None where it is none.

    A folder of `class/image` files or of unlabelled images; a CSV or parquet file of paths and
    labels, or of paths and captions; a parquet file of images; `hf:` and a name or folder, which
    alone heeds `split`. classes: a file of class names. unnamed: unlabelled images need none.
    Raises DataError naming what is wrong with the source.
    """
    from zsrobust.data.readers import caption_listing, folder, hub, listing

    if source.startswith(hub.PREFIX):
        return hub.read_hub(source, split, classes, unnamed)
    path = Path(source).expanduser()
    if path.is_dir():
        return folder.read_folder(path, classes, unnamed)
    if path.suffix.lower() not in listing.SUFFIXES:
        return None
    if not path.is_file():
        raise DataError(f"{path}: no such file. It lists the images: columns path and label.")
    if listing.holds_images(path):
        return hub.read_image_table(path, classes, unnamed)
    if classes is None and caption_listing.lists_captions(path):
        return caption_listing.read_caption_listing(path)
    return listing.read_listing(path, classes, unnamed)
