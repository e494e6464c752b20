"""Adversarial images against the captions of their batch: training on image-caption pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError
from zsrobust.objectives.across_processes import gathered, gathered_words, place_of
from zsrobust.objectives.contrastive import Direction, false_negatives, in_batch_contrast
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.logit_scale import LogitScale, scale_of
from zsrobust.objectives.objective import Batch, LossTerms, Objective


def caption_contrast(
    name: str, classifier: ZeroShotClassifier, direction: Direction, scale: LogitScale
) -> Objective:
    """L = mean_i of the in-batch contrast of adversarial image i with its own caption.

    Both ways it is the contrastive term of AdvFLYP (arXiv 2604.11576). Attack and training use the
    same loss, so that an image's perturbation sees its batch, that of all processes. Equal
    captions of two images are no negatives. A caption is embedded once: the text tower is not
    trained.
    """
    kept: dict[tuple[str, str], Tensor] = {}

    def inner_loss(student: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
        captions, place = _captions(batch), place_of(batch.labels)
        texts = gathered(_embedded(classifier, batch.ids, captions, kept), place)
        left_out = false_negatives(gathered_words(captions)).to(texts.device)
        number = scale_of(student, scale)

        def loss(pixels: Tensor) -> Tensor:
            images = gathered(embed_pixels(student, pixels), place)
            contrast = in_batch_contrast(
                images, texts, number, left_out=left_out, direction=direction
            )
            return contrast[place.rows]

        return loss

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        return LossTerms({"contrast": inner_loss(student, batch)(adversarial).mean()})

    return Objective(name, inner_loss, outer_loss, kept, in_batch=True)


def _captions(batch: Batch) -> Sequence[str]:
    if batch.captions is None:
        raise InputError(
            "texts = captions, but these images have none. Train on image-caption pairs, or set "
            "objective.settings.texts=class."
        )
    return batch.captions


def _embedded(
    classifier: ZeroShotClassifier,
    ids: Sequence[str],
    captions: Sequence[str],
    kept: dict[tuple[str, str], Tensor],
) -> Tensor:
    """Unit caption embeddings (B, D); only those not in `kept` go through the text tower."""
    keys = list(zip(ids, captions, strict=True))
    new = [key for key in dict.fromkeys(keys) if key not in kept]
    if new:
        embedded = classifier.embed([caption for _, caption in new]).cpu()
        kept.update(zip(new, embedded, strict=True))
    return torch.stack([kept[key] for key in keys]).to(classifier.class_embeddings)
