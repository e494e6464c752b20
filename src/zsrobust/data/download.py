"""Downloading a catalogued dataset from where its owner, or the hub, offers it: only when asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zsrobust.data.archive import Archive
from zsrobust.data.catalogue import dataset_entry
from zsrobust.data.entry import Layout
from zsrobust.data.fetch import Progress, fetch, size_of
from zsrobust.data.unpack import unpack_all
from zsrobust.errors import DataError

WORKPLACE = ".zsrobust-downloads"
"""Under the data root: what is being fetched, until it is complete."""


@dataclass(frozen=True)
class Download:
    """What a download would do: nothing has been fetched yet.

    archives: those of the split; none where the hub serves it. place: where the set will lie.
    source: addresses, or the hub's id. size: bytes in all, None where no one says. licence: the
    entry's.
    """

    name: str
    split: str
    data_root: Path
    place: Path
    layout: Layout
    archives: tuple[Archive, ...]
    source: str
    size: int | None
    licence: str


def plan_download(
    name: str, data_root: Path, *, split: str | None = None, layout: str | None = None
) -> Download:
    """What fetching a split of a dataset would take; asks the source for sizes, fetches nothing.

    split: default, `test` where there is one. layout: by its kind or folder; default: the entry's
    first that can be fetched and has the split. Raises UnknownNameError, or DataError where none
    can be fetched, with what to do by hand, or where the set lies there already.
    """
    entry = dataset_entry(name)
    split = split or ("test" if "test" in entry.splits else next(iter(entry.splits)))
    if split not in entry.splits:
        raise DataError(f"{name} has no split '{split}'. It has: {', '.join(entry.splits)}.")
    chosen = _fetchable(name, entry.layouts, split, layout)
    place, archives = data_root / chosen.folder, _serving(chosen, split)
    if archives:
        if place.exists() and archives[0].splits is None:
            raise DataError(f"{place}: is there already. See: zsrobust datasets check {name}")
        sizes = [size_of(archive) for archive in archives]
        size = None if None in sizes else sum(size or 0 for size in sizes)
        source = ", ".join(archive.url for archive in archives)
    else:
        from zsrobust.data.hub import hub_size

        size = hub_size(chosen, split, place)
        source = f"the Hugging Face hub, datasets/{chosen.hub}"
    stem = Path(name).stem
    return Download(stem, split, data_root, place, chosen, archives, source, size, entry.licence)


def run_download(plan: Download, progress: Callable[[str], Progress]) -> Path:
    """Where the dataset lies once it has been fetched, its hashes verified, and unpacked.

    progress: name of a file -> what is told of its bytes. Raises RunError for a failed connection:
    the next call continues there. Raises DataError for a wrong hash or a full disk.
    """
    if not plan.archives:
        from zsrobust.data.hub import fetch_from_hub

        fetch_from_hub(plan.layout, plan.split, plan.place)
        return plan.place
    workplace = plan.data_root / WORKPLACE / plan.name
    fetched = [
        (archive, fetch(archive, workplace, progress(archive.name))) for archive in plan.archives
    ]
    unpack_all(fetched, plan.data_root, workplace / "unpacked")
    shutil.rmtree(workplace)
    return plan.place


def _serving(layout: Layout, split: str) -> tuple[Archive, ...]:
    """The layout's archives that a split needs."""
    return tuple(
        archive for archive in layout.archives if archive.splits is None or split in archive.splits
    )


def _fetchable(name: str, layouts: Sequence[Layout], split: str, asked: str | None) -> Layout:
    of_split = [layout for layout in layouts if split in layout.splits]
    wanted = [layout for layout in of_split if asked in (None, layout.kind, layout.folder)]
    if not wanted:
        known = ", ".join(f"{layout.kind} ({layout.folder})" for layout in of_split)
        raise DataError(f"{name}, split '{split}', has no layout '{asked}'. It has: {known}.")
    for layout in wanted:
        if _serving(layout, split) or layout.hub:
            return layout
    by_hand = " ".join(layout.how for layout in wanted)
    raise DataError(f"{name}: nothing that can be fetched by itself is known. By hand: {by_hand}")
