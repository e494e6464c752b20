"""The smallest differences that the tables of `narrow_training.py` could have shown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean, median

from markdown_table import markdown_table
from narrow_cells import Contender
from narrow_results import CLEAN, LEARNED, OTHERS, ROBUST, Measured
from narrow_searches import GAP
from zsrobust.records.paired import PairedTest, least_difference, mcnemar
from zsrobust.records.seeds import Spread, least_seed_difference, pooled, spread

BY_IMAGES = (
    "Smallest difference that so many images could show, in points: McNemar's exact test at 5 % "
    "looks only at the images on which two models disagree. With as many of them as two methods "
    "have here (the median over pairs of methods), the split must be at least so uneven. A true "
    "difference of that size is shown about every other time. A dash: no split would do."
)
BY_SEEDS = (
    "Smallest difference that seeds do not explain, in points, by a t-test at 5 %: t of the "
    "degrees of freedom (df) x the standard deviation over seeds (sd, pooled over the methods "
    "that have several) x the root of 2 / the number of seeds of each of the two."
)


def by_images(measured: Measured) -> list[str]:
    """Markdown: for the mean of sets, the parts of the trained set, and each set."""
    places = [("mean of sets", measured.counted), *((name, [name]) for name in (LEARNED, OTHERS))]
    places += [(name, [name]) for name in measured.plan.study.evaluation.datasets]
    head = ("on", "n", "clean: disagree", "smallest", "robust: disagree", "smallest")
    rows = [[name, *_shown_by_images(measured, names)] for name, names in places]
    return markdown_table(head, rows)


def by_seeds(measured: Measured) -> list[str]:
    """Markdown: for the mean of sets and the parts of the trained set."""
    seeds = measured.plan.study.seeds
    against = [f"{count} against {count}" for count in (seeds, 1)]
    head = ["on", "df", *(word for kind in (CLEAN, ROBUST) for word in (f"{kind}: sd", *against))]
    places = [("mean of sets", measured.counted), *((name, [name]) for name in (LEARNED, OTHERS))]
    rows = [[name, *_shown_by_seeds(measured, names, seeds)] for name, names in places]
    return markdown_table(head, rows)


def _shown_by_images(measured: Measured, names: Sequence[str]) -> list[str]:
    clean, robust = (_pairs(measured, names, kind) for kind in (CLEAN, ROBUST))
    if not clean:
        return [GAP] * 5
    n = min(pair.n for pair in clean)
    return [str(n), *_least(clean, n), *_least(robust, n)]


def _pairs(measured: Measured, names: Sequence[str], kind: str) -> list[PairedTest]:
    """Every two methods, by their first seeds."""
    firsts = [each for each in measured.plan.contenders if each.method and not each.seed]
    rights = [right for each in firsts if (right := measured.right(each, kind, names))]
    return [mcnemar(a, b) for a, b in combinations(rights, 2)]


def _least(pairs: Sequence[PairedTest], n: int) -> list[str]:
    """The median number of images on which two disagree, and the least difference."""
    apart = round(median(pair.only_a + pair.only_b for pair in pairs))
    least = least_difference(n, min(apart, n))
    return [str(apart), GAP if least is None else f"{100 * least:.1f}"]


def _shown_by_seeds(measured: Measured, names: Sequence[str], seeds: int) -> list[str]:
    cells: list[str] = []
    degrees = 0
    for kind in (CLEAN, ROBUST):
        spreads = _spreads(measured, kind, names)
        if not spreads:
            return [GAP] * 7
        sd, degrees = pooled(spreads)
        numbers = (sd, *(least_seed_difference(sd, degrees, count) for count in (seeds, 1)))
        cells += [f"{100 * number:.1f}" for number in numbers]
    return [str(degrees), *cells]


def _spreads(measured: Measured, kind: str, names: Sequence[str]) -> list[Spread]:
    """Of each method with several seeds, over the mean of the sets."""
    found = []
    for method in measured.plan.study.methods:
        its = [each for each in measured.plan.contenders if each.method == method.name]
        every = (_value(measured, each, kind, names) for each in its)
        values = [value for value in every if value is not None]
        if len(values) > 1:
            found.append(spread(values))
    return found


def _value(
    measured: Measured, contender: Contender, kind: str, names: Sequence[str]
) -> float | None:
    found = [standing for name in names if (standing := measured.on(contender, name))]
    if not found or len(found) < len(names):
        return None
    return fmean(standing.rates[kind].value for standing in found)
