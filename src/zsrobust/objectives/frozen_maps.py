"""Attention maps of the frozen model on clean images, computed once a sample and text."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from zsrobust.attention.catalogue import AttentionMap
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Batch


@dataclass(frozen=True)
class FrozenMaps:
    """Maps A_theta0(x) of the model as it was before fine-tuning.

    Kept per (sample id, class text), but only for a batch that is `repeatable`: under a random
    transform the pixels behind an id change, and nothing is kept or looked up.
    """

    classifier: ZeroShotClassifier
    draw: AttentionMap
    kept: dict[tuple[str, str], Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, classifier: ZeroShotClassifier, draw: AttentionMap) -> FrozenMaps:
        """Maps of a frozen copy of `classifier`: later training does not reach them."""
        frozen = copy.copy(classifier)
        frozen._modules = {**classifier._modules, "visual": copy.deepcopy(classifier.visual)}
        return cls(frozen.requires_grad_(False).eval(), draw)

    def of_batch(self, batch: Batch) -> Tensor:
        """Frozen maps (B, h, w) of a batch's clean pixels and true class texts."""
        if not batch.repeatable:
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
        text = self.classifier.class_embeddings[labels]
        return self.draw(self.classifier.features(pixels), text)
