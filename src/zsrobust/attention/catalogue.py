"""The attention maps that are known by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from zsrobust.models.features import ImageFeatures
from zsrobust.registry import Registry

AttentionMap = Callable[[ImageFeatures, Tensor], Tensor]

MAPS: Registry[AttentionMap] = Registry(
    kind="attention map",
    entries={
        "text-guided": "zsrobust.attention.text_guided:text_guided",
        "text-guided-channel": "zsrobust.attention.text_guided:text_guided_channel",
        "cosine": "zsrobust.attention.text_guided:cosine",
    },
)
