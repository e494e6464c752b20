"""open_clip's own Vision Transformer: CLS-pooled (OpenAI, LAION, DataComp) or average-pooled."""

from __future__ import annotations

from typing import Any

from open_clip.transformer import VisionTransformer
from torch import Tensor

from zsrobust.models.towers.norm_at_pool import norm_at_pool
from zsrobust.models.towers.output import ImageFeatures


def is_cls_vit(visual: Any) -> bool:
    """A ViT whose image embedding is its projected CLS token."""
    return _is_plain(visual) and visual.pool_type == "tok"


def is_average_vit(visual: Any) -> bool:
    """A ViT whose image embedding is the projected mean of its patch tokens (CLIPA's)."""
    return _is_plain(visual) and visual.pool_type == "avg"


def is_attention_pooled_vit(visual: Any) -> bool:
    """A ViT that pools by learnt queries (CoCa's)."""
    return isinstance(visual, VisionTransformer) and visual.attn_pool is not None


def cls_vit_features(visual: Any, pixels: Tensor) -> ImageFeatures:
    """Patch tokens after the final norm and the projection that make CLS the image embedding."""
    out = _one_forward(visual, pixels, normalise=True)
    height, width = _grid(visual)
    tokens = out["image_intermediates"][-1][:, : height * width]  # trained prompt tokens follow
    return ImageFeatures(out["image_features"], tokens @ visual.proj, (height, width))


def average_vit_features(visual: Any, pixels: Tensor) -> ImageFeatures:
    """Patch tokens whose mean is the image embedding, whichever of norm and mean comes first."""
    after = bool(visual.final_ln_after_pool)
    out = _one_forward(visual, pixels, normalise=not after)
    tokens = out["image_intermediates"][-1]
    if after:
        tokens = norm_at_pool(visual.ln_post, tokens, tokens.mean(1))
    return ImageFeatures(out["image_features"], tokens @ visual.proj, _grid(visual))


def _is_plain(visual: Any) -> bool:
    return (
        isinstance(visual, VisionTransformer)
        and visual.attn_pool is None
        and visual.proj is not None
    )


def _one_forward(visual: Any, pixels: Tensor, normalise: bool) -> dict[str, Tensor]:
    out: dict[str, Tensor] = visual.forward_intermediates(
        pixels,
        indices=1,
        normalize_intermediates=normalise,
        output_fmt="NLC",
        output_extra_tokens=True,
    )
    return out


def _grid(visual: Any) -> tuple[int, int]:
    height, width = visual.grid_size
    return int(height), int(width)
