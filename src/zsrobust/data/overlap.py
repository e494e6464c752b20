"""Which classes of a dataset a model has met in the set it was fine-tuned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zsrobust.data.catalogue import dataset_entry
from zsrobust.data.class_lists import DEFAULT, class_list, name_lists, plain_words
from zsrobust.data.entry import DatasetEntry
from zsrobust.errors import DataError


@dataclass(frozen=True)
class Overlap:
    """The classes of `dataset` that `tuned_on` has too, of `classes` in all.

    by: `wordnet` where both sets have WordNet ids: then it is exact. `name` where a set has none:
    equal names in plain words, which passes over synonyms and takes homonyms for one.
    """

    dataset: str
    tuned_on: str
    by: Literal["wordnet", "name"]
    shared: tuple[str, ...]
    classes: int

    @property
    def share(self) -> float:
        """The share of the dataset's classes that are shared, in [0, 1]."""
        return len(self.shared) / self.classes

    def __str__(self) -> str:
        """In one sentence."""
        how = "by WordNet id" if self.by == "wordnet" else "by equal names: synonyms are not seen"
        return (
            f"{len(self.shared)} of {self.classes} classes of {self.dataset} are in "
            f"{self.tuned_on} too ({how})."
        )


def class_overlap(dataset: str, tuned_on: str) -> Overlap:
    """How many classes of one catalogued set another has too.

    Raises UnknownNameError for an unknown set, DataError for one whose classes the catalogue does
    not list.
    """
    one, other = dataset_entry(dataset), dataset_entry(tuned_on)
    for name, entry in ((dataset, one), (tuned_on, other)):
        if entry.kind == "pairs":
            raise DataError(f"{name} has captions and no classes: no overlap can be counted.")
    names = class_names_of(dataset, one)
    if one.wordnet_ids and other.wordnet_ids:
        known = set(class_list(other.wordnet_ids))
        met = [wnid in known for wnid in class_list(one.wordnet_ids)]
        by: Literal["wordnet", "name"] = "wordnet"
    else:
        met, by = _by_name(names, class_names_of(tuned_on, other)), "name"
    shared = tuple(name for name, there in zip(names, met, strict=True) if there)
    return Overlap(dataset, tuned_on, by, shared, len(names))


def class_names_of(name: str, entry: DatasetEntry) -> tuple[str, ...]:
    """The classes of a catalogued set, without its images; raises DataError where it lists none.

    Image-caption pairs have none.
    """
    if entry.kind == "pairs":
        return ()
    if entry.kind == "scenes":
        from zsrobust.data.scenes import TASKS

        if name in TASKS:
            return TASKS[name].class_names
    lists = name_lists(entry)
    if not lists:
        raise DataError(f"{name}: the catalogue does not list its classes.")
    return lists[DEFAULT]


def _by_name(names: Sequence[str], others: Sequence[str]) -> list[bool]:
    known = {plain_words(name) for name in others}
    return [plain_words(name) in known for name in names]
