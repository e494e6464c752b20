"""What every reader of a layout is asked, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image


@dataclass(frozen=True)
class ReadRequest:
    """What the catalogue knows of the set to be read.

    name: what errors call it. classes: how many there are; 0 where only the folder knows.
    folder_names: what official folders call the classes, in the order of labels; None where they
    are numbered only. how: what to get and where to put it, for errors.
    """

    name: str
    classes: int
    folder_names: tuple[str, ...] | None
    how: str = ""


@dataclass(frozen=True)
class Images:
    """The images of a split as a layout holds them, in any order; none is decoded yet.

    ids: stable and unique. labels: class numbers, None where there are none. read: position -> RGB
    picture. class_names, templates: where the folder brings its own, in the order of its labels.
    notes: what is to be known of this copy. captions: position -> sentences about the image, where
    the layout holds pairs.
    """

    ids: Sequence[str]
    labels: Sequence[int] | None
    read: Callable[[int], Image.Image]
    class_names: tuple[str, ...] | None = None
    templates: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    captions: Callable[[int], tuple[str, ...]] | None = None


Reader = Callable[[Path, str, ReadRequest], Images]
"""(folder of the layout, the layout's own name of the split, request) -> images."""
