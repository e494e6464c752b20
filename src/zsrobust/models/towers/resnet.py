"""CLIP's ResNet: spatial features through the attention pool that makes the image embedding."""

from __future__ import annotations

from typing import Any

import torch
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from zsrobust.models.towers.output import ImageFeatures, tokens_of_map


def is_clip_resnet(visual: Any) -> bool:
    """open_clip's ModifiedResNet with its attention pool."""
    return isinstance(visual, ModifiedResNet) and isinstance(visual.attnpool, AttentionPool2d)


def clip_resnet_features(visual: Any, pixels: Tensor) -> ImageFeatures:
    """Every position asked of the attention pool: the mean's answer is the image embedding."""
    out = visual.forward_intermediates(pixels, indices=1, intermediates_only=True)
    tokens, grid = tokens_of_map(out["image_intermediates"][-1])
    answers = _ask_all(visual.attnpool, tokens)
    return ImageFeatures(answers[:, 0], answers[:, 1:], grid)


def _ask_all(pool: Any, tokens: Tensor) -> Tensor:
    """The pool's output (B, 1 + N, D) for the mean of tokens (B, N, C) and for each of them."""
    x = torch.cat([tokens.mean(1, keepdim=True), tokens], dim=1)
    x = x + pool.positional_embedding.to(x.dtype)
    heads = int(pool.num_heads)
    query, key, value = (
        project(x).unflatten(-1, (heads, -1)).transpose(1, 2)
        for project in (pool.q_proj, pool.k_proj, pool.v_proj)
    )
    mixed = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    answers: Tensor = pool.c_proj(mixed)
    return answers
