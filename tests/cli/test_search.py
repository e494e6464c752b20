import json

import pytest

from zsrobust.cli.main import main
from zsrobust.models.folder import save_folder
from zsrobust.testing.tiny_clip import tiny_clip


@pytest.fixture
def rest(tmp_path):
    """What a command needs besides recipe, grid and trials."""
    save_folder(tiny_clip(), tmp_path / "model")
    return [
        "--model", str(tmp_path / "model"), "--dataset", "scenes-shapes", "--images", "6",
        "--limit", "8", "--set", "steps=2", "--set", "batch_size=4", "--device", "cpu",
        "--out", str(tmp_path / "out"),
    ]  # fmt: skip


def test_several_settings_follow_one_grid(rest, tmp_path, capsys):
    command = ["search", "tga-zsr-quick", "--grid", "alpha=0.04,0.08", "beta=0.03,0.05"]
    assert main([*command, "--trials", "2", *rest]) == 0
    printed = capsys.readouterr()
    assert "trial 1/2 alpha=" in printed.err
    assert "to go" in printed.err
    assert all(len(line) <= 80 for line in printed.out.splitlines() if "/" not in line)
    assert "n = 6 images of scenes-shapes, split val" in printed.out
    assert str(tmp_path / "out" / "best.yaml") in printed.out
    said = json.loads((tmp_path / "out" / "search.json").read_text())
    assert list(said["grid"]) == ["objective.settings.alpha", "objective.settings.beta"]
    again = ["--grid", "alpha=0.04,0.08", "--grid", "beta=0.03,0.05", "--trials", "2"]
    assert main(["search", "tga-zsr-quick", *again, *rest, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == said


def test_the_best_recipe_trains_and_the_best_trial_is_a_model(rest, tmp_path):
    assert main(["search", "tecoa-quick", "--grid", "lr=1e-4", *rest]) == 0
    out = tmp_path / "out"
    best = json.loads((out / "search.json").read_text())["best"]
    assert best == "trials/lr=1e-4"
    images = ["--dataset", "scenes-shapes", "--limit", "8", "--device", "cpu"]
    trained = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "again")]
    assert main(["train", str(out / "best.yaml"), *images, *trained]) == 0
    measured = ["--model", str(out / best), "--protocol", "clean", "--out", str(tmp_path / "m")]
    assert main(["evaluate", *images, *measured]) == 0


def test_a_wrong_grid_is_one_line_before_any_training(rest, tmp_path, capsys):
    assert main(["search", "tecoa-quick", "--grid", "lrr=1e-4", *rest]) == 2
    assert "no setting 'lrr'. Did you mean 'lr'?" in capsys.readouterr().err
    assert main(["search", "tecoa-quick", "--grid", "lr=1e-4,fast", *rest]) == 2
    assert "fast" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["search", "--help"]) == 0
