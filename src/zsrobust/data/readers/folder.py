"""A folder of one's own: `class/image` files, the folder names being the class names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zsrobust.data.columns import Row, columns_of
from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.names import PLAIN_TEMPLATE, read_typed_names
from zsrobust.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")


def read_folder(
    folder: Path, classes: Path | Sequence[str] | None = None, unnamed: bool = False
) -> Dataset:
    """The images of a folder: one sub-folder a class, `_` in its name read as a space.

    Classes are numbered in the sorted order of their folders; ids are paths within `folder`.
    Hidden files are ignored; other files that are no images by their suffix are counted in `notes`.
    A folder of images without sub-folders is unlabelled: it needs `classes`, unless `unnamed`.
    classes: names, or a file of them, one a line, in the order of the sorted sub-folders.
    Raises DataError for no images, an empty class, or names that repeat or do not fit the folders.
    """
    places = sorted(folder / entry.name for entry in _visible(folder) if entry.is_dir())
    typed = read_typed_names(classes) if isinstance(classes, Path) else classes
    if loose := next(_images(folder), None):
        _check_unlabelled(folder, loose, places, unnamed or typed is not None)
        ids, labels = columns_of((name, None) for name in _images(folder))
    else:
        _check_classes(folder, places)
        ids, labels = columns_of(_labelled(places))
    if typed is not None and places and len(typed) != len(places):
        where = classes if isinstance(classes, Path) else "--classes"
        raise DataError(f"{where}: {len(typed)} names for {len(places)} class folders.")
    return in_hash_order(
        Dataset(
            name=folder.resolve().name,
            split="all",
            version=1,
            class_names=tuple(typed or _names_of(places)),
            templates=(PLAIN_TEMPLATE,),
            ids=ids,
            labels=labels,
            read=lambda position: open_rgb(folder / ids[position], str(folder / ids[position])),
            variant="user",
            source=str(folder),
            notes=_ignored([folder, *places]),
        )
    )


def _labelled(places: Sequence[Path]) -> Iterator[Row]:
    for label, place in enumerate(places):
        for name in _images(place):
            yield f"{place.name}/{name}", label


def _check_unlabelled(folder: Path, loose: str, places: Sequence[Path], is_named: bool) -> None:
    if places:
        raise DataError(
            f"{folder}: holds images beside class folders ({loose}). Move them into one."
        )
    if not is_named:
        raise DataError(f"{folder}: images without class folders. Name classes: --classes FILE.")


def _check_classes(folder: Path, places: Sequence[Path]) -> None:
    empty = [place for place in places if next(_images(place), None) is None]
    if len(empty) == len(places):
        inner = next((p for p in places for entry in _visible(p) if entry.is_dir()), None)
        hint = f" {inner} holds folders: give that one." if inner else ""
        raise DataError(f"{folder}: no images in class folders ({', '.join(SUFFIXES)}).{hint}")
    if empty:
        raise DataError(f"{empty[0]}: an empty class. Remove the folder, or put images into it.")


def _names_of(places: Sequence[Path]) -> tuple[str, ...]:
    names = tuple(place.name.replace("_", " ") for place in places)
    first: dict[str, Path] = {}
    for name, place in zip(names, places, strict=True):
        if name in first:
            raise DataError(f"{place}: read as '{name}', as {first[name].name} is. Rename one.")
        first[name] = place
    return names


def _visible(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                yield entry


def _images(folder: Path) -> Iterator[str]:
    """Names of a folder's image files, as the file system lists them: their order is the ids'."""
    for entry in _visible(folder):
        if entry.name.lower().endswith(SUFFIXES) and entry.is_file():
            try:
                entry.name.encode()
            except UnicodeEncodeError:
                raise DataError(
                    f"{folder}: the name of {entry.name!r} is not UTF-8. Rename the file."
                ) from None
            yield entry.name


def _ignored(folders: Sequence[Path]) -> tuple[str, ...]:
    """A note of the files left out, so that no image disappears in silence."""
    left = 0
    example = ""
    for folder in folders:
        for entry in _visible(folder):
            if not entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                left, example = left + 1, min(example or entry.name, entry.name)
    if not left:
        return ()
    return (f"{left} files that are no images by their suffix were ignored ({example}).",)
