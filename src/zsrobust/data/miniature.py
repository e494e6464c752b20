"""Telling a miniature, whose images are smaller than the official ones, from the real thing."""

from __future__ import annotations

from dataclasses import replace
from statistics import median_low

from zsrobust.data.dataset import Dataset
from zsrobust.data.entry import DatasetEntry
from zsrobust.errors import DataError

_LOOKED_AT = 9
"""Images whose size is looked at: the first ids, so that the answer never changes."""


def marked_if_miniature(dataset: Dataset, entry: DatasetEntry) -> Dataset:
    """The dataset, with variant `miniature` and the notes on miniatures where it is one.

    It is one where the median of the shorter sides of its first images lies below the entry's
    `least_side`, in pixels; an entry without it has no miniatures.
    """
    if entry.least_side is None or _shorter_side(dataset) >= entry.least_side:
        return dataset
    return replace(dataset, variant="miniature", notes=(*dataset.notes, *entry.miniature_notes))


def _shorter_side(dataset: Dataset) -> float:
    """Median of the shorter sides in pixels of the first images that can be read."""
    sides = []
    for position in range(min(_LOOKED_AT, len(dataset))):
        try:
            sides.append(min(dataset.read(position).size))
        except DataError:
            # A broken image is reported by name when it is asked for.
            continue
    return median_low(sides) if sides else float("inf")
