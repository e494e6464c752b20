"""timm's Vision Transformers behind open_clip's adapter: plain ViT, ViTamin and EVA trunks."""

from __future__ import annotations

from typing import Any

from open_clip.timm_model import TimmModel
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from zsrobust.models.towers.linear_head import is_linear, linear_head
from zsrobust.models.towers.norm_at_pool import is_layer_norm, norm_at_pool
from zsrobust.models.towers.output import ImageFeatures, tokens_of_map


def is_timm_token_vit(visual: Any) -> bool:
    """A timm ViT or EVA whose image embedding is its CLS token after norm, head and projection."""
    return _is_token_trunk(visual) and visual.trunk.global_pool == "token"


def is_timm_average_vit(visual: Any) -> bool:
    """A timm ViT or EVA whose image embedding is the mean of its patches, projected linearly."""
    return (
        _is_token_trunk(visual)
        and visual.trunk.global_pool == "avg"
        and is_layer_norm(visual.trunk.fc_norm)
        and is_linear(visual.trunk.head, visual.head)
    )


def is_map_pooled(visual: Any) -> bool:
    """A timm trunk that pools by a latent's attention (SigLIP)."""
    return isinstance(visual, TimmModel) and getattr(visual.trunk, "attn_pool", None) is not None


def timm_token_vit_features(visual: Any, pixels: Tensor) -> ImageFeatures:
    """Patch tokens through whatever CLS passes: they lie where the image embedding lies."""
    pooled, tokens, grid = _one_forward(visual, pixels)
    trunk = visual.trunk
    return ImageFeatures(pooled, visual.head(trunk.head(trunk.fc_norm(tokens))), grid)


def timm_average_vit_features(visual: Any, pixels: Tensor) -> ImageFeatures:
    """Patch tokens whose mean is the image embedding."""
    pooled, tokens, grid = _one_forward(visual, pixels)
    trunk = visual.trunk
    tokens = norm_at_pool(trunk.fc_norm, tokens, tokens.mean(1))
    return ImageFeatures(pooled, linear_head(tokens, trunk.head, visual.head), grid)


def _is_token_trunk(visual: Any) -> bool:
    return (
        isinstance(visual, TimmModel)
        and isinstance(visual.trunk, (VisionTransformer, Eva))
        and visual.trunk.attn_pool is None
    )


def _one_forward(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
    out = visual.forward_intermediates(pixels, indices=1, normalize_intermediates=True)
    tokens, grid = tokens_of_map(out["image_intermediates"][-1])
    return out["image_features"], tokens, grid
