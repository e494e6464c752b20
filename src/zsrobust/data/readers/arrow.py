"""Opening files through HF `datasets`, with errors that name the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from zsrobust.errors import DataError


def open_table(builder: str, files: Sequence[Path], **options: Any) -> Any:
    """A memory-mapped table of all files, in order; raises DataError naming the file at fault."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(
            builder, data_files=[str(file) for file in files], split="train", **options
        )
    except Exception as error:
        fault = _file_at_fault(builder, files, options) if len(files) > 1 else files[0]
        cause = error.__cause__ or error
        reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
        raise DataError(f"{fault}: cannot be read ({reason}). Fetch this file again.") from None
    finally:
        if shown:
            datasets.enable_progress_bars()


def _file_at_fault(builder: str, files: Sequence[Path], options: Mapping[str, Any]) -> Path:
    """The first file that cannot be opened alone."""
    for file in files:
        try:
            open_table(builder, [file], **options)
        except DataError:
            return file
    return files[0]


def image_reader(
    table: Any, column: str, name_of: Callable[[int], str]
) -> Callable[[int], Image.Image]:
    """Position -> RGB picture of a table's undecoded image column.

    name_of: what an error calls the image. Grey, palette, CMYK and 16-bit images become RGB,
    transparency is dropped, EXIF rotation is applied. Raises DataError for an undecodable image.
    """
    import io

    def read(position: int) -> Image.Image:
        cell = table[position][column]
        try:
            source = io.BytesIO(cell["bytes"]) if cell["bytes"] is not None else cell["path"]
            with Image.open(source) as image:
                return to_rgb(image)
        except (OSError, UnidentifiedImageError, SyntaxError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{name_of(position)}: not a readable image ({reason}).") from None

    return read


def to_rgb(image: Image.Image) -> Image.Image:
    """Any picture as upright 8-bit RGB; 16-bit grey is scaled by 1/256 instead of clipped."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGB")
