"""The datasets that are known by name, and a folder of one's own where a name is expected."""

from __future__ import annotations

from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.data.entry import DatasetEntry
from zsrobust.errors import DataError, UnknownNameError
from zsrobust.registry import did_you_mean
from zsrobust.settings import entry_names, find_entry, parse, read_yaml

ENTRIES = Path(__file__).parent / "entries"


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
    prompts: str | None = None,
    unnamed: bool = False,
) -> Dataset:
    """A dataset by catalogued name, a YAML entry of one's own, or a source of one's own.

    A source of one's own is a folder of `class/image` files, a list of paths and labels, or a set
    of the hub (`own_source`). A catalogued name wins over a folder of the same name, which `./NAME`
    reaches. A folder is one split, whatever `split` says, and so is a set that is not divided.
    data_root: where catalogued sets lie; default: the environment's ZSROBUST_DATA_ROOT.
    classes_file: class names for a source of one's own, one a line, in the order of its sorted
    sub-folders; unnamed lets unlabelled images come without it, and without classes. prompts:
    `single`, `as-released` (with the releases' own class names) or `ensemble`, for sets that have
    them; default: the ensemble where there is one. Raises UnknownNameError, SettingsError for a
    wrong entry, or DataError saying what was looked for and where.
    """
    name = str(dataset)
    if name in dataset_names() or name.endswith((".yaml", ".yml")):
        if classes_file is not None:
            raise DataError(f"--classes is for folders; {name} brings its own class names.")
        return _catalogued(name, split, data_root, prompts)
    from zsrobust.data.own import own_source

    if (own := own_source(name, split, classes_file, unnamed)) is not None:
        if prompts not in (None, "single"):
            raise DataError(f"{name}: a source of one's own has no prompts '{prompts}'.")
        return own
    folder = Path(name).expanduser()
    if folder.exists():
        raise DataError(
            f"{folder}: is a file. Give a folder of class/image files, a .csv or .parquet of "
            "path,label, or a name."
        )
    if len(folder.parts) > 1 or name.startswith("."):
        raise DataError(f"{folder}: no such folder. Give a folder of class/image files, or a name.")
    raise UnknownNameError(
        f"Unknown dataset '{name}', and no folder of that name."
        f"{did_you_mean(name, dataset_names())} See: zsrobust datasets"
    )


def _catalogued(
    given: str, split: str, data_root: str | Path | None, prompts: str | None
) -> Dataset:
    entry, name = dataset_entry(given), Path(given).stem
    if split == "test" and list(entry.splits) == ["all"]:
        split = "all"
    if split not in entry.splits:
        raise DataError(f"{name} has no split '{split}'. It has: {', '.join(entry.splits)}.")
    if entry.kind == "scenes":
        from zsrobust.data.scenes_dataset import scenes_dataset

        return scenes_dataset(name, entry, split, prompts)
    from zsrobust.data.catalogued import read_catalogued

    return read_catalogued(name, entry, split, data_root, prompts)
