"""What the page says in words: every number comes from the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.report.cells import Cell, in_order
from zsrobust.report.story import Story


@dataclass(frozen=True)
class Headline:
    """The page's first lines: what an attack does, and what each defence keeps and costs."""

    attack: str
    fall: str
    defences: tuple[str, ...]


def headline(cells: Sequence[Cell], story: Story) -> Headline | None:
    """The headline of labelled, attacked runs, on the tasks that no model was tuned on.

    None where there are no such runs.
    """
    shown = [cell for cell in cells if cell.hardest and cell.hardest.robust_accuracy]
    tuned = {task for tasks in story.tuned_on.values() for task in tasks}
    unseen = [cell for cell in shown if cell.dataset not in tuned] or shown
    if not unseen:
        return None
    models = in_order([cell.model for cell in unseen], story.order)
    base = [cell for cell in unseen if cell.model == models[0]]
    defences = tuple(
        _defence(model, [cell for cell in unseen if cell.model == model], base, story)
        for model in models[1:]
    )
    return Headline(_attack(shown[0]), _fall(base, story, bool(tuned)), defences)


def _attack(cell: Cell) -> str:
    hardest = cell.hardest
    members = ", then ".join(member.name for member in hardest.members) if hardest else ""
    eps = hardest.eps_text if hardest else ""
    norm = {"linf": "L∞", "l2": "L2"}.get(cell.summary.norm or "", "")
    return f"Every image was attacked within {eps} ({norm}) by {members}."


def _fall(base: Sequence[Cell], story: Story, tuned: bool) -> str:
    clean, robust = _mean(base)
    where = f"{len(base)} tasks" if len(base) > 1 else base[0].dataset
    unseen = " that no defence was tuned on" if tuned and len(base) > 1 else ""
    return (
        f"The {story.call(base[0].model)} model is right on {clean:.0f} % of clean images over "
        f"{where}{unseen}, and on {robust:.0f} % of attacked ones."
    )


def _defence(model: str, cells: Sequence[Cell], base: Sequence[Cell], story: Story) -> str:
    clean, robust = _mean(cells)
    cost = _mean(base)[0] - clean
    before = {cell.dataset: cell for cell in base}
    above = [
        cell.dataset
        for cell in cells
        if cell.dataset in before and _stands_above(cell, before[cell.dataset])
    ]
    collapsed = [cell.dataset for cell in cells if cell.summary.collapsed]
    said = (
        f"{story.call(model)} keeps {robust:.0f} % under attack, and pays {cost:.0f} points of "
        f"clean accuracy ({clean:.0f} %). On {len(above)} of {len(cells)} tasks it stands above "
        "both the undefended model and chance by its 95 % interval."
    )
    return said + (f" It has collapsed on {', '.join(collapsed)}." if collapsed else "")


def _stands_above(cell: Cell, base: Cell) -> bool:
    here, there = cell.hardest, base.hardest
    if here is None or there is None or not here.robust_accuracy or not there.robust_accuracy:
        return False
    low = here.robust_accuracy.interval.low
    chance = cell.summary.chance or 0.0
    return low > there.robust_accuracy.interval.high and low > chance and not cell.summary.collapsed


def _mean(cells: Sequence[Cell]) -> tuple[float, float]:
    """Unweighted means over tasks of clean and robust accuracy, in percent."""
    clean = [cell.summary.clean_accuracy.value for cell in cells if cell.summary.clean_accuracy]
    robust = [
        cell.hardest.robust_accuracy.value
        for cell in cells
        if cell.hardest and cell.hardest.robust_accuracy
    ]
    return 100 * sum(clean) / len(clean), 100 * sum(robust) / len(robust)
