"""What the model said of clean images before fine-tuning: their embeddings, computed once."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.frozen_copy import frozen_copy
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.objective import Batch

REMEMBERED = "image-embeddings"
"""`Objective.remembered` of every objective whose memory they are: one cache serves all."""


class FrozenEmbeddings:
    """Pooled embeddings f0(x) of clean pixels by the model before fine-tuning, not normalised.

    Each sample costs one forward, without a graph: `kept` holds (sample id, "") -> (D,) on the
    CPU, but only of batches that are `repeatable`. Under a random transform the pixels behind an
    id change; then only the batch at hand is remembered, which the inner and the outer loss share.
    """

    def __init__(self, classifier: ZeroShotClassifier) -> None:
        self.classifier = frozen_copy(classifier)
        self.kept: dict[tuple[str, str], Tensor] = {}
        self._latest: tuple[Batch, Tensor] | None = None

    def of_batch(self, batch: Batch) -> Tensor:
        """f0 (B, D) of a batch's clean pixels, without gradient."""
        if batch.repeatable:
            return self._kept(batch)
        if self._latest is None or self._latest[0] is not batch:
            self._latest = (batch, self._compute(batch.pixels))
        return self._latest[1]

    def _kept(self, batch: Batch) -> Tensor:
        keys = [(sample_id, "") for sample_id in batch.ids]
        new = [position for position, key in enumerate(keys) if key not in self.kept]
        if new:
            embedded = self._compute(batch.pixels[new])
            self.kept.update(zip([keys[i] for i in new], embedded.cpu(), strict=True))
        return torch.stack([self.kept[key] for key in keys]).to(batch.pixels.device)

    @torch.no_grad()
    def _compute(self, pixels: Tensor) -> Tensor:
        return embed_pixels(self.classifier, pixels)
