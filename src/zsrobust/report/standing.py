"""Where a robust accuracy stands: against chance, and against the undefended model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from zsrobust.report.cells import Cell
from zsrobust.report.story import Story

Baseline = dict[tuple[str, str, float], float]
"""(dataset, protocol hash, eps) -> upper end of the undefended model's robust interval."""


def baseline(cells: Sequence[Cell], story: Story) -> Baseline:
    """What a defence has to clear, from the runs of the undefended model."""
    undefended = story.undefended(cells)
    return {
        (cell.dataset, cell.header.protocol.hash, at.eps): at.robust_accuracy.interval.high
        for cell in cells
        if cell.model == undefended
        for at in cell.summary.by_eps
        if at.robust_accuracy
    }


def above_chance(cell: Cell, position: int = -1) -> bool:
    """Whether the robust interval at that radius lies above chance, and the model stands."""
    robust, chance = cell.summary.by_eps[position].robust_accuracy, cell.summary.chance
    if robust is None or chance is None or cell.summary.collapsed:
        return False
    return robust.interval.low > chance


def above_both(cell: Cell, against: Baseline, position: int = -1) -> bool:
    """Above chance, and above the undefended model's interval on the same images."""
    at = cell.summary.by_eps[position]
    high = against.get((cell.dataset, cell.header.protocol.hash, at.eps))
    if high is None or at.robust_accuracy is None:
        return False
    return above_chance(cell, position) and at.robust_accuracy.interval.low > high


def comparable(cells: Sequence[Cell]) -> list[Cell]:
    """The labelled, attacked runs of one protocol: the one that most runs share."""
    shown = [cell for cell in cells if cell.hardest and cell.hardest.robust_accuracy]
    counts = Counter(cell.header.protocol.hash for cell in shown)
    hardest = {cell.header.protocol.hash: cell.hardest.eps for cell in shown if cell.hardest}
    if not counts:
        return []
    chosen = max(counts, key=lambda protocol: (counts[protocol], hardest[protocol], protocol))
    return [cell for cell in shown if cell.header.protocol.hash == chosen]
