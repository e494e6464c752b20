"""One forward of an image tower: the pooled embedding and the projected patch tokens."""

from __future__ import annotations

from torch import Tensor, nn

from zsrobust.errors import ModelError
from zsrobust.models.towers.catalogue import TOWERS, tower_kind
from zsrobust.models.towers.kind import TowerKind
from zsrobust.models.towers.output import ImageFeatures

__all__ = ["ImageFeatures", "gives_patches", "image_features", "refuse_without_patches"]


def gives_patches(visual: nn.Module) -> bool:
    """Whether patch features of this tower lie in the space of its text embeddings.

    `TOWERS` says for each kind by which identity they do, or why they do not.
    """
    return TOWERS[tower_kind(visual)].features is not None


def image_features(visual: nn.Module, pixels: Tensor) -> ImageFeatures:
    """Pooled and projected patch features of normalised pixels (B, 3, H, W), from one forward.

    Raises ModelError where the tower has no patch features in the space of its text embeddings.
    """
    kind = TOWERS[tower_kind(visual)]
    if kind.features is None:
        raise _without_patches(visual, kind)
    return kind.features(visual, pixels)


def refuse_without_patches(visual: nn.Module) -> None:
    """Raises ModelError, naming what still works, unless the tower gives patch features."""
    kind = TOWERS[tower_kind(visual)]
    if kind.features is None:
        raise _without_patches(visual, kind)


def _without_patches(visual: nn.Module, kind: TowerKind) -> ModelError:
    return ModelError(
        f"{type(visual).__name__} ({kind.title}) gives no patch tokens in the space of its text "
        f"embeddings: {kind.link}. Text-guided attention maps and TGA-ZSR need them. Attacks and "
        "TeCoA work with it, and so does all else that asks only for the pooled embedding."
    )
