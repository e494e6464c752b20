"""One call for every attention map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zsrobust.attention.catalogue import MAPS, AttentionMap
from zsrobust.classifier.input_checks import check_labels
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError


def attention_map(
    classifier: ZeroShotClassifier,
    pixels: Tensor,
    target: str | Sequence[str] | Tensor,
    method: str | AttentionMap = "text-guided",
) -> Tensor:
    """Where in each image the target is seen: a token grid (B, h, w) in [0, 1].

    pixels: (B, 3, H, W) in [0, 1]. target: one text for all images, a text an image, or the class
    of each image, int64 (B,). method: a name of `attention/catalogue.py` or such a function.
    Differentiable in the pixels.
    """
    draw = MAPS[method] if isinstance(method, str) else method
    text = target_embeddings(classifier, target, len(pixels))
    return draw(classifier.features(pixels), text)


def target_embeddings(
    classifier: ZeroShotClassifier, target: str | Sequence[str] | Tensor, count: int
) -> Tensor:
    """Unit text embeddings (count, D) of a target as `attention_map` takes it."""
    if isinstance(target, torch.Tensor):
        check_labels(target.cpu(), count, len(classifier.class_names))
        return classifier.class_embeddings[target.to(classifier.class_embeddings.device)]
    texts = [target] * count if isinstance(target, str) else list(target)
    if len(texts) != count:
        raise InputError(f"target holds {len(texts)} texts for {count} images. Give one an image.")
    return classifier.embed(texts)
