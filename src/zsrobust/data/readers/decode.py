"""From an image file of any kind to an upright 8-bit RGB picture."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from zsrobust.errors import DataError


def open_rgb(source: Path | BytesIO, called: str) -> Image.Image:
    """The picture of a file or of its bytes, as `to_rgb`; raises DataError with `called`."""
    try:
        with Image.open(source) as image:
            return to_rgb(image)
    except UnidentifiedImageError:
        raise DataError(
            f"{called}: not a readable image (no known image format). Replace or remove it."
        ) from None
    except (
        OSError, SyntaxError, ValueError, TypeError, struct.error, Image.DecompressionBombError,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{called}: not a readable image ({reason}). Replace or remove it."
        ) from None


def to_rgb(image: Image.Image) -> Image.Image:
    """Any picture as upright RGB: EXIF rotation applied; of an animation the first frame.

    16-bit grey is scaled by 1/256 instead of clipped. Transparency is dropped, and the colours
    beneath it show, as in the loaders behind the published numbers. Raises ValueError for
    floating-point pixels, whose range no file tells.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")
    if "transparency" in image.info or image.mode in ("La", "RGBa", "PA"):
        # Two steps: PIL warns of, or does not know, the way straight to RGB.
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGB")
