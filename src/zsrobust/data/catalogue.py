"""The datasets that are known by name, and a folder of one's own where a name is expected."""

from __future__ import annotations

import os
from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.data.entry import DatasetEntry
from zsrobust.errors import DataError, UnknownNameError
from zsrobust.registry import did_you_mean
from zsrobust.settings import entry_names, find_entry, parse, read_yaml

ENTRIES = Path(__file__).parent / "entries"
DATA_ROOT = "ZSROBUST_DATA_ROOT"


def dataset_names() -> list[str]:
    """The catalogued names, sorted."""
    return entry_names(ENTRIES)


def dataset_entry(name: str) -> DatasetEntry:
    """The entry of a catalogued dataset; raises UnknownNameError with the nearest known name."""
    path = find_entry(name, ENTRIES, "dataset", "zsrobust datasets")
    return parse(DatasetEntry, read_yaml(path), path.name)


def load_dataset(
    dataset: str | Path,
    *,
    split: str = "test",
    data_root: str | Path | None = None,
    classes_file: Path | None = None,
) -> Dataset:
    """A dataset by catalogued name, or a folder of `class/image` files.

    data_root: where catalogued sets lie; default: the environment's ZSROBUST_DATA_ROOT.
    classes_file: class names for a folder, one a line, in the order of its sorted sub-folders.
    Raises UnknownNameError, or DataError saying what was looked for and where.
    """
    name = str(dataset)
    if name in dataset_names():
        if classes_file is not None:
            raise DataError(f"--classes is for folders; {name} brings its own class names.")
        return _catalogued(name, split, data_root)
    folder = Path(name)
    if folder.is_dir():
        from zsrobust.data.readers.folder import read_folder

        return read_folder(folder, classes_file)
    if len(folder.parts) > 1 or name.startswith("."):
        raise DataError(f"{folder}: no such folder. Give a folder of class/image files, or a name.")
    raise UnknownNameError(
        f"Unknown dataset '{name}', and no folder of that name."
        f"{did_you_mean(name, dataset_names())} See: zsrobust datasets"
    )


def _catalogued(name: str, split: str, data_root: str | Path | None) -> Dataset:
    entry = dataset_entry(name)
    if split not in entry.counts:
        raise DataError(f"{name} has no split '{split}'. It has: {', '.join(entry.counts)}.")
    if entry.kind == "scenes":
        from zsrobust.data.scenes_dataset import scenes_dataset

        return scenes_dataset(name, entry, split)
    root = _root(name, data_root)
    if entry.kind == "tinyimagenet" and split != "test":
        from zsrobust.data.readers.tinyimagenet import read_tinyimagenet

        return read_tinyimagenet(root, entry, split)
    from zsrobust.data.readers.webdataset import read_webdataset

    return read_webdataset(root / str(entry.folder), name, entry, split)


def _root(name: str, data_root: str | Path | None) -> Path:
    given = data_root or os.environ.get(DATA_ROOT)
    if not given:
        raise DataError(
            f"{name} lies outside the package. Say where your datasets are: --data-root DIR, "
            f"or the environment variable {DATA_ROOT}."
        )
    root = Path(given)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder (the data root).")
    return root
