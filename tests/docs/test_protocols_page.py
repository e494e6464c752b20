"""docs/protocols.md says what the protocols hold, and its commands are understood."""

import re
import shlex
from pathlib import Path

from zsrobust.cli.main import main
from zsrobust.evaluation.protocol import load_protocol, protocol_names

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")


def line(name: str) -> str:
    """A protocol's line of the table."""
    settings = load_protocol(name).settings
    attack = settings.attack
    if attack == "pgd":
        attack = f"PGD-{settings.steps}, step {settings.step_size}, {settings.iterate} iterate"
        attack += ", margin alone" if settings.losses == ["margin"] else ""
    radius = ", ".join(settings.eps) or "–"
    radius += " (L2)" if settings.norm == "l2" else ""
    fixed = isinstance(settings.prompts, list)
    prompts = f"`{settings.prompts[0]}`" if fixed else settings.prompts
    cells = (f"`{name}`", attack, radius, settings.precision, str(settings.resolution), prompts)
    return f"| {' | '.join(cells)} |"


def test_the_table_is_the_protocols():
    between = PAGE.split("<!-- protocols -->")[1].split("<!-- end -->")[0]
    assert between.strip().splitlines()[2:] == [line(name) for name in protocol_names()]


def test_every_command_of_the_page_is_understood(capsys):
    commands = re.findall(r"^zsrobust ([^#\n]*)", PAGE, flags=re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        words = shlex.split(command)
        runs = words[0] in ("evaluate", "report")
        assert main([words[0], "--help"] if runs else words) == 0
        said = capsys.readouterr().out
        if runs:
            options = {word for word in words if word.startswith("--")}
            assert all(option in said for option in options), command
