"""docs/recipes.md lists the published recipes and what released flags become; commands work."""

import re
import shlex
from pathlib import Path

from zsrobust.cli.main import main
from zsrobust.settings import leading_comment
from zsrobust.training.recipe import RECIPES, load_recipe, recipe_names
from zsrobust.workflows.release_script import load_script, script_names

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
NOT_RUN = "Not run here"


def published() -> list[str]:
    """The recipes that are not for the bundled models."""
    return [name for name in recipe_names() if not name.endswith(("-mini", "-quick"))]


def line(name: str) -> str:
    """A recipe's line of the table."""
    recipe = load_recipe(name)
    attack, optimizer = recipe.attack, recipe.optimizer
    inner = "none" if attack.kind == "none" else f"PGD-{attack.steps} at {attack.eps}"
    length = f"{recipe.epochs} epochs" if recipe.steps is None else f"{recipe.steps:,} steps"
    cells = (
        f"`{name}`",
        recipe.objective.kind,
        inner,
        f"{optimizer.kind} {optimizer.lr:g}",
        f"{length} of {recipe.batch_size:,}",
    )
    return f"| {' | '.join(cells)} |"


def meant(script: str, name: str) -> str:
    """What a flag of a script becomes, in a line of the table."""
    flag = load_script(script).flags[name]
    places = flag.sets or sorted({place for sets in flag.values.values() for place in sets})
    what = ", ".join(f"`{place}`" for place in places)
    if flag.dead or flag.ours:
        what = f"no effect: {flag.dead}" if flag.dead else f"here {flag.ours}"
    elif flag.unit:
        what += ", in 255ths"
    elif not what:
        what = f"{flag.filled} alone"
    default = "–" if flag.filled is None else str(flag.filled)
    return f"| `--{name}` | {default} | {what} |"


def table(mark: str) -> list[str]:
    between = PAGE.split(f"<!-- {mark} -->")[1].split("<!-- end -->")[0]
    return between.strip().splitlines()[2:]


def test_the_table_is_the_published_recipes():
    assert table("recipes") == [line(name) for name in published()]


def test_the_flags_are_those_of_the_table_of_the_release():
    assert table("flags") == [meant("TGA-ZSR", name) for name in load_script("TGA-ZSR").flags]


def test_every_script_that_is_understood_is_named():
    assert re.findall(r"^\| `(.*?)\.py` ", PAGE, re.MULTILINE) == script_names()


def test_a_recipe_for_weights_that_are_not_here_says_so():
    for name in published():
        assert NOT_RUN in leading_comment(RECIPES / f"{name}.yaml"), name


def test_every_command_of_the_page_is_understood(capsys):
    commands = re.findall(r"^zsrobust ([^#\n]*)", PAGE, flags=re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        words = shlex.split(command)
        if words[0] == "recipes":
            assert main(words) == 0, command
        else:
            load_recipe(words[1])
    capsys.readouterr()
