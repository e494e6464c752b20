"""A folder of one's own: `class/image` files, the folder names being the class names."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.readers.arrow import to_rgb
from zsrobust.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
TEMPLATE = "a photo of a {}."


def read_folder(folder: Path, classes_file: Path | None = None) -> Dataset:
    """The images of a folder: one sub-folder a class, `_` in its name read as a space.

    A folder of images without sub-folders is unlabelled: it needs `classes_file`.
    classes_file: class names, one a line, in the order of the sorted sub-folders.
    Raises DataError for no images, an empty class, or names that do not match the folders.
    """
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    names = None if classes_file is None else _names(classes_file)
    files = [(file, label) for label, place in enumerate(classes) for file in _images(place)]
    loose = _images(folder)
    if loose and classes:
        raise DataError(f"{folder}: holds images beside class folders ({loose[0].name}).")
    if loose:
        if names is None:
            raise DataError(
                f"{folder}: images without class folders. Name classes: --classes FILE."
            )
        files = [(file, -1) for file in loose]
    if not files:
        raise DataError(f"{folder}: no images in class folders ({', '.join(SUFFIXES)}).")
    for label, place in enumerate(classes):
        if all(label != other for _, other in files):
            raise DataError(f"{place}: an empty class. Remove the folder, or put images into it.")
    if names is not None and classes and len(names) != len(classes):
        raise DataError(f"{classes_file}: {len(names)} names for {len(classes)} class folders.")
    return in_hash_order(
        Dataset(
            name=folder.resolve().name,
            split="all",
            version=1,
            class_names=names or tuple(place.name.replace("_", " ") for place in classes),
            templates=(TEMPLATE,),
            ids=tuple(file.relative_to(folder).as_posix() for file, _ in files),
            labels=tuple(label for _, label in files) if classes else None,
            read=lambda position: _read(files[position][0]),
            variant="user",
            source=str(folder),
        )
    )


def _images(folder: Path) -> list[Path]:
    found = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _names(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DataError(f"{path}: the list of classes is empty. Write one name a line.")
    return names


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return to_rgb(image)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: not a readable image ({error}).") from None
