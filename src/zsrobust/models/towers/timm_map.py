"""timm's convolutional trunks behind open_clip's adapter: ConvNeXt, ResNet, FastViT."""

from __future__ import annotations

from typing import Any

from open_clip.timm_model import TimmModel
from timm.layers import ClassifierHead, NormMlpClassifierHead
from timm.models.convnext import ConvNeXt
from timm.models.resnet import ResNet
from torch import Tensor, nn

from zsrobust.models.towers.linear_head import is_linear, linear_head
from zsrobust.models.towers.norm_at_pool import is_layer_norm, norm_at_pool
from zsrobust.models.towers.output import ImageFeatures, tokens_of_map


def is_timm_map(visual: Any) -> bool:
    """A timm trunk of spatial maps: average, then at most a layer norm, then linear maps."""
    if not isinstance(visual, TimmModel):
        return False
    parts = _after_pooling(visual.trunk)
    if parts is None:
        return False
    pool_type, norm, heads = parts
    return pool_type == "avg" and is_layer_norm(norm) and is_linear(*heads, visual.head)


def timm_map_features(visual: Any, pixels: Tensor) -> ImageFeatures:
    """Positions of the last map, whose mean after norm and projection is the image embedding."""
    trunk, head = visual.trunk, visual.head
    last = trunk.forward_features(pixels)
    pooled = head(trunk.forward_head(last))
    tokens, grid = tokens_of_map(last)
    parts = _after_pooling(trunk)
    assert parts is not None, "is_timm_map was not asked"
    _, norm, heads = parts
    tokens = norm_at_pool(norm, tokens, tokens.mean(1))
    return ImageFeatures(pooled, linear_head(tokens, *heads, head), grid)


def _after_pooling(trunk: Any) -> tuple[str, nn.Module, tuple[nn.Module, ...]] | None:
    """How a trunk pools its last map, the norm after that, and the heads; None if unknown."""
    none = nn.Identity()
    if isinstance(trunk, ResNet):
        return trunk.global_pool.pool_type, none, (trunk.fc,)
    head = getattr(trunk, "head", None)
    if isinstance(trunk, ConvNeXt) and isinstance(head, NormMlpClassifierHead):
        return head.global_pool.pool_type, head.norm, (head.pre_logits, head.fc)
    if isinstance(head, ClassifierHead) and head.input_fmt == "NCHW" and not head.use_conv:
        return head.global_pool.pool_type, none, (head.fc,)
    return None
