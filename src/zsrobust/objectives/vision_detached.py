"""TGA-ZSR's vision variant as released: Grad-CAM terms that carry no gradient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import ModelError
from zsrobust.models.features import ImageFeatures
from zsrobust.models.towers.catalogue import tower_kind
from zsrobust.objectives.across_processes import gathered, place_of
from zsrobust.objectives.anchored import AnchoredSettings
from zsrobust.objectives.frozen_copy import frozen_copy
from zsrobust.objectives.logit_scale import scaled_logits
from zsrobust.objectives.map_distance import DENSE_DISTANCES, stretched
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.passes import note_partial_backward
from zsrobust.objectives.tecoa import class_cross_entropy
from zsrobust.objectives.upsampling import upsample

VITS = ("vit", "vit-average")


def vision_detached(
    settings: AnchoredSettings, distance: str, classifier: ZeroShotClassifier
) -> Objective:
    """TGA-ZSR's loss with Grad-CAM in the place of attention to text; trains cross-entropy alone.

    The release takes its maps through numpy, so that both attention terms are constants: they
    stand in the log at the release's values, and no gradient comes from them. The tower's forward
    of clean images is spent on the log; a weight of 0 saves it. Raises ModelError unless the tower
    is open_clip's ViT: the map is drawn at `ln_1` of its last block.
    """
    kind = tower_kind(classifier.visual)
    if kind not in VITS:
        raise ModelError(
            f"vision-detached draws Grad-CAM at the last block of a ViT; this tower is {kind}. "
            "It trains cross-entropy alone in any case: take tecoa."
        )
    frozen, scale = frozen_copy(classifier), settings.logit_scale
    apart = DENSE_DISTANCES[distance]

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        attacked, map_attacked = _seen(student, adversarial, batch.labels)
        logits = scaled_logits(student, attacked.pooled, scale)
        terms = {"cross_entropy": cross_entropy(logits, batch.labels)}
        if settings.alpha or settings.beta:
            reference = _seen(frozen, batch.pixels, batch.labels)[1]
        if settings.alpha:
            terms["attention_refinement"] = settings.alpha * apart(map_attacked, reference).mean()
        if settings.beta:
            clean = _seen(student, batch.pixels, batch.labels)[1]
            terms["attention_constraint"] = settings.beta * apart(clean, reference).mean()
        return LossTerms(terms)

    inner_loss = partial(class_cross_entropy, logit_scale=scale)
    drawn = bool(settings.alpha or settings.beta)
    return Objective("tga-zsr", inner_loss, outer_loss, in_batch=drawn)


def _seen(
    classifier: ZeroShotClassifier, pixels: Tensor, labels: Tensor
) -> tuple[ImageFeatures, Tensor]:
    """Features of pixels, and the released Grad-CAM map (B, 224, 224), without gradient.

    Score: for each image its cosine with the best of the BATCH's captions, which need not be its
    own. Map: the last block's first norm, each channel weighted by the mean of its gradient over
    the patches, summed, ReLU; resized, then stretched to [0, 1]. A map of zeros stays zeros, where
    the release divides by zero.
    """
    with torch.enable_grad(), _tokens_kept(classifier.visual) as kept:
        features = classifier.features(pixels)
        captions = classifier.class_embeddings[gathered(labels, place_of(labels))]
        score = (normalize(features.pooled, dim=1) @ captions.T).amax(1).sum()
        (gradient,) = torch.autograd.grad(score, kept[0], retain_graph=True)
        note_partial_backward(len(pixels))
    patches = slice(1, 1 + features.patches.shape[1])  # CLS comes first
    weights = gradient[:, patches].mean(1, keepdim=True)
    scores = (kept[0].detach()[:, patches] * weights).sum(2).relu()
    return features, stretched(upsample(scores.reshape(-1, *features.grid)))


@contextmanager
def _tokens_kept(visual: Any) -> Iterator[list[Tensor]]:
    """A list that receives (B, L, width) of the last block's first norm, while inside."""
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        # A frozen tower has no graph: the map's own begins here.
        kept.append(output if output.requires_grad else output.requires_grad_())
        return kept[-1]

    handle = visual.transformer.resblocks[-1].ln_1.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()
