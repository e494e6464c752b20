"""LORE: robust embeddings under a constraint on the clean ones (arXiv 2505.18884, NeurIPS 2025)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.divergences import squared_l2
from zsrobust.objectives.fare import distance_from
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.objective import Batch, Dual, LossTerms, Objective
from zsrobust.randomness import seeded
from zsrobust.settings import StrictModel

HIDDEN = 512


class LoreSettings(StrictModel):
    """Constraint and dual network of LORE; the defaults are its appendix C for a ViT-B/32.

    rho: how far a clean embedding may move, as a share of its squared length (0.2 for eps of 8/255
    and more, 0.01 on CIFAR-10). updates_per_batch: of the tower on one perturbation. dual_lr: of
    the network of multipliers.
    """

    rho: float = Field(0.1, gt=0)
    updates_per_batch: int = Field(5, ge=1)
    dual_lr: float = Field(5e-4, gt=0)


class Multiplier(nn.Sequential):
    """lambda(x) = softplus(MLP(f0(x))): (B, D) -> (B,), positive; a multiplier for each sample.

    The paper states two linear layers and 512 hidden units; ReLU between them is ours. Its first
    weights are the same in every run.
    """

    def __init__(self, width: int) -> None:
        with seeded("lore", "multiplier", device="cpu"):
            layers = nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1), nn.Softplus()
        super().__init__(*layers, nn.Flatten(0))


def lore(settings: LoreSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = mean_b |f(x_adv) - f0(x)|^2 + lambda(x) (|f(x) - f0(x)|^2 - rho |f0(x)|^2).

    The tower minimises L on one perturbation, `updates_per_batch` times; then lambda's network
    takes one step that raises the second term (equations of section 4, loop of appendix C). The
    inner attack maximises the first term, which is FARE's. Unnormalised embeddings throughout.
    """
    frozen = FrozenEmbeddings(classifier)
    texts = classifier.class_embeddings
    multiplier = Multiplier(texts.shape[1]).to(texts)

    def violation(student: ZeroShotClassifier, batch: Batch, reference: Tensor) -> Tensor:
        moved = squared_l2(embed_pixels(student, batch.pixels), reference)
        return moved - settings.rho * reference.square().sum(dim=1)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        reference = frozen.of_batch(batch)
        with torch.no_grad():
            weight = multiplier(reference)
        apart = squared_l2(embed_pixels(student, adversarial), reference)
        constraint = weight * violation(student, batch, reference)
        return LossTerms({"embedding_distance": apart.mean(), "constraint": constraint.mean()})

    def dual_loss(student: ZeroShotClassifier, batch: Batch) -> Tensor:
        reference = frozen.of_batch(batch)
        with torch.no_grad():
            broken = violation(student, batch, reference)
        raised: Tensor = (multiplier(reference) * broken).mean()
        return raised

    return Objective(
        "lore",
        distance_from(frozen),
        outer_loss,
        frozen.kept,
        updates_per_batch=settings.updates_per_batch,
        remember=frozen.of_batch,
        remembered=REMEMBERED,
        dual=Dual(multiplier, settings.dual_lr, dual_loss),
    )
