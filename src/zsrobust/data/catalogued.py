"""From an entry of the catalogue, and the folder in which it is found, to a dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zsrobust.data.class_lists import DEFAULT, name_lists, official_names
from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.entry import DatasetEntry, Layout
from zsrobust.data.held_out import take_part
from zsrobust.data.labelling import Labelling, labelling_of
from zsrobust.data.miniature import marked_if_miniature
from zsrobust.data.readers.catalogue import READERS
from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.errors import DataError

DATA_ROOT = "ZSROBUST_DATA_ROOT"


@dataclass(frozen=True)
class Found:
    """A layout of a set that lies on this disk, and its folder."""

    layout: Layout
    folder: Path


def read_catalogued(
    name: str,
    entry: DatasetEntry,
    split: str,
    data_root: str | Path | None,
    prompts: str | None = None,
) -> Dataset:
    """A set of images or pairs, read from the first of its layouts that lies under the data root.

    prompts: as `labelling_of`. Raises DataError saying what was looked for, and where.
    """
    found = find_layout(name, entry, split, data_root)
    images = read_layout(name, entry, split, found)
    whole = len(images.ids) == _official_count(entry, split, found.layout)
    part = entry.splits[split].part
    if part != "whole":
        images = take_part(images, part)
    labelling = _labelling(name, entry, images, prompts)
    dataset = Dataset(
        name=name,
        split=split,
        version=entry.version,
        class_names=labelling.class_names,
        templates=labelling.templates,
        ids=images.ids,
        labels=images.labels,
        read=images.read,
        captions=images.captions,
        variant="official" if whole else "subset",
        source=entry.source,
        notes=(*entry.notes, *images.notes),
        resolutions={str(study): size for study, size in entry.resolutions.items()},
    )
    return marked_if_miniature(in_hash_order(dataset), entry)


def _labelling(name: str, entry: DatasetEntry, images: Images, prompts: str | None) -> Labelling:
    if entry.kind != "pairs":
        return labelling_of(name, entry, images, prompts)
    if prompts is not None:
        raise DataError(f"{name} has captions and no prompts '{prompts}'.")
    return Labelling((), ())


def read_layout(name: str, entry: DatasetEntry, split: str, found: Found) -> Images:
    """All images of the layout's own split; raises DataError for a damaged one."""
    names, layout = name_lists(entry), found.layout
    request = ReadRequest(
        name=name,
        classes=len(names.get(DEFAULT, ())),
        folder_names=official_names(entry),
        how=layout.how,
    )
    return READERS[layout.kind](found.folder, layout.splits[split], request)


def _official_count(entry: DatasetEntry, split: str, layout: Layout) -> int:
    """Images of the layout's own split: parts that share one add up to it."""
    if entry.splits[split].part == "whole":
        return entry.splits[split].count
    own = layout.splits[split]
    sharing = [
        entry.splits[other]
        for other in layout.splits
        if layout.splits[other] == own and entry.splits[other].part != "whole"
    ]
    return sum(each.count for each in sharing)


def find_layout(name: str, entry: DatasetEntry, split: str, data_root: str | Path | None) -> Found:
    """The first layout that has the split and whose folder exists under the data root.

    data_root: default, the environment's ZSROBUST_DATA_ROOT. Raises DataError with every place
    that was looked at, and what to put there.
    """
    offered = [layout for layout in entry.layouts if split in layout.splits]
    root = _root(name, offered, data_root)
    for layout in offered:
        for folder in layout.folders:
            if (root / folder).is_dir():
                return Found(layout, root / folder)
    places = ", ".join(dict.fromkeys(f for layout in offered for f in layout.folders))
    how = "\n".join(f"- {layout.folder}: {layout.how}" for layout in offered)
    raise DataError(
        f"{name}, split '{split}': looked under {root} for {places}, and found none."
        f"{_elsewhere(entry, offered)}\n{how}\nThe source is {entry.source}"
    )


def _elsewhere(entry: DatasetEntry, offered: list[Layout]) -> str:
    """The splits of layouts that were not looked for, as they do not have the one asked for."""
    others = [layout for layout in entry.layouts if layout not in offered]
    known = ", ".join(f"{', '.join(each.splits)} ({each.folder})" for each in others)
    return f" Other layouts have other splits: {known}." if others else ""


def _root(name: str, offered: list[Layout], data_root: str | Path | None) -> Path:
    given = data_root or os.environ.get(DATA_ROOT)
    if not given:
        folders = " or ".join(dict.fromkeys(layout.folder for layout in offered))
        raise DataError(
            f"{name} lies outside the package. Say which folder holds its {folders}: "
            f"--data-root DIR, or the environment variable {DATA_ROOT}."
        )
    root = Path(given).expanduser()
    if not root.is_dir():
        source = "the data root" if data_root else f"the data root, from {DATA_ROOT}"
        raise DataError(f"{root}: no such folder ({source}).")
    return root
