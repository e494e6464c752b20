"""Every kind of tower, small and random: its patches are tied to its pooled embedding."""

import pytest
import torch
from open_clip.model import CLIP
from torch.nn.functional import multi_head_attention_forward

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import ModelError
from zsrobust.models.build import build_clip
from zsrobust.models.features import gives_patches, image_features
from zsrobust.models.towers.catalogue import TOWERS, tower_kind
from zsrobust.objectives.catalogue import build_objective

TEXT = {"context_length": 16, "vocab_size": 100, "width": 16, "heads": 2, "layers": 1}
VIT = {"image_size": 28, "layers": 2, "width": 32, "head_width": 16, "patch_size": 4}
RESNET = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}


def timm(name, pool, proj, size):
    return {"timm_model_name": name, "timm_pool": pool, "timm_proj": proj, "image_size": size}


def tower(vision, size=None):
    """A random tower with norms that do something, at its config's size or another one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clip = CLIP(embed_dim=24, vision_cfg=vision, text_cfg=dict(TEXT)).eval()
        if size is not None:
            clip.visual.set_input_size(size)
        for parameter in clip.visual.parameters():
            if parameter.ndim == 1:
                parameter.data += 0.3 * torch.randn_like(parameter)
    return clip.visual


def shape_of(vision, size=None):
    side = size or vision["image_size"]
    return side if isinstance(side, tuple) else (side, side)


def pixels_for(shape, count=2):
    return torch.randn(count, 3, *shape, generator=torch.Generator().manual_seed(1))


TINY_VIT, TINY_EVA = "vit_tiny_patch16_224", "eva02_tiny_patch14_224"
WITH_CLS = {
    "vit": (VIT, None, "vit", (7, 7)),
    "vit oblong": (VIT | {"image_size": (28, 16)}, None, "vit", (7, 4)),
    "vit, norm after pooling": (VIT | {"final_ln_after_pool": True}, None, "vit", (7, 7)),
    "timm vit": (timm(TINY_VIT, "token", "", 224), (64, 64), "timm-vit", (4, 4)),
    "timm vit oblong": (timm(TINY_VIT, "token", "mlp", 224), (64, 32), "timm-vit", (4, 2)),
    "eva": (timm(TINY_EVA, "token", "", 224), (56, 42), "timm-vit", (4, 3)),
}
AVERAGED = {
    "vit": (VIT | {"pool_type": "avg"}, None, "vit-average", (7, 7)),
    "clipa": (
        VIT | {"pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True},
        None,
        "vit-average",
        (7, 7),
    ),
    "timm vit": (timm(TINY_VIT, "avg", "linear", 224), (64, 32), "timm-vit-average", (4, 2)),
    "eva": (timm(TINY_EVA, "avg", "", 224), (56, 42), "timm-vit-average", (4, 3)),
    "convnext": (timm("convnext_atto", "", "linear", 64), None, "timm-map", (2, 2)),
    "convnext oblong": (timm("convnext_atto", "", "linear", (96, 64)), None, "timm-map", (3, 2)),
    "resnet": (timm("resnet10t", "avg", "linear", 64), None, "timm-map", (2, 2)),
    "mobileclip": (timm("fastvit_t8", "avg", "", 64), None, "timm-map", (2, 2)),
}
WITHOUT = {
    "siglip": (timm(TINY_VIT, "map", "none", 224), (64, 64), "map"),
    "coca": (VIT | {"attentional_pool": True, "attn_pooler_heads": 2}, None, "coca"),
    "convnext with an mlp": (timm("convnext_atto", "", "mlp", 64), None, "other"),
}


def checked(vision, size, kind, grid):
    """The tower, its features at the right grid, pooled as the tower itself pools."""
    visual = tower(vision, size)
    pixels = pixels_for(shape_of(vision, size))
    with torch.no_grad():
        features = image_features(visual, pixels)
        direct = visual(pixels)
    assert tower_kind(visual) == kind and gives_patches(visual)
    assert features.grid == grid
    assert features.patches.shape == (2, grid[0] * grid[1], 24)
    assert torch.allclose(features.pooled, direct, atol=1e-6)
    return visual, pixels, features


@pytest.mark.parametrize("case", WITH_CLS)
def test_where_cls_pools_its_token_passed_like_a_patch_is_the_image_embedding(case):
    vision, size, kind, grid = WITH_CLS[case]
    visual, pixels, features = checked(vision, size, kind, grid)
    trunk = getattr(visual, "trunk", None)
    with torch.no_grad():
        out = visual.forward_intermediates(
            pixels, indices=1, normalize_intermediates=True, output_extra_tokens=True
        )
        cls = out["image_intermediates_prefix"][-1][:, 0]
        own = cls @ visual.proj if trunk is None else visual.head(trunk.head(trunk.fc_norm(cls)))
    assert torch.allclose(own, features.pooled, atol=1e-6)
    assert features.patches.std(1).mean() > 1e-4, "patches that are all alike say nothing"


@pytest.mark.parametrize("case", AVERAGED)
def test_where_the_mean_pools_the_patches_average_to_the_image_embedding(case):
    _, _, features = checked(*AVERAGED[case])
    assert torch.allclose(features.patches.mean(1), features.pooled, atol=2e-6)
    assert features.patches.std(1).mean() > 1e-4, "patches that are all alike say nothing"


def test_a_clip_resnet_asks_its_attention_pool_at_every_position():
    visual = tower(RESNET)
    pool = visual.attnpool
    for projection in (pool.q_proj, pool.k_proj):
        projection.weight.data *= 6
    pixels = pixels_for((64, 96))
    pool.positional_embedding.data = torch.randn(7, 256)
    with torch.no_grad():
        features = image_features(visual, pixels)
        out = visual.forward_intermediates(pixels, indices=1, intermediates_only=True)
        x = out["image_intermediates"][-1].flatten(2).permute(2, 0, 1)
        x = torch.cat([x.mean(0, keepdim=True), x]) + pool.positional_embedding[:, None]
        every, _ = multi_head_attention_forward(
            x, x, x, 256, pool.num_heads, None,
            torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]),
            None, None, False, 0.0, pool.c_proj.weight, pool.c_proj.bias,
            training=False, need_weights=False, use_separate_proj_weight=True,
            q_proj_weight=pool.q_proj.weight, k_proj_weight=pool.k_proj.weight,
            v_proj_weight=pool.v_proj.weight,
        )  # fmt: skip
        direct = visual(pixels)
    assert features.grid == (2, 3)
    assert torch.allclose(features.pooled, direct, atol=1e-6)
    assert torch.allclose(features.patches, every[1:].transpose(0, 1), atol=1e-6)
    assert (features.patches - features.pooled[:, None]).abs().max() > 1e-3


@pytest.mark.parametrize("case", [*WITH_CLS, *AVERAGED])
def test_gradients_reach_the_pixels_from_pooled_and_patches(case):
    vision, size, _, _ = (WITH_CLS | AVERAGED)[case]
    visual = tower(vision, size)
    pixels = pixels_for(shape_of(vision, size)).requires_grad_()
    features = image_features(visual, pixels)
    for part in (features.pooled, features.patches):
        (gradient,) = torch.autograd.grad(part.square().sum(), pixels, retain_graph=True)
        assert torch.isfinite(gradient).all() and gradient.abs().max() > 0


@pytest.mark.parametrize("case", WITHOUT)
def test_a_tower_without_patches_says_why_and_what_still_works(case):
    vision, size, kind = WITHOUT[case]
    visual = tower(vision, size)
    assert tower_kind(visual) == kind and not gives_patches(visual)
    assert visual(pixels_for(shape_of(vision, size))).ndim == 2
    with pytest.raises(ModelError, match="Attacks and TeCoA work with it") as caught:
        image_features(visual, pixels_for(shape_of(vision, size)))
    assert TOWERS[kind].link in str(caught.value)


def test_tga_zsr_refuses_such_a_tower_before_training_and_tecoa_takes_it():
    visual = tower(*WITHOUT["siglip"][:2])
    classes = torch.nn.functional.normalize(torch.randn(3, 192), dim=-1)
    classifier = ZeroShotClassifier(visual, torch.nn.Identity(), classes, 10.0, ["a", "b", "c"])
    with pytest.raises(ModelError, match="TGA-ZSR need them"):
        build_objective("tga-zsr", {}, classifier)
    assert build_objective("tecoa", {}, classifier).name == "tecoa"


def test_coca_classifies_by_its_pooled_embedding_alone():
    config = {
        "embed_dim": 24,
        "vision_cfg": WITHOUT["coca"][0] | {"output_tokens": True},
        "text_cfg": TEXT | {"embed_cls": True, "output_tokens": True},
        "multimodal_cfg": TEXT | {"width": 24},
        "custom_text": True,
    }
    clip = build_clip(config, "coca").eval()
    assert clip.visual(pixels_for((28, 28))).shape == (2, 24)
    assert clip.encode_text(torch.ones(2, 16, dtype=torch.int64)).shape == (2, 24)
