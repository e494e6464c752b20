"""The rule by which two attacks are compared: in images, on the same ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: for each seed the ids that were broken, and the seconds it took.

    ids: those attacked. theirs, ours: one tuple of ids a seed.
    """

    ids: tuple[str, ...]
    theirs: tuple[tuple[str, ...], ...]
    ours: tuple[tuple[str, ...], ...]
    theirs_seconds: tuple[float, ...]
    ours_seconds: tuple[float, ...]


@dataclass(frozen=True)
class Count:
    """The comparison: ids that only one side breaks in any seed, and how many may be missed."""

    images: int
    theirs_robust: int
    ours_robust: int
    theirs_only: tuple[str, ...]
    ours_only: tuple[str, ...]
    allowed: int

    @property
    def holds(self) -> bool:
        """Ours misses at most `allowed` images beyond those that it alone breaks."""
        return len(self.theirs_only) - len(self.ours_only) <= self.allowed

    @property
    def tells(self) -> bool:
        """Whether some but not all images survive theirs: only then does a defended row prove."""
        return 0 < self.theirs_robust < self.images


def count(outcome: Outcome) -> Count:
    """Of the ids that theirs breaks in any seed, those that ours breaks in none; and the reverse.

    allowed: 1 image, or 1 % of the attacked images where that is more.
    """
    theirs, ours = _in_any(outcome.theirs), _in_any(outcome.ours)
    images = len(outcome.ids)
    return Count(
        images=images,
        theirs_robust=images - len(theirs),
        ours_robust=images - len(ours),
        theirs_only=tuple(sorted(theirs - ours)),
        ours_only=tuple(sorted(ours - theirs)),
        allowed=max(1, images // 100),
    )


def _in_any(seeds: Sequence[Sequence[str]]) -> set[str]:
    return {sample for broken in seeds for sample in broken}
