"""A part held out of a split for validation: chosen by id, so the same in every layout."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from zsrobust.data.readers.images import Images

HELD_OUT_A_CLASS = 10


def take_part(images: Images, part: Literal["held-out", "rest"]) -> Images:
    """The images held out (10 a class), or all others; `images` must be labelled."""
    chosen = held_out(images.ids, images.labels or ())
    if part == "rest":
        chosen = sorted(set(range(len(images.ids))) - set(chosen))
    labels, read = images.labels or (), images.read
    return replace(
        images,
        ids=tuple(images.ids[row] for row in chosen),
        labels=tuple(labels[row] for row in chosen),
        read=lambda position: read(chosen[position]),
    )


def held_out(ids: Sequence[str], labels: Sequence[int]) -> list[int]:
    """Positions of the 10 ids a class with the smallest sha256, sorted."""
    digests = [hashlib.sha256(sample.encode()).hexdigest() for sample in ids]
    of_class: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        of_class.setdefault(label, []).append(position)
    smallest = (
        sorted(positions, key=lambda position: digests[position])[:HELD_OUT_A_CLASS]
        for positions in of_class.values()
    )
    return sorted(position for positions in smallest for position in positions)
