"""Text-guided attention: patch tokens against one text embedding (TGA-ZSR, eq. 5)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from zsrobust.models.features import ImageFeatures


def text_guided(features: ImageFeatures, text: Tensor) -> Tensor:
    """The released TGA-ZSR map: token-axis normalisation, then min-max per image.

    Each channel is divided by its norm over ALL tokens, the pooled one included (the release's
    attention_map.py normalises along the token axis; the paper leaves it open): so the map is no
    cosine map, and every patch depends on all the others.
    features: of B images. text: (B, D), unit, one text an image. Returns (B, h, w) in [0, 1].
    Gradient flows through every part; a constant map gives zeros.
    """
    tokens = torch.cat([features.pooled[:, None], features.patches], dim=1)
    patches = normalize(tokens, dim=1)[:, 1:]
    return _min_max(_similarity(patches, text), features.grid)


def text_guided_channel(features: ImageFeatures, text: Tensor) -> Tensor:
    """The same with each patch token normalised over its channels: min-max of cosines.

    Shapes as `text_guided`.
    """
    return _min_max(_similarity(normalize(features.patches, dim=2), text), features.grid)


def cosine(features: ImageFeatures, text: Tensor) -> Tensor:
    """Plain cosines between patch tokens and text, moved from [-1, 1] to [0, 1] by (1 + c) / 2.

    Not stretched per image, so that images can be compared. Shapes as `text_guided`.
    """
    cosines = _similarity(normalize(features.patches, dim=2), text)
    return ((1 + cosines) / 2).clamp(0, 1).reshape(-1, *features.grid)


def _similarity(patches: Tensor, text: Tensor) -> Tensor:
    return torch.einsum("bnd,bd->bn", patches, text)


def _min_max(scores: Tensor, grid: tuple[int, int]) -> Tensor:
    low = scores.amin(1, keepdim=True)
    width = scores.amax(1, keepdim=True) - low
    flat = width <= 0
    stretched = (scores - low) / torch.where(flat, torch.ones_like(width), width)
    return stretched.reshape(-1, *grid)
