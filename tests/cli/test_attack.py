import json

import numpy as np
import pytest
from PIL import Image

from zsrobust.cli.main import main
from zsrobust.data.catalogue import load_dataset

SHAPES = load_dataset("scenes-shapes")
QUICK = ["--model", "scenes-tiny", "--attack", "pgd-20"]
NAMES = ["--classes", "circle,square,triangle,star"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """`flat/` of four pictures, `tree/` of two classes, and a few things that are none."""
    root = tmp_path_factory.mktemp("photos")
    for place in ("flat", "tree/circle", "tree/star_fish", "nothing", "torn", "alone/circle"):
        (root / place).mkdir(parents=True)
    for i in range(4):
        SHAPES.read(i).save(root / "flat" / f"picture-{i}.{'jpg' if i % 2 else 'png'}")
        SHAPES.read(i).save(root / "tree" / ("circle" if i < 2 else "star_fish") / f"{i % 2}.png")
    SHAPES.read(0).save(root / "alone" / "circle" / "0.png")
    SHAPES.read(0).save(root / "torn" / "good.png")
    (root / "torn" / "bad.png").write_bytes(b"no picture")
    (root / "nothing" / "letter.txt").write_text("x")
    return root


@pytest.fixture(autouse=True)
def _at_80_columns(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def test_one_photograph_is_told_in_one_block(photos, capsys):
    command = ["attack", str(photos / "flat" / "picture-0.png"), *NAMES, *QUICK, "--eps", "4/255"]
    assert main(command) == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert lines[0] == "picture-0.png: fooled"
    assert [line.split()[0] for line in lines[1:6]] == [
        "clean", "attacked", "change", "found", "label",
    ]  # fmt: skip
    assert "4/255, of 4/255 (L-inf) allowed" in first
    assert "Read back from the PNGs and judged again: every answer is the same." in first
    assert "56 x 56" in first and "runs/attack/picture-0-" in first
    assert max(map(len, lines)) <= 80
    assert main(command) == 0
    assert capsys.readouterr().out == first


def test_a_folder_is_told_in_a_table_with_the_attack_success(photos, tmp_path, capsys):
    command = ["attack", str(photos / "flat"), *NAMES, *QUICK, "--eps", "4/255"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for word in (
        "picture-3.jpg",
        "found by",
        "Attack success:",
        "own clean answers",
        "adversarial/",
    ):
        assert word in printed
    assert "accuracy" not in printed.replace("base model keeps accuracy", "")
    assert max(map(len, printed.splitlines())) <= 80
    assert main(["report", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report.html").exists()


def test_a_tree_of_classes_is_told_with_accuracy_beside_chance(photos, capsys):
    assert main(["attack", str(photos / "tree"), *QUICK, "--eps", "4/255"]) == 0
    printed = capsys.readouterr().out
    assert "robust %" in printed and "chance" in printed and "star_fish/1.png" in printed
    assert "was wrong" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_json_tells_of_every_image(photos, tmp_path, capsys):
    command = ["attack", str(photos / "flat"), *NAMES, *QUICK, "--eps", "0.8", "--norm", "l2"]
    assert main([*command, "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["norm"], told["eps"], told["side"]) == ("l2", 0.8, 56)
    assert [image["file"] for image in told["images"]] == [
        "picture-0.png", "picture-1.jpg", "picture-2.png", "picture-3.jpg",
    ]  # fmt: skip
    for image in told["images"]:
        assert image["status"] in ("fooled", "survived")
        assert image["distance"] <= 0.8 + 1e-6
        assert np.asarray(Image.open(image["picture"])).shape == (56, 56, 3)
        assert sum(share for _, share in image["clean"]) <= 1 + 1e-6
    assert told["summary"]["n"] == 4


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("nowhere.png", NAMES, "no such file or folder"),
        ("nothing", NAMES, "no images"),
        ("torn", NAMES, "bad.png: not a readable image"),
        ("torn/bad.png", NAMES, "bad.png: not a readable image"),
        ("flat/picture-0.png", [], "name the classes to choose from: --classes cat,dog"),
        ("flat", [], "Name classes: --classes"),
        ("flat", ["--classes", "circle"], "Only one class (circle)"),
        ("flat", ["--classes", "circle,"], "empty name"),
        ("flat", ["--classes", "circle,star,circle"], "given twice: circle"),
        ("flat", ["--classes", "names.txt"], "names.txt: no such file"),
        (
            "flat",
            ["--classes", ",".join(f"class {i}" for i in range(99)), "--label", "x"],
            "--label",
        ),
        ("alone", [], "Only one class (circle)"),
        ("tree", ["--classes", "circel,star fish"], "Did you mean 'circel'?"),
        ("tree", ["--label", "circle"], "the class folders are the labels"),
        ("flat", [*NAMES, "--label", "circel"], "not among the classes. Did you mean 'circle'?"),
        ("flat", [*NAMES, "--eps", "4"], 'Did you mean "4/255"?'),
        ("flat", [*NAMES, "--eps", "four"], "is not a radius"),
        ("flat", [*NAMES, "--eps", "0.5/255"], "less than one grey level"),
        ("flat", [*NAMES, "--attack", "apgd-te"], "Did you mean 'apgd-t'? See: zsrobust attacks"),
        ("flat", [*NAMES, "--norm", "l1"], "Unknown norm 'l1'"),
        ("flat", [*NAMES, "--model", "scene-tiny"], "Did you mean 'scenes-tiny'?"),
        ("flat", [*NAMES, "--device", "tpu9"], "cannot be used"),
    ],
)
def test_bad_input_exits_2_with_one_clear_line_and_writes_nothing(
    path, options, said, photos, tmp_path, capsys
):
    out = tmp_path / "out"
    command = ["attack", str(photos / path), *QUICK, "--eps", "2/255", "--out", str(out), *options]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()


def test_another_runs_folder_is_refused(photos, tmp_path, capsys):
    command = ["attack", str(photos / "flat" / "picture-0.png"), *NAMES, *QUICK]
    command += ["--out", str(tmp_path / "out")]
    assert main([*command, "--eps", "4/255"]) == 0
    assert main([*command, "--eps", "3/255"]) == 2
    assert "holds another run: protocol" in capsys.readouterr().err


def test_the_attacks_are_listed_shown_and_given_as_json(capsys):
    assert main(["attacks"]) == 0
    listed = capsys.readouterr().out
    assert "autoattack" in listed and "fab-t" in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert main(["attacks", "apgd-ce+t"]) == 0
    assert "targets 9" in capsys.readouterr().out
    assert main(["attacks", "--json"]) == 0
    assert (
        json.loads(capsys.readouterr().out)["autoattack"]["members"]["square"]["queries"] == "5000"
    )
    assert main(["attacks", "square", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["members"]["square"]["method"] == "Square"
    assert main(["attacks", "sqare"]) == 2
    assert "Did you mean 'square'?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["attack", "attacks"])
def test_help_is_readable_at_80_columns(command, capsys):
    assert main([command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 80
