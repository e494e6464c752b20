"""Lists of the classes of catalogued sets: `data/class_names/`, one a line in label order."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.names import read_class_names
from zsrobust.errors import SettingsError

CLASS_NAMES = Path(__file__).parent / "class_names"
AS_RELEASED = "as-released"
DEFAULT = "dataset"
"""What the default list of names is called."""


@cache
def class_list(resource: str) -> tuple[str, ...]:
    """The lines of `data/class_names/RESOURCE.txt`; raises SettingsError for an unknown list."""
    path = CLASS_NAMES / f"{resource}.txt"
    if not path.is_file():
        raise SettingsError(f"class list '{resource}': there is no such list in {CLASS_NAMES}.")
    return read_class_names(path)


def name_lists(entry: DatasetEntry) -> dict[str, tuple[str, ...]]:
    """The entry's lists of class names, in the order of labels; empty where the folder names them.

    `dataset` is the default, `as-released` what the releases say: the same, or a list of its own.
    Raises SettingsError where lists are not equally long, or one is unknown.
    """
    named = entry.class_names
    lists = {DEFAULT: named} if isinstance(named, str) else dict(named or {})
    if not lists:
        return {}
    if DEFAULT not in lists:
        lists = {DEFAULT: next(iter(lists.values())), **lists}
    lists = {AS_RELEASED: entry.as_released_names or lists[DEFAULT], **lists}
    found = {variant: class_list(resource) for variant, resource in lists.items()}
    if len({len(names) for names in found.values()}) > 1:
        sizes = ", ".join(f"{variant}: {len(names)}" for variant, names in found.items())
        raise SettingsError(f"class lists of one dataset must be equally long; got {sizes}.")
    return found


def official_names(entry: DatasetEntry) -> tuple[str, ...] | None:
    """What official folders call the classes, in label order; None where they are numbered."""
    resource = entry.folder_names or entry.wordnet_ids
    return None if resource is None else class_list(resource)


def plain_words(name: str) -> str:
    """A class name as it is compared: lower case, one space for each `_`, `-`, `/` or gap."""
    for mark in "_-/":
        name = name.replace(mark, " ")
    return " ".join(name.lower().split())
