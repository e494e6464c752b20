"""FT-Clean: CLIP's contrastive loss on clean images, the baseline without an adversary."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.contrastive import ContrastSettings, class_contrast
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.tecoa import class_cross_entropy


def ft_clean(settings: ContrastSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = mean_i [CE(Z_i., i) + CE(Z_.i, i)] / 2, Z of CLEAN images and their classes' texts.

    As TGA-ZSR's release defines it (FT.py). Adversarial pixels are never looked at.
    """
    inner_loss = partial(class_cross_entropy, logit_scale=settings.logit_scale)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, _: Tensor) -> LossTerms:
        pooled = embed_pixels(student, batch.pixels)
        return LossTerms({"contrast": class_contrast(student, pooled, batch, settings).mean()})

    return Objective("ft-clean", inner_loss, outer_loss, in_batch=True)
