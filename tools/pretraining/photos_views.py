"""What the image tower of `photos-mini` sees of a 64 px image: the teacher's crop, disturbed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

SIDE = 56


def views(images: Tensor, boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Crops (B, 3, 56, 56) in [0, 1], near the boxes that the teacher saw.

    images: (B, 3, 64, 64) in [0, 1]. boxes: (B, 4) x, y, width, height in pixels.
    Jitter of place and size, flip, brightness, contrast and colour leave the teacher's answer as
    it was; half of the images are blurred by shrinking to 24..56 px and back, as CIFAR's 32 px
    images look at 56.
    """
    count, side = len(images), images.shape[-1]

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator)

    centre = (boxes[:, :2] + boxes[:, 2:] / 2) / side * 2 - 1 + draw(-0.06, 0.06, count, 2)
    scale = boxes[:, 2:] / side * draw(0.92, 1.05, count, 1)
    flip = (torch.rand(count, generator=generator) < 0.5).float() * -2 + 1
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = scale[:, 0] * flip, scale[:, 1]
    theta[:, :, 2] = centre
    grid = affine_grid(theta, [count, 3, SIDE, SIDE], align_corners=False)
    pixels = grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    half = count // 2
    small = int(torch.randint(24, SIDE + 1, (1,), generator=generator))
    blurred = interpolate(pixels[:half], size=(small, small), mode="bilinear", antialias=True)
    pixels[:half] = interpolate(blurred, size=(SIDE, SIDE), mode="bicubic")
    mean = pixels.mean((2, 3), keepdim=True)
    pixels = (pixels - mean) * draw(0.75, 1.25, count, 1, 1, 1) + mean * draw(
        0.8, 1.2, count, 1, 1, 1
    )
    return (pixels * draw(0.93, 1.07, count, 3, 1, 1)).clamp_(0, 1)
