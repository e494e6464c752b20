"""What is wrong with pixels or labels, said before anything is computed from them."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.errors import PixelsError

TOLERANCE = 1e-6


def check_pixels(pixels: Tensor) -> None:
    """Raises PixelsError unless `pixels` are float (B, 3, H, W), finite and in [0, 1]."""
    if not isinstance(pixels, Tensor):
        raise PixelsError(f"pixels must be a torch.Tensor; got {type(pixels).__name__}.")
    if pixels.ndim != 4 or pixels.shape[1] != 3:
        raise PixelsError(f"pixels must be (B, 3, H, W) in RGB; got shape {tuple(pixels.shape)}.")
    if not pixels.is_floating_point():
        raise PixelsError(f"pixels must be floating point; got {pixels.dtype}. Divide by 255.")
    if pixels.numel() == 0:
        return
    low, high = (float(bound) for bound in torch.aminmax(pixels.detach()))
    if not (low == low and high == high):
        raise PixelsError("pixels hold NaN. Look at what made them.")
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        hint = (
            "Divide by 255." if low >= 0 else "Pass unnormalised pixels: the classifier normalises."
        )
        raise PixelsError(f"images must lie in [0, 1]; got [{low:.2f}, {high:.2f}]. {hint}")


def check_labels(labels: Tensor, count: int, classes: int) -> None:
    """Raises PixelsError unless `labels` are int64 (count,) in [0, classes)."""
    if labels.dtype != torch.int64 or labels.shape != (count,):
        raise PixelsError(
            f"labels must be int64 ({count},), one per image; "
            f"got {labels.dtype} {tuple(labels.shape)}."
        )
    if count and not (int(labels.min()) >= 0 and int(labels.max()) < classes):
        raise PixelsError(
            f"labels must lie in [0, {classes}), the number of classes; "
            f"got [{int(labels.min())}, {int(labels.max())}]."
        )
