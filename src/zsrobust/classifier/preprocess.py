"""From pixels in [0, 1] to what an image tower sees: the one place where pixels are normalised."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class Preprocess(nn.Module):
    """Differentiable bicubic resize to `size`, (h, w) or a side, then (x - mean) / std per channel.

    Bicubic with align_corners and antialias off and no clamp, as the literature's
    (TeCoA release, replace/); the exact identity where sizes already agree.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        size: int | tuple[int, int],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.shape = size if isinstance(size, tuple) else (size, size)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) in [0, 1] to (B, 3, h, w), normalised."""
        if pixels.shape[-2:] != self.shape:
            pixels = interpolate(pixels, size=self.shape, mode="bicubic", align_corners=False)
        return (pixels.to(self.mean.dtype) - self.mean) / self.std
