"""Bringing every image to a protocol's resolution, with PIL, antialiased."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from zsrobust.data.dataset import Dataset
from zsrobust.errors import DataError

if TYPE_CHECKING:
    import torch

Resolution = int | Literal["as-released", "native", "224x224"]


def read_pixels(dataset: Dataset, positions: Iterable[int], resolution: Resolution) -> torch.Tensor:
    """Pixels (n, 3, H, W) float32 in [0, 1], RGB, of the images at `positions`.

    resolution: shorter side to N (bicubic), then the central N x N; `as-released` is 256 then 224
    (bilinear, the TeCoA and TGA-ZSR releases); `224x224` squashes both sides to it (bilinear, as
    TGA-ZSR reads CIFAR and STL); `native` needs images of one size. The arithmetic is that of
    torchvision's Resize and CenterCrop, which open_clip and both releases use.
    Raises DataError where an image cannot be decoded, or native sizes differ.
    """
    import torch

    images = [resize_image(dataset.read(position), resolution) for position in positions]
    sizes = {image.shape for image in images}
    if len(sizes) > 1:
        shown = ", ".join(f"{width}x{height}" for height, width, _ in sorted(sizes)[:3])
        raise DataError(
            f"{dataset.name}: resolution 'native' needs images of one size; got {shown} ..."
        )
    stacked = torch.from_numpy(np.stack(images))
    return stacked.permute(0, 3, 1, 2).contiguous().float() / 255


def resize_image(image: Image.Image, resolution: Resolution) -> np.ndarray:
    """An RGB picture as (H, W, 3) uint8 at a resolution, as `read_pixels` says."""
    if resolution == "as-released":
        image = _centre_crop(_shorter_side(image, 256, Image.Resampling.BILINEAR), 224)
    elif resolution == "224x224":
        image = image.resize((224, 224), Image.Resampling.BILINEAR)
    elif resolution != "native":
        side = int(resolution)
        image = _centre_crop(_shorter_side(image, side, Image.Resampling.BICUBIC), side)
    return np.asarray(image, dtype=np.uint8)


def _shorter_side(image: Image.Image, side: int, how: Image.Resampling) -> Image.Image:
    width, height = image.size
    if min(width, height) == side:
        return image
    longer = side * max(width, height) // min(width, height)
    return image.resize((side, longer) if width <= height else (longer, side), how)


def _centre_crop(image: Image.Image, side: int) -> Image.Image:
    width, height = image.size
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image.crop((left, top, left + side, top + side))
