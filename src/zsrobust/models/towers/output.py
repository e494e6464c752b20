"""What an image tower says of a batch."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class ImageFeatures(NamedTuple):
    """What an image tower says of a batch, in the space of the text embeddings, not normalised.

    pooled: (B, D). patches: (B, N, D), row-major over the grid. grid: (h, w) with h * w = N.
    """

    pooled: Tensor
    patches: Tensor
    grid: tuple[int, int]


def tokens_of_map(features: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """A spatial map (B, C, h, w) as tokens (B, h * w, C), row-major, and its grid (h, w)."""
    height, width = features.shape[-2:]
    return features.flatten(2).transpose(1, 2), (int(height), int(width))
