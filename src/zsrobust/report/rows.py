"""The lines of the results table: each rate with its interval, chance and warnings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.records.intervals import Rate
from zsrobust.records.summary import EpsSummary
from zsrobust.report.cells import Cell, in_order
from zsrobust.report.standing import Baseline, above_both, above_chance, baseline
from zsrobust.report.story import Story


@dataclass(frozen=True)
class Row:
    """One model on one task at one eps (empty: nothing was attacked).

    model: as the story calls it; name: as its run does. attacked: robust accuracy, or the attack
    success rate where `labelled` is False. above: "both" (chance and the undefended model),
    "chance" or "". marks: numbers of the notes that belong to it.
    """

    task: str
    model: str
    name: str
    n: int
    clean: Rate | None
    attacked: Rate | None
    eps: str
    chance: float | None
    above: str
    collapsed: bool
    tuned: bool
    labelled: bool
    marks: tuple[int, ...]


@dataclass(frozen=True)
class Results:
    """All rows, task by task, with the notes that their marks number from 1 on."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def tasks(self, labelled: bool) -> list[tuple[str, list[Row]]]:
        """(task, its rows) for the runs with labels, or for those without."""
        chosen = [row for row in self.rows if row.labelled == labelled]
        names = in_order([row.task for row in chosen], [])
        return [(name, [row for row in chosen if row.task == name]) for name in names]

    @property
    def eps(self) -> list[str]:
        """The radii that stand in it."""
        return in_order([row.eps for row in self.rows if row.eps], [])

    @property
    def counts(self) -> str:
        """How many images a row has, as "150" or "12 to 150"."""
        counts = sorted({row.n for row in self.rows})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def results(cells: Sequence[Cell], story: Story) -> Results:
    """The table: tuned-on tasks first, models in the story's order, radii ascending."""
    tasks = in_order([cell.dataset for cell in cells], [])
    tuned = [task for task in tasks if any(task in on for on in story.tuned_on.values())]
    tasks, models = in_order(tasks, tuned), story.models(cells)
    ordered = sorted(cells, key=lambda c: (tasks.index(c.dataset), models.index(c.model)))
    notes: list[str] = []
    against = baseline(cells, story)
    rows = [row for cell in ordered for row in _rows(cell, story, against, notes)]
    return Results(tuple(rows), tuple(notes))


def _rows(cell: Cell, story: Story, against: Baseline, notes: list[str]) -> list[Row]:
    summary = cell.summary
    said = list(cell.header.warnings)
    if summary.collapsed:
        said.append(f"{story.call(cell.model)} on {cell.dataset} has collapsed: {_reason(cell)}.")
    lines = []
    for position in range(max(1, len(summary.by_eps))):
        at = summary.by_eps[position] if summary.by_eps else None
        flagged = [_flag(flag, count, summary.n) for flag, count in at.flags.items()] if at else []
        above = ""
        if at:
            above = "chance" if above_chance(cell, position) else ""
            above = "both" if above_both(cell, against, position) else above
        lines.append(
            Row(
                task=cell.dataset,
                model=story.call(cell.model),
                name=cell.model,
                n=summary.n,
                clean=summary.clean_accuracy,
                attacked=_attacked(cell, at),
                eps=at.eps_text if at else "",
                chance=summary.chance,
                above=above,
                collapsed=summary.collapsed,
                tuned=cell.dataset in story.tuned_on.get(cell.model, ()),
                labelled=summary.labelled,
                marks=_numbers([*said, *flagged], notes),
            )
        )
    return lines


def _attacked(cell: Cell, at: EpsSummary | None) -> Rate | None:
    """Robust accuracy; for a run without labels the attack success rate."""
    if at is None:
        return None
    return at.robust_accuracy if cell.summary.labelled else at.attack_success_rate


def _numbers(said: Sequence[str], notes: list[str]) -> tuple[int, ...]:
    """The numbers of what is said of a row, new ones added to the notes."""
    notes.extend(note for note in dict.fromkeys(said) if note not in notes)
    return tuple(sorted(notes.index(note) + 1 for note in set(said)))


def _flag(flag: str, count: int, n: int) -> str:
    return f"{flag}: raised by the attack on {count} of {n} images."


def _reason(cell: Cell) -> str:
    """Why it counts as collapsed, with the class by its name."""
    reason, top = cell.summary.collapse_reason or "", cell.summary.most_predicted
    names = cell.header.dataset.class_names
    named = f'"{names[top]}" ' if top < len(names) else f"class {top} "
    return reason.replace(f"class {top} ", named)


def percent(rate: Rate | None) -> str:
    """A rate in percent, one decimal; a dash where there is none."""
    return "–" if rate is None else f"{100 * rate.value:.1f}"


def interval(rate: Rate | None) -> str:
    """The 95 % interval of a rate, in percent."""
    if rate is None:
        return ""
    return f"{100 * rate.interval.low:.0f}–{100 * rate.interval.high:.0f}"
