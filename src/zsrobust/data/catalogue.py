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


def dataset_entry(name: str | Path) -> DatasetEntry:
    """The entry of a catalogued dataset, or of a user's own YAML file.

    Raises UnknownNameError with the nearest known name, SettingsError for a wrong file.
    """
    path = find_entry(name, ENTRIES, "dataset", "zsrobust datasets")
    return parse(DatasetEntry, read_yaml(path), path.name)


def load_dataset(
    dataset: str | Path,
    *,
    split: str = "test",
    data_root: str | Path | None = None,
    classes_file: Path | None = None,
) -> Dataset:
    """A dataset by catalogued name, a YAML entry of one's own, or a folder of `class/image` files.

    A catalogued name wins over a folder of the same name, which `./NAME` reaches. A folder is one
    split, whatever `split` says. data_root: where catalogued sets lie; default: the environment's
    ZSROBUST_DATA_ROOT. classes_file: class names for a folder, one a line, in the order of its
    sorted sub-folders. Raises UnknownNameError, SettingsError for a wrong entry, or DataError
    saying what was looked for and where.
    """
    name = str(dataset)
    if name in dataset_names() or name.endswith((".yaml", ".yml")):
        if classes_file is not None:
            raise DataError(f"--classes is for folders; {name} brings its own class names.")
        return _catalogued(name, split, data_root)
    folder = Path(name).expanduser()
    if folder.is_dir():
        from zsrobust.data.readers.folder import read_folder

        return read_folder(folder, classes_file)
    if folder.exists():
        raise DataError(f"{folder}: is a file. Give a folder of class/image files, or a name.")
    if len(folder.parts) > 1 or name.startswith("."):
        raise DataError(f"{folder}: no such folder. Give a folder of class/image files, or a name.")
    raise UnknownNameError(
        f"Unknown dataset '{name}', and no folder of that name."
        f"{did_you_mean(name, dataset_names())} See: zsrobust datasets"
    )


def _catalogued(given: str, split: str, data_root: str | Path | None) -> Dataset:
    entry, name = dataset_entry(given), Path(given).stem
    if split not in entry.counts:
        raise DataError(f"{name} has no split '{split}'. It has: {', '.join(entry.counts)}.")
    if entry.kind == "scenes":
        from zsrobust.data.scenes_dataset import scenes_dataset

        return scenes_dataset(name, entry, split)
    from zsrobust.data.miniature import marked_if_miniature

    root = _root(name, entry, data_root)
    folder = _folder(root, entry)
    if entry.kind == "tinyimagenet" and split != "test":
        from zsrobust.data.readers.tinyimagenet import read_tinyimagenet

        return marked_if_miniature(read_tinyimagenet(root, folder, entry, split), entry)
    from zsrobust.data.readers.webdataset import read_webdataset

    return marked_if_miniature(read_webdataset(folder, name, entry, split), entry)


def _root(name: str, entry: DatasetEntry, data_root: str | Path | None) -> Path:
    given = data_root or os.environ.get(DATA_ROOT)
    if not given:
        raise DataError(
            f"{name} lies outside the package. Say which folder holds its {entry.folder}: "
            f"--data-root DIR, or the environment variable {DATA_ROOT}."
        )
    root = Path(given).expanduser()
    if not root.is_dir():
        source = "the data root" if data_root else f"the data root, from {DATA_ROOT}"
        raise DataError(f"{root}: no such folder ({source}).")
    return root


def _folder(root: Path, entry: DatasetEntry) -> Path:
    """Where the set lies: under its own name, or under the hub's where only that is there."""
    own = root / str(entry.folder)
    hubs = root / Path(entry.hub or "").name
    return hubs if entry.hub and hubs.is_dir() and not own.is_dir() else own
