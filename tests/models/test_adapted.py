"""An adapted model is what was trained and its base; it loads wherever a model is named."""

import sys

import pytest
import torch
import yaml
from tests.training.small_training import colours, recipe, run, weights

from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.errors import ModelError
from zsrobust.models.adapted import ENTRY, WEIGHTS
from zsrobust.models.folder import save_folder
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.models.visual_prompt import PixelPrompt
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.workflows.convert_model import convert_model

PARTS = [
    {"last-tensors": 2},
    {"visual-prompt": {"size": 4}},
    {"tokens+padding": {"count": 2, "size": 3}},
]


@pytest.fixture
def base(tmp_path) -> Model:
    save_folder(tiny_clip(), tmp_path / "base")
    return load_model(tmp_path / "base")


@pytest.mark.parametrize("trainable", PARTS, ids=lambda part: next(iter(part)))
def test_what_was_trained_is_saved_beside_the_name_and_hash_of_its_base(tmp_path, base, trainable):
    there = run(tmp_path / "run", recipe(trainable=trainable, steps=2), base)
    final = tmp_path / "run" / "final"
    about = yaml.safe_load((final / ENTRY).read_text())["base"]
    assert (about["name"], about["hash"]) == ("base", base.fingerprint)
    assert (final / WEIGHTS).stat().st_size < (
        tmp_path / "base/open_clip_model.safetensors"
    ).stat().st_size / 100
    again = load_model(tmp_path / "run")
    assert again.fingerprint == there.fingerprint != base.fingerprint
    assert again.card.base == {"name": "base", "hash": base.fingerprint}


def test_attacks_in_training_and_in_evaluation_go_through_the_prompt(tmp_path, base, monkeypatch):
    """As often as through the tower: no look at an image is without it."""
    seen, plain = [], torch.nn.Module.__call__

    def counting(module, *inputs, **options):
        if isinstance(module, (PixelPrompt, torch.nn.Conv2d)):
            seen.append(type(module).__name__)
        return plain(module, *inputs, **options)

    monkeypatch.setattr(torch.nn.Module, "__call__", counting)
    run(tmp_path / "run", recipe(trainable={"visual-prompt": {"size": 4}}, steps=1), base)
    assert seen == ["PixelPrompt", "Conv2d"] * 3
    seen.clear()
    there = load_model(tmp_path / "run")
    classifier = classifier_of(there, colours().class_names)
    pixels = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = classifier(pixels).argmax(1)
    run_attack(classifier, pixels, labels, attack=PGD("pgd", steps=3), eps="1/255")
    assert len(seen) > 2 * 3
    assert seen == ["PixelPrompt", "Conv2d"] * (len(seen) // 2)


def test_a_base_made_in_python_has_no_name_so_the_whole_model_is_saved(tmp_path):
    there = run(tmp_path / "run", recipe(trainable={"last-tensors": 2}, steps=2))
    assert not (tmp_path / "run" / "final" / ENTRY).exists()
    assert load_model(tmp_path / "run").fingerprint == there.fingerprint


def test_another_base_in_its_place_is_refused_with_both_hashes(tmp_path, base):
    run(tmp_path / "run", recipe(trainable="linear-probe", steps=2), base)
    (tmp_path / "base").rename(tmp_path / "moved")
    with pytest.raises(ModelError, match=f"base base .{base.fingerprint}. is not here"):
        load_model(tmp_path / "run")
    save_folder(tiny_clip(seed=1), tmp_path / "base")
    with pytest.raises(ModelError, match=f"has the hash {tiny_clip(seed=1).fingerprint}"):
        load_model(tmp_path / "run")


def test_a_base_that_was_moved_is_found_by_correcting_the_file(tmp_path, base):
    there = run(tmp_path / "run", recipe(trainable="linear-probe", steps=2), base)
    (tmp_path / "base").rename(tmp_path / "moved")
    entry = tmp_path / "run" / "final" / ENTRY
    entry.write_text(entry.read_text().replace(str(tmp_path / "base"), str(tmp_path / "moved")))
    assert load_model(tmp_path / "run").fingerprint == there.fingerprint


def test_tensors_that_do_not_fit_are_named(tmp_path, base):
    from safetensors.torch import save_file

    run(tmp_path / "run", recipe(trainable="linear-probe", steps=2), base)
    save_file({"visual.prij": torch.zeros(2)}, tmp_path / "run" / "final" / WEIGHTS)
    with pytest.raises(ModelError, match=r"trained\.safetensors.*unexpected 'visual.prij'"):
        load_model(tmp_path / "run")


def test_what_can_be_merged_converts_and_what_cannot_is_refused(tmp_path, base):
    tuned = run(tmp_path / "tuned", recipe(trainable="linear-probe", steps=2), base)
    converted = convert_model(tmp_path / "tuned", tmp_path / "plain")
    assert load_model(converted.folder).fingerprint == tuned.fingerprint
    run(tmp_path / "prompted", recipe(trainable={"prompt-tokens": {}}, steps=2), base)
    with pytest.raises(ModelError, match="visual prompts are part of the tower"):
        convert_model(tmp_path / "prompted", tmp_path / "no")


def test_lora_without_peft_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(
        ModelError, match=r"needs the package 'peft': pip install 'zsrobust\[lora\]'"
    ):
        run(tmp_path / "run", recipe(trainable={"lora": {}}))
    assert not (tmp_path / "run").exists()


def test_lora_trains_every_update_and_is_saved_as_such_and_merged_when_loaded(tmp_path, base):
    pytest.importorskip("peft")
    chosen = recipe("tga-zsr", trainable={"lora": {"rank": 2}}, steps=3)
    there = run(tmp_path / "run", chosen, base)
    from safetensors.torch import load_file

    tensors = load_file(tmp_path / "run" / "final" / WEIGHTS)
    assert all("lora_" in name for name in tensors)
    raised = [name for name, value in tensors.items() if "lora_B" in name and value.any()]
    assert len(raised) == 2 * 4
    before, after = weights(base), weights(there)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert len(changed) == 2 * 4
    converted = convert_model(tmp_path / "run", tmp_path / "plain")
    assert load_model(converted.folder).fingerprint == there.fingerprint
    assert weights(run(tmp_path / "again", chosen, base)) == after


def test_lora_starts_as_the_model_it_is_put_on_and_refuses_dead_or_unknown_targets():
    pytest.importorskip("peft")
    from zsrobust.training.trainable.catalogue import adapt

    def adapted(**settings) -> Model:
        return adapt(tiny_clip(), recipe(trainable={"lora": settings}).trainable, 0)

    pixels = torch.rand(2, 3, 28, 28)
    names = colours().class_names
    plain, student = classifier_of(tiny_clip(), names), classifier_of(adapted(), names)
    assert torch.allclose(plain(pixels), student(pixels), atol=1e-4)
    with pytest.raises(ModelError, match="'out_proj' alone has no effect"):
        adapted(targets=["out_proj"])
    with pytest.raises(ModelError, match=r"trainable.lora.targets = \['q_proj'\]"):
        adapted(targets=["q_proj"])
