"""Two models on the same images: the exact McNemar test."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from zsrobust.errors import InputError

LEVEL = 0.05


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class PairedTest:
    """Two models on the `n` images they share.

    only_a, only_b: images that one model got right and the other did not.
    p_value: two-sided; the chance of a split at least so uneven were the models equally good.
    """

    n: int
    only_a: int
    only_b: int
    p_value: float

    @property
    def difference(self) -> float:
        """Accuracy of a minus accuracy of b over the shared images, in [-1, 1]."""
        return (self.only_a - self.only_b) / self.n


def mcnemar(a: Mapping[str, bool], b: Mapping[str, bool]) -> PairedTest:
    """The exact two-sided McNemar test on the ids that `a` and `b` share (McNemar 1947).

    a, b: id -> whether that model was right. Images that only one of them saw are left out.
    Raises InputError where they share none.
    """
    from scipy.stats import binomtest

    shared = a.keys() & b.keys()
    if not shared:
        raise InputError(
            f"The two runs ({len(a)} and {len(b)} images) share no image. "
            "Evaluate both models on the same dataset."
        )
    only_a = sum(a[i] and not b[i] for i in shared)
    only_b = sum(b[i] and not a[i] for i in shared)
    discordant = only_a + only_b
    p_value = float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0
    return PairedTest(len(shared), only_a, only_b, p_value)


def least_difference(n: int, discordant: int) -> float | None:
    """The smallest difference of two accuracies that McNemar's exact test shows at 5 %, in [0, 1].

    n: images that both models saw. discordant: those that one of them alone got right. None where
    even a split all to one side would not do: below six images. It is the edge of the test: a true
    difference of that size is shown about every other time. Raises InputError for counts that do
    not fit.
    """
    from scipy.stats import binom

    if not 0 <= discordant <= n or n < 1:
        raise InputError(f"{discordant} of {n} images cannot differ. Give 0 <= discordant <= n.")
    # The most that the weaker model may alone get right, both tails together below the level.
    fewest = int(binom.ppf(LEVEL / 2, discordant, 0.5))
    while fewest >= 0 and 2 * binom.cdf(fewest, discordant, 0.5) >= LEVEL:
        fewest -= 1
    return None if fewest < 0 else (discordant - 2 * fewest) / n
