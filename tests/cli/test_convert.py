import json

import pytest
import torch
from tests.models.checkpoints import base, padding, release, robust, tower_state

from zsrobust.cli.main import main
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.folder import save_folder
from zsrobust.models.load import load_model


@pytest.fixture
def files(tmp_path):
    torch.save(release(tower_state(robust())), tmp_path / "best.pth.tar")
    torch.save(release(prompt=padding()), tmp_path / "vp.pth.tar")
    save_folder(base(), tmp_path / "base")
    return tmp_path


def convert(files, *more, file="best.pth.tar", out="out"):
    options = ["--base", str(files / "base"), "--out", str(files / out), *more]
    return main(["convert", str(files / file), *options])


@pytest.mark.parametrize("to", ["open_clip", "transformers"])
def test_a_checkpoint_becomes_a_folder_that_loads_by_its_name(files, capsys, to):
    assert convert(files, "--to", to, "--release", "tecoa", "--licence", "CC-BY-4.0") == 0
    model = load_model(str(files / "out"))
    loaded = load_checkpoint(files / "best.pth.tar", base(), release="tecoa")
    assert model.fingerprint == loaded.fingerprint
    card = (files / "out" / "README.md").read_text()
    assert "- Code: MIT" in card and "- Weights: CC-BY-4.0" in card
    assert "Nothing was measured" in card and loaded.fingerprint in card
    assert str(files / "out") in capsys.readouterr().out


def test_the_share_of_the_base_and_the_doubt_about_the_release_are_passed_on(files, capsys):
    assert convert(files, "--clean-weight", "0.7", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    mixed = load_checkpoint(files / "best.pth.tar", base(), 0.7)
    assert said["hash"] == load_model(str(files / "out")).fingerprint == mixed.fingerprint
    assert "pmg-aft" in said["warnings"][0]
    card = (files / "out" / "README.md").read_text()
    assert "pmg-aft" in card and "not stated by its source" in card


def test_the_card_holds_what_was_measured_of_these_very_weights(files, capsys):
    model = load_checkpoint(files / "best.pth.tar", base(), release="tecoa")
    evaluate(model, "scenes-shapes", "clean", files / "runs", limit=8, device="cpu")
    assert convert(files, "--release", "tecoa", "--runs", str(files / "runs")) == 0
    card = (files / "out" / "README.md").read_text()
    assert "| scenes-shapes" in card and "(runs in its table: 1)" in capsys.readouterr().out
    assert convert(files, "--runs", str(files / "runs"), "--clean-weight", "0.5", out="two") == 2
    assert "None of the 1 runs is of best-clean-0.5" in capsys.readouterr().err
    assert not (files / "two").exists()


def test_any_model_is_converted_and_mixed_by_name(files, capsys):
    assert main(["convert", "scenes-tiny", "--out", str(files / "tiny")]) == 0
    assert load_model(str(files / "tiny")).fingerprint == load_model("scenes-tiny").fingerprint
    save_folder(robust(), files / "robust")
    options = ["--clean-weight", "0.25", "--out", str(files / "mixed")]
    named = ["convert", str(files / "robust"), *options]
    assert main(named) == 2
    assert "needs the base to mix in" in capsys.readouterr().err
    assert main([*named, "--base", str(files / "base")]) == 0
    expected = 0.25 * base().visual.proj + 0.75 * robust().visual.proj
    assert torch.allclose(load_model(str(files / "mixed")).visual.proj, expected, atol=1e-6)


def test_what_cannot_be_converted_is_said_in_one_line(files, capsys):
    assert convert(files, file="vp.pth.tar") == 2
    assert "visual prompts" in capsys.readouterr().err
    assert main(["convert", str(files / "vp.pth.tar"), "--out", str(files / "x")]) == 2
    assert "needs its base" in capsys.readouterr().err
    code = main(["convert", "scenes-tiny", "--release", "tecoa", "--out", str(files / "x")])
    assert code == 2
    assert "describe a checkpoint file" in capsys.readouterr().err
    assert main(["convert", "scenes-tiny", "--clean-weight", "7", "--out", "x"]) == 2
    assert "clean_weight = 7" in capsys.readouterr().err
