"""The table of results on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.records.intervals import Rate
from zsrobust.report.cells import Cell
from zsrobust.report.rows import Results, Row, interval, percent, results
from zsrobust.report.story import Story

WIDEST = 96


def print_terminal(cells: Sequence[Cell], story: Story | None = None) -> None:
    """Prints the table on stdout, readable at 80 columns: warnings by number, and below it.

    Runs without labels come in a table of their own, with the attack success rate. Prints nothing
    where there is no run.
    """
    from rich.console import Console

    if not cells:
        return
    table = results(cells, story or Story())
    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    for labelled in (True, False):
        tasks = table.tasks(labelled)
        if tasks:
            console.print(_table(tasks, labelled, len(table.eps) > 1))
    console.print(_legend(table), style="dim")
    for number, note in enumerate(table.notes, start=1):
        console.print(f"[{number}] {note}", style="yellow", markup=False)


def _table(tasks: list[tuple[str, list[Row]]], labelled: bool, several: bool) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("task, model", overflow="fold")
    if several:
        table.add_column("eps", justify="right", no_wrap=True)
    titles = ("clean %", "robust %", "chance") if labelled else ("attack success %",)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", min_width=9)
    for task, rows in tasks:
        table.add_row(Text(task, style="bold"))
        for row in rows:
            rates = [row.clean, row.attacked] if labelled else [row.attacked]
            shown = [_rate(rate) for rate in rates]
            chance = [] if not labelled or row.chance is None else [f"{100 * row.chance:.0f}"]
            eps = [row.eps] if several else []
            table.add_row(Text(f"  {row.model}"), *eps, *shown, *chance, _remark(row))
    return table


def _rate(rate: Rate | None) -> str:
    """As "52.0 (44–60)", padded so that the rates stand under each other."""
    return percent(rate) if rate is None else f"{percent(rate)} {f'({interval(rate)})':>8}"


def _remark(row: Row) -> Any:
    from rich.text import Text

    said = Text()
    if row.collapsed:
        said.append("collapsed ", style="bold yellow")
    elif row.tuned:
        said.append("tuned on ", style="dim")
    said.append("".join(f"[{mark}]" for mark in row.marks), style="yellow")
    return said


def _legend(table: Results) -> str:
    radius = f"eps {table.eps[0]}, " if len(table.eps) == 1 else ""
    return f"{radius}n = {table.counts} images a row; in brackets 95 % intervals (Wilson)."
