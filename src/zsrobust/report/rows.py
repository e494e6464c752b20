"""The lines of the results table: each rate with its interval, chance and warnings beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zsrobust.attacks.health import Diagnosis, MemberCount, diagnose
from zsrobust.records.intervals import Rate
from zsrobust.records.summary import EpsSummary
from zsrobust.report.cells import Cell, in_order
from zsrobust.report.standing import Baseline, above_both, above_chance, baseline
from zsrobust.report.story import Story


@dataclass(frozen=True)
class Attacked:
    """What an attack left: robust accuracy, or its success rate for images without labels.

    above: "both" (chance and the undefended model), "chance" or "".
    """

    attack: str
    n: int
    rate: Rate
    above: str


@dataclass(frozen=True)
class Row:
    """One model on one task at one eps (empty: nothing was attacked), under every attack of it.

    model: as the story calls it; name: as its run does. n, clean, chance, collapsed: of the run
    with the most images. attacked: in the order of the columns. marks: numbers of the notes.
    """

    task: str
    model: str
    name: str
    n: int
    clean: Rate | None
    attacked: tuple[Attacked, ...]
    eps: str
    chance: float | None
    collapsed: bool
    tuned: bool
    labelled: bool
    marks: tuple[int, ...]

    @property
    def lead(self) -> Attacked | None:
        """The number that counts: the lowest robust accuracy, or the highest attack success."""
        best = min if self.labelled else max
        return best(self.attacked, key=lambda one: one.rate.value, default=None)

    def under(self, attack: str) -> Attacked | None:
        """What one attack left."""
        return next((one for one in self.attacked if one.attack == attack), None)


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
    def attacks(self) -> list[str]:
        """The attacks that stand in it, a column each."""
        return in_order([one.attack for row in self.rows for one in row.attacked], [])

    @property
    def counts(self) -> str:
        """How many images a row has, as "150" or "12 to 150"."""
        return _span([row.n for row in self.rows])

    def counts_under(self, attack: str) -> str:
        """How many images an attack was given, where it was given fewer than the row has."""
        seen = [(one.n, row.n) for row in self.rows for one in row.attacked if one.attack == attack]
        return "" if all(n == of for n, of in seen) else _span([n for n, _ in seen])


def results(cells: Sequence[Cell], story: Story) -> Results:
    """The table: tuned-on tasks first, models in the story's order, radii ascending."""
    tasks = in_order([cell.dataset for cell in cells], [])
    tuned = [task for task in tasks if any(task in on for on in story.tuned_on.values())]
    tasks, models = in_order(tasks, tuned), story.models(cells)
    ordered = sorted(cells, key=lambda c: (tasks.index(c.dataset), models.index(c.model)))
    notes: list[str] = []
    against = baseline(cells, story)
    groups: dict[tuple[object, ...], list[tuple[Cell, int]]] = {}
    for cell in ordered:
        for position in range(max(1, len(cell.summary.by_eps))):
            key, again = _key(cell, position), 0
            while cell.attack in {each.attack for each, _ in groups.get((*key, again), [])}:
                again += 1
            groups.setdefault((*key, again), []).append((cell, position))
    rows = [_row(group, story, against, notes) for group in groups.values()]
    return Results(tuple(rows), tuple(notes))


def _key(cell: Cell, position: int) -> tuple[object, ...]:
    """What the attacks of one row share."""
    return (cell.dataset, cell.model, cell.summary.labelled, _radius(cell, position))


def _radius(cell: Cell, position: int) -> str:
    if not cell.summary.by_eps:
        return ""
    norm = " (L2)" if cell.summary.norm == "l2" else ""
    return cell.summary.by_eps[position].eps_text + norm


def _row(group: list[tuple[Cell, int]], story: Story, against: Baseline, notes: list[str]) -> Row:
    cell, position = max(group, key=lambda each: each[0].summary.n)
    summary = cell.summary
    said = [note for each, where in group for note in _said(each, where)]
    if summary.collapsed:
        said.append(f"{story.call(cell.model)} on {cell.dataset} has collapsed: {_reason(cell)}.")
    return Row(
        task=cell.dataset,
        model=story.call(cell.model),
        name=cell.model,
        n=summary.n,
        clean=summary.clean_accuracy,
        attacked=tuple(_attacked(group, against)),
        eps=_radius(cell, position),
        chance=summary.chance,
        collapsed=summary.collapsed,
        tuned=cell.dataset in story.tuned_on.get(cell.model, ()),
        labelled=summary.labelled,
        marks=_numbers(said, notes),
    )


def _attacked(group: list[tuple[Cell, int]], against: Baseline) -> Iterator[Attacked]:
    for cell, position in group:
        at = cell.summary.by_eps[position] if cell.summary.by_eps else None
        labelled = cell.summary.labelled
        rate = at and (at.robust_accuracy if labelled else at.attack_success_rate)
        if rate:
            above = "chance" if above_chance(cell, position) else ""
            above = "both" if above_both(cell, against, position) else above
            yield Attacked(cell.attack, cell.summary.n, rate, above)


def _said(cell: Cell, position: int) -> Iterator[str]:
    """The warnings of a run, before and after its numbers."""
    yield from cell.header.warnings
    if cell.summary.by_eps:
        for sign in signs(cell.summary.by_eps[position], cell.summary.collapsed):
            if sign.level != "note" and sign.flag != "collapsed":
                yield sign.text


def signs(at: EpsSummary, collapsed: bool) -> tuple[Diagnosis, ...]:
    """What the attack's health flags say of a run at one eps."""
    members = [MemberCount(one.name, one.ran, one.fooled) for one in at.members]
    return diagnose(at.flags, members[0].ran if members else 0, members, collapsed=collapsed)


def _numbers(said: Sequence[str], notes: list[str]) -> tuple[int, ...]:
    """The numbers of what is said of a row, new ones added to the notes."""
    notes.extend(note for note in dict.fromkeys(said) if note not in notes)
    return tuple(sorted(notes.index(note) + 1 for note in set(said)))


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


def _span(counts: Sequence[int]) -> str:
    few = sorted(set(counts))
    return str(few[0]) if len(few) == 1 else f"{few[0]} to {few[-1]}"
