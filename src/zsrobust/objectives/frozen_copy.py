"""The model as it was before fine-tuning."""

from __future__ import annotations

import copy

from zsrobust.classifier.zero_shot import ZeroShotClassifier


def frozen_copy(classifier: ZeroShotClassifier) -> ZeroShotClassifier:
    """`classifier` with an image tower of its own, in eval mode: later training misses it.

    Its class embeddings are shared; nothing of it asks for a gradient.
    """
    frozen = copy.copy(classifier)
    frozen._modules = {**classifier._modules, "visual": copy.deepcopy(classifier.visual)}
    return frozen.requires_grad_(False).eval()
