"""Which names and prompts go with the labels of the images at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.data.class_lists import (
    AS_RELEASED,
    DEFAULT,
    name_lists,
    official_names,
    plain_words,
)
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.images import Images
from zsrobust.errors import DataError

PROMPTS = ("single", AS_RELEASED, "ensemble")
"""The kinds of prompts; a set has some of them."""


@dataclass(frozen=True)
class Labelling:
    """The class names, in the order of labels, and the templates they are put into."""

    class_names: tuple[str, ...]
    templates: tuple[str, ...]


def labelling_of(
    name: str, entry: DatasetEntry, images: Images, prompts: str | None = None
) -> Labelling:
    """The names and prompts that go with a set's images.

    Names that the folder brings win over the catalogue's, and its templates are the ensemble.
    prompts: `single`, `as-released` (and the releases' own class names, brought into the order of
    the folder's labels) or `ensemble`; None: the ensemble where there is one. Raises DataError for
    a kind that the set does not have, or names of the releases that cannot be told.
    """
    kinds = {} if entry.prompts is None else entry.prompts.of_kinds()
    if images.templates:
        kinds["ensemble"] = images.templates
    names = _names(name, entry, images.class_names)
    if prompts is None:
        return Labelling(names[DEFAULT], kinds.get("ensemble") or kinds["single"])
    templates = chosen_prompts(name, kinds, prompts)
    if prompts != AS_RELEASED:
        return Labelling(names[DEFAULT], templates)
    if AS_RELEASED not in names:
        raise DataError(
            f"{name}: the class names in its folder are not the catalogue's, so those of the "
            f"releases cannot be told. Use the official folder, or prompts 'single'."
        )
    return Labelling(names[AS_RELEASED], templates)


def chosen_prompts(name: str, kinds: dict[str, tuple[str, ...]], prompts: str) -> tuple[str, ...]:
    """The templates of a kind; raises DataError with those that there are."""
    if prompts not in kinds:
        raise DataError(f"{name} has no prompts '{prompts}'. It has: {', '.join(kinds)}.")
    return kinds[prompts]


def _names(
    name: str, entry: DatasetEntry, brought: tuple[str, ...] | None
) -> dict[str, tuple[str, ...]]:
    known, official = name_lists(entry), official_names(entry)
    if brought is None or (known and brought == official):
        if not known:
            raise DataError(f"{name}: neither its folder nor the catalogue names its classes.")
        return known
    order = _order_of(brought, [*known.values(), *([official] if official else [])])
    if order is None:
        return {DEFAULT: brought}
    others = {variant: tuple(names[label] for label in order) for variant, names in known.items()}
    return {**others, DEFAULT: brought}


def _order_of(brought: Sequence[str], lists: Sequence[Sequence[str]]) -> list[int] | None:
    """The catalogue's label of each name brought; None where they are not the same classes.

    A list in which a name comes twice decides only if it is equal line by line.
    """
    plain = [plain_words(each) for each in brought]
    for names in lists:
        listed = [plain_words(each) for each in names]
        if listed == plain:
            return list(range(len(plain)))
        if len(set(listed)) == len(listed) and sorted(listed) == sorted(plain):
            return [listed.index(each) for each in plain]
    return None
