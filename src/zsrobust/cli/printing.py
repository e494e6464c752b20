"""How tables and JSON are printed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def print_json(content: Any) -> None:
    """Content as indented JSON on stdout."""
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Rows of one set of keys as a table on stdout, folded to the width of the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(key, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    Console().print(table)


def print_text(text: str) -> None:
    """A text on stdout, folded between words to the width of the terminal."""
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(text))


def print_lines(lines: Sequence[tuple[str, str]], title: str, conclusion: str) -> None:
    """(subject, what is said of it) in two columns under a title, folded to the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for subject, said in lines:
        table.add_row(subject, Text(said))
    console = Console()
    console.print(table)
    console.print(Text(conclusion, style="bold"))


def print_profile(title: str, facts: Mapping[str, Sequence[str]]) -> None:
    """Headings on the left and their lines beside them, folded to the width of the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for heading, lines in facts.items():
        for number, line in enumerate(lines):
            # A line of several begins with a mark, so that folded ones can be told apart.
            shown = _hung("- ", line) if len(lines) > 1 else Text(line)
            table.add_row(Text("" if number else heading), shown)
    console = Console()
    console.print(Text(title, style="bold"))
    console.print(table)


def _hung(mark: str, line: str) -> Any:
    """A line behind its mark, folded under itself and not under the mark."""
    from rich.table import Table
    from rich.text import Text

    row = Table.grid()
    row.add_column(no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(Text(mark), Text(line))
    return row
