import json

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from zsrobust.cli.main import main

CELL = "tiny--scenes-colours--pgd-20"


@pytest.fixture
def run(tiny_folder, tmp_path, capsys):
    """A small finished run of a model in a folder."""
    command = ["evaluate", "--model", str(tiny_folder), "--dataset", "scenes-colours"]
    options = ["--limit", "12", "--set", "steps=2", "--out", str(tmp_path / "runs")]
    assert main([*command, *options]) == 0
    capsys.readouterr()
    return tmp_path / "runs" / CELL


def test_three_verdicts_are_printed_with_their_figures_and_exit_0(run, capsys):
    assert main(["verify", str(run), "--images", "3"]) == 0
    printed = capsys.readouterr().out
    for letter, name in (
        ("a", "stored images"),
        ("b", "reference attack"),
        ("c", "records and results"),
    ):
        (line,) = [line for line in printed.splitlines() if line.startswith(f"({letter})")]
        assert name in line and line.endswith("pass")
    assert "scored: 24" in printed and "agree: " in printed and "attacks: 24" in printed
    assert max(len(line) for line in printed.splitlines() if str(run) not in line) <= 80


def test_json_holds_every_figure(run, capsys):
    assert main(["verify", str(run), "--images", "2", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["passed"] is True
    assert [each["verdict"] for each in content["checks"]] == ["pass"] * 3
    assert content["checks"][1]["figures"]["decisions"] > 0


def test_a_fault_exits_1_and_one_line_says_what_and_where(run, capsys):
    stored = run / "adversarial" / "part-00000.safetensors"
    with safe_open(stored, "pt") as file:
        metadata, pixels = file.metadata(), file.get_tensor("1/255")
    save_file({"1/255": pixels.flip(-1).contiguous()}, stored, metadata=metadata)
    assert main(["verify", str(run), "--images", "1"]) == 1
    printed = capsys.readouterr()
    assert "fail" in printed.out and "- and " in printed.out
    (line,) = printed.err.strip().splitlines()
    assert f"{run}: stored images: image " in line and "outside the ball (and " in line
    assert main(["verify", str(run), "--images", "1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_what_cannot_be_verified_exits_2_with_one_line(run, tmp_path, capsys):
    (run / "results.json").unlink()
    for arguments, said in (
        ([str(run)], "not finished"),
        ([str(tmp_path)], "no run folder"),
    ):
        assert main(["verify", *arguments]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert said in line


def test_help_is_readable_at_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["verify", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert any("--images" in line for line in lines)
