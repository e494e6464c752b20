"""TGA-ZSR: text-guided attention for zero-shot robustness (Yu et al., NeurIPS 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import ValidationInfo, field_validator
from torch import Tensor

from zsrobust.attention.catalogue import MAPS
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.models.features import ImageFeatures
from zsrobust.objectives.anchor_texts import Target, digest, target_texts
from zsrobust.objectives.anchored import Anchor, AnchoredSettings, anchored
from zsrobust.objectives.frozen_maps import Draw
from zsrobust.objectives.map_distance import (
    DENSE_DISTANCES,
    DISTANCES,
    MapDistance,
    of_map,
    stretched,
)
from zsrobust.objectives.objective import Objective
from zsrobust.objectives.upsampling import upsample
from zsrobust.objectives.vision_detached import vision_detached


class TgaZsrSettings(AnchoredSettings):
    """Weights and choices of TGA-ZSR; the defaults are those of the published numbers.

    alpha: weight of attention refinement. beta: weight of attention-based model constraint. Both
    are tied to 7x7 tokens and the unsquared l2 on the 224 grid.
    target: what attention is drawn towards: the true class's `text`; a placebo (`wrong-text`,
    `random-direction`); or `vision-detached`, the release's vision variant, whose terms are
    constants: it trains cross-entropy alone.
    distance: the published l1 and cos rows share alpha and beta with l2 at their own scale, which
    all but turns their terms off (gradient_norm: own).
    stretch: `tokens` stretches a map to [0, 1] on the token grid, as the release does, `pixels`
    again after resizing, which is the order that the paper states.
    """

    target: Literal["text", "wrong-text", "random-direction", "vision-detached"] = "text"
    distance: Literal["l2", "l1", "cos"] = "l2"
    stretch: Literal["tokens", "pixels"] = "tokens"

    @field_validator("target")
    @classmethod
    def _one_map(cls, target: str, info: ValidationInfo) -> str:
        named = info.data.get("attention", "text-guided")
        if target == "vision-detached" and named != "text-guided":
            raise ValueError(
                f"vision-detached draws the release's own map, and attention = {named} asks for "
                "another. Leave one of them out."
            )
        return target


def tga_zsr(settings: TgaZsrSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = CE(x_adv) + alpha * d(A(x_adv), A0(x)) + beta * d(A(x), A0(x))   (eq. 5 to 8).

    A: attention of the trained model to the true class's text; A0: of the model as it comes in.
    See `anchored`. Raises ModelError for a tower without patch features, and for the vision
    variant where the tower is no ViT.
    """
    if settings.target == "vision-detached":
        return vision_detached(settings, settings.distance, classifier)
    targets: tuple[Target, ...] = (settings.target,)
    if settings.target != "text":
        targets = (settings.target, "text")
    draw, shown = drawn_towards(settings.attention, targets, classifier)
    own = of_map(0, _distance(settings.distance, settings.stretch))
    published = of_map(len(targets) - 1, _distance("l2", settings.stretch))
    as_published = settings.target == "text" and settings.distance == "l2"
    anchor = Anchor(draw, own, None if as_published else published, shown)
    return anchored("tga-zsr", settings, classifier, anchor)


def drawn_towards(
    attention: str, targets: Sequence[Target], classifier: ZeroShotClassifier
) -> tuple[Draw, str]:
    """The maps of K texts an image, (B, K, h, w), and the name of what they show."""
    texts, draw = [target_texts(classifier, target) for target in targets], MAPS[attention]

    def towards(features: ImageFeatures, labels: Tensor) -> Tensor:
        maps = [draw(features, each.to(features.patches)[labels]) for each in texts]
        return torch.stack(maps, dim=1)

    named = zip(targets, texts, strict=True)
    return towards, f"{attention} of " + " and ".join(f"{t} {digest(each)}" for t, each in named)


def _distance(name: str, stretch: str) -> MapDistance:
    """Between token maps (B, h, w)."""
    if stretch == "tokens":
        return DISTANCES[name]
    dense = DENSE_DISTANCES[name]
    return lambda a, b: dense(stretched(upsample(a)), stretched(upsample(b)))
