"""The table of results on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.records.intervals import Rate
from zsrobust.report.cells import Cell
from zsrobust.report.results import results
from zsrobust.report.rows import Results, Row, interval, percent
from zsrobust.report.story import Story, story_of
from zsrobust.report.suite_means import suite_tables
from zsrobust.report.suites_table import print_suites

WIDEST = 96
NAME = 18
"""Columns that a task's name gets before other columns do."""


def print_terminal(
    cells: Sequence[Cell], story: Story | None = None, suites: Sequence[str] = ()
) -> None:
    """Prints the table on stdout, readable at 80 columns: warnings by number, and below it.

    Runs without labels come in a table of their own, with the attack success rate. Means over
    suites come last: those of `suites`, and what `suite_tables` finds. Prints nothing where there
    is no run.
    """
    from rich.console import Console

    if not cells:
        return
    told = story or story_of(cells, ())
    table = results(cells, told)
    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    for labelled in (True, False):
        tasks = table.tasks(labelled)
        if tasks:
            console.print(_table(table, tasks, labelled))
    console.print(_legend(table), style="dim")
    for about in table.about:
        console.print(f"[{about.mark}] {about.text}", style="dim", markup=False)
    for number, note in enumerate(table.notes, start=1):
        console.print(f"[{number}] {note}", style="yellow", markup=False)
    print_suites(suite_tables(cells, told, suites), console)


def _table(table: Results, tasks: list[tuple[str, list[Row]]], labelled: bool) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    radii, attacks = len(table.eps) > 1, table.attacks
    space = (0, 1 if len(attacks) > 1 else 2, 0, 0)
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=space)
    named = ((f"{task} [{table.mark_of(task)}]", rows) for task, rows in tasks)
    longest = max(len(name) for task, rows in named for name in (task, *(r.model for r in rows)))
    shown.add_column("task, model", overflow="fold", min_width=min(longest, NAME))
    for title in _titles(table, radii, labelled):
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("", min_width=9, max_width=9 if len(attacks) > 1 else None)
    for task, rows in tasks:
        mark = table.mark_of(task)
        shown.add_row(Text.assemble((task, "bold"), f" [{mark}]" if mark else ""))
        for row in rows:
            name = f"  {row.model}" + (f", {row.apart}" if row.apart else "")
            shown.add_row(Text(name), *_numbers(row, table, radii), _remark(row))
    return shown


def _titles(table: Results, radii: bool, labelled: bool) -> list[str]:
    """One attack is called by what it measures; several by their names."""
    attacks = table.attacks
    word = "robust %" if labelled else "attack success %"
    under = [f"{attack} %" for attack in attacks] if len(attacks) > 1 else [word]
    return ["eps"] * radii + (["clean %", *under, "chance"] if labelled else under)


def _numbers(row: Row, table: Results, radii: bool) -> list[str]:
    """A row's cells. Beside several attacks the clean rate's interval has no room."""
    attacks = table.attacks
    several = len(attacks) > 1
    found = [row.under(attack) for attack in attacks] or [None]
    under = [_rate(one.rate if one else None) for one in found]
    eps = [row.eps] if radii else []
    if not row.labelled:
        return [*eps, *under]
    clean = percent(row.clean) if several else _rate(row.clean)
    chance = "" if row.chance is None else f"{100 * row.chance:.0f}"
    return [*eps, clean, *under, chance]


def _rate(rate: Rate | None) -> str:
    """As "52.0 (44–60)", padded so that the rates stand under each other."""
    return percent(rate) if rate is None else f"{percent(rate)} {f'({interval(rate)})':>8}"


def _remark(row: Row) -> Any:
    from rich.text import Text

    said = Text()
    if row.collapsed:
        said.append("collapsed ", style="bold yellow")
    elif row.tuned:
        said.append("tuned ", style="dim")
    elif row.seen:
        said.append(f"seen {100 * row.seen:.0f} ", style="dim")
    said.append("".join(f"[{mark}]" for mark in row.marks), style="yellow")
    return said


def _legend(table: Results) -> str:
    radius = f"eps {table.eps[0]}, " if len(table.eps) == 1 else ""
    fewer = [(attack, table.counts_under(attack)) for attack in table.attacks]
    under = "".join(f", {count} of them under {attack}" for attack, count in fewer if count)
    said = f"{radius}n = {table.counts} images a row{under}; in brackets 95 % intervals (Wilson)."
    upright = [row for row in table.rows if not row.collapsed]
    if any(row.tuned for row in upright):
        said += " tuned: on this very set."
    if any(row.seen and not row.tuned for row in upright):
        said += " seen: percent of the classes that the fine-tuning set has too (WordNet or name)."
    return said
