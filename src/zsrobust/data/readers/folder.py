"""A folder of one's own: `class/image` files, the folder names being the class names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.names import PLAIN_TEMPLATE, read_typed_names
from zsrobust.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def read_folder(folder: Path, classes: Path | Sequence[str] | None = None) -> Dataset:
    """The images of a folder: one sub-folder a class, `_` in its name read as a space.

    Classes are numbered in the sorted order of their folders; ids are paths within `folder`.
    Hidden files are ignored; other files that are no images by their suffix are counted in `notes`.
    A folder of images without sub-folders is unlabelled: it needs `classes`.
    classes: names, or a file of them, one a line, in the order of the sorted sub-folders.
    Raises DataError for no images, an empty class, or names that repeat or do not fit the folders.
    """
    places = [path for path in _visible(folder) if path.is_dir()]
    typed = read_typed_names(classes) if isinstance(classes, Path) else classes
    if loose := _images(folder):
        files, labels = _unlabelled(folder, loose, places, typed)
    else:
        files, labels = _labelled(folder, places)
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
            ids=tuple(file.relative_to(folder).as_posix() for file in files),
            labels=labels,
            read=lambda position: open_rgb(files[position], str(files[position])),
            variant="user",
            source=str(folder),
            notes=_ignored([folder, *places]),
        )
    )


def _unlabelled(
    folder: Path, loose: list[Path], places: Sequence[Path], typed: Sequence[str] | None
) -> tuple[list[Path], None]:
    if places:
        raise DataError(
            f"{folder}: holds images beside class folders ({loose[0].name}). Move them into one."
        )
    if typed is None:
        raise DataError(f"{folder}: images without class folders. Name classes: --classes FILE.")
    return loose, None


def _labelled(folder: Path, places: Sequence[Path]) -> tuple[list[Path], tuple[int, ...]]:
    of_class = [_images(place) for place in places]
    if not any(of_class):
        inner = next((path for place in places for path in _visible(place) if path.is_dir()), None)
        hint = f" {inner.parent} holds folders: give that one." if inner else ""
        raise DataError(f"{folder}: no images in class folders ({', '.join(SUFFIXES)}).{hint}")
    for place, images in zip(places, of_class, strict=True):
        if not images:
            raise DataError(f"{place}: an empty class. Remove the folder, or put images into it.")
    labels = tuple(label for label, images in enumerate(of_class) for _ in images)
    return [image for images in of_class for image in images], labels


def _names_of(places: Sequence[Path]) -> tuple[str, ...]:
    names = tuple(place.name.replace("_", " ") for place in places)
    for number, name in enumerate(names):
        if (first := names.index(name)) < number:
            raise DataError(
                f"{places[number]}: read as '{name}', as {places[first].name} is. Rename one."
            )
    return names


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    return [p for p in _visible(folder) if p.suffix.lower() in SUFFIXES and p.is_file()]


def _ignored(folders: Sequence[Path]) -> tuple[str, ...]:
    """A note of the files left out, so that no image disappears in silence."""
    left = [
        path
        for folder in folders
        for path in _visible(folder)
        if path.is_file() and path.suffix.lower() not in SUFFIXES
    ]
    if not left:
        return ()
    return (f"{len(left)} files that are no images by their suffix were ignored ({left[0].name}).",)
