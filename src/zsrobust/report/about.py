"""What is to be known of a dataset wherever its number stands: label faults, variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from zsrobust.report.cells import Cell, in_order
from zsrobust.report.seen_as import disagreements


@dataclass(frozen=True)
class About:
    """The notes on a dataset, and the letter that stands beside its number."""

    task: str
    mark: str
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """All notes in one line."""
        return f"{self.task}: {' '.join(self.notes)}"


def about_datasets(cells: Sequence[Cell], tasks: Sequence[str] = ()) -> tuple[About, ...]:
    """What is to be known of the datasets of these runs, in the order of `tasks`, lettered."""
    found: list[About] = []
    for task in in_order([cell.dataset for cell in cells], tasks):
        its = [cell for cell in cells if cell.dataset == task]
        notes = tuple(dict.fromkeys(_notes(its)))
        if notes:
            found.append(About(task, _letter(len(found)), notes))
    return tuple(found)


def _notes(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        if cell.header.dataset.variant == "miniature":
            yield "A miniature, not the official images."
        yield from cell.header.dataset.notes
    yield from disagreements(cells)


def _letter(number: int) -> str:
    """A to z, then aa, ab ..."""
    before, own = divmod(number, len(ascii_lowercase))
    return (_letter(before - 1) if before else "") + ascii_lowercase[own]
