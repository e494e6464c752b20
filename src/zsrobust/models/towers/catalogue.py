"""The kinds of image tower that are known, in the order in which a tower is asked."""

from __future__ import annotations

from torch import nn

from zsrobust.models.towers.kind import TowerKind
from zsrobust.models.towers.resnet import clip_resnet_features, is_clip_resnet
from zsrobust.models.towers.timm_map import is_timm_map, timm_map_features
from zsrobust.models.towers.timm_vit import (
    is_map_pooled,
    is_timm_average_vit,
    is_timm_token_vit,
    timm_average_vit_features,
    timm_token_vit_features,
)
from zsrobust.models.towers.vit import (
    average_vit_features,
    cls_vit_features,
    is_attention_pooled_vit,
    is_average_vit,
    is_cls_vit,
)
from zsrobust.registry import Registry

OTHER = "other"

_MEAN = "the mean of the projected patches is the image embedding"

TOWERS: Registry[TowerKind] = Registry(
    kind="tower",
    entries={
        "vit": TowerKind(
            "ViT, CLS token",
            is_cls_vit,
            cls_vit_features,
            "CLS after the patches' own norm and projection is the image embedding",
        ),
        "vit-average": TowerKind(
            "ViT, average-pooled (CLIPA)", is_average_vit, average_vit_features, _MEAN
        ),
        "clip-resnet": TowerKind(
            "CLIP ResNet",
            is_clip_resnet,
            clip_resnet_features,
            "the attention pool's answer to the mean position is the image embedding",
        ),
        "timm-vit": TowerKind(
            "timm ViT or EVA, CLS token",
            is_timm_token_vit,
            timm_token_vit_features,
            "CLS through the patches' own norm and head is the image embedding",
        ),
        "timm-vit-average": TowerKind(
            "timm ViT or EVA, average-pooled", is_timm_average_vit, timm_average_vit_features, _MEAN
        ),
        "timm-map": TowerKind(
            "ConvNeXt and other average-pooled maps", is_timm_map, timm_map_features, _MEAN
        ),
        "map": TowerKind(
            "ViT pooled by a latent's attention (MAP: SigLIP, PE)",
            is_map_pooled,
            None,
            "the pooling latent mixes patches before its own MLP: no patch lies where texts do",
        ),
        "coca": TowerKind(
            "ViT pooled by learnt queries (CoCa)",
            is_attention_pooled_vit,
            None,
            "learnt queries mix patches before the final norm: no patch lies where texts do",
        ),
        OTHER: TowerKind(
            "any other tower",
            lambda _visual: True,
            None,
            "how it pools is not known here, so no patch is known to lie where texts do",
        ),
    },
)


def tower_kind(visual: nn.Module) -> str:
    """The name in `TOWERS` of the first kind that fits; `other` fits every module."""
    return next(name for name, kind in TOWERS.items() if kind.fits(visual))
