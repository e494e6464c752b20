"""The tables of `narrow_training.py`, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from markdown_table import markdown_table
from narrow_cells import Contender
from narrow_notes import notes
from narrow_results import CLEAN, LEARNED, OTHERS, ROBUST, Measured, Standing
from narrow_running import Runner
from narrow_searches import GAP
from zsrobust.records.seeds import spread
from zsrobust.report.rows import interval, percent
from zsrobust.report.suites_table import mean_text

SETS_A_TABLE = 2
COLLAPSED = "‡"


@dataclass(frozen=True)
class Figure:
    """A number in [0, 1] and how it is written."""

    value: float
    text: str


@dataclass(frozen=True)
class Column:
    """A heading, the best constant answer, and what stands there for a model; None is a gap."""

    heading: str
    chance: float | None
    figure: Callable[[Contender], Figure | None]


def tables(measured: Measured, runner: Runner) -> str:
    """Means over sets, what is learned and forgotten, every set; then what must be said of them."""
    parts = [*_markdown(measured, _means(measured)), ""]
    parts += [*_markdown(measured, _columns(measured, [LEARNED, OTHERS])), ""]
    names = measured.plan.study.evaluation.datasets
    for start in range(0, len(names), SETS_A_TABLE):
        columns = _columns(measured, names[start : start + SETS_A_TABLE])
        parts += [*_markdown(measured, columns), ""]
    return "\n".join([*parts, *notes(measured, runner)]) + "\n"


def _means(measured: Measured) -> list[Column]:
    chances = [standing.chance for name in measured.counted if (standing := _any(measured, name))]
    chance = fmean(chances) if chances else None
    over = f"mean of {len(measured.counted)}"
    return [
        Column(f"{kind}, {over}", chance, partial(_mean, measured, kind))
        for kind in (CLEAN, ROBUST)
    ]


def _columns(measured: Measured, names: Sequence[str]) -> list[Column]:
    """Clean and robust accuracy on sets, or parts of one."""
    columns = []
    for name in names:
        standing = _any(measured, name)
        for kind, heading in ((CLEAN, f"{name} {CLEAN}"), (ROBUST, ROBUST)):
            figure = partial(_rate, measured, name, kind)
            columns.append(Column(heading, standing.chance if standing else None, figure))
    return columns


def _any(measured: Measured, name: str) -> Standing | None:
    """Whoever was measured there: chance is the same for all on the same images."""
    found = (measured.on(each, name) for each in measured.plan.contenders)
    return next((standing for standing in found if standing), None)


def _mean(measured: Measured, kind: str, contender: Contender) -> Figure | None:
    mean = measured.mean(contender, kind)
    return None if mean is None else Figure(mean.value, mean_text(mean))


def _rate(measured: Measured, name: str, kind: str, contender: Contender) -> Figure | None:
    standing = measured.on(contender, name)
    if standing is None:
        return None
    rate = standing.rates[kind]
    mark = f" {COLLAPSED}" if kind == CLEAN and standing.collapsed else ""
    return Figure(rate.value, f"{percent(rate)} ({interval(rate)}){mark}")


def _markdown(measured: Measured, columns: Sequence[Column]) -> list[str]:
    return markdown_table(
        ["model", *(column.heading for column in columns)], _rows(measured, columns)
    )


def _rows(measured: Measured, columns: Sequence[Column]) -> Iterator[list[str]]:
    """A line a model, one for the seeds of a method after its last, and chance."""
    contenders = measured.plan.contenders
    for contender in contenders:
        figures = [column.figure(contender) for column in columns]
        yield [contender.title, *(figure.text if figure else GAP for figure in figures)]
        its = [each for each in contenders if each.method and each.method == contender.method]
        if len(its) > 1 and contender is its[-1]:
            title = f"{its[0].title}, {len(its)} seeds †"
            yield [title, *(_over_seeds(column, its) for column in columns)]
    chances = (column.chance for column in columns)
    yield ["Chance", *(GAP if each is None else f"{100 * each:.1f}" for each in chances)]


def _over_seeds(column: Column, contenders: Sequence[Contender]) -> str:
    """Mean and standard deviation in percent; a gap where one seed is missing."""
    figures = [figure for each in contenders if (figure := column.figure(each))]
    if len(figures) < len(contenders):
        return GAP
    over = spread([figure.value for figure in figures])
    return f"{100 * over.mean:.1f} ± {100 * over.sd:.1f}"
