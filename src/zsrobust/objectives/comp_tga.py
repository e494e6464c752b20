"""Comp-TGA: attention to a class, and away from what is not it (arXiv 2603.18598)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor

from zsrobust.attention.catalogue import MAPS
from zsrobust.classifier.class_embeddings import check_prompts, embed_classes
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError
from zsrobust.models.features import ImageFeatures
from zsrobust.objectives.anchor_texts import digest
from zsrobust.objectives.anchored import Anchor, AnchoredSettings, anchored
from zsrobust.objectives.map_distance import DENSE_DISTANCES, MapDistance
from zsrobust.objectives.objective import Objective
from zsrobust.objectives.upsampling import upsample


class CompTgaSettings(AnchoredSettings):
    """Weights and choices of Comp-TGA; the defaults are those of its release.

    negated_templates: prompts that say the image does not show the class.
    random_start: of the inner attack. The release seeds torch anew inside its losses, so that from
    its second step on every step begins with the same noise: `repeated`.
    """

    alpha: float = Field(0.10, ge=0)
    beta: float = Field(0.07, ge=0)
    distance: Literal["l2", "l1", "cos"] = "l2"
    negated_templates: list[str] = Field(default_factory=lambda: ["This is not a photo of a {}"])
    random_start: Literal["fresh", "repeated"] = "fresh"

    @field_validator("negated_templates")
    @classmethod
    def _prompts(cls, templates: list[str]) -> list[str]:
        try:
            check_prompts(["any class"], templates)
        except InputError as error:
            raise ValueError(str(error)) from None
        return templates


def comp_tga(settings: CompTgaSettings, classifier: ZeroShotClassifier) -> Objective:
    """TGA-ZSR's three terms with A_comp = m * (1 - m_non) in the place of A.

    m, m_non: maps towards the true class's text and its negation, from the same tokens, each
    resized to 224 x 224 before they are multiplied; the product is not stretched again. It is no
    resized token map, so that the distance is taken on the dense grid. See `anchored`.
    Raises InputError for a classifier without a text tower to embed the negation.
    """
    texts = classifier.class_embeddings.detach()
    negated = _negated(settings, classifier)
    draw_one = MAPS[settings.attention]

    def draw(features: ImageFeatures, labels: Tensor) -> Tensor:
        pair = (draw_one(features, each.to(features.patches)[labels]) for each in (texts, negated))
        return torch.stack(list(pair), dim=1)

    anchor = Anchor(
        draw,
        complementary_distance(settings.distance),
        complementary_distance("l2") if settings.distance != "l2" else None,
        f"{settings.attention} of text {digest(texts)} and its negation {digest(negated)}",
    )
    objective = anchored("comp-tga", settings, classifier, anchor)
    return replace(objective, random_start=settings.random_start)


def complementary(maps: Tensor) -> Tensor:
    """The product m * (1 - m_non) on the dense grid: (B, 2, h, w) -> (B, 224, 224)."""
    return upsample(maps[:, 0]) * (1 - upsample(maps[:, 1]))


def complementary_distance(name: str) -> MapDistance:
    """A distance between two pairs of maps (B, 2, h, w), by their products."""
    apart = DENSE_DISTANCES[name]
    return lambda a, b: apart(complementary(a), complementary(b))


def _negated(settings: CompTgaSettings, classifier: ZeroShotClassifier) -> Tensor:
    if classifier.model is None:
        raise InputError(
            "comp-tga embeds a negated prompt of every class, and this classifier was made from "
            "class embeddings: it has no text tower. Make it from a model."
        )
    return embed_classes(classifier.model, classifier.class_names, settings.negated_templates)
