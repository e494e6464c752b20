"""A self-check on a terminal, readable at 80 columns."""

from __future__ import annotations

from typing import Any

from zsrobust.report.rows import interval, percent
from zsrobust.report.selfcheck_words import MARKS, effort, levels, p_value, subject
from zsrobust.selfcheck.names import TITLES
from zsrobust.selfcheck.result import Check, SelfCheck

WIDEST, BAR = 96, 40
STYLES = {
    "fine": "green",
    "open": "dim",
    "note": "cyan",
    "warning": "bold yellow",
    "invalid": "bold red",
}
VERDICTS = {"clear": "green", "masked": "yellow", "collapsed": "yellow", "undecided": "cyan"}


def print_selfcheck(result: SelfCheck) -> None:
    """Prints the curve as bars, what each attack keeps, every check and the verdict on stdout."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    console.print()
    console.print(Text(subject(result), style="bold"))
    console.print(_curve(result))
    if result.looks:
        console.print(_attacks(result))
    console.print(_checks(result))
    console.print(Text(effort(result), style="dim"))
    console.print()
    console.print(Text(result.verdict.line, style=f"bold {VERDICTS[result.verdict.kind]}"))


def _curve(result: SelfCheck) -> Any:
    table = _table("eps/255", "kept %", "95 %")
    table.add_column("", no_wrap=True)
    for trial in result.curve:
        share = trial.rate
        table.add_row(levels(trial.eps), percent(share), _soft(interval(share)), _bar(share.value))
    return table


def _attacks(result: SelfCheck) -> Any:
    table = _table("attack", "kept %", "95 %", left=True)
    table.title = f"Each attack by itself at {result.close_eps}"
    table.title_justify, table.title_style = "left", "not italic dim"
    for trial in result.looks:
        if trial.name in TITLES:
            share = trial.rate
            table.add_row(TITLES[trial.name], percent(share), _soft(interval(share)))
    return table


def _checks(result: SelfCheck) -> Any:
    from rich.text import Text

    table = _table("check", left=True)
    table.add_column("", overflow="fold", ratio=1)
    table.add_column("p", justify="right", no_wrap=True)
    for check in result.checks:
        name = Text(f"{MARKS[check.level]} ", style=STYLES[check.level])
        table.add_row(name + Text(check.name, style="default"), _said(check), p_value(check))
    return table


def _said(check: Check) -> Any:
    from rich.text import Text

    loud = check.level in ("warning", "invalid")
    return Text(check.says, style=STYLES[check.level].removeprefix("bold ") if loud else "")


def _table(*titles: str, left: bool = False) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for position, title in enumerate(titles):
        first = left and position == 0
        table.add_column(title, justify="left" if first else "right", no_wrap=True)
    return table


def _bar(share: float) -> Any:
    from rich.text import Text

    filled = round(BAR * share)
    return Text("━" * filled, style="blue") + Text("─" * (BAR - filled), style="bright_black")


def _soft(text: str) -> Any:
    from rich.text import Text

    return Text(text, style="dim")
