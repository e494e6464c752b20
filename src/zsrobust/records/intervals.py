"""Rates with their 95 % intervals."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from zsrobust.errors import InputError

Z_95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Interval:
    """A 95 % interval of a rate: 0 <= low <= high <= 1."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Whether `value` lies in it, ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Rate:
    """A share of `n` images, in [0, 1], with its 95 % Wilson interval."""

    value: float
    n: int
    interval: Interval


def wilson(successes: int, n: int) -> Interval:
    """The 95 % score interval of `successes` among `n` (Wilson 1927).

    Centre (p + z^2/2n) / (1 + z^2/n), half width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n).
    Raises InputError where there is no image, or more successes than images.
    """
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"No interval for {successes} of {n}: give 0 <= successes <= n, n >= 1.")
    p, z2 = successes / n, Z_95**2
    scale = 1 + z2 / n
    centre = (p + z2 / (2 * n)) / scale
    half = Z_95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / scale
    # Both ends are exact at the edges; rounding would put them a hair outside [0, 1].
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low, high)


def rate(successes: int, n: int) -> Rate:
    """`successes` of `n` as a rate with its interval; raises InputError as `wilson` does."""
    interval = wilson(successes, n)
    return Rate(successes / n, n, interval)
