"""The lines of the results table: each rate with its interval, chance and warnings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.records.intervals import Rate
from zsrobust.report.about import About
from zsrobust.report.cells import in_order


@dataclass(frozen=True)
class Attacked:
    """What an attack left: robust accuracy, or its success rate for images without labels.

    shared: the same over the images that every attack of the row was given, where some were given
    fewer. above: "both" (chance and the undefended model), "chance" or "".
    """

    attack: str
    n: int
    rate: Rate
    shared: Rate
    above: str


@dataclass(frozen=True)
class Row:
    """One model on one task at one eps (empty: nothing was attacked), under every attack of it.

    model: as the story calls it; name: as its run does. n, clean, chance, collapsed: of the run
    with the most images. attacked: in the order of the columns. marks: numbers of the notes.
    images: their split and variant; size: at which they were attacked.
    apart: the size of its images or its protocol, where that alone tells rows apart. seen: share of
    the task's classes that the model's fine-tuning set has too, None where that is not known.
    """

    task: str
    model: str
    name: str
    n: int
    clean: Rate | None
    attacked: tuple[Attacked, ...]
    eps: str
    chance: float | None
    collapsed: bool
    tuned: bool
    labelled: bool
    marks: tuple[int, ...]
    images: str = ""
    size: str = ""
    apart: str = ""
    seen: float | None = None

    @property
    def lead(self) -> Attacked | None:
        """The number that counts: the lowest robust accuracy, or the highest attack success.

        Attacks are compared on the images that all of them were given.
        """
        best = min if self.labelled else max
        return best(self.attacked, key=lambda one: one.shared.value, default=None)

    def under(self, attack: str) -> Attacked | None:
        """What one attack left."""
        return next((one for one in self.attacked if one.attack == attack), None)


@dataclass(frozen=True)
class Results:
    """All rows, task by task, with the notes that their marks number from 1 on.

    about: what is to be known of the tasks, by letter.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    about: tuple[About, ...] = ()

    def mark_of(self, task: str) -> str:
        """The letter beside a task's name, empty where there is nothing to be known."""
        return next((one.mark for one in self.about if one.task == task), "")

    def tasks(self, labelled: bool) -> list[tuple[str, list[Row]]]:
        """(task, its rows) for the runs with labels, or for those without."""
        chosen = [row for row in self.rows if row.labelled == labelled]
        names = in_order([row.task for row in chosen], [])
        return [(name, [row for row in chosen if row.task == name]) for name in names]

    @property
    def eps(self) -> list[str]:
        """The radii that stand in it."""
        return in_order([row.eps for row in self.rows if row.eps], [])

    @property
    def attacks(self) -> list[str]:
        """The attacks that stand in it, a column each."""
        return in_order([one.attack for row in self.rows for one in row.attacked], [])

    @property
    def overlap_known(self) -> bool:
        """Whether any row says how much of its task the fine-tuning set holds."""
        return any(row.seen is not None for row in self.rows)

    @property
    def counts(self) -> str:
        """How many images a row has, as "150" or "12 to 150"."""
        return _span([row.n for row in self.rows])

    def counts_under(self, attack: str) -> str:
        """How many images an attack was given, where it was given fewer than the row has."""
        seen = [(one.n, row.n) for row in self.rows for one in row.attacked if one.attack == attack]
        return "" if all(n == of for n, of in seen) else _span([n for n, _ in seen])


def percent(rate: Rate | None) -> str:
    """A rate in percent, one decimal; a dash where there is none."""
    return "–" if rate is None else f"{100 * rate.value:.1f}"


def interval(rate: Rate | None) -> str:
    """The 95 % interval of a rate, in percent."""
    if rate is None:
        return ""
    return f"{100 * rate.interval.low:.0f}–{100 * rate.interval.high:.0f}"


def _span(counts: Sequence[int]) -> str:
    few = sorted(set(counts))
    return str(few[0]) if len(few) == 1 else f"{few[0]} to {few[-1]}"
