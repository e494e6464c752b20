"""The README's blocks run as they stand, but for the length of trainings."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zsrobust.cli.main import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.M | re.S)
COMMANDS = [
    line.removeprefix(".venv/bin/zsrobust ")
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith(".venv/bin/zsrobust ")
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder as the README's reader has it: photographs in one folder a class."""
    folder = tmp_path_factory.mktemp("desk")
    for i, name in enumerate(("red_car", "blue_car", "bicycle")):
        (folder / "my-photos" / name).mkdir(parents=True)
        for j in range(2):
            rng = np.random.default_rng(10 * i + j)
            picture = Image.fromarray(rng.integers(0, 255, (70, 90, 3), dtype=np.uint8))
            picture.save(folder / "my-photos" / name / f"{j}.jpg")
    picture.save(folder / "my-photo.jpg")
    return folder


def test_the_commands_run_one_after_the_other(desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    assert len(COMMANDS) >= 4
    for command in COMMANDS:
        arguments = shlex.split(command)
        if arguments[0] in ("train", "search"):
            arguments += ["--set", "steps=2", "--set", "batch_size=8", "--limit", "16"]
        if arguments[0] == "search":
            arguments += ["--images", "10"]
        if arguments[0] in ("evaluate", "interpolate"):
            if "--limit" not in arguments:
                arguments += ["--limit", "6"]
            else:
                arguments[arguments.index("--limit") + 1] = "10"
            if "apgd-ce+t" not in arguments:
                arguments += ["--set", "steps=2"]
        if arguments[0] == "selfcheck":
            continue  # Its least plan takes a minute: tests/cli/test_selfcheck.py runs a smaller.
        if arguments[0] == "verify":
            arguments += ["--images", "2"]
        assert main(arguments) == 0, (command, capsys.readouterr().err)
    assert (desk / "runs" / "mine" / "report.html").exists()


def test_the_python_block_runs(capsys):
    (block,) = [block for language, block in BLOCKS if language == "python"]
    names = {"pixels": torch.rand(2, 3, 56, 56), "labels": torch.tensor([0, 1])}
    exec(block, names)
    assert names["logits"].shape == (2, 3)
    assert names["amap"].shape == (2, 7, 7)


def test_every_local_link_leads_somewhere():
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert link.startswith("http") or (root / link).exists(), link
