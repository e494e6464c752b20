"""From an image file of any kind to an upright 8-bit RGB picture."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path
from threading import Lock

from PIL import Image, ImageOps, UnidentifiedImageError

from zsrobust.errors import UnreadableImageError

MAX_PIXELS = 100_000_000
"""Pixels of the largest image that is decoded, 300 MB of RGB: a small file may unpack to more."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")
"""What is opened, by content and not by suffix; PIL's other formats may start other programs."""

_OPENING = Lock()


def open_rgb(source: Path | BytesIO, called: str) -> Image.Image:
    """The picture of a file or of its bytes, as `to_rgb`.

    Raises UnreadableImageError with `called`: for no image, a damaged one, or one of more than
    MAX_PIXELS.
    """
    try:
        with _opened(source) as image:
            _check_size(image.size)
            return to_rgb(image)
    except UnidentifiedImageError:
        reason = "no known image format"
    except (
        OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError,
        NotImplementedError, ZeroDivisionError, AttributeError, struct.error,
    ) as error:  # fmt: skip
        # PIL's decoders let through whatever damaged headers make them stumble over.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    except Image.DecompressionBombError:
        reason = _too_large()
    raise UnreadableImageError(f"{called}: not a readable image ({reason}). Replace or remove it.")


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
        image = _scaled(image)
    if "transparency" in image.info or image.mode in ("La", "RGBa", "PA"):
        # Two steps: PIL warns of, or does not know, the way straight to RGB.
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """16-bit grey, of either byte order, as 8-bit grey."""
    wide = image if image.mode == "I" else image.convert("I")
    return wide.point(lambda value: value / 256).convert("L")


def _opened(source: Path | BytesIO) -> Image.Image:
    """The image, not yet decoded; PIL's own warning of large ones is left to `_check_size`.

    One thread at a time: Python keeps one list of what is ignored for all of them.
    """
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(source, formats=FORMATS)


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise ValueError(f"{size[0]} x {size[1]} pixels: {_too_large()}")


def _too_large() -> str:
    return f"more than the {MAX_PIXELS:,} pixels that are decoded"
