"""The pooled embedding of images: all that an objective without attention maps asks of a tower."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize

from zsrobust.classifier.input_checks import check_pixels
from zsrobust.classifier.zero_shot import ZeroShotClassifier


def embed_pixels(classifier: ZeroShotClassifier, pixels: Tensor) -> Tensor:
    """Pooled embeddings (B, D) of pixels (B, 3, H, W) in [0, 1], NOT normalised: one forward.

    Any tower has them, with or without patch features.
    """
    check_pixels(pixels)
    pooled: Tensor = classifier.visual(classifier.preprocess(pixels))
    return pooled


def class_cosines(classifier: ZeroShotClassifier, pooled: Tensor) -> Tensor:
    """Cosines (B, C) between pooled embeddings (B, D) of any length and the class texts."""
    return normalize(pooled, dim=-1) @ classifier.class_embeddings.T
