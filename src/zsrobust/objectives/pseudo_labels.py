"""Labels that the model gave to clean images before fine-tuning, for data that has none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.frozen_copy import frozen_copy
from zsrobust.objectives.objective import Batch

_NO_TEXT = ""


@dataclass
class PseudoLabels:
    """y_i = argmax_k cos(image_0(x_i), text_k) of the frozen model (TeCoA, unlabelled variant).

    Kept per sample id for batches that are `repeatable`; for others, as long as the batch lasts:
    the inner attack and the loss see the same label, and the frozen model runs once a batch.
    """

    frozen: ZeroShotClassifier
    kept: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    latest: Batch | None = None

    @classmethod
    def of(cls, classifier: ZeroShotClassifier) -> PseudoLabels:
        """Labels by a frozen copy of `classifier`: later training does not reach them."""
        return cls(frozen_copy(classifier))

    def relabel(self, batch: Batch) -> Batch:
        """The same batch with labels (B,) int64 by the frozen model; its own are not read."""
        if not batch.repeatable:
            return self._relabel_once(batch)
        keys = [(sample_id, _NO_TEXT) for sample_id in batch.ids]
        new = [position for position, key in enumerate(keys) if key not in self.kept]
        if new:
            labels = self._label(batch.pixels[new]).cpu()
            self.kept.update(zip([keys[i] for i in new], labels, strict=True))
        known = torch.stack([self.kept[key] for key in keys])
        return replace(batch, labels=known.to(batch.pixels.device))
