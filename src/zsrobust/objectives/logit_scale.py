"""The scale of the logits inside a training loss: the model's own, or a stated number."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.image_embedding import class_cosines

LogitScale = Literal["model"] | Annotated[float, Field(gt=0)]
"""A setting of every objective with logits: `model` (100 for OpenAI's CLIP), or a number."""


def scaled_logits(classifier: ZeroShotClassifier, pooled: Tensor, scale: LogitScale) -> Tensor:
    """Logits (B, C) of pooled embeddings (B, D): cosines times `scale`.

    `model` is the scale (and bias) with which the classifier itself decides. A number is seen by
    the training loss and its inner attack alone, never by an evaluation.
    """
    if scale == "model":
        return classifier.logits(pooled)
    return scale * class_cosines(classifier, pooled)
