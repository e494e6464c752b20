"""From what a user types, a path, class names, a label, to the images that are meant."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zsrobust.classifier.class_embeddings import check_prompts, refuse_duplicates
from zsrobust.data.dataset import Dataset
from zsrobust.data.readers.folder import read_folder
from zsrobust.data.readers.names import read_typed_names
from zsrobust.data.readers.picture import read_picture
from zsrobust.errors import DataError, InputError, UnknownNameError
from zsrobust.registry import did_you_mean

Classes = str | Path | Sequence[str]
"""Class names, a file of them, or, as text, either: "cat,dog,bird" or "names.txt"."""


def images_to_attack(path: Path, classes: Classes | None, label: str | None = None) -> Dataset:
    """The images at `path`: one file, a folder of files, or a folder of `class/image` files.

    Without class folders `classes` is needed, and the images are unlabelled unless `label` names
    the class of them all. With class folders the folders are the labels, by their names, and
    `classes` may name more candidates; a file of names that are not the folders' renames them, in
    their sorted order.
    Raises DataError, InputError or UnknownNameError saying what is wrong with which of them.
    """
    names, from_file = _names(classes)
    if path.is_dir():
        images = _of_folder(path, names, from_file)
    elif not path.exists():
        raise DataError(f"{path}: no such file or folder. Give an image, or a folder of images.")
    elif names is None:
        raise InputError(f"{path}: name the classes to choose from: --classes cat,dog,bird.")
    else:
        images = read_picture(path, names)
    refuse_duplicates(images.class_names)
    if len(images.class_names) < 2:
        known = ", ".join(images.class_names)
        raise InputError(f"Only one class ({known}): a decision needs at least two.")
    check_prompts(images.class_names, images.templates)
    return images if label is None else _labelled(images, label)


def _names(classes: Classes | None) -> tuple[tuple[str, ...] | None, bool]:
    """The names, None where none are given, and whether a file listed them."""
    if isinstance(classes, Path) or (isinstance(classes, str) and _means_a_file(classes)):
        return read_typed_names(Path(classes).expanduser()), True
    if isinstance(classes, str):
        return tuple(name.strip() for name in classes.split(",")), False
    return (None if classes is None else tuple(classes)), False


def _means_a_file(text: str) -> bool:
    return os.path.isfile(os.path.expanduser(text)) or (
        "," not in text and (os.sep in text or text.endswith(".txt"))
    )


def _of_folder(folder: Path, names: tuple[str, ...] | None, from_file: bool) -> Dataset:
    tree = any(each.is_dir() and not each.name.startswith(".") for each in folder.iterdir())
    if names is None or not tree:
        return read_folder(folder, names)
    own = read_folder(folder)
    unknown = [name for name in own.class_names if name not in names]
    if unknown and from_file:
        return read_folder(folder, names)
    if unknown:
        raise UnknownNameError(
            f"{folder}: its class folder '{unknown[0]}' is not among --classes."
            f"{did_you_mean(unknown[0], names)}"
        )
    numbers = [names.index(name) for name in own.class_names]
    labels = None if own.labels is None else tuple(numbers[label] for label in own.labels)
    return replace(own, class_names=names, labels=labels)


def _labelled(images: Dataset, label: str) -> Dataset:
    if images.labels is not None:
        raise InputError(f"--label {label}: the class folders are the labels. Leave --label out.")
    if label not in images.class_names:
        raise UnknownNameError(
            f"--label {label}: not among the classes.{did_you_mean(label, images.class_names)}"
        )
    return replace(images, labels=(images.class_names.index(label),) * len(images))
