"""CLIP's contrastive loss within a batch, with or without its false negatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.across_processes import gathered, place_of
from zsrobust.objectives.logit_scale import LogitScale, scale_of
from zsrobust.objectives.objective import Batch
from zsrobust.settings import StrictModel

Direction = Literal["image-to-text", "symmetric"]


class ContrastSettings(StrictModel):
    """What FT-Clean and FT-Adv share.

    same_class: a pair of an image with another image's equal text is no negative (`masked`), or
    counts as one (`as-released`). logit_scale: inside the losses only.
    """

    same_class: Literal["masked", "as-released"] = "masked"
    logit_scale: LogitScale = "model"


def in_batch_contrast(
    pooled: Tensor,
    texts: Tensor,
    scale: float | Tensor,
    *,
    left_out: Tensor | None = None,
    direction: Direction = "symmetric",
) -> Tensor:
    """Contrastive loss (B,) of each image with its own text (CLIP, Radford et al. 2021).

    Z = scale * cos(image_i, text_j), (B, B); the i-th is [CE(Z_i., i) + CE(Z_.i, i)] / 2, or its
    first half alone under `image-to-text`. pooled: (B, D) of any length. texts: (B, D), unit.
    left_out: bool (B, B), pairs that are no negatives; never the diagonal.
    """
    logits = scale * normalize(pooled, dim=-1) @ texts.T
    if left_out is not None:
        logits = logits.masked_fill(left_out, -torch.inf)
    own = torch.arange(len(logits), device=logits.device)
    to_text = cross_entropy(logits, own, reduction="none")
    if direction == "image-to-text":
        return to_text
    return (to_text + cross_entropy(logits.T, own, reduction="none")) / 2


def false_negatives(texts: Sequence[str]) -> Tensor:
    """Pairs (i, j), i != j, with equal texts: bool (B, B).

    By text and not by label: two classes of one name have one text.
    """
    numbers: dict[str, int] = {}
    text = torch.tensor([numbers.setdefault(text, len(numbers)) for text in texts])
    return (text[:, None] == text) & ~torch.eye(len(text), dtype=torch.bool)


def class_contrast(
    classifier: ZeroShotClassifier, pooled: Tensor, batch: Batch, settings: ContrastSettings
) -> Tensor:
    """Symmetric contrast (B,) of image embeddings (B, D) with the texts of the batch's classes.

    The batch is that of all processes; the losses are those of this one's images.
    """
    place = place_of(batch.labels)
    labels, left_out = gathered(batch.labels, place), None
    if settings.same_class == "masked":
        names = [classifier.class_names[label] for label in labels.tolist()]
        left_out = false_negatives(names).to(pooled.device)
    texts = classifier.class_embeddings[labels]
    scale, images = scale_of(classifier, settings.logit_scale), gathered(pooled, place)
    return in_batch_contrast(images, texts, scale, left_out=left_out)[place.rows]
