import open_clip
import pytest
import torch

from zsrobust.models.build import build_clip
from zsrobust.models.cost import cost_of, shell_of, shell_of_config
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip


def vit_macs(layers, width, patch, side, embed, mlp=4):
    """Multiply-adds of a ViT by hand: patches, projections, MLP, attention, final projection."""
    patches = (side // patch) ** 2
    tokens = patches + 1
    stem = patches * 3 * patch * patch * width
    linear = tokens * (4 + 2 * mlp) * width * width
    attention = 2 * tokens * tokens * width
    return stem + layers * (linear + attention) + width * embed


def text_macs(layers, width, length, embed):
    linear = length * 12 * width * width
    return layers * (linear + 2 * length * length * width) + width * embed


def test_multiply_adds_of_a_small_vit_are_those_of_arithmetic():
    cost = cost_of(shell_of_config(CONFIG, "x"), (28, 28))
    assert cost.image_macs == vit_macs(layers=2, width=32, patch=4, side=28, embed=32)
    assert cost.text_macs == text_macs(layers=1, width=16, length=16, embed=32)
    assert (cost.grid, cost.embed_dim) == ((7, 7), 32)


def test_vit_b_32_costs_4_4_billion_multiply_adds_and_87_8_million_parameters():
    cost = cost_of(shell_of_config(open_clip.get_model_config("ViT-B-32"), "x"), (224, 224))
    assert cost.image_macs == vit_macs(layers=12, width=768, patch=32, side=224, embed=512)
    assert cost.image_macs == pytest.approx(4.4e9, rel=0.01)
    assert cost.image_parameters == 87_849_216


def test_a_built_model_costs_what_its_config_does_and_stays_as_it_is():
    model = tiny_clip()
    before = model.fingerprint
    cost = cost_of(shell_of(model.clip), (28, 28))
    assert cost == cost_of(shell_of_config(CONFIG, "x"), (28, 28))
    assert next(model.clip.parameters()).device.type == "cpu"
    assert tiny_clip().fingerprint == before
    parameters = sum(p.numel() for p in model.clip.parameters()) - 1  # the logit scale
    assert cost.image_parameters + cost.text_parameters == parameters
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("name", ["RN50", "convnext_base", "ViT-B-16-SigLIP", "EVA02-B-16"])
def test_towers_of_every_kind_are_costed_without_their_weights(name):
    config = open_clip.get_model_config(name)
    side = config["vision_cfg"].get("image_size", 224)
    cost = cost_of(shell_of_config(config, name), (side, side))
    assert cost.image_macs > 1e9 and cost.text_macs > 1e8
    assert (cost.grid is None) == (name == "ViT-B-16-SigLIP")


def test_nothing_is_downloaded_to_build_a_timm_tower():
    vision = {"timm_model_name": "resnet10t", "timm_model_pretrained": True, "image_size": 64}
    clip = build_clip(dict(CONFIG) | {"vision_cfg": vision}, "x").eval()
    assert clip.visual(torch.rand(1, 3, 64, 64)).shape == (1, 32)
