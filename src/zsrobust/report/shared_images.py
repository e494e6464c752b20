"""Runs of one dataset held against each other on the images that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zsrobust.records.record import Record
from zsrobust.records.store import read_records, records_folder
from zsrobust.records.summary import summarise
from zsrobust.report.cells import Cell


def on_shared_images(cells: Sequence[Cell]) -> list[Cell]:
    """The cells in their order, each with its numbers over the ids that all cells of its set share.

    Cells of the same images are returned as they are, and so are those of sets of which two runs
    share no image. Raises RunError where records that have to be recounted cannot be read.
    """
    by_dataset: dict[str, list[Cell]] = {}
    for cell in cells:
        by_dataset.setdefault(cell.dataset, []).append(cell)
    shared = {name: _shared_ids(its) for name, its in by_dataset.items()}
    return [_on(cell, shared[cell.dataset]) for cell in cells]


def _shared_ids(cells: Sequence[Cell]) -> frozenset[str]:
    """Empty where all cells have the same images, or where two share none."""
    if len({cell.header.dataset.hash for cell in cells}) == 1:
        return frozenset()
    return frozenset.intersection(
        *(frozenset(record.id for record in _records(cell)) for cell in cells)
    )


def _on(cell: Cell, ids: frozenset[str]) -> Cell:
    if not ids or cell.summary.n == len(ids):
        return cell
    kept = [record for record in _records(cell) if record.id in ids]
    return replace(cell, summary=summarise(kept, labelled=cell.summary.labelled))


def _records(cell: Cell) -> list[Record]:
    return read_records(records_folder(cell.path))
