"""From runs to the lines of the results table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from zsrobust.attacks.health import Diagnosis, MemberCount, diagnose
from zsrobust.records.intervals import Rate
from zsrobust.records.summary import EpsSummary
from zsrobust.report.about import about_datasets
from zsrobust.report.cells import Cell, in_order
from zsrobust.report.rows import Attacked, Results, Row
from zsrobust.report.seen_as import seen_as, size_label, size_text
from zsrobust.report.shared_images import on_shared_images
from zsrobust.report.standing import Baseline, above_both, above_chance, baseline
from zsrobust.report.story import Story


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
    apart = _apart(list(groups.values()))
    rows = [
        _row(group, story, against, notes, label)
        for group, label in zip(groups.values(), apart, strict=True)
    ]
    return Results(tuple(rows), tuple(notes), about_datasets(cells, tasks))


def _key(cell: Cell, position: int) -> tuple[object, ...]:
    """What the attacks of one row share."""
    labelled = cell.summary.labelled
    return (cell.dataset, cell.model, labelled, _radius(cell, position), seen_as(cell))


def _apart(groups: Sequence[list[tuple[Cell, int]]]) -> list[str]:
    """What tells each row from others of its task: the images' size, else the protocol.

    Empty where nothing has to be told apart.
    """
    firsts = [group[0] for group in groups]
    sizes = {(c.dataset, c.header.dataset.resolution) for c, _ in firsts}
    several = {name for name, count in Counter(name for name, _ in sizes).items() if count > 1}
    labels = [size_label(cell) if cell.dataset in several else "" for cell, _ in firsts]
    lines = [
        (cell.dataset, cell.model, cell.summary.labelled, _radius(cell, position), label)
        for (cell, position), label in zip(firsts, labels, strict=True)
    ]
    alike = Counter(lines)
    return [
        cell.header.protocol.name if alike[line] > 1 else label
        for (cell, _), line, label in zip(firsts, lines, labels, strict=True)
    ]


def _radius(cell: Cell, position: int) -> str:
    if not cell.summary.by_eps:
        return ""
    norm = " (L2)" if cell.summary.norm == "l2" else ""
    return cell.summary.by_eps[position].eps_text + norm


def _row(
    group: list[tuple[Cell, int]],
    story: Story,
    against: Baseline,
    notes: list[str],
    apart: str,
) -> Row:
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
        images=f"{cell.header.dataset.split} ({cell.header.dataset.variant})",
        size=size_text(cell.header.dataset.resolution),
        apart=apart,
        seen=max(cell.header.dataset.overlap.values(), default=None),
    )


def _attacked(group: list[tuple[Cell, int]], against: Baseline) -> Iterator[Attacked]:
    attacked = [(cell, position) for cell, position in group if cell.summary.by_eps]
    on_shared = on_shared_images([cell for cell, _ in attacked])
    for (cell, position), same in zip(attacked, on_shared, strict=True):
        rate = _left(cell, position)
        if rate:
            above = "chance" if above_chance(cell, position) else ""
            above = "both" if above_both(cell, against, position) else above
            shared = _left(same, position) or rate
            yield Attacked(cell.attack, cell.summary.n, rate, shared, above)


def _left(cell: Cell, position: int) -> Rate | None:
    at = cell.summary.by_eps[position]
    return at.robust_accuracy if cell.summary.labelled else at.attack_success_rate


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
