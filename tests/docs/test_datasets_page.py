"""docs/datasets.md says what the catalogue holds."""

import re

from tools.datasets_page import PAGE, with_tables

from zsrobust.cli.main import main


def test_the_tables_are_the_catalogues():
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("<!-- end -->") == 3
    assert with_tables(page) == page


def test_every_command_of_the_page_is_one(capsys):
    commands = re.findall(r"^zsrobust (datasets.*?)(?: +#|$)", PAGE.read_text(), re.MULTILINE)
    assert len(commands) == 4
    for command in commands[:3]:
        assert main(command.split()) == 0
        assert capsys.readouterr().out.strip()
