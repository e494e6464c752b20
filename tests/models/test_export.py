import json
import warnings
from dataclasses import replace

import open_clip
import pytest
import torch
from tests.models.checkpoints import QUICK, base, padding, release, robust

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.errors import ModelError
from zsrobust.models.build import build_clip
from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.checkpoint_transformers import open_clip_config
from zsrobust.models.export_open_clip import export_open_clip
from zsrobust.models.export_transformers import clip_config, export_transformers
from zsrobust.models.interpolate import interpolate
from zsrobust.models.load import load_model
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip

CLASSES = ["cat", "dog", "ship"]


def test_plain_open_clip_gives_the_very_logits_of_an_export(tmp_path):
    model = robust()
    export_open_clip(model, tmp_path / "clip")
    name = f"local-dir:{tmp_path / 'clip'}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, _, _ = open_clip.create_model_and_transforms(name)
    tokens = open_clip.get_tokenizer(name)([f"a photo of a {each}." for each in CLASSES])
    pixels = torch.rand(3, 3, 28, 28)
    with torch.no_grad():
        classifier = classifier_of(model, CLASSES)
        images = plain.eval().encode_image(classifier.preprocess(pixels), normalize=True)
        texts = plain.encode_text(tokens, normalize=True)
        theirs = plain.logit_scale.exp() * images @ texts.T
        assert torch.allclose(classifier(pixels), theirs, atol=1e-5)
        ours = model.clip.encode_image(classifier.preprocess(pixels), normalize=True)
        assert torch.equal(images, ours)
        assert torch.equal(texts, model.clip.encode_text(tokens, normalize=True))


def test_an_export_for_transformers_is_read_back_with_equal_weights(tmp_path):
    for name, model in (("quick", robust()), ("plain", tiny_clip(3, CONFIG))):
        export_transformers(model, tmp_path / name)
        again = load_model(str(tmp_path / name))
        assert again.fingerprint == model.fingerprint
        assert again.config["quick_gelu"] == bool(model.config.get("quick_gelu", False))
        tokens = model.tokenizer(["a photo of a dog", "Zürich, 3 o'clock"])
        assert torch.equal(again.tokenizer(["a photo of a dog", "Zürich, 3 o'clock"]), tokens)
        with torch.no_grad():
            pixels = torch.rand(2, 3, 28, 28)
            assert torch.equal(again.visual(pixels), model.visual(pixels))


@pytest.mark.parametrize("name", ["ViT-B-32-quickgelu", "ViT-L-14-336", "ViT-B-16"])
def test_configs_of_open_clips_own_list_go_there_and_back(name, tmp_path):
    config = open_clip.get_model_config(name)
    with torch.device("meta"):
        clip = build_clip(config, name)
    clip.logit_scale = torch.nn.Parameter(torch.tensor(4.6))
    model = replace(tiny_clip(), clip=clip, config=config)
    back = open_clip_config(clip_config(model), tmp_path)
    with torch.device("meta"):
        again = build_clip(back, name)
    shapes = [{k: v.shape for k, v in each.state_dict().items()} for each in (clip, again)]
    assert shapes[0] == shapes[1]
    assert back["quick_gelu"] == name.endswith("quickgelu")
    heads = [each.visual.transformer.resblocks[0].attn.num_heads for each in (clip, again)]
    assert heads[0] == heads[1]


def prompted(tmp_path):
    torch.save(release(prompt=padding()), tmp_path / "vp.pth.tar")
    return load_checkpoint(tmp_path / "vp.pth.tar", base())


@pytest.mark.parametrize("export", [export_open_clip, export_transformers])
def test_parts_that_others_cannot_represent_are_refused_with_the_reason(export, tmp_path):
    stem = dict(CONFIG) | {"conv_stem": {"widths": [16, 32], "blocks": [1, 0]}}
    for model, said in (
        (tiny_clip(0, stem), "convolutional stem"),
        (prompted(tmp_path), "prompts"),
    ):
        with pytest.raises(ModelError, match=rf"{said}.*cannot represent it"):
            export(model, tmp_path / "out")
    with pytest.raises(ModelError, match="config is not known"):
        export(replace(base(), config={}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vision_cfg": {"pool_type": "avg"}}, "does not pool by its CLS token"),
        ({"vision_cfg": {"no_ln_pre": True}}, "without the norm before"),
        ({"vision_cfg": {"ls_init_value": 0.1}}, "no place for '.*ls_1"),
        ({"text_cfg": {"no_causal_mask": True}}, "pools or masks otherwise"),
        ({"init_logit_bias": -10.0}, "logit bias"),
        ({"custom_text": True}, "CustomTextCLIP"),
        ({"vision_cfg": {"timm_model_name": "resnet10t", "timm_proj": "linear"}}, "no plain ViT"),
    ],
)
def test_towers_that_transformers_has_not_are_refused(change, said, tmp_path):
    config = {
        key: dict(value) | change.get(key, {}) if isinstance(value, dict) else value
        for key, value in QUICK.items()
    }
    config |= {key: value for key, value in change.items() if not isinstance(value, dict)}
    model = replace(base(), clip=build_clip(config, "x").eval(), config=config)
    with pytest.raises(ModelError, match=said):
        export_transformers(model, tmp_path / "out")


def test_an_existing_folder_is_never_written_over(tmp_path):
    (tmp_path / "there").mkdir()
    for export in (export_open_clip, export_transformers):
        with pytest.raises(ModelError, match="exists"):
            export(base(), tmp_path / "there")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", {"model_type": "clip_vision_model"}, "needs the text tower of its base"),
        (
            "config.json",
            {"model_type": "clip", "text_config": {"vocab_size": 9}},
            "vocabulary of 9",
        ),
        (
            "config.json",
            {"model_type": "clip", "text_config": {"hidden_act": "gelu"}},
            "different activations",
        ),
        ("config.json", {"model_type": "clip"}, "model.safetensors does not fit config.json"),
        ("preprocessor_config.json", {"image_mean": 0.5}, "image_mean must hold three numbers"),
        ("preprocessor_config.json", [], "expected an object"),
        ("model.safetensors", None, "a folder without model.safetensors"),
    ],
)
def test_a_transformers_folder_that_does_not_fit_is_named(file, content, said, tmp_path):
    export_transformers(robust(), tmp_path / "clip")
    path = tmp_path / "clip" / file
    path.write_text(json.dumps(content)) if content is not None else path.unlink()
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path / "clip"))


def test_models_of_other_shapes_are_not_mixed():
    wide = dict(QUICK) | {"embed_dim": 16}
    with pytest.raises(ModelError, match="is not the same in both"):
        interpolate(base(), tiny_clip(0, wide), 0.5)
