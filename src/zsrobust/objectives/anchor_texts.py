"""The text whose attention is held: each class's own, another class's, or none at all."""

from __future__ import annotations

import hashlib
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError
from zsrobust.randomness import hash_order, normal_noise

Target = Literal["text", "wrong-text", "random-direction"]
_SAME = 1e-6


def target_texts(classifier: ZeroShotClassifier, target: Target) -> Tensor:
    """Unit vectors (C, D), one a class, towards which attention is drawn.

    text: the class's own text. wrong-text: that of another class, always the same one; unless
    texts coincide, each serves once. random-direction: a random unit vector, its own for each
    class name. The last two are placebos: they hold attention as firmly, to no meaning.
    """
    embeddings = classifier.class_embeddings.detach()
    if target == "wrong-text":
        return embeddings[torch.tensor(other_classes(classifier), device=embeddings.device)]
    if target == "random-direction":
        size = (embeddings.shape[1],)
        noise = normal_noise(classifier.class_names, size, target, device=embeddings.device)
        return normalize(noise, dim=1)
    return embeddings


def other_classes(classifier: ZeroShotClassifier) -> list[int]:
    """For each class the number of another one whose text is not the same.

    The next one in an order by hash, which knows nothing of meaning: in the order of a dataset
    neighbours are often alike (WordNet's ids). Raises InputError where all texts are the same.
    """
    unit = classifier.class_embeddings
    order = hash_order([f"{name} {place}" for place, name in enumerate(classifier.class_names)])
    others = [0] * len(order)
    for place, label in enumerate(order):
        following = order[place + 1 :] + order[:place]
        differing = (each for each in following if float(unit[label] @ unit[each]) < 1 - _SAME)
        other = next(differing, None)
        if other is None:
            raise InputError(
                f"class {label} ({classifier.class_names[label]}) has no class with another text. "
                "A wrong text needs at least two classes that differ."
            )
        others[label] = other
    return others


def digest(texts: Tensor) -> str:
    """16 hex digits over vectors, to name what was drawn towards them."""
    return hashlib.sha256(texts.detach().cpu().contiguous().numpy().tobytes()).hexdigest()[:16]
