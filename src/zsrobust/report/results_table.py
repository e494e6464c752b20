"""The table of results: models x tasks, each rate with its interval, chance beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.records.intervals import Rate
from zsrobust.report.cells import Cell, in_order
from zsrobust.report.story import Story


@dataclass(frozen=True)
class Row:
    """A line of the table, in words.

    robust: at `eps` under `attack`; for a run without labels the attack success rate.
    above_chance: whether the robust interval lies above chance. notes: what must stand beside it.
    """

    task: str
    model: str
    n: int
    clean: str
    clean_interval: str
    robust: str
    robust_interval: str
    robust_value: float | None
    eps: str
    chance: str
    chance_value: float | None
    above_chance: bool
    collapsed: bool
    tuned: bool
    labelled: bool
    notes: tuple[str, ...]


def rows(cells: Sequence[Cell], story: Story) -> list[Row]:
    """The table's lines: task by task, models in the story's order, radii ascending."""
    tasks = in_order([cell.dataset for cell in cells], [])
    tuned_first = [task for task in tasks if any(task in on for on in story.tuned_on.values())]
    lines: list[Row] = []
    for task in in_order(tasks, tuned_first):
        for model in in_order([cell.model for cell in cells], story.order):
            for cell in cells:
                if (cell.dataset, cell.model) == (task, model):
                    lines += _rows(cell, story)
    return lines


def _rows(cell: Cell, story: Story) -> list[Row]:
    summary = cell.summary
    radii: list[tuple[str, Rate | None]] = [
        (at.eps_text, at.robust_accuracy if summary.labelled else at.attack_success_rate)
        for at in summary.by_eps
    ] or [("none", None)]
    return [_row(cell, story, eps, rate) for eps, rate in radii]


def _row(cell: Cell, story: Story, eps: str, robust: Rate | None) -> Row:
    summary, chance = cell.summary, cell.summary.chance
    notes = list(cell.header.warnings)
    if summary.collapsed:
        notes.append(f"collapsed: {summary.collapse_reason}")
    return Row(
        task=cell.dataset,
        model=story.call(cell.model),
        n=summary.n,
        clean=percent(summary.clean_accuracy),
        clean_interval=interval(summary.clean_accuracy),
        robust=percent(robust),
        robust_interval=interval(robust),
        robust_value=robust.value if robust else None,
        eps=eps,
        chance="" if chance is None else f"{100 * chance:.0f}",
        chance_value=chance,
        above_chance=bool(
            summary.labelled
            and robust is not None
            and chance is not None
            and robust.interval.low > chance
            and not summary.collapsed
        ),
        collapsed=summary.collapsed,
        tuned=cell.dataset in story.tuned_on.get(cell.model, ()),
        labelled=summary.labelled,
        notes=tuple(notes),
    )


def percent(rate: Rate | None) -> str:
    """A rate in percent, one decimal; a dash where there is none."""
    return "–" if rate is None else f"{100 * rate.value:.1f}"


def interval(rate: Rate | None) -> str:
    """The 95 % interval of a rate, in percent."""
    if rate is None:
        return ""
    return f"{100 * rate.interval.low:.0f}–{100 * rate.interval.high:.0f}"


def print_terminal(cells: Sequence[Cell], story: Story | None = None) -> None:
    """Prints the table on stdout, at most 80 columns wide, warnings below it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = rows(cells, story or Story())
    unlabelled = any(not line.labelled for line in lines)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("task", overflow="fold")
    table.add_column("model", overflow="fold")
    robust = "robust" if not unlabelled else "robust, or attack success"
    for title in ("clean %", f"{robust} %", "eps", "chance"):
        table.add_column(title, justify="right")
    table.add_column("")
    before = ""
    for line in lines:
        mark = "collapsed" if line.collapsed else ("tuned on" if line.tuned else "")
        table.add_row(
            line.task if line.task != before else "",
            line.model,
            Text(f"{line.clean} ({line.clean_interval})" if line.clean_interval else line.clean),
            Text(
                f"{line.robust} ({line.robust_interval})" if line.robust_interval else line.robust
            ),
            line.eps,
            line.chance,
            Text(mark, style="yellow" if line.collapsed else "dim"),
        )
        before = line.task
    console = Console(width=min(Console().width, 100), highlight=False)
    console.print(table)
    counts = sorted({line.n for line in lines})
    shown = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    console.print(f"n = {shown} images a row; in brackets 95 % intervals (Wilson).", style="dim")
    for note in dict.fromkeys(note for line in lines for note in line.notes):
        if not note.startswith("collapsed"):
            console.print(f"note: {note}", style="yellow")
