import pickle
import zipfile
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file
from tests.models.checkpoints import QUICK, base, padding, release, robust, tower_state
from torch.nn.functional import interpolate as resize

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.errors import ModelError, SettingsError
from zsrobust.evaluation.protocol import load_protocol
from zsrobust.evaluation.warnings import warnings_before
from zsrobust.models.build import build_clip
from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.checkpoint_base import fitting_architectures
from zsrobust.models.checkpoint_fit import load_fitting
from zsrobust.models.folder import load_folder, save_folder
from zsrobust.models.load import load_model
from zsrobust.models.normalisation import IMAGENET
from zsrobust.models.transformers_names import open_clip_names, transformers_names
from zsrobust.testing.tiny_clip import CONFIG, random_images, tiny_classifier, tiny_clip

CLASSES = ["cat", "dog", "ship"]


def logits(model):
    pixels, _ = random_images(4, tiny_classifier())
    with torch.no_grad():
        return classifier_of(model, CLASSES)(pixels)


def their_names(model, vision_only=False):
    state = transformers_names(model.clip.state_dict())
    kept = ("vision_model.", "visual_projection")
    return {k: v.contiguous() for k, v in state.items() if not vision_only or k.startswith(kept)}


def modules_of(state, prefix="module."):
    return {prefix + key: value for key, value in state.items()}


CONTAINERS = {
    "TeCoA.pth.tar": lambda model: release(tower_state(model)),
    "robustvlm.pt": tower_state,
    "parallel.pt": lambda model: modules_of(tower_state(model)),
    "visual.pt": lambda model: modules_of(tower_state(model), "visual."),
    "open_clip.bin": lambda model: dict(model.clip.state_dict()),
    "training.pt": lambda model: {
        "epoch": 3,
        "name": "run",
        "state_dict": modules_of(model.clip.state_dict()),
        "optimizer": {},
    },
    "old.pt": lambda model: dict(model.clip.state_dict()) | {"input_resolution": torch.tensor(28)},
    "clip_model.bin": their_names,
    "vision.bin": lambda model: their_names(model, vision_only=True),
}


@pytest.mark.parametrize("file", CONTAINERS)
def test_every_published_container_gives_the_logits_of_its_tower(file, tmp_path):
    model = robust()
    torch.save(CONTAINERS[file](model), tmp_path / file)
    loaded = load_checkpoint(tmp_path / file, base())
    assert torch.equal(logits(loaded), logits(model))
    assert loaded.fingerprint == model.fingerprint
    assert not torch.allclose(logits(base()), logits(model), atol=1e-3)


@pytest.mark.parametrize("file", ["robustvlm.pt", "open_clip.bin", "vision.bin"])
def test_safetensors_are_read_whatever_the_file_is_called(file, tmp_path):
    state = {key: value.contiguous() for key, value in CONTAINERS[file](robust()).items()}
    save_file(state, tmp_path / "weights.pt")
    assert torch.equal(logits(load_checkpoint(tmp_path / "weights.pt", base())), logits(robust()))


def test_files_of_old_torch_and_half_precision_are_read(tmp_path):
    state = {key: value.half() for key, value in tower_state(robust()).items()}
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    loaded = load_checkpoint(tmp_path / "old.pt", base())
    assert loaded.visual.proj.dtype == torch.float32
    assert torch.allclose(logits(loaded), logits(robust()), atol=0.05)


def test_the_names_of_transformers_go_there_and_back():
    state = base().clip.state_dict()
    back = open_clip_names(transformers_names(state))
    assert set(back) == set(state)
    assert all(torch.equal(back[key], state[key]) for key in state)


class Malicious:
    """A pickle that would leave a file behind if it were run."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("writes", ["torch", "torch-legacy", "pickle"])
def test_a_malicious_pickle_is_refused_and_does_not_run(writes, tmp_path):
    mark, file = tmp_path / "it-ran", tmp_path / "model.pth.tar"
    content = release(tower_state(robust())) | {"best_acc1": Malicious(mark)}
    if writes == "pickle":
        file.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=writes == "torch")
    with pytest.raises(ModelError, match=r"model\.pth\.tar: (refused|not a readable)") as caught:
        load_checkpoint(file, base())
    assert "\n" not in str(caught.value)
    assert not mark.exists()


def test_numpy_scalars_of_every_kind_are_let_through(tmp_path):
    extra = {"a": np.float32(1), "b": np.int64(2), "c": np.bool_(True), "d": np.float64(0.5)}
    torch.save(release(tower_state(robust())) | extra, tmp_path / "x.pth.tar")
    assert torch.equal(logits(load_checkpoint(tmp_path / "x.pth.tar", base())), logits(robust()))


def test_what_is_no_checkpoint_is_named(tmp_path):
    cases = {
        "page.pt": (b"<!DOCTYPE html>", "neither a safetensors file nor a torch checkpoint"),
        "empty.pt": (b"", "neither a safetensors"),
        "cut.pt": (b"PK\x03\x04 and then nothing", "not a readable torch checkpoint"),
        "short.pt": (b"\x80\x02", "not a readable torch checkpoint"),
        "list.pt": (None, "holds a list"),
        "other.pt": (None, r"no known checkpoint: its keys \(a, b"),
        "none.pt": (None, "holds neither a tower nor a prompt"),
    }
    torch.save([1], tmp_path / "list.pt")
    torch.save({"a": torch.ones(1), "b": 2}, tmp_path / "other.pt")
    torch.save(release(), tmp_path / "none.pt")
    for name, (data, said) in cases.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=rf"{name}.*{said}"):
            load_checkpoint(tmp_path / name, base())
    with pytest.raises(ModelError, match="no such file"):
        load_checkpoint(tmp_path / "absent.pt", base())


def test_archives_that_hold_code_or_unpack_to_anything_are_refused(tmp_path):
    script, packed = tmp_path / "script.pt", tmp_path / "packed.pt"
    for path, kind in ((script, zipfile.ZIP_STORED), (packed, zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(path, "w", kind) as archive:
            archive.writestr("a/data.pkl", pickle.dumps({}, protocol=2))
            archive.writestr("a/data/0" if path == packed else "a/constants.pkl", b"\0" * 100_000)
    with pytest.raises(ModelError, match="TorchScript archive"):
        load_checkpoint(script, base())
    with pytest.raises(ModelError, match="compressed archive"):
        load_checkpoint(packed, base())


def test_wrong_width_and_wrong_keys_are_named_in_one_message(tmp_path):
    narrow = dict(QUICK) | {"vision_cfg": dict(QUICK["vision_cfg"]) | {"width": 48}}
    file = tmp_path / "narrow.pt"
    torch.save(tower_state(tiny_clip(0, narrow)), file)
    with pytest.raises(ModelError, match=r"'class_embedding' is \(48,\) in the file, \(32,\) in"):
        load_checkpoint(file, base())
    state = tower_state(robust()) | {"more": torch.ones(1)}
    del state["ln_post.bias"]
    torch.save(state, file)
    with pytest.raises(ModelError, match=r"missing 'ln_post.bias'; unexpected 'more'") as caught:
        load_checkpoint(file, base())
    assert "narrow.pt" in str(caught.value) and "tiny-clip" in str(caught.value)
    torch.save(tower_state(robust()) | {"proj": torch.full((32, 32), torch.nan)}, file)
    with pytest.raises(ModelError, match="'proj' holds NaN"):
        load_checkpoint(file, base())


def test_the_architectures_that_would_fit_are_named():
    config = open_clip.get_model_config("ViT-B-32-quickgelu")
    with torch.device("meta"):
        shapes = build_clip(config, "x").visual.state_dict()
    fitting = fitting_architectures(shapes)
    assert fitting[0] == "ViT-B-32" and "ViT-B-32-quickgelu" in fitting
    with pytest.raises(ModelError, match=r"\(768,\) in the file.*that fit: ViT-B-32, .*quickgelu"):
        load_fitting(base().visual, shapes, "b32.pt", "tiny-clip")


def test_a_tensor_that_claims_more_than_is_stored_is_refused(tmp_path):
    forged = torch.zeros(1).expand(1 << 20, 1 << 20)
    state = {"vision_model.encoder.layers.0.self_attn.q_proj.weight": forged}
    torch.save({"state_dict": state}, tmp_path / "forged.pt")
    with pytest.raises(ModelError, match=r"claims \(1048576, 1048576\), more than"):
        load_checkpoint(tmp_path / "forged.pt", base())


def test_the_wrong_activation_is_refused_where_the_container_or_config_tells(tmp_path):
    torch.save(release(tower_state(robust())), tmp_path / "x.pth.tar")
    with pytest.raises(ModelError, match=r"needs a base with QuickGELU.*ViT-B-32-quickgelu/openai"):
        load_checkpoint(tmp_path / "x.pth.tar", tiny_clip(0, CONFIG))
    torch.save(their_names(robust(), vision_only=True), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text('{"model_type": "clip_vision_model"}')
    assert torch.equal(logits(load_checkpoint(tmp_path, base())), logits(robust()))
    (tmp_path / "config.json").write_text(
        '{"model_type": "clip_vision_model", "hidden_act":"gelu"}'
    )
    with pytest.raises(ModelError, match="needs a base with GELU"):
        load_checkpoint(tmp_path, base())
    (tmp_path / "config.json").write_text(
        '{"model_type": "clip", "vision_config": {"hidden_act":1}}'
    )
    with pytest.raises(ModelError, match="hidden_act is '1'"):
        load_checkpoint(tmp_path, base())


def test_pmg_aft_is_loaded_under_its_own_normalisation_and_the_doubt_is_said(tmp_path):
    file = tmp_path / "best.pth.tar"
    torch.save(release(tower_state(robust())), file)
    known = load_checkpoint(file, base(), release="pmg-aft")
    assert (known.mean, known.std) == IMAGENET
    assert not known.warnings
    unknown = load_checkpoint(file, base())
    assert unknown.mean == base().mean
    said = warnings_before(unknown, load_protocol("pgd-20"))
    assert any("PMG-AFT's were made under ImageNet's mean and std" in line for line in said)
    own = load_checkpoint(file, base(), mean=[0.1, 0.2, 0.3], std=(1, 1, 1))
    assert own.mean == (0.1, 0.2, 0.3)
    with pytest.raises(ModelError, match="mean must hold three numbers"):
        load_checkpoint(file, base(), mean=[0.5])
    with pytest.raises(ModelError, match="release 'vit' is unknown"):
        load_checkpoint(file, base(), release="vit")


def test_a_tower_that_was_not_made_from_this_base_is_called_a_stranger(tmp_path):
    torch.save(tower_state(robust()), tmp_path / "kin.pt")
    torch.save(tower_state(tiny_clip(1, QUICK)), tmp_path / "stranger.pt")
    assert not load_checkpoint(tmp_path / "kin.pt", base()).warnings
    stranger = load_checkpoint(tmp_path / "stranger.pt", base())
    assert "little in common with tiny-clip's (cosine" in stranger.warnings[0]


def test_the_share_of_the_base_is_the_clean_weight(tmp_path):
    torch.save(tower_state(robust()), tmp_path / "fare.pt")
    file, clean = tmp_path / "fare.pt", base()
    mixed = load_checkpoint(file, clean, clean_weight=0.7)
    expected = 0.7 * clean.visual.proj + 0.3 * robust().visual.proj
    assert torch.allclose(mixed.visual.proj, expected, atol=1e-6)
    assert mixed.name == "fare-clean-0.7"
    assert torch.equal(logits(load_checkpoint(file, clean, clean_weight=1.0)), logits(clean))
    assert torch.equal(logits(load_checkpoint(file, clean, clean_weight=0.0)), logits(robust()))
    with pytest.raises(ModelError, match=r"clean_weight = 1\.5"):
        load_checkpoint(file, clean, clean_weight=1.5)
    assert torch.equal(clean.visual.proj, tiny_clip(0, QUICK).visual.proj)


def prompted_by_hand(model, frame, pixels):
    """The release's forward: resize, normalise, add the frame, encode."""
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (model.mean, model.std))
    x = (resize(pixels, size=(28, 28), mode="bicubic") - mean) / std
    size = frame["pad_up"].shape[2]
    x[:, :, :size] += frame["pad_up"]
    x[:, :, -size:] += frame["pad_down"]
    x[:, :, size:-size, :size] += frame["pad_left"]
    x[:, :, size:-size, -size:] += frame["pad_right"]
    return classifier_of(model, CLASSES).logits(model.visual(x))


def test_a_padding_prompt_is_added_to_the_normalised_pixels(tmp_path):
    frame = padding()
    torch.save(release(prompt=frame), tmp_path / "vp.pth.tar")
    torch.save({"state_dict": frame}, tmp_path / "bare.pt")
    pixels = torch.rand(2, 3, 20, 20)
    for file in ("vp.pth.tar", "bare.pt"):
        model = load_checkpoint(tmp_path / file, base())
        ours = classifier_of(model, CLASSES)(pixels)
        assert torch.allclose(ours, prompted_by_hand(base(), frame, pixels), atol=1e-5)
    classifier = classifier_of(model, CLASSES)
    assert torch.allclose(
        classifier.features(pixels).pooled, model.visual(classifier.preprocess(pixels)), atol=1e-5
    )
    ((gradient,),) = [torch.autograd.grad(ours.sum(), p) for p in [model.visual.conv1[0].pad_up]]
    assert gradient.abs().sum() > 0


def test_a_fixed_patch_stands_at_the_top_left_and_a_random_one_moves(tmp_path):
    patch = {"patch": torch.ones(1, 3, 5, 5)}
    torch.save(release(prompt=patch), tmp_path / "vp.pth.tar")
    with pytest.raises(ModelError, match="prompt: fixed_patch"):
        load_checkpoint(tmp_path / "vp.pth.tar", base())
    fixed = load_checkpoint(tmp_path / "vp.pth.tar", base(), prompt="fixed_patch")
    added = fixed.visual.conv1[0](torch.zeros(1, 3, 28, 28))
    assert added[:, :, :5, :5].eq(1).all() and added.sum() == 75
    moving = load_checkpoint(tmp_path / "vp.pth.tar", base(), prompt="random_patch")
    draws = [moving.visual.conv1[0](torch.zeros(1, 3, 28, 28)) for _ in range(8)]
    assert all(draw.sum() == 75 for draw in draws)
    assert any(not torch.equal(draws[0], draw) for draw in draws)


def test_prompt_tokens_follow_the_patch_tokens_and_have_no_place(tmp_path):
    content = release(tower_state(robust()), padding(), tokens=3)
    torch.save(content, tmp_path / "both.pth.tar")
    model = load_checkpoint(tmp_path / "both.pth.tar", base())
    visual = robust().visual
    x = torch.rand(2, 3, 28, 28)
    tokens = visual.conv1(model.visual.conv1[0](x)).flatten(2).transpose(1, 2)
    cls = visual.class_embedding.expand(2, 1, -1)
    tokens = torch.cat([cls, tokens], 1) + visual.positional_embedding
    tokens = torch.cat([tokens, content["add_prompter"]["module.prompt"].expand(2, -1, -1)], 1)
    by_hand = visual.ln_post(visual.transformer(visual.ln_pre(tokens)))[:, 0] @ visual.proj
    assert torch.allclose(model.visual(x), by_hand, atol=1e-5)
    features = classifier_of(model, CLASSES).features(x)
    assert features.patches.shape == (2, 49, 32)


def test_a_prompted_model_is_saved_and_comes_back(tmp_path):
    torch.save(release(tower_state(robust()), padding(), tokens=3), tmp_path / "both.pth.tar")
    model = load_checkpoint(tmp_path / "both.pth.tar", base())
    save_folder(model, tmp_path / "saved")
    again = load_folder(tmp_path / "saved", "again")
    assert torch.equal(logits(again), logits(model))
    assert again.fingerprint == model.fingerprint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (release(prompt={"pad_up": torch.ones(1)}), "no prompt we know"),
        (release(prompt={"patch": torch.ones(3)}), "no .1, 3, height, width"),
        (release(prompt={"patch": torch.ones(1, 3, 40, 40)}), "40 px does not fit an image of 28"),
        (release(prompt=padding() | {"pad_up": torch.ones(1, 3, 3, 20)}), "pad_up"),
    ],
)
def test_prompts_that_do_not_fit_are_named(content, said, tmp_path):
    torch.save(content, tmp_path / "vp.pth.tar")
    with pytest.raises(ModelError, match=rf"vp\.pth\.tar.*{said}"):
        load_checkpoint(tmp_path / "vp.pth.tar", base(), prompt="fixed_patch")


def test_a_prompt_is_not_mixed_with_the_base(tmp_path):
    torch.save(release(prompt=padding()), tmp_path / "vp.pth.tar")
    with pytest.raises(ModelError, match="no counterpart in the base"):
        load_checkpoint(tmp_path / "vp.pth.tar", base(), clean_weight=0.5)


def test_a_users_yaml_works_wherever_a_model_name_does(tmp_path):
    torch.save(release(tower_state(robust())), tmp_path / "best.pth.tar")
    save_folder(base(), tmp_path / "base")
    entry = tmp_path / "mine.yaml"
    entry.write_text("checkpoint: best.pth.tar\nbase: base\nclean_weight: 0.3\nrelease: pmg-aft\n")
    model = load_model(str(entry))
    assert model.name == "mine"
    assert (model.mean, model.std) == IMAGENET
    direct = load_checkpoint(tmp_path / "best.pth.tar", base(), 0.3, release="pmg-aft")
    assert torch.equal(logits(model), logits(direct))
    entry.write_text("checkpoint: best.pth.tar\nbases: x\n")
    with pytest.raises(SettingsError, match=r"unknown key 'bases'\. Did you mean 'base'"):
        load_model(str(entry))
    with pytest.raises(ModelError, match="needs its base"):
        load_model(str(tmp_path / "best.pth.tar"))


def test_an_architecture_is_base_enough_for_a_whole_clip_only(tmp_path):
    torch.save(dict(robust().clip.state_dict()), tmp_path / "whole.pt")
    torch.save(tower_state(robust()), tmp_path / "tower.pt")
    with pytest.raises(ModelError, match="architecture without weights"):
        load_checkpoint(tmp_path / "tower.pt", "ViT-S-32")
    with pytest.raises(ModelError, match=r"whole\.pt .* does not fit ViT-S-32"):
        load_checkpoint(tmp_path / "whole.pt", "ViT-S-32")
