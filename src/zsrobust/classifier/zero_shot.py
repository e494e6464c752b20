"""The zero-shot classifier: pixels to logits over class names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import normalize

from zsrobust.classifier.class_embeddings import (
    check_prompts,
    coinciding_classes,
    embed_classes,
    embed_texts,
    refuse_duplicates,
)
from zsrobust.classifier.input_checks import check_pixels
from zsrobust.classifier.preprocess import Preprocess
from zsrobust.errors import InputError
from zsrobust.models.features import ImageFeatures, image_features
from zsrobust.models.load import choose_device, load_model
from zsrobust.models.model import Model

DEFAULT_TEMPLATES = ("a photo of a {}.",)


class ZeroShotClassifier(nn.Module):
    """Cosine between an image's embedding and each class's, times the model's own scale.

    Plus the model's own bias, where it has one (SigLIP): no softmax sees it, a sigmoid would.

    visual: image tower, (B, 3, S, S) normalised -> (B, D). preprocess: pixels -> its input.
    class_embeddings: (C, D), unit. model: the Model behind it, None for a bare tower.
    input_size: side of the tower's input in pixels, None for a bare tower.
    """

    class_embeddings: Tensor

    def __init__(
        self,
        visual: nn.Module,
        preprocess: nn.Module,
        class_embeddings: Tensor,
        logit_scale: float,
        class_names: Sequence[str],
        model: Model | None = None,
        logit_bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.visual = visual
        self.preprocess = preprocess
        self.register_buffer("class_embeddings", class_embeddings, persistent=False)
        self.logit_scale = logit_scale
        self.logit_bias = logit_bias
        self.class_names = tuple(class_names)
        self.model = model
        self.input_size = model.image_size if model is not None else None
        self.coinciding = coinciding_classes(class_embeddings, self.class_names)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, C) of pixels (B, 3, H, W) in [0, 1]; PixelsError says what is wrong."""
        check_pixels(pixels)
        return self.logits(self.visual(self.preprocess(pixels)))

    def features(self, pixels: Tensor) -> ImageFeatures:
        """Pooled (B, D), patches (B, N, D) and the grid (h, w), from one forward.

        Projected into the space of the text embeddings, not normalised.
        """
        check_pixels(pixels)
        return image_features(self.visual, self.preprocess(pixels))

    def logits(self, pooled: Tensor) -> Tensor:
        """Logits (B, C) of pooled image embeddings (B, D) of any length."""
        scaled = self.logit_scale * normalize(pooled, dim=-1) @ self.class_embeddings.T
        return scaled + self.logit_bias if self.logit_bias else scaled

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Unit text embeddings (N, D) by the classifier's own text tower."""
        if self.model is None:
            raise InputError(
                "This classifier was made from class embeddings: it has no text tower."
            )
        return embed_texts(self.model, texts)


def load_classifier(
    model: str | Path | Model | tuple[nn.Module, Tensor],
    classes: Sequence[str],
    templates: Sequence[str] = DEFAULT_TEMPLATES,
    device: str = "auto",
    known_duplicates: bool = False,
) -> ZeroShotClassifier:
    """A zero-shot classifier over `classes`, in eval mode.

    model: anything `load_model` takes, or (image tower, class embeddings (C, D)): a module from
    pixels in [0, 1] to embeddings that carries its `logit_scale` as a float attribute.
    known_duplicates: catalogued sets may name two classes alike; names typed by a user may not.
    """
    check_prompts(classes, templates)
    if not known_duplicates:
        refuse_duplicates(classes)
    if isinstance(model, tuple):
        return _from_tower(model[0], model[1], classes, device)
    loaded = load_model(model, device)
    return classifier_of(loaded, classes, templates)


def classifier_of(
    model: Model, classes: Sequence[str], templates: Sequence[str] = DEFAULT_TEMPLATES
) -> ZeroShotClassifier:
    """The classifier of a loaded model, sharing its weights, on its device.

    Without classes it embeds images and texts alone; its logits have no columns.
    """
    preprocess = Preprocess(model.input_shape, model.mean, model.std)
    classifier = ZeroShotClassifier(
        model.visual,
        preprocess,
        embed_classes(model, classes, templates) if classes else embed_texts(model, [""])[:0],
        model.logit_scale,
        classes,
        model,
        model.logit_bias,
    )
    return classifier.to(model.device).eval()


def _from_tower(
    tower: nn.Module, embeddings: Tensor, classes: Sequence[str], device: str
) -> ZeroShotClassifier:
    if embeddings.ndim != 2 or len(embeddings) != len(classes):
        raise InputError(
            f"class embeddings must be ({len(classes)}, D), one row a class; "
            f"got {tuple(embeddings.shape)}."
        )
    scale = getattr(tower, "logit_scale", None)
    if not isinstance(scale, (int, float)):
        raise InputError(
            "The image tower must carry `logit_scale`, a float: 100 for OpenAI's CLIP."
        )
    unit = normalize(embeddings.detach().float(), dim=-1)
    classifier = ZeroShotClassifier(tower, nn.Identity(), unit, float(scale), classes)
    return classifier.to(choose_device(device)).eval()
