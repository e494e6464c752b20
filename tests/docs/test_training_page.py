"""docs/training.md says what can be trained, and its commands and keys are understood."""

import re
import shlex
from pathlib import Path

import yaml
from tests.training.small_training import recipe

from zsrobust.cli.main import main
from zsrobust.training.inner_attack import InnerAttack
from zsrobust.training.recipe import Recipe, load_recipe
from zsrobust.training.trainable.settings import KINDS
from zsrobust.training.validation import ValidationSettings
from zsrobust.workflows.search_grid import read_grid

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_table_names_all_that_can_be_trained_as_a_recipe_takes_it():
    table = PAGE.split("<!-- trainable -->")[1].split("<!-- end -->")[0]
    written = [yaml.safe_load(text) for text in re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)]
    assert [recipe(trainable=each).trainable.kind for each in written] == list(KINDS)


def test_every_command_of_the_page_is_understood(capsys):
    commands = re.findall(r"^zsrobust ([^#\n]*)", PAGE, flags=re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        words = shlex.split(command)
        runs = words[0] in ("train", "report", "search")
        assert main([words[0], "--help"] if runs else words) == 0
        if words[0] == "search":
            grid = [word for word in words[words.index("--grid") + 1 :] if "=" in word]
            assert read_grid(grid, load_recipe(words[1]))
        if words[0] == "train":
            overrides = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
            load_recipe(words[1], overrides)
    capsys.readouterr()


def test_every_key_that_the_page_names_is_one():
    known = {*Recipe.model_fields, *ValidationSettings.model_fields, *InnerAttack.model_fields}
    for key in re.findall(r"`([a-z_]+): [^`]*`", PAGE.split("## What is seen")[1]):
        assert key in known | {"logit_scale"}
