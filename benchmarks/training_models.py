"""The models and images on which `training_step.py` times a training step."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

import zsrobust as zr
from zsrobust.data.class_lists import class_list
from zsrobust.data.dataset import Dataset
from zsrobust.models.build import build_clip
from zsrobust.models.model import Model
from zsrobust.randomness import seeded
from zsrobust.testing.tiny_clip import tiny_clip

TEMPLATE = "This is a photo of a {}"
"""The releases' prompt, without a full stop."""


def vit_b_32() -> Model:
    """ViT-B-32 with random weights, the same ones every time: time does not depend on them."""
    import open_clip

    config = open_clip.get_model_config("ViT-B-32") or {}
    with seeded("training step", device="cpu"):
        clip = build_clip(config, "ViT-B-32")
    return Model(
        name="ViT-B-32 (random)",
        clip=clip.eval(),
        tokenizer=open_clip.get_tokenizer("ViT-B-32"),
        image_size=224,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
        config=config,
        source="random weights",
    )


def vit_b_32_on_gpu() -> Model:
    """The same on CUDA."""
    return vit_b_32().to("cuda")


def photos_mini() -> Model:
    """The bundled model of photographs, on the CPU."""
    return zr.load_model("photos-mini", "cpu")


def small_model() -> Model:
    """The tests' tiny CLIP."""
    return tiny_clip()


def random_dataset(count: int, classes: int, side: int) -> Dataset:
    """`count` smooth random pictures of side x side, labelled in turn by Tiny-ImageNet's names."""
    names = class_list("tinyimagenet.as-released")[:classes]

    def read(position: int) -> Any:
        coarse = np.random.default_rng(position).integers(0, 256, (7, 7, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((side, side), Image.Resampling.BILINEAR)

    return Dataset(
        name="random-pictures",
        split="train",
        version=1,
        class_names=names,
        templates=(TEMPLATE,),
        ids=tuple(f"random/{number}" for number in range(count)),
        labels=tuple(number % classes for number in range(count)),
        read=read,
        variant="user",
        source="made here",
    )
