"""A tiny, randomly initialised CLIP: every test's model, made in a moment, no weights needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.models.build import build_clip
from zsrobust.models.model import Model

CONFIG: Mapping[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {
        "image_size": 28,
        "layers": 2,
        "width": 32,
        "head_width": 16,
        "patch_size": 4,
    },
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49408,
        "width": 16,
        "heads": 2,
        "layers": 1,
    },
}


def tiny_clip(seed: int = 0, config: Mapping[str, Any] = CONFIG) -> Model:
    """A random open_clip model of 28 px and a 7x7 token grid, always the same for a seed.

    config: another open_clip `model_cfg`. Leaves the global random state as it was.
    """
    from open_clip.tokenizer import SimpleTokenizer

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        clip = build_clip(config, "tiny_clip")
        for parameter in clip.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3 / parameter.shape[-1] ** 0.5 * 4)
    return Model(
        name="tiny-clip",
        clip=clip.eval(),
        tokenizer=SimpleTokenizer(context_length=config["text_cfg"]["context_length"]),
        image_size=config["vision_cfg"]["image_size"],
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        config=config,
        source="zsrobust.testing.tiny_clip",
    )


def tiny_classifier(
    classes: Sequence[str] = ("cat", "dog", "bird", "ship", "truck"), seed: int = 0
) -> ZeroShotClassifier:
    """A zero-shot classifier over `tiny_clip`."""
    return classifier_of(tiny_clip(seed), classes)


def random_images(
    count: int, classifier: ZeroShotClassifier, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Smooth random pixels (count, 3, S, S) in [0, 1], and the classifier's own labels for them."""
    size = classifier.input_size or 28
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 7, 7, generator=generator)
    pixels = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    with torch.no_grad():
        return pixels, classifier(pixels).argmax(1)
