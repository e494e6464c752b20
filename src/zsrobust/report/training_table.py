"""A training on a terminal, readable at 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.report.cells import Training
from zsrobust.report.rows import interval, percent
from zsrobust.report.training_gap import what_the_gap_says
from zsrobust.report.training_log import PARTS, TrainingLog, Validated, read_training_log
from zsrobust.report.training_words import ends, how_far, how_fast, what_was_kept, what_was_trained

WIDEST = 96
ROWS = 8
"""Validations that are shown at most: the kept one, the last, and others evenly between."""


def print_trainings(trainings: Sequence[Training]) -> None:
    """Prints of each training what it was, its terms at both ends, its validations, on stdout."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    for training in trainings:
        log = read_training_log(training)
        console.print()
        console.print(Text(f"{training.model}: {how_far(training, log)}", style="bold"))
        console.print(Text(what_was_trained(training), style="dim"))
        if log.terms:
            console.print(_terms(log))
        if log.validations:
            console.print(_validations(log))
        for line in (what_the_gap_says(log), what_was_kept(log), how_fast(log)):
            if line:
                console.print(Text(line))
    console.print()


def shown_validations(log: TrainingLog) -> list[Validated]:
    """At most eight of them, in order: first, last, the kept one, others evenly between."""
    every = list(log.validations)
    if len(every) <= ROWS:
        return every
    last = len(every) - 1
    chosen = {round(place * last / (ROWS - 2)) for place in range(ROWS - 1)}
    chosen |= {every.index(log.best)} if log.best is not None else set()
    return [every[place] for place in sorted(chosen)]


def _terms(log: TrainingLog) -> Any:
    table = _table("loss term", "first steps", "last steps")
    for name, values in log.terms.items():
        first, last = ends(values)
        table.add_row(name.replace("_", " "), f"{first:.4g}", f"{last:.4g}")
    return table


def _validations(log: TrainingLog) -> Any:
    table = _table(
        "after step", "clean %, held out", "trained on", "robust %, held out", "trained on"
    )
    for one in shown_validations(log):
        kept = " (kept)" if one is log.best else ""
        cells = []
        for rates in (one.clean, one.robust):
            held_out, trained_on = (rates[part] for part in PARTS)
            cells += [f"{percent(held_out)} {f'({interval(held_out)})':>8}", percent(trained_on)]
        table.add_row(f"{one.step:,}{kept}", *cells)
    return table


def _table(first: str, *others: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table
