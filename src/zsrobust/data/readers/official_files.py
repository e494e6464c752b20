"""Images of an official folder that are files of their own, found by listing or by annotation."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from zsrobust.data.readers.decode import open_rgb
from zsrobust.errors import DataError


def file_reader(folder: Path, files: Sequence[str]) -> Callable[[int], Image.Image]:
    """Position -> RGB picture of `folder/files[position]`; an error names the file."""

    def read(position: int) -> Image.Image:
        file = folder / files[position]
        return open_rgb(file, str(file))

    return read


def check_present(folder: Path, files: Sequence[str], listed_in: str) -> None:
    """Refuses a folder in which files that an annotation lists are absent.

    Each directory is listed once: no image is opened. Raises DataError with their number and the
    first of them.
    """
    there: dict[str, set[str]] = {}
    absent = []
    for file in files:
        place, _, name = file.rpartition("/")
        if place not in there:
            there[place] = _names(folder / place)
        if name not in there[place]:
            absent.append(file)
    if absent:
        raise DataError(
            f"{folder}: {len(absent)} of {len(files)} images listed in {listed_in} are absent "
            f"(first: {absent[0]}). Unpack the archive again."
        )


def read_lines(file: Path, what: str) -> list[str]:
    """The lines of a list in UTF-8, stripped, blank ones left out; raises DataError with `what`."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{file}: no such file. {what}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as UTF-8 text ({error}). {what}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names(place: Path) -> set[str]:
    try:
        return set(os.listdir(place))
    except (OSError, ValueError):
        return set()
