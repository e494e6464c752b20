"""UCAT: alignment of evidence, as Dirichlet distributions (arXiv 2512.12997, ICML 2026)."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.divergences import dirichlet_kl
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.logit_scale import LogitScale, scaled_logits
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.tecoa import class_cross_entropy
from zsrobust.settings import StrictModel


class UcatSettings(StrictModel):
    """Weight and evidence of UCAT; the defaults are those of its release.

    strength: the weight of the divergence is strength / (1 + e^(2 / temperature)), 3.9e-8 by
    default, for the divergence is as large as the evidence. temperature: of the evidence
    e^((cos + 1) / temperature). direction: `adversarial-first` is KL(adversarial || clean); the
    other way round the paper reports a collapse. logit_scale: of the cross-entropy alone, in
    attack and loss.
    """

    strength: float = Field(1e5, ge=0)
    temperature: float = Field(0.07, gt=0)
    direction: Literal["adversarial-first", "clean-first"] = "adversarial-first"
    logit_scale: LogitScale = "model"


def ucat(settings: UcatSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = CE(x_adv) + weight * mean_b KL(Dir(a(x_adv)) || Dir(a0(x))), a = e^((cos + 1) / t).

    a0: the model as it comes in, on the CLEAN image, frozen (release, main.py). Cosines,
    evidence and divergence are in float64 whatever the model's precision, autocast included: in
    fp16 the evidence overflows. The release adds 1e-6 to evidence that is at least 1: left out.
    The inner attack maximises cross-entropy alone.
    """
    frozen = FrozenEmbeddings(classifier)
    weight = settings.strength / (1 + math.exp(2 / settings.temperature))
    scale = settings.logit_scale

    def evidence(pooled: Tensor) -> Tensor:
        cosines = normalize(pooled.double(), dim=1) @ classifier.class_embeddings.double().T
        return ((cosines + 1) / settings.temperature).exp()

    def divergence(attacked: Tensor, clean: Tensor) -> Tensor:
        a, b = evidence(attacked), evidence(clean)
        swap = settings.direction == "clean-first"
        return dirichlet_kl(b, a) if swap else dirichlet_kl(a, b)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        attacked = embed_pixels(student, adversarial)
        plain = cross_entropy(scaled_logits(student, attacked, scale), batch.labels)
        apart = weight * divergence(attacked, frozen.of_batch(batch)).mean()
        return LossTerms({"cross_entropy": plain, "evidence_divergence": apart.to(plain.dtype)})

    return Objective(
        "ucat",
        partial(class_cross_entropy, logit_scale=scale),
        outer_loss,
        frozen.kept,
        remember=frozen.of_batch,
        remembered=REMEMBERED,
    )
