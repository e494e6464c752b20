"""Names of every form: each brings the model's own preprocessing, tokenizer, scale and bias."""

import json
import sys
from dataclasses import replace

import open_clip
import pytest
import torch
from torch.nn.functional import normalize

from zsrobust.classifier.preprocess import Preprocess
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.errors import ModelError, UnknownNameError
from zsrobust.models.build import build_clip
from zsrobust.models.folder import load_folder, save_folder
from zsrobust.models.load import load_model
from zsrobust.models.through_open_clip import through_open_clip
from zsrobust.models.tokenizer import tokenizer_for
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip

TIMM = {
    "timm_model_name": "vit_tiny_patch16_224",
    "timm_pool": "map",
    "timm_proj": "none",
    "image_size": 224,
}


def siglip_like(folder):
    """A SigLIP in small: MAP-pooled tower, its own text tower, logit bias, another mean and std."""
    config = dict(CONFIG) | {"embed_dim": 192, "vision_cfg": TIMM, "custom_text": True}
    config["text_cfg"] = dict(CONFIG["text_cfg"]) | {"no_causal_mask": True, "pool_type": "last"}
    config |= {"init_logit_bias": -10.0, "init_logit_scale": 2.0}
    torch.manual_seed(0)
    model = replace(
        tiny_clip(),
        clip=build_clip(config, "x").eval(),
        config=config,
        image_size=224,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    save_folder(model, folder)
    return model


def test_a_siglip_keeps_its_scale_its_bias_its_normalisation_and_its_context_length(tmp_path):
    siglip_like(tmp_path / "siglip")
    model = load_model(f"local-dir:{tmp_path / 'siglip'}")
    assert type(model.clip).__name__ == "CustomTextCLIP"
    assert (model.logit_bias, model.image_size, model.mean) == (-10.0, 224, (0.5, 0.5, 0.5))
    assert model.logit_scale == pytest.approx(7.389, rel=1e-3)
    assert model.tokenizer(["a cat"]).shape == (1, 16)
    classifier = classifier_of(model, ["cat", "dog"], ["a {}"])
    pixels = torch.rand(2, 3, 224, 224)
    clip, _, _ = open_clip.create_model_and_transforms(f"local-dir:{tmp_path / 'siglip'}")
    with torch.no_grad():
        ours = classifier(pixels)
        logits, _ = clip.eval().get_logits(
            (pixels - 0.5) / 0.5, model.tokenizer(["a cat", "a dog"])
        )
    assert torch.allclose(ours, logits, atol=1e-4)
    assert (ours < -2).all()


def test_a_model_without_a_bias_has_none_and_its_logits_are_scaled_cosines():
    model = tiny_clip()
    classifier = classifier_of(model, ["cat", "dog"])
    pooled = torch.randn(3, 32)
    cosines = normalize(pooled, dim=-1) @ classifier.class_embeddings.T
    assert model.logit_bias == 0
    assert torch.allclose(classifier.logits(pooled), model.logit_scale * cosines, atol=1e-5)


def test_an_oblong_tower_is_given_oblong_images(tmp_path):
    config = dict(CONFIG) | {"vision_cfg": dict(CONFIG["vision_cfg"]) | {"image_size": [28, 16]}}
    model = replace(tiny_clip(), clip=build_clip(config, "x").eval(), config=config, image_size=28)
    save_folder(model, tmp_path / "oblong")
    again = load_folder(tmp_path / "oblong", "oblong")
    assert (again.image_size, again.input_shape) == (28, (28, 16))
    features = classifier_of(again, ["cat", "dog"]).features(torch.rand(1, 3, 28, 28))
    assert features.grid == (7, 4)
    assert torch.equal(
        Preprocess((4, 6), (0.0,) * 3, (1.0,) * 3)(torch.ones(1, 3, 4, 6)), torch.ones(1, 3, 4, 6)
    )


def test_a_tokenizer_that_needs_transformers_says_so_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match="needs the package 'transformers': pip install") as caught:
        tokenizer_for("ViT-B-16-SigLIP")
    assert "\n" not in str(caught.value)
    siglip_like(tmp_path / "siglip")
    path = tmp_path / "siglip" / "open_clip_config.json"
    content = json.loads(path.read_text())
    content["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "bert-base-uncased"
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="needs the package 'transformers'"):
        load_folder(tmp_path / "siglip", "x")


def test_weights_trained_with_quickgelu_get_it_whatever_the_config_says(tiny_folder):
    plain = through_open_clip(f"local-dir:{tiny_folder}", "plain")
    quick = through_open_clip(f"local-dir:{tiny_folder}", "quick", force_quick_gelu=True)
    kinds = [type(m.visual.transformer.resblocks[0].mlp.gelu).__name__ for m in (plain, quick)]
    assert kinds == ["GELU", "QuickGELU"]
    assert quick.config["quick_gelu"] and quick.name == "quick"
    assert plain.fingerprint == tiny_clip().fingerprint != quick.fingerprint


def test_an_unknown_tag_of_a_known_architecture_brings_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'ViT-B-32/openai'"):
        load_model("ViT-B-32/openaii")
