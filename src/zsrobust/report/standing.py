"""Where a robust accuracy stands: against chance, and against the undefended model."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from zsrobust.report.cells import Cell
from zsrobust.report.seen_as import SeenAs, seen_as
from zsrobust.report.shared_images import on_shared_images
from zsrobust.report.story import Story

Baseline = dict[tuple[str, SeenAs, str, float], float]
"""(dataset, how seen, protocol hash, eps) -> upper end of the undefended robust interval."""


def baseline(cells: Sequence[Cell], story: Story) -> Baseline:
    """What a defence has to clear, from the runs of the undefended model."""
    undefended = story.undefended(cells)
    return {
        (
            cell.dataset,
            seen_as(cell),
            cell.header.protocol.hash,
            at.eps,
        ): at.robust_accuracy.interval.high
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
    high = against.get((cell.dataset, seen_as(cell), cell.header.protocol.hash, at.eps))
    if high is None or at.robust_accuracy is None:
        return False
    return above_chance(cell, position) and at.robust_accuracy.interval.low > high


def comparable(cells: Sequence[Cell]) -> list[Cell]:
    """The labelled, attacked runs of the protocol that leads: see `protocols_by_weight`."""
    return next(iter(protocols_by_weight(cells)), [])


def protocols_by_weight(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The labelled, attacked runs, a list a protocol; the one that leads comes first.

    It is the one that most runs share; among equals the larger radius, then the stronger attack:
    the one that leaves the lower robust accuracy on the images that all of them were given.
    """
    shown: dict[str, list[Cell]] = {}
    for cell in cells:
        if _robust(cell) is not None:
            shown.setdefault(cell.header.protocol.hash, []).append(cell)
    equals: dict[tuple[float, ...], list[list[Cell]]] = {}
    for its in shown.values():
        radius = its[0].hardest.eps if its[0].hardest else 0.0
        equals.setdefault((len(its), radius), []).append(its)
    return [its for key in sorted(equals, reverse=True) for its in _strongest_first(equals[key])]


def _strongest_first(protocols: list[list[Cell]]) -> list[list[Cell]]:
    """Protocols by the mean robust accuracy over the images that they share, lowest first."""
    if len(protocols) == 1:
        return protocols
    shared = on_shared_images([cell for its in protocols for cell in its])
    means: dict[str, list[float]] = {}
    for cell in shared:
        means.setdefault(cell.header.protocol.hash, []).append(_robust(cell) or 0.0)
    return sorted(protocols, key=lambda its: fmean(means[its[0].header.protocol.hash]))


def _robust(cell: Cell) -> float | None:
    rate = cell.hardest.robust_accuracy if cell.hardest else None
    return None if rate is None else rate.value
