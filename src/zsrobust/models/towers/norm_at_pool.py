"""A layer norm that comes after average pooling, carried back to the patches it averaged."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def norm_at_pool(norm: Any, tokens: Tensor, pooled: Tensor) -> Tensor:
    """Tokens (B, N, C) whose mean is exactly norm(pooled), `pooled` (B, C) being their mean.

    LayerNorm(p) = (p - mean_c(p)) / sigma(p) * weight + bias. With sigma held at the pooled
    vector's, it is affine in p, so the tokens share it out exactly: the decomposition of an image
    embedding into its patches of Gandelsman et al. (2024), for norms after pooling.
    norm: nn.LayerNorm or timm's over channels, or the identity.
    """
    if isinstance(norm, nn.Identity):
        return tokens
    variance = pooled.var(dim=-1, unbiased=False, keepdim=True)
    scale = torch.rsqrt(variance + norm.eps).unsqueeze(1)
    centred = tokens - tokens.mean(dim=-1, keepdim=True)
    out: Tensor = centred * scale
    if norm.weight is not None:
        out = out * norm.weight
    if norm.bias is not None:
        out = out + norm.bias
    return out


def is_layer_norm(norm: nn.Module) -> bool:
    """Whether `norm_at_pool` can carry `norm` back: a layer norm over channels, or none."""
    return isinstance(norm, (nn.Identity, nn.LayerNorm))
