"""Miniatures of catalogued datasets in their official layouts on disk, for tests without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zsrobust.data.catalogue import dataset_entry
from zsrobust.data.class_lists import DEFAULT, name_lists, official_names
from zsrobust.data.entry import Layout
from zsrobust.data.readers.images import ReadRequest
from zsrobust.registry import Registry

Writer = Callable[[Path, str, ReadRequest], None]
"""(folder of the layout, the layout's own name of the split, what the catalogue knows) -> files."""

_FILES = "zsrobust.testing.miniature_files"
_ARRAYS = "zsrobust.testing.miniature_arrays"
_HUB = "zsrobust.testing.miniature_hub"
_WORDNET = "zsrobust.testing.miniature_wordnet"

WRITERS: Registry[Writer] = Registry(
    kind="layout",
    entries={
        "webdataset": f"{_HUB}:write_webdataset",
        "webdataset-captions": f"{_HUB}:write_caption_shards",
        "parquet": f"{_HUB}:write_parquet",
        "class-folders": f"{_FILES}:write_class_folders",
        "imagenet": f"{_WORDNET}:write_imagenet",
        "tinyimagenet": f"{_WORDNET}:write_tinyimagenet",
        "cifar": f"{_ARRAYS}:write_cifar",
        "stl10": f"{_ARRAYS}:write_stl10",
        "pcam": f"{_ARRAYS}:write_pcam",
        "hateful-memes": f"{_FILES}:write_hateful_memes",
        "food101": f"{_FILES}:write_food101",
        "pets": f"{_FILES}:write_pets",
        "flowers102": f"{_FILES}:write_flowers102",
        "dtd": f"{_FILES}:write_dtd",
        "fgvc-aircraft": f"{_FILES}:write_fgvc_aircraft",
        "cars": f"{_FILES}:write_cars",
        "sun397": f"{_FILES}:write_sun397",
    },
)
"""Name of a layout -> what writes a miniature in it: at least one tiny image of each class."""


def write_miniature(name: str, layout: Layout, data_root: Path, split: str) -> Path:
    """The folder under `data_root` in which a split of a set now lies as a miniature.

    name: a catalogued dataset, or a YAML entry of one's own. split: our name of it. Raises
    UnknownNameError for a dataset or layout that is unknown.
    """
    entry = dataset_entry(name)
    request = ReadRequest(
        name=name,
        classes=len(name_lists(entry).get(DEFAULT, ())),
        folder_names=official_names(entry),
        how=layout.how,
    )
    folder = data_root / layout.folder
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[layout.kind](folder, layout.splits[split], request)
    return folder
