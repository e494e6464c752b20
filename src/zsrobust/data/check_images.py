"""Decoding a dataset's images one by one: which cannot be read, which come twice, their sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zsrobust.data.dataset import Dataset
from zsrobust.errors import UnreadableImageError


@dataclass(frozen=True)
class CheckedImages:
    """What reading the first images of a dataset showed.

    decoded: how many were tried. unreadable: of each that failed, the reason with its file, member
    and position. duplicates: ids of pictures with equal pixels, a group each. contradicting: those
    groups whose labels differ. smallest, largest: (width, height) in pixels by area, None where
    nothing could be read.
    """

    decoded: int
    unreadable: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    contradicting: tuple[tuple[str, ...], ...]
    smallest: tuple[int, int] | None
    largest: tuple[int, int] | None


def check_images(
    images: Dataset, count: int, on_image: Callable[[int, int], None] | None = None
) -> CheckedImages:
    """What decoding the first `count` images shows; 8 bytes an image are kept, no picture."""
    total = min(count, len(images))
    digests = np.zeros(total, dtype=np.uint64)
    readable = np.zeros(total, dtype=bool)
    unreadable, sizes = [], set[tuple[int, int]]()
    for position in range(total):
        try:
            picture = images.read(position)
        except UnreadableImageError as error:
            unreadable.append(str(error))
        else:
            digests[position], readable[position] = _digest(picture), True
            sizes = _ends({*sizes, picture.size})
        if on_image is not None:
            on_image(position + 1, total)
    groups = list(_equal(digests, readable))
    return CheckedImages(
        decoded=total,
        unreadable=tuple(unreadable),
        duplicates=tuple(_ids(images, group) for group in groups),
        contradicting=tuple(_ids(images, group) for group in groups if _differ(images, group)),
        smallest=min(sizes, key=_area, default=None),
        largest=max(sizes, key=_area, default=None),
    )


def _digest(picture: Any) -> int:
    """64 bits over size and pixels: two different pictures in 2 million agree once in 10^7 sets."""
    content = f"{picture.size}".encode() + picture.tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")


def _equal(digests: np.ndarray, readable: np.ndarray) -> Iterator[list[int]]:
    """Positions that share a digest, a group each, in the order of their first."""
    places = np.flatnonzero(readable)
    _, which, counts = np.unique(digests[places], return_inverse=True, return_counts=True)
    groups: dict[int, list[int]] = {}
    for at in np.flatnonzero(counts[which] > 1):
        groups.setdefault(int(which[at]), []).append(int(places[at]))
    yield from groups.values()


def _differ(images: Dataset, group: list[int]) -> bool:
    labels = images.labels
    return labels is not None and len({labels[position] for position in group}) > 1


def _ids(images: Dataset, group: list[int]) -> tuple[str, ...]:
    return tuple(images.ids[position] for position in group)


def _ends(sizes: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The smallest and the largest of some sizes."""
    return {min(sizes, key=_area), max(sizes, key=_area)}


def _area(size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    return size[0] * size[1], size
