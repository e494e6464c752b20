"""TeCoA: text-guided contrastive adversarial training (Mao et al., ICLR 2023)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import ValidationInfo, field_validator
from torch import Tensor
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.caption_contrast import caption_contrast
from zsrobust.objectives.contrastive import Direction
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.logit_scale import LogitScale, scaled_logits
from zsrobust.objectives.objective import Batch, LearnsFrom, LossTerms, Objective
from zsrobust.settings import StrictModel


class TecoaSettings(StrictModel):
    """What an image is contrasted with; the defaults are the paper's.

    labels: those of the data (`given`), or what the model said of the clean image before
    fine-tuning (`pseudo`: the paper's unlabelled variant; labels of the data are not read).
    texts: the prompts of all classes (`class`), or the captions of the batch (`captions`).
    direction: of the contrast with captions; `image-to-text` is the paper's.
    logit_scale: inside attack and loss only.
    """

    labels: Literal["given", "pseudo"] = "given"
    texts: Literal["class", "captions"] = "class"
    direction: Direction = "image-to-text"
    logit_scale: LogitScale = "model"

    @field_validator("texts")
    @classmethod
    def _own_caption(cls, texts: str, info: ValidationInfo) -> str:
        if texts == "captions" and info.data.get("labels") == "pseudo":
            raise ValueError("a caption is its image's label: set labels to given.")
        return texts

    @field_validator("direction")
    @classmethod
    def _texts_of_the_batch(cls, direction: str, info: ValidationInfo) -> str:
        if direction == "symmetric" and info.data.get("texts") == "class":
            raise ValueError("no image is sought for a class prompt: set texts to captions.")
        return direction


def tecoa(settings: TecoaSettings, classifier: ZeroShotClassifier) -> Objective:
    """Min over theta, max over the perturbation, of cross-entropy over ALL class prompts.

    L = mean_b CE(s * cos(image(x_adv), text_k), y): adversarial images only, image to text only;
    attack and training use the same loss (TeCoA section 3; its release, finetuning.py). On
    image-caption pairs the K texts are the captions of the batch. s is never trained.
    """
    scale = settings.logit_scale
    if settings.texts == "captions":
        return caption_contrast("tecoa", classifier, settings.direction, scale)
    if settings.labels == "given":
        return _of_classes(lambda batch: batch, scale)
    frozen = FrozenEmbeddings(classifier)
    objective = _of_classes(lambda batch: _pseudo_labelled(frozen, batch), scale)
    return replace(objective, memory=frozen.kept, remember=frozen.of_batch, remembered=REMEMBERED)


def tecoa_learns_from(settings: TecoaSettings) -> LearnsFrom:
    """What TeCoA needs of the data beside the images."""
    if settings.texts == "captions":
        return "captions"
    return "labels" if settings.labels == "given" else "class names"


def class_cross_entropy(
    classifier: ZeroShotClassifier, batch: Batch, logit_scale: LogitScale = "model"
) -> Callable[[Tensor], Tensor]:
    """Pixels (B, 3, H, W) -> cross-entropy (B,) over all classes, against the batch's labels."""

    def loss(pixels: Tensor) -> Tensor:
        logits = scaled_logits(classifier, embed_pixels(classifier, pixels), logit_scale)
        return cross_entropy(logits, batch.labels, reduction="none")

    return loss


def _of_classes(labelled: Callable[[Batch], Batch], scale: LogitScale) -> Objective:
    def inner_loss(student: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
        return class_cross_entropy(student, labelled(batch), scale)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        return LossTerms({"cross_entropy": inner_loss(student, batch)(adversarial).mean()})

    return Objective("tecoa", inner_loss, outer_loss)


def _pseudo_labelled(frozen: FrozenEmbeddings, batch: Batch) -> Batch:
    """The same batch with y_i = argmax_k cos(image_0(x_i), text_k) of the frozen model."""
    logits = frozen.classifier.logits(frozen.of_batch(batch))
    return replace(batch, labels=logits.argmax(dim=1))
