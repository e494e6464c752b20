"""What a kind of image tower is: how it is recognised, and how it gives patch features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from zsrobust.models.towers.output import ImageFeatures

FeatureCall = Callable[[nn.Module, Tensor], ImageFeatures]


@dataclass(frozen=True)
class TowerKind:
    """One kind of image tower.

    title: what a reader calls it. fits: whether a tower is of this kind. features: pooled and
    projected patch features of normalised pixels (B, 3, H, W) from one forward; None where no
    patch feature lies in the space of the text embeddings. link: the identity that ties patches
    to the pooled embedding, or why there is none.
    """

    title: str
    fits: Callable[[nn.Module], bool]
    features: FeatureCall | None
    link: str
