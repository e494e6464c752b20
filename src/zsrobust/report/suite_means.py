"""Means over a suite: per model and protocol, with what is missing and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from zsrobust.data.suites import Suite, load_suite, suite_names
from zsrobust.records.intervals import Interval, Rate
from zsrobust.report.cells import Cell
from zsrobust.report.story import Story
from zsrobust.report.suite_notes import suite_notes


@dataclass(frozen=True)
class Mean:
    """An unweighted mean over `sets` accuracies, in [0, 1], with its 95 % interval."""

    value: float
    interval: Interval
    sets: int


@dataclass(frozen=True)
class SuiteRow:
    """One model over a suite under one protocol at one radius (empty: nothing was attacked).

    clean, robust: over the members that were measured. unseen_clean, unseen_robust: the same
    without the sets that the model was tuned on; None where none of the members is one.
    """

    model: str
    name: str
    eps: str
    clean: Mean
    robust: Mean | None
    unseen_clean: Mean | None
    unseen_robust: Mean | None


@dataclass(frozen=True)
class SuiteTable:
    """A suite under one protocol: its rows, and what has to be said of their means."""

    suite: str
    protocol: str
    rows: tuple[SuiteRow, ...]
    notes: tuple[str, ...]


def suite_tables(
    cells: Sequence[Cell], story: Story, asked: Sequence[str] = ()
) -> list[SuiteTable]:
    """The tables of the suites that were asked for, or whose members all stand among the runs.

    asked: names of suites. A run says itself as a member of which suite it was asked for. One table
    a suite and protocol, since runs under two protocols do not compare. Raises UnknownNameError.
    """
    labelled = [cell for cell in cells if cell.summary.labelled]
    said = {cell.header.suite for cell in labelled}
    found = []
    for name in dict.fromkeys([*asked, *suite_names()]):
        suite = load_suite(name)
        ours = _members(suite, labelled)
        present = {cell.dataset for cell in ours}
        if name in asked or name in said or present == {each.dataset for each in suite.members}:
            found += [_table(suite, its, ours, story) for its in _by_protocol(ours)]
    return found


def mean_of(rates: Sequence[Rate]) -> Mean:
    """The unweighted mean of rates of independent samples, with a 95 % interval.

    The interval joins the Wilson intervals l_i, u_i of the k rates p_i (MOVER; Zou and Donner
    2008): mean - sqrt(sum (p_i - l_i)^2) / k to mean + sqrt(sum (u_i - p_i)^2) / k.
    """
    value = fmean(rate.value for rate in rates)
    below = sqrt(sum((rate.value - rate.interval.low) ** 2 for rate in rates)) / len(rates)
    above = sqrt(sum((rate.interval.high - rate.value) ** 2 for rate in rates)) / len(rates)
    return Mean(value, Interval(max(0.0, value - below), min(1.0, value + above)), len(rates))


def _members(suite: Suite, cells: Sequence[Cell]) -> list[Cell]:
    """The runs of the suite's members: of each, model and protocol, the one with most images."""
    splits = {each.dataset: each.split for each in suite.members}
    best: dict[tuple[str, str, str], Cell] = {}
    for cell in cells:
        if splits.get(cell.dataset) != cell.header.dataset.split:
            continue
        key = (cell.dataset, cell.model, cell.header.protocol.hash)
        if key not in best or cell.summary.n > best[key].summary.n:
            best[key] = cell
    return list(best.values())


def _by_protocol(cells: Sequence[Cell]) -> list[list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.header.protocol.hash, []).append(cell)
    return list(found.values())


def _table(suite: Suite, cells: list[Cell], everything: list[Cell], story: Story) -> SuiteTable:
    rows = []
    for model in story.models(cells):
        its = [cell for cell in cells if cell.model == model]
        rows += [_row(its, at, story) for at in _radii(its)]
    notes = tuple(suite_notes(suite, cells, everything, story))
    return SuiteTable(suite.name, cells[0].header.protocol.name, tuple(rows), notes)


def _radii(cells: Sequence[Cell]) -> Sequence[int | None]:
    return range(len(cells[0].summary.by_eps)) or (None,)


def _row(cells: list[Cell], at: int | None, story: Story) -> SuiteRow:
    model = cells[0].model
    tuned = story.tuned_on.get(model, ())
    unseen = [cell for cell in cells if cell.dataset not in tuned]
    apart = unseen if 0 < len(unseen) < len(cells) else []
    return SuiteRow(
        model=story.call(model),
        name=model,
        eps="" if at is None else cells[0].summary.by_eps[at].eps_text,
        clean=mean_of(_clean(cells)),
        robust=None if at is None else mean_of(_robust(cells, at)),
        unseen_clean=mean_of(_clean(apart)) if apart else None,
        unseen_robust=mean_of(_robust(apart, at)) if apart and at is not None else None,
    )


def _clean(cells: Sequence[Cell]) -> list[Rate]:
    return [cell.summary.clean_accuracy for cell in cells if cell.summary.clean_accuracy]


def _robust(cells: Sequence[Cell], at: int) -> list[Rate]:
    rates = (cell.summary.by_eps[at].robust_accuracy for cell in cells)
    return [rate for rate in rates if rate]
