import json
import warnings
from dataclasses import replace

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.errors import ModelError, UnknownNameError
from zsrobust.models.build import build_clip
from zsrobust.models.catalogue import bundled_names, model_entry
from zsrobust.models.features import image_features
from zsrobust.models.folder import load_folder, save_folder
from zsrobust.models.load import choose_device, load_model
from zsrobust.models.token_table import restore_token_table, trim_token_table
from zsrobust.testing.tiny_clip import CONFIG, random_images, tiny_classifier, tiny_clip

ATTENTIONAL = {"attentional_pool": True, "attn_pooler_heads": 2}


def broken(tiny_folder, tmp_path, change):
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in tiny_folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    change(folder)
    return folder


def with_state(folder, change):
    path = folder / "open_clip_model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)


def test_a_saved_model_comes_back_with_equal_weights(tiny_folder):
    model, again = tiny_clip(), load_model(f"local-dir:{tiny_folder}")
    assert again.fingerprint == model.fingerprint
    assert again.name == "tiny"
    pixels, _ = random_images(3, tiny_classifier())
    one, two = (classifier_of(each, ["cat", "dog"]) for each in (model, again))
    assert torch.equal(one(pixels), two(pixels))


def test_plain_open_clip_loads_the_folder_with_identical_features(tiny_folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clip, _, _ = open_clip.create_model_and_transforms(f"local-dir:{tiny_folder}")
    pixels = torch.rand(2, 3, 28, 28)
    with torch.no_grad():
        ours = tiny_clip().clip.encode_image(pixels)
        assert torch.equal(clip.eval().encode_image(pixels), ours)


def test_one_weight_changes_the_fingerprint():
    model, other = tiny_clip(), tiny_clip()
    with torch.no_grad():
        other.clip.visual.proj[0, 0] += 1
    assert model.fingerprint != other.fingerprint


def test_an_existing_folder_is_never_written_over(tiny_folder):
    with pytest.raises(ModelError, match="exists"):
        save_folder(tiny_clip(), tiny_folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "open_clip_config.json").write_text("{"), "not a readable JSON"),
        (lambda f: (f / "open_clip_config.json").write_text("{}"), "no 'model_cfg'"),
        (lambda f: (f / "open_clip_model.safetensors").unlink(), "no such file"),
        (
            lambda f: (f / "open_clip_model.safetensors").write_bytes(
                (f / "open_clip_model.safetensors").read_bytes()[:5000]
            ),
            "not a readable safetensors",
        ),
        (lambda f: with_state(f, lambda s: s.pop("visual.proj")), r"missing \['visual.proj'\]"),
        (
            lambda f: with_state(f, lambda s: s.update(extra=torch.zeros(1))),
            r"unexpected \['extra'\]",
        ),
        (
            lambda f: with_state(f, lambda s: s.update({"visual.proj": torch.zeros(3, 3)})),
            "does not fit its config.*visual.proj",
        ),
        (
            lambda f: with_state(f, lambda s: s["visual.proj"].fill_(float("nan"))),
            "NaN or infinite",
        ),
    ],
)
def test_a_damaged_folder_is_named_with_its_fault(tiny_folder, tmp_path, change, said):
    with pytest.raises(ModelError, match=said):
        load_folder(broken(tiny_folder, tmp_path, change), "x")


def test_a_config_that_open_clip_cannot_build_is_named(tiny_folder, tmp_path):
    def change(folder):
        path = folder / "open_clip_config.json"
        content = json.loads(path.read_text())
        content["model_cfg"]["nonsense"] = 3
        path.write_text(json.dumps(content))

    with pytest.raises(ModelError, match="cannot build this model_cfg"):
        load_folder(broken(tiny_folder, tmp_path, change), "x")


def test_unknown_names_bring_the_nearest_known(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'scenes-tiny'"):
        load_model("scene-tiny")
    with pytest.raises(UnknownNameError, match="Unknown model 'ViT-B-32/openia'"):
        load_model("ViT-B-32/openia")
    with pytest.raises(ModelError, match=r"no open_clip_config\.json"):
        load_model(f"local-dir:{tmp_path}")
    with pytest.raises(ModelError, match="cannot be used"):
        choose_device("nowhere")


def test_where_activation_and_weights_disagree_the_model_is_refused(monkeypatch):
    """The weights cannot be fetched here: open_clip's own warning is raised in their place."""

    def create(*_, **__):
        warnings.warn(
            "QuickGELU mismatch between final model config (quick_gelu=False) and pretrained tag "
            "'openai' (quick_gelu=True).",
            UserWarning,
            stacklevel=1,
        )

    monkeypatch.setattr(open_clip, "create_model_and_transforms", create)
    with pytest.raises(ModelError, match="ViT-B-32-quickgelu/openai"):
        load_model("ViT-B-32/openai")


def test_weights_that_cannot_be_fetched_end_in_one_clear_message():
    with pytest.raises(ModelError, match="open_clip could not load it"):
        load_model("hf-hub:nobody/nothing")


def test_a_trimmed_token_table_comes_back_with_zeros_where_nothing_was_kept():
    table = torch.rand(10, 4)
    state = trim_token_table({"token_embedding.weight": table, "x": torch.ones(1)}, [7, 2, 7])
    assert sorted(state) == ["token_embedding.weight.kept", "token_embedding.weight.rows", "x"]
    whole = restore_token_table(state, 10)["token_embedding.weight"]
    assert torch.equal(whole[[2, 7]], table[[2, 7]])
    assert float(whole[[0, 1, 3, 4, 5, 6, 8, 9]].abs().sum()) == 0


def test_a_tower_without_projected_patches_still_classifies_but_says_so():
    config = dict(CONFIG) | {"vision_cfg": dict(CONFIG["vision_cfg"]) | ATTENTIONAL}
    model = tiny_clip(config=config)
    classifier = classifier_of(model, ["cat", "dog"])
    assert classifier(torch.rand(2, 3, 28, 28)).shape == (2, 2)
    with pytest.raises(ModelError, match="Attacks and TeCoA work with it"):
        classifier.features(torch.rand(2, 3, 28, 28))


def test_a_conv_stem_gives_the_same_token_grid_and_must_fit_the_tower():
    stem = {"widths": [16, 32], "blocks": [1, 0]}
    clip = build_clip(dict(CONFIG) | {"conv_stem": stem}, "x").eval()
    features = image_features(clip.visual, torch.rand(2, 3, 28, 28))
    assert features.patches.shape == (2, 49, 32)
    for widths in ([16, 16], [32], [8, 16, 32]):
        with pytest.raises(ModelError, match="conv_stem"):
            build_clip(dict(CONFIG) | {"conv_stem": {"widths": widths, "blocks": [0] * 3}}, "x")


@pytest.mark.parametrize("name", bundled_names())
def test_every_catalogued_model_loads_and_its_card_matches_its_file(name):
    import hashlib

    entry = model_entry(name)
    model = load_model(name)
    weights = (entry.folder / "open_clip_model.safetensors").read_bytes()
    assert model.card is not None
    assert model.card.sha256 == hashlib.sha256(weights).hexdigest()
    assert model.card.accuracy
    classifier = classifier_of(model, ["circle", "square"])
    assert classifier.features(torch.rand(1, 3, 56, 56)).grid == (7, 7)


def test_a_config_of_impossible_parts_is_named():
    for part in ({"width": -4}, {"timm_model_name": "no_such_tower"}):
        config = dict(CONFIG) | {"vision_cfg": dict(CONFIG["vision_cfg"]) | part}
        with pytest.raises(ModelError, match="cannot build this model_cfg"):
            build_clip(config, "x")


def test_a_wrong_mean_is_named(tiny_folder, tmp_path):
    def change(folder):
        path = folder / "open_clip_config.json"
        content = json.loads(path.read_text())
        content["preprocess_cfg"]["mean"] = [0.5]
        path.write_text(json.dumps(content))

    with pytest.raises(ModelError, match="three numbers each"):
        load_folder(broken(tiny_folder, tmp_path, change), "x")


def test_a_trimmed_table_that_does_not_fit_is_named(tiny_folder, tmp_path):
    def change(folder):
        def trim(state):
            trimmed = trim_token_table(state, [1, 2])
            trimmed["token_embedding.weight.rows"] = torch.tensor([1, 99_999])
            state.clear()
            state.update(trimmed)

        with_state(folder, trim)

    with pytest.raises(ModelError, match="safetensors: the trimmed token table"):
        load_folder(broken(tiny_folder, tmp_path, change), "x")


def test_an_unknown_path_is_answered_in_a_few_words():
    with pytest.raises(UnknownNameError) as caught:
        load_model("runs/zzzq")
    assert len(str(caught.value)) < 300


def test_weights_for_the_other_activation_are_pointed_to(monkeypatch):
    """The weights cannot be fetched here: open_clip's own warning is raised in their place."""

    def create(*_, **__):
        warnings.warn("QuickGELU mismatch between config and tag.", UserWarning, stacklevel=1)

    monkeypatch.setattr(open_clip, "create_model_and_transforms", create)
    pair = ("ViT-B-32-quickgelu", "laion2b_s34b_b79k")
    monkeypatch.setattr(open_clip, "list_pretrained", lambda: [pair])
    with pytest.raises(ModelError, match="Use 'ViT-B-32/laion2b_s34b_b79k' instead"):
        load_model("/".join(pair))


def test_a_standard_architecture_with_quickgelu_takes_the_same_path(tmp_path):
    """ViT-S-32 of open_clip's own list with QuickGELU and fewer layers: 224 px, 7x7 tokens."""
    config = open_clip.get_model_config("ViT-S-32") | {"quick_gelu": True}
    config["vision_cfg"] = config["vision_cfg"] | {"layers": 2}
    config["text_cfg"] = config["text_cfg"] | {"layers": 1}
    torch.manual_seed(0)
    model = replace(
        tiny_clip(),
        clip=build_clip(config, "x").eval(),
        tokenizer=open_clip.get_tokenizer("ViT-S-32"),
        image_size=224,
        config=config,
    )
    save_folder(model, tmp_path / "vit")
    again = load_model(f"local-dir:{tmp_path / 'vit'}")
    classifier = classifier_of(again, ["cat", "dog"])
    pixels = torch.rand(1, 3, 64, 64)
    assert again.fingerprint == model.fingerprint
    assert type(again.visual.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU"
    with torch.no_grad():
        features = classifier.features(pixels)
        direct = again.clip.encode_image(classifier.preprocess(pixels))
    assert features.grid == (7, 7)
    assert torch.allclose(features.pooled, direct, atol=1e-4)
    result = run_attack(
        classifier, pixels, classifier(pixels).argmax(1), attack=PGD("x", steps=1), eps="1/255"
    )
    assert result.status[0] in ("fooled", "survived")
