"""The scale of the logits inside a training loss: the model's own, a stated or a learned one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError

LogitScale = Literal["model", "learned"] | Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A setting of every objective with logits: `model` (100 for OpenAI's CLIP), a number, or
`learned`: the model's own, trained with the rest and kept by it."""


def scale_of(classifier: ZeroShotClassifier, scale: LogitScale) -> float | Tensor:
    """The number that a setting means for this classifier; a learned one has a gradient."""
    if scale == "model":
        return classifier.logit_scale
    if scale != "learned":
        return scale
    if classifier.model is None:
        raise InputError(
            "logit_scale: learned needs a whole model: a bare tower has none to learn."
        )
    clip: Any = classifier.model.clip
    learned: Tensor = clip.logit_scale.exp()
    return learned


def scaled_logits(classifier: ZeroShotClassifier, pooled: Tensor, scale: LogitScale) -> Tensor:
    """Logits (B, C) of pooled embeddings (B, D): cosines times `scale`.

    A number is seen by the training loss and its inner attack alone, never by an evaluation. The
    model's own bias, where it has one, is left out: no softmax sees it.
    """
    # In the order of ZeroShotClassifier.logits, so that both round alike.
    return scale_of(classifier, scale) * normalize(pooled, dim=-1) @ classifier.class_embeddings.T
