"""Pictures for miniature datasets: tiny, and no two of one size alike."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image


def picture(number: int, side: int = 16) -> Image.Image:
    """The RGB picture of a number, `side` x `side`: four colours drawn from its sha256."""
    colours = hashlib.sha256(str(number).encode()).digest()[:12]
    quarters = Image.frombytes("RGB", (2, 2), colours)
    return quarters.resize((side, side), Image.Resampling.NEAREST)


def jpeg(number: int) -> bytes:
    """The picture of a number as a JPEG file's bytes."""
    sink = BytesIO()
    picture(number).save(sink, "JPEG", quality=90)
    return sink.getvalue()


def write_jpeg(path: Path, number: int) -> None:
    """Writes the picture of a number as a JPEG, whatever the suffix; makes its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(number))


def write_lines(path: Path, lines: list[str]) -> None:
    """Writes lines as UTF-8 text; makes the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
