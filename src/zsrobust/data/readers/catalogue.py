"""The layouts that can be read, by the name that an entry gives them."""

from __future__ import annotations

from zsrobust.data.readers.images import Reader
from zsrobust.registry import Registry

_READERS = "zsrobust.data.readers"

READERS: Registry[Reader] = Registry(
    kind="layout",
    entries={
        "webdataset": f"{_READERS}.webdataset:read_webdataset",
        "webdataset-captions": f"{_READERS}.caption_shards:read_caption_shards",
        "parquet": f"{_READERS}.parquet:read_parquet",
        "class-folders": f"{_READERS}.official_trees:read_class_folders",
        "imagenet": f"{_READERS}.official_imagenet:read_imagenet",
        "tinyimagenet": f"{_READERS}.official_tinyimagenet:read_tinyimagenet_folder",
        "cifar": f"{_READERS}.official_cifar:read_cifar",
        "stl10": f"{_READERS}.official_stl10:read_stl10",
        "pcam": f"{_READERS}.official_pcam:read_pcam",
        "hateful-memes": f"{_READERS}.official_memes:read_hateful_memes",
        "food101": f"{_READERS}.official_annotated:read_food101",
        "pets": f"{_READERS}.official_annotated:read_pets",
        "flowers102": f"{_READERS}.official_annotated:read_flowers102",
        "dtd": f"{_READERS}.official_annotated:read_dtd",
        "fgvc-aircraft": f"{_READERS}.official_annotated:read_fgvc_aircraft",
        "cars": f"{_READERS}.official_annotated:read_cars",
        "sun397": f"{_READERS}.official_annotated:read_sun397",
    },
)
"""Name of a layout -> its reader."""
