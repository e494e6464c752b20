"""The comparison as a table: for the terminal at 100 columns, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from strength_cells import Cell
from strength_counting import Count, Outcome, count

COLUMNS = (
    ("victim", 14),
    ("norm", 4),
    ("attack", 10),
    ("n x seeds", 9),
    ("robust", 6),
    ("ours", 5),
    ("only", 4),
    ("ours", 4),
    ("may", 3),
    ("verdict", 12),
    ("seconds", 7),
    ("ours", 5),
)
LEGEND = (
    "Theirs, then ours. robust: % that no seed breaks. only: images that one side alone breaks in\n"
    "any seed. may: by how many theirs may lead there. seconds: a seed."
)
MARKDOWN = (
    "victim | norm | eps | attack | images x seeds | robust %, theirs | ours | "
    "only theirs breaks | only ours | allowed | verdict | seconds a seed, theirs | ours"
)

Results = Iterable[tuple[Cell, str, Outcome]]
"""Cells with their radius as written, and what came of them."""


def verdict(cell: Cell, counted: Count) -> str:
    """`holds` or `MISSED`; `says nothing` where a defended victim keeps none or all."""
    if not counted.holds:
        return "MISSED"
    return "holds" if counted.tells or not cell.defended else "says nothing"


def heading() -> str:
    """The first line of the terminal's table."""
    return _line(name for name, _ in COLUMNS)


def line(cell: Cell, outcome: Outcome) -> str:
    """A cell's line in the terminal's table."""
    return _line(_values(cell, outcome))


def markdown(results: Results) -> str:
    """The table, and below it the ids on which the two sides disagree."""
    titles = MARKDOWN.split(" | ")
    rows = [titles, ["---"] * len(titles)]
    apart = []
    for cell, eps, outcome in results:
        values = _values(cell, outcome)
        rows.append([*values[:2], eps, *values[2:]])
        apart += _disagreement(cell, count(outcome))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nWhere they disagree:\n\n{chr(10).join(apart) or 'nowhere.'}\n"


def _values(cell: Cell, outcome: Outcome) -> tuple[str, ...]:
    counted = count(outcome)
    return (
        cell.victim,
        cell.norm,
        cell.attack,
        f"{counted.images} x {cell.seeds}",
        f"{100 * counted.theirs_robust / counted.images:.1f}",
        f"{100 * counted.ours_robust / counted.images:.1f}",
        str(len(counted.theirs_only)),
        str(len(counted.ours_only)),
        str(counted.allowed),
        verdict(cell, counted),
        f"{sum(outcome.theirs_seconds) / cell.seeds:.1f}",
        f"{sum(outcome.ours_seconds) / cell.seeds:.1f}",
    )


def _line(values: Iterable[str]) -> str:
    pairs = zip(values, COLUMNS, strict=True)
    return " ".join(
        value.ljust(width) if place < 4 or place == 9 else value.rjust(width)
        for place, (value, (_, width)) in enumerate(pairs)
    )


def _disagreement(cell: Cell, counted: Count) -> list[str]:
    where = f"{cell.victim}, {cell.norm}, {cell.attack}"
    sides = (("theirs", counted.theirs_only), ("ours", counted.ours_only))
    return [f"- {where}: only {side} breaks {', '.join(ids)}" for side, ids in sides if ids]
