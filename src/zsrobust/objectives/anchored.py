"""Cross-entropy beside two terms that hold a trained model to the frozen one: TGA-ZSR's shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from pydantic import Field, field_validator
from torch import Tensor
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError
from zsrobust.models.features import ImageFeatures, refuse_without_patches
from zsrobust.objectives.differentiable_map import check_differentiable
from zsrobust.objectives.frozen_maps import Draw, FrozenMaps
from zsrobust.objectives.logit_scale import LogitScale, scaled_logits
from zsrobust.objectives.map_distance import MapDistance
from zsrobust.objectives.matched import matched
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.tecoa import class_cross_entropy
from zsrobust.settings import StrictModel


class AnchoredSettings(StrictModel):
    """What every objective of this shape takes.

    alpha: weight of the term of adversarial images. beta: of that of clean images. A weight of 0
    leaves its term out, and the forward that only it needs.
    attention: a map of `attention/` through which a gradient flows.
    gradient_norm: `matched` scales a term that is not the published one, at every step, to the
    gradient norm that the published one has on the same batch, so that metrics and anchors are
    compared and not their scales; `own` leaves it as it comes, which is what the release does.
    logit_scale: of the cross-entropy, and of the inner attack on it.
    """

    alpha: float = Field(0.08, ge=0)
    beta: float = Field(0.05, ge=0)
    attention: str = "text-guided"
    gradient_norm: Literal["matched", "own"] = "matched"
    logit_scale: LogitScale = "model"

    @field_validator("attention")
    @classmethod
    def _differentiable(cls, name: str) -> str:
        try:
            return check_differentiable(name)
        except InputError as error:
            raise ValueError(str(error)) from None


@dataclass(frozen=True)
class Anchor:
    """What is compared with the frozen model.

    draw: features of B images and their labels -> (B, K, h, w), of the trained model and of the
    frozen one. apart: two of them -> (B,). published: another distance between the same two, to
    whose gradient norm the first is scaled. shown: what `draw` shows, for the name of a cache; ""
    for what is too large to be kept of every image.
    """

    draw: Draw
    apart: MapDistance
    published: MapDistance | None = None
    shown: str = ""


def anchored(
    name: str, settings: AnchoredSettings, classifier: ZeroShotClassifier, anchor: Anchor
) -> Objective:
    """L = CE(x_adv) + alpha * d(A(x_adv), A0(x)) + beta * d(A(x), A0(x)).

    A: of the trained model; A0: of the model as it comes in, which is copied and frozen here. The
    inner attack maximises cross-entropy alone. Nothing of A is detached; one forward of x_adv
    serves cross-entropy and A. Raises ModelError for a tower without patch features.
    """
    refuse_without_patches(classifier.visual)
    scale, keep = settings.logit_scale, anchor.shown != ""
    is_matched = settings.gradient_norm == "matched" and anchor.published is not None
    frozen = FrozenMaps.of(classifier, anchor.draw, keep)

    def term(features: ImageFeatures, labels: Tensor, reference: Tensor) -> Tensor:
        drawn = anchor.draw(features, labels)
        held = anchor.apart(drawn, reference).mean()
        if anchor.published is None or not is_matched:
            return held
        return matched(held, anchor.published(drawn, reference).mean(), features)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        attacked = student.features(adversarial)
        logits = scaled_logits(student, attacked.pooled, scale)
        terms = {"cross_entropy": cross_entropy(logits, batch.labels)}
        if settings.alpha or settings.beta:
            reference = frozen.of_batch(batch)
        if settings.alpha:
            refinement = term(attacked, batch.labels, reference)
            terms["attention_refinement"] = settings.alpha * refinement
        if settings.beta:
            constraint = term(student.features(batch.pixels), batch.labels, reference)
            terms["attention_constraint"] = settings.beta * constraint
        return LossTerms(terms)

    return Objective(
        name,
        partial(class_cross_entropy, logit_scale=scale),
        outer_loss,
        frozen.kept,
        remember=frozen.of_batch if keep else None,
        remembered=anchor.shown,
        in_batch=is_matched,
    )
