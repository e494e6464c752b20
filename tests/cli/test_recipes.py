import json

import pytest

from zsrobust.cli.main import main
from zsrobust.training.recipe import RECIPES, load_recipe

LINE = "TGA-ZSR.py --Alpha 0.07 --Distance_metric cos --test_eps 2 --arch vit_b16 --gpu 3"


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def printed(capsys, *words):
    assert main(["recipes", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["show", "--help"], ["from-release", "--help"]])
def test_help_is_readable_at_80_columns(words, capsys):
    assert max(map(len, printed(capsys, *words).splitlines())) <= 80


@pytest.mark.parametrize("words", [["tga-zsr"], ["show", "tga-zsr"]])
def test_a_recipe_reads_like_a_methods_section_at_80_columns(words, capsys):
    said = printed(capsys, *words)
    assert max(map(len, said.splitlines())) <= 80
    flat = " ".join(said.split())
    for part in (
        "Not run here",
        "PGD: 2 steps of 1/255 from a random start, within l-inf 1/255",
        "[paper]",
        "11 F an image and step",
        "10 F once an image has been seen",
        "zsrobust train tga-zsr",
    ):
        assert part in flat


def test_the_parameters_that_are_trained_of_a_model_are_counted(capsys):
    said = printed(capsys, "show", "tecoa-prompts", "--model", "ViT-B-32-quickgelu/openai")
    assert "146,640 parameters of ViT-B-32-quickgelu/openai" in " ".join(said.split())


def test_the_file_itself_can_be_printed_and_ones_own_can_be_shown(capsys, tmp_path):
    text = (RECIPES / "tecoa-mini.yaml").read_text()
    assert printed(capsys, "tecoa-mini", "--yaml").strip() == text.strip()
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("steps: 100", "steps: 7"))
    assert "7 steps" in printed(capsys, str(mine))


def test_an_unknown_recipe_brings_the_nearest(capsys):
    assert main(["recipes", "show", "tga-zrs"]) == 2
    assert "Did you mean 'tga-zsr'?" in capsys.readouterr().err


def test_a_release_is_translated_within_80_columns(capsys):
    said = printed(capsys, "from-release", LINE)
    assert max(map(len, said.splitlines())) <= 80
    for part in (
        "alpha: 0.07  # --Alpha 0.07",
        "eps: [2/255]  # --test_eps 2",
        "zsrobust train recipe.yaml",
        "--protocol protocol.yaml",
        "Without effect",
        "--arch vit_b16: only a part of the checkpoint's name",
        "--gpu 3: here --device",
        "To know",
    ):
        assert part in said


def test_one_that_ships_is_named(capsys):
    said = printed(capsys, "from-release", "TGA-ZSR.py")
    assert "the same as the recipe tga-zsr" in said
    assert "zsrobust train tga-zsr " in said
    assert "zsrobust protocols tga-as-released" in said


def test_its_files_are_written_and_the_commands_name_them(capsys, tmp_path):
    out = tmp_path / "mine"
    said = printed(capsys, "from-release", LINE, "--out", str(out))
    assert sorted(path.name for path in out.iterdir()) == ["protocol.yaml", "recipe.yaml"]
    assert load_recipe(out / "recipe.yaml").objective.settings["alpha"] == 0.07
    assert f"zsrobust train {out / 'recipe.yaml'}" in said


def test_a_translation_can_be_read_by_a_machine(capsys):
    said = json.loads(printed(capsys, "from-release", LINE, "--json"))
    assert said["recipe"]["objective"]["settings"]["alpha"] == 0.07
    assert said["recipe_name"] is None
    assert said["protocol"]["eps"] == ["2/255"]
    assert list(said["no_effect"]) == ["--arch vit_b16"]
    assert len(said["commands"]) == 2


def test_an_unknown_flag_ends_with_2_and_one_line(capsys):
    assert main(["recipes", "from-release", "TGA-ZSR.py --Aplha 0.1"]) == 2
    error = capsys.readouterr().err
    assert error.strip() == "zsrobust: TGA-ZSR.py has no flag --Aplha. Did you mean --Alpha?"
