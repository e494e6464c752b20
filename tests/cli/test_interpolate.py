import json

from zsrobust.cli.main import main
from zsrobust.models.folder import save_folder
from zsrobust.testing.tiny_clip import tiny_clip


def test_one_command_measures_a_curve_and_prints_one_table(tmp_path, capsys):
    for seed, name in enumerate(("base", "tuned")):
        save_folder(tiny_clip(seed), tmp_path / name)
    command = [
        "interpolate", "--base", str(tmp_path / "base"), "--model", str(tmp_path / "tuned"),
        "--dataset", "scenes-shapes", "--dataset", "scenes-sizes", "--protocol", "clean",
        "--limit", "6", "--out", str(tmp_path / "mix"), "--device", "cpu",
        "--clean-weight", "0", "--clean-weight", "0.5", "--clean-weight", "1",
    ]  # fmt: skip
    assert main(command) == 0
    printed = capsys.readouterr().out
    for weight in ("0", "0.5", "1"):
        assert printed.count(f"\n   tuned-clean-{weight} ") == 2
    assert main([*command, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 6
    assert main([*command[:-1], "2"]) == 2
    assert "clean_weight = 2" in capsys.readouterr().err
    assert main(["interpolate", "--help"]) == 0
