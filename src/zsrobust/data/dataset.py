"""What a dataset is to everything above this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from zsrobust.data.columns import hash_of
from zsrobust.data.index import hash_index
from zsrobust.records.header import DatasetHeader

Variant = Literal["official", "subset", "miniature", "user"]


@dataclass(frozen=True)
class Dataset:
    """Images in a fixed order, read one at a time, with labels or captions.

    ids: stable sample ids, ordered by their sha256, so that the first n of any n nest.
    labels: class numbers in that order; None where there are none. Both lie in a file where they
    are many (`hash_index`): take slices. class_names: what the numbers mean.
    templates: prompts with `{}`. read: position -> RGB picture, the same every time; a training
    asks from two threads. mask: position -> where the object
    is, bool (H, W), for sets that know. captions: position -> sentences about the image, one or
    more, for image-caption pairs. notes: known faults of the labels. resolutions: study -> the
    resolution at which it attacks this set, where that is not what it takes for most.
    """

    name: str
    split: str
    version: int
    class_names: tuple[str, ...]
    templates: tuple[str, ...]
    ids: Sequence[str]
    labels: Sequence[int] | None
    read: Callable[[int], Any]
    variant: Variant
    source: str
    notes: tuple[str, ...] = ()
    mask: Callable[[int], np.ndarray] | None = None
    captions: Callable[[int], tuple[str, ...]] | None = None
    resolutions: Mapping[str, int | str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.ids)

    def first(self, count: int) -> Dataset:
        """The first `count` ids: a subset that contains every smaller one."""
        labels = None if self.labels is None else self.labels[:count]
        variant = "subset" if self.variant == "official" and count < len(self) else self.variant
        return replace(self, ids=self.ids[:count], labels=labels, variant=variant)

    def header(self) -> DatasetHeader:
        """What a run's header says of these images."""
        return DatasetHeader(
            name=self.name,
            split=self.split,
            version=self.version,
            variant=self.variant,
            n=len(self),
            hash=self.variant_hash(),
            labelled=self.labels is not None,
            class_names=self.class_names,
            notes=self.notes,
        )

    def variant_hash(self) -> str:
        """16 hex digits over the ids used, their labels, the class names, and captions if any."""
        captions = self.captions
        if captions is None:
            return hash_of(self.ids, self.labels, self.class_names)
        spoken = (captions(position) for position in range(len(self)))
        return hash_of(self.ids, self.labels, self.class_names, spoken)


def in_hash_order(dataset: Dataset) -> Dataset:
    """The same images with ids in the order of their sha256.

    Raises DataError for an id that stands twice.
    """
    index = hash_index(dataset.ids, dataset.labels, dataset.name)
    rows, read, mask, captions = index.rows, dataset.read, dataset.mask, dataset.captions
    return replace(
        dataset,
        ids=index.ids,
        labels=index.labels,
        read=lambda position: read(rows[position]),
        mask=None if mask is None else (lambda position: mask(rows[position])),
        captions=None if captions is None else (lambda position: captions(rows[position])),
    )
