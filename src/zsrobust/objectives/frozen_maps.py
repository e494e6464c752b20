"""What the frozen model shows of clean images, computed once a sample and class text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.models.features import ImageFeatures
from zsrobust.objectives.frozen_copy import frozen_copy
from zsrobust.objectives.objective import Batch

Draw = Callable[[ImageFeatures, Tensor], Tensor]
"""Features of B images and their labels (B,) -> K maps each on the token grid, (B, K, h, w)."""


@dataclass(frozen=True)
class FrozenMaps:
    """Maps A_theta0(x) of the model as it was before fine-tuning.

    Kept per (sample id, class name), but only for a batch that is `repeatable`: under a random
    transform the pixels behind an id change, and nothing is kept or looked up.
    keep: False for maps too large to be kept of every training image.
    """

    classifier: ZeroShotClassifier
    draw: Draw
    keep: bool = True
    kept: dict[tuple[str, str], Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, classifier: ZeroShotClassifier, draw: Draw, keep: bool = True) -> FrozenMaps:
        """Maps of a frozen copy of `classifier`: later training does not reach them."""
        frozen = frozen_copy(classifier)
        # No gradient is made, but torch multiplies otherwise by a weight that asks for none, and
        # before the first update the unsquared distance must be 0: rounding would have a direction.
        frozen.visual.requires_grad_(True)
        return cls(frozen, draw, keep)

    def of_batch(self, batch: Batch) -> Tensor:
        """Frozen maps (B, K, h, w) of a batch's clean pixels and labels."""
        if not (batch.repeatable and self.keep):
            return self._compute(batch.pixels, batch.labels)
        names = [self.classifier.class_names[label] for label in batch.labels.tolist()]
        keys = list(zip(batch.ids, names, strict=True))
        new = [position for position, key in enumerate(keys) if key not in self.kept]
        if new:
            maps = self._compute(batch.pixels[new], batch.labels[new])
            self.kept.update(zip([keys[i] for i in new], maps.cpu(), strict=True))
        return torch.stack([self.kept[key] for key in keys]).to(batch.pixels)

    @torch.no_grad()
    def _compute(self, pixels: Tensor, labels: Tensor) -> Tensor:
        return self.draw(self.classifier.features(pixels), labels)
