"""Means over suites on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.report.suite_means import Mean, SuiteRow, SuiteTable


def print_suites(tables: Sequence[SuiteTable], console: Any) -> None:
    """Prints each suite's means on a console, with what has to be said of them below."""
    for table in tables:
        console.print(f"\nMeans over {table.suite} under {table.protocol}", style="bold")
        console.print(_shown(table))
        for note in table.notes:
            console.print(f"- {note}", style="yellow", markup=False)


def _shown(table: SuiteTable) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    apart = any(row.unseen_clean for row in table.rows)
    attacked = any(row.robust for row in table.rows)
    radii = len({row.eps for row in table.rows}) > 1
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("model", overflow="fold", min_width=12)
    titles = ["eps"] * radii + ["sets", "clean %"] + ["robust %"] * attacked
    for title in titles + ["without tuned-on"] * apart:
        shown.add_column(title, justify="right", no_wrap=True)
    for row in table.rows:
        numbers = [row.eps] * radii + [str(row.clean.sets), mean_text(row.clean)]
        numbers += [mean_text(row.robust)] * attacked + [without_tuned(row)] * apart
        shown.add_row(Text(row.model), *numbers)
    return shown


def mean_text(mean: Mean | None) -> str:
    """A mean in percent with its 95 % interval, as "42.1 (41.0–43.2)"; a dash for none."""
    if mean is None:
        return "–"
    low, high = 100 * mean.interval.low, 100 * mean.interval.high
    return f"{100 * mean.value:.1f} ({low:.1f}–{high:.1f})"


def without_tuned(row: SuiteRow) -> str:
    """Clean and robust mean without the sets that the model was tuned on, as "43.8, 30.1"."""
    means = [mean for mean in (row.unseen_clean, row.unseen_robust) if mean]
    return ", ".join(f"{100 * mean.value:.1f}" for mean in means)
