"""What the image tower of `photos-mini` sees of a 64 px image: part of the teacher's crop."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate


def views(images: Tensor, boxes: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Crops (B, 3, side, side) in [0, 1], inside the boxes that the teacher saw.

    images: (B, 3, 64, 64) in [0, 1]. boxes: (B, 4) x, y, width, height in pixels.
    A quarter of the crops is the whole box; the others cover 45 % of its area or more. They,
    flips, brightness, contrast and tint leave the teacher's answer as it was. Half of the images
    are blurred by shrinking and enlarging, as CIFAR's 32 px images look at 56.
    """
    pixels = _crop(images, boxes, side, generator)
    quarter = len(images) // 4
    for start in (0, quarter):
        part = slice(start, start + quarter)
        small = int(torch.randint(side * 3 // 7, side + 1, (1,), generator=generator))
        shrunk = interpolate(pixels[part], size=(small, small), mode="bilinear", antialias=True)
        pixels[part] = interpolate(shrunk, size=(side, side), mode="bicubic")
    count = len(images)
    mean = pixels.mean((2, 3), keepdim=True)
    contrast = _draw(0.75, 1.25, (count, 1, 1, 1), generator)
    brightness = _draw(0.8, 1.2, (count, 1, 1, 1), generator)
    tint = _draw(0.93, 1.07, (count, 3, 1, 1), generator)
    return (((pixels - mean) * contrast + mean * brightness) * tint).clamp_(0, 1)


def _draw(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _crop(images: Tensor, boxes: Tensor, side: int, generator: torch.Generator) -> Tensor:
    count, full = len(images), images.shape[-1]
    share = _draw(0.72, 1.0, (count, 1), generator)
    share[torch.rand(count, generator=generator) < 0.25] = 1.0
    squeeze = _draw(0.93, 1.07, (count, 1), generator)
    shares = torch.cat([share * squeeze, share / squeeze], dim=1).clamp_(max=1.0)
    slack = boxes[:, 2:] * (1 - shares)
    corner = boxes[:, :2] + slack * torch.rand(count, 2, generator=generator)
    extent = boxes[:, 2:] * shares
    flip = (torch.rand(count, generator=generator) < 0.5).float() * -2 + 1
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = extent[:, 0] / full * flip
    theta[:, 1, 1] = extent[:, 1] / full
    theta[:, :, 2] = (corner + extent / 2) / full * 2 - 1
    grid = affine_grid(theta, [count, 3, side, side], align_corners=False)
    return grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
