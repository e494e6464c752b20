"""Tiny random CLIPs with the towers that CLIPs come with, as classifiers."""

from dataclasses import replace

import torch

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.models.build import build_clip
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip

RESNET = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}
CONVNEXT = {
    "timm_model_name": "convnext_atto",
    "timm_pool": "",
    "timm_proj": "linear",
    "image_size": 64,
}
VISION = {
    "vit-7x7": CONFIG["vision_cfg"],
    "vit-14x14": CONFIG["vision_cfg"] | {"patch_size": 2},
    "clip-resnet": RESNET,
    "convnext": CONVNEXT,
}


def tower_classifier(tower, classes=("cat", "dog", "bird", "ship", "truck")):
    """A zero-shot classifier whose image tower is one of VISION."""
    config = {**CONFIG, "vision_cfg": dict(VISION[tower])}
    if tower.startswith("vit"):
        return classifier_of(tiny_clip(config=config), classes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clip = build_clip(config, tower).eval()
        if tower == "clip-resnet":
            _let_positions_differ(clip.visual.attnpool)
    size = config["vision_cfg"]["image_size"]
    return classifier_of(replace(tiny_clip(), clip=clip, image_size=size, config=config), classes)


def _let_positions_differ(pool):
    """As drawn, an attention pool gives all positions one answer, and maps of it are noise."""
    pool.positional_embedding.data.normal_()
    for projection in (pool.q_proj, pool.k_proj):
        projection.weight.data *= 6
