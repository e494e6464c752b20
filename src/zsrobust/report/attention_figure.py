"""The four-row figure of the TGA-ZSR paper: image, attention, adversarial image, attention.

Composed by hand rather than plotted: each picture is stored once, and attention lies over it as a
small transparent picture that the browser enlarges.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

import numpy as np

from zsrobust.report.attention import SavedAttention
from zsrobust.report.drawing import INK, SOFT, WRONG
from zsrobust.settings import canonical_hash

SHOWN = 5
TILE, GAP, GUTTER, HEAD, BREAK = 64, 4, 15, 14, 6
LONGEST_NAME = 12
LARGEST_PICTURE = 128


def attention_figure(saved: SavedAttention, shown: int = SHOWN) -> str:
    """The first images of a run in four rows, as an SVG element that also stands alone in a file.

    Over each image the model's answer: black when right, red when wrong. Attention is that to
    the true class's text; a white line follows the object's mask where the run saved one.
    """
    count = min(shown, len(saved["images"]))
    width = GUTTER + count * TILE + (count - 1) * GAP
    half = HEAD + 2 * TILE + GAP
    height = 2 * half + BREAK
    parts = [_words(0, ("image", "attention")), _words(half + BREAK, ("attacked", "attention"))]
    for column in range(count):
        x = GUTTER + column * (TILE + GAP)
        parts.append(_pair(saved, column, x, 0, "images", "maps_clean", "predictions_clean"))
        parts.append(
            _pair(
                saved, column, x, half + BREAK,
                "adversarial", "maps_adversarial", "predictions_adversarial",
            )
        )  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="9.5">{"".join(parts)}</svg>'
    )


def _words(top: int, words: tuple[str, str]) -> str:
    """What two rows show, written upwards at their left."""
    said = []
    for row, word in enumerate(words):
        y = top + HEAD + row * (TILE + GAP) + TILE / 2
        said.append(
            f'<text transform="translate(9 {y:g}) rotate(-90)" text-anchor="middle" '
            f'fill="{SOFT}">{word}</text>'
        )
    return "".join(said)


def _pair(
    saved: SavedAttention, i: int, x: int, top: int, pictures: str, maps: str, answers: str
) -> str:
    """An image under the model's answer, and the same image under its attention."""
    answer, true = int(saved[answers][i]), int(saved["labels"][i])
    name = str(saved["class_names"][answer])
    short = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    picture, glow = _picture(saved[pictures][i]), _glow(saved[maps][i])
    below = top + HEAD + TILE + GAP
    anchor = f"picture-{canonical_hash([str(saved.cell.path.name), pictures, i])}"
    box = f'width="{TILE}" height="{TILE}" preserveAspectRatio="none"'
    return (
        f'<text x="{x + TILE / 2:g}" y="{top + 10}" text-anchor="middle" '
        f'fill="{INK if answer == true else WRONG}"><title>{escape(name)}</title>'
        f"{escape(short)}</text>"
        f'<image id="{anchor}" x="{x}" y="{top + HEAD}" {box} href="{picture}"/>'
        f'<use href="#{anchor}" y="{TILE + GAP}"/>'
        f'<image x="{x}" y="{below}" {box} href="{glow}"/>'
        + (_outline(saved["masks"][i], x, below) if "masks" in saved else "")
    )


def _picture(pixels: np.ndarray) -> str:
    """An image (H, W, 3) as a data address: as it is if small, else shrunk."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if max(image.size) <= TILE:
        return _address(image, "png", optimize=True)
    image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
    return _address(image, "jpeg", quality=88)


def _glow(attention: np.ndarray) -> str:
    """A map (h, w) in [0, 1] as a picture to lay over an image: dark where nothing is looked at."""
    from matplotlib import colormaps
    from PIL import Image

    large = Image.fromarray(attention.astype(np.float32)).resize(
        (4 * attention.shape[1], 4 * attention.shape[0]), Image.Resampling.BILINEAR
    )
    values = np.clip(np.asarray(large), 0, 1)
    rgba = colormaps["inferno"](values)
    rgba[..., 3] = 0.66
    return _address(Image.fromarray((255 * rgba).round().astype(np.uint8)), "png", optimize=True)


def _address(image: Any, kind: str, **options: Any) -> str:
    sink = io.BytesIO()
    image.save(sink, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(sink.getvalue()).decode()}"


def _outline(mask: np.ndarray, x: int, y: int) -> str:
    """The border of a mask (H, W) as a path over a tile: the edges between inside and outside."""
    inside = np.pad(mask, 1)
    across = np.argwhere(inside[1:, 1:-1] != inside[:-1, 1:-1])
    down = np.argwhere(inside[1:-1, 1:] != inside[1:-1, :-1])
    path = "".join(f"M{column} {row}h1" for row, column in across)
    path += "".join(f"M{column} {row}v1" for row, column in down)
    height, width = mask.shape
    return (
        f'<path transform="translate({x} {y}) scale({TILE / width:.4g} {TILE / height:.4g})" '
        f'd="{path}" fill="none" stroke="#fff" stroke-width="{0.9 * width / TILE:.3g}" '
        'stroke-linecap="square" opacity="0.85"/>'
    )
