"""Trainings that differ by their seed alone: how far apart they come out, and what that hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from zsrobust.errors import InputError


@dataclass(frozen=True)
class Spread:
    """The mean of one number over `seeds` trainings, and its standard deviation."""

    mean: float
    sd: float
    seeds: int


def spread(values: Sequence[float]) -> Spread:
    """How a number spreads over seeds; sd divides by n - 1. Raises InputError below two values."""
    if len(values) < 2:
        raise InputError(f"{len(values)} seed has no spread. Give the numbers of at least two.")
    return Spread(fmean(values), stdev(values), len(values))


def pooled(spreads: Sequence[Spread]) -> tuple[float, int]:
    """One standard deviation for several methods, and its degrees of freedom.

    The root of the mean variance, each weighted by its seeds - 1. Raises InputError for none.
    """
    degrees = sum(one.seeds - 1 for one in spreads)
    if not degrees:
        raise InputError("No method has two seeds: nothing says how far seeds come apart.")
    return sqrt(sum((one.seeds - 1) * one.sd**2 for one in spreads) / degrees), degrees


def least_seed_difference(sd: float, degrees: int, seeds: int) -> float:
    """The smallest difference of two means of `seeds` trainings each that seeds do not explain.

    Two-sided t-test at 5 % with a pooled sd: t(0.975, degrees) * sd * sqrt(2 / seeds).
    """
    from scipy.stats import t

    return float(t.ppf(0.975, degrees)) * sd * sqrt(2 / seeds)
