"""How `zsrobust recipes show` looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsrobust.training.methods_section import Sentence


def print_recipe(name: str, section: Sequence[Sentence]) -> None:
    """Heading, title line and sentences; a source stands in brackets after what it is of."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from zsrobust.settings import find_entry, leading_comment
    from zsrobust.training.recipe import RECIPES

    head = leading_comment(find_entry(name, RECIPES, "recipe", "zsrobust recipes")).splitlines()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for sentence in section:
        said = Text(sentence.said)
        if sentence.source:
            said.append(f"  [{sentence.source}]", style="dim")
        table.add_row(Text(sentence.heading), said)
    console = Console()
    console.print(Text(name, style="bold"))
    if head:
        console.print(Text(head[-1]))
    console.print()
    console.print(table)
    if head and head[0].startswith("zsrobust "):
        console.print()
        console.print(Text(head[0]))
