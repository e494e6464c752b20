"""The table of `attack_speed.py`: one row a cell, its ratio beside its bar."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_table import markdown_table
from speed_cells import Cell, bar_of

MEMORY_SLACK = 8.0
"""MiB by which two peaks may differ without meaning: an allocator's page cache."""

HEADINGS = (
    "victim", "eps", "attack", "images", "robust % (theirs, ours)", "seconds (theirs, ours)",
    "faster", "bar", "peak MiB (theirs, ours)", "holds",
    "passes a survivor (ours, least)", "forward rows (theirs, ours)", "model s (theirs, ours)",
    "the rest of ours",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A measured cell. ours, theirs: what `speed_side.py` wrote."""

    cell: Cell
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]

    @property
    def seconds(self) -> tuple[float, float]:
        """Medians, theirs and ours."""
        return statistics.median(self.theirs["seconds"]), statistics.median(self.ours["seconds"])

    @property
    def faster(self) -> float:
        """Theirs over ours."""
        theirs, ours = self.seconds
        return theirs / ours

    @property
    def bar(self) -> float:
        """What `faster` must reach."""
        return bar_of(self.cell, self.ours["robust"])

    @property
    def missed(self) -> list[str]:
        """Which of the bars are missed: strength, speed, memory."""
        missed = []
        if self.ours["robust"] > self.theirs.get("robust", 1.0) + 1e-6:
            missed.append("strength")
        if self.faster < self.bar:
            missed.append("speed")
        peaks = self.theirs["peak_mib"], self.ours["peak_mib"]
        if None not in peaks and peaks[1] > peaks[0] + MEMORY_SLACK:
            missed.append("memory")
        return missed


def table(rows: Sequence[Row]) -> str:
    """Markdown: the table and how to read it."""
    lines = markdown_table(HEADINGS, map(_cells, rows))
    return "\n".join([*lines, "", *_notes(rows)]) + "\n"


def _cells(row: Row) -> list[str]:
    ours, theirs, cell = row.ours, row.theirs, row.cell
    scaled = "~" if cell.kind == "released" else ""
    least = sum(ours["floor"])
    spent = None if ours["forwards"] is None else ours["forwards"] + ours["backwards"]
    rest = row.seconds[1] / ours["model_seconds"] - 1
    return [
        f"{cell.victim} ({cell.bar})",
        cell.eps if cell.norm == "linf" else f"{cell.eps} (L2)",
        cell.attack,
        str(cell.images),
        f"{_percent(theirs.get('robust'))}, {_percent(ours['robust'])}",
        f"{scaled}{row.seconds[0]:.1f}, {row.seconds[1]:.1f}",
        f"**{row.faster:.2f}x**",
        f"{row.bar:.2f}x",
        f"{_whole(theirs['peak_mib'])}, {_whole(ours['peak_mib'])}",
        "no: " + ", ".join(row.missed) if row.missed else "yes",
        f"{_whole(spent)}, {least}",
        f"{_whole(theirs.get('rows'))}, {_whole(ours['rows'])}",
        f"{_tenths(theirs.get('model_seconds'))}, {_tenths(ours['model_seconds'])}",
        f"{100 * rest:.0f} %",
    ]


def _notes(rows: Sequence[Row]) -> list[str]:
    notes = [
        "Seconds: medians of 3 where one takes under a minute. Peak: beyond the loaded model and "
        f"images, each side in a process of its own; {MEMORY_SLACK:.0f} MiB more are let pass. "
        "Passes a survivor: forwards and backwards of "
        "ours on the images that survive, beside the least that the method needs. Model s: the "
        "same forwards and input gradients, in batches of the same sizes, in a bare loop; the rest "
        "is everything else.",
    ]
    if any(row.cell.kind == "released" for row in rows):
        notes += [
            "",
            "`pgd-ce-100` and `pgd-100` stand against a loop written as the method releases are "
            "(200 classes, batches of 128, text tower at every step, gradients to all parameters, "
            "no early stop, last iterate). That loop has cross-entropy alone, so `pgd-ce-100`, one "
            "PGD, is its equal; the cascade `pgd-100` runs the margin too. ~: 5 of its 100 steps "
            "were timed and scaled. On a defended model the bar is 1.4 / r, r the robust share.",
        ]
    return notes


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _whole(number: float | None) -> str:
    return "–" if number is None else f"{number:.0f}"


def _tenths(number: float | None) -> str:
    return "–" if number is None else f"{number:.1f}"
