"""A plain anchor on patch features: what remains of TGA-ZSR without text and without maps."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.models.features import ImageFeatures
from zsrobust.objectives.anchored import Anchor, AnchoredSettings, anchored
from zsrobust.objectives.map_distance import DISTANCES, of_map, safe_root
from zsrobust.objectives.objective import Objective
from zsrobust.objectives.tga_zsr import drawn_towards


class PatchAnchorSettings(AnchoredSettings):
    """Weights of the anchor.

    attention: the map to whose pull (towards the true class's text, by l2) that of the anchor is
    matched; with gradient_norm `own` it is not drawn.
    """


def patch_anchor(settings: PatchAnchorSettings, classifier: ZeroShotClassifier) -> Objective:
    """TGA-ZSR's three terms with the patch features in the place of attention: a placebo.

    d = the unsquared l2 between all projected patch tokens of an image, trained and frozen. See
    `anchored`. The features of an image are as many numbers as its pixels or more, so that they
    are computed anew at each step and not kept.
    """
    published = settings.gradient_norm == "matched"
    draw_map, _ = drawn_towards(settings.attention, ("text",), classifier)

    def draw(features: ImageFeatures, labels: Tensor) -> Tensor:
        patches = features.patches.transpose(1, 2)
        patches = patches.reshape(*patches.shape[:2], *features.grid)
        return torch.cat([draw_map(features, labels), patches], 1) if published else patches

    first = int(published)
    return anchored(
        "patch-anchor",
        settings,
        classifier,
        Anchor(
            draw,
            lambda a, b: safe_root((a - b)[:, first:].square().sum((1, 2, 3))),
            of_map(0, DISTANCES["l2"]) if published else None,
        ),
    )
