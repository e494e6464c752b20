"""Which part of a training set a recipe sees: some classes, some images of each, a part held out.

Every choice is a hash of names and the seed, so that for one seed smaller choices lie in larger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.data.readers.names import read_class_names
from zsrobust.errors import DataError, InputError
from zsrobust.randomness import key_seed
from zsrobust.registry import did_you_mean


def of_classes(dataset: Dataset, classes: int | str, seed: int) -> Dataset:
    """The images of some classes, relabelled; the rest of the class names is dropped.

    classes: how many, chosen by the seed, or a file of names, one a line. They keep the order of
    the dataset. Raises DataError for names that it lacks, InputError for a number out of range.
    """
    names = dataset.class_names
    if isinstance(classes, int):
        if not 2 <= classes <= len(names):
            raise InputError(
                f"classes = {classes}: {dataset.name} has {len(names)}. Give 2 to {len(names)}."
            )
        order = sorted(range(len(names)), key=lambda i: (key_seed(seed, "class", names[i]), i))
        wanted = set(order[:classes])
    else:
        wanted = _named(dataset, Path(classes))
    number = {old: new for new, old in enumerate(sorted(wanted))}
    rows = [i for i, label in enumerate(_labels(dataset)) if label in wanted]
    some = _rows(dataset, rows)
    return replace(
        some,
        class_names=tuple(names[old] for old in sorted(wanted)),
        labels=[number[label] for label in some.labels or ()],
    )


def per_class(dataset: Dataset, count: int, seed: int) -> Dataset:
    """At most `count` images of each class, all of those that have fewer."""
    labels, ids = _labels(dataset), list(dataset.ids)
    order = sorted(range(len(ids)), key=lambda i: (key_seed(seed, "sample", ids[i]), ids[i]))
    taken: Counter[int] = Counter()
    rows = []
    for row in order:
        if taken[labels[row]] < count:
            taken[labels[row]] += 1
            rows.append(row)
    return _rows(dataset, sorted(rows))


def held_out(dataset: Dataset, count: int, seed: int) -> tuple[Dataset, Dataset]:
    """(what is left to train on, `count` images held out of it for validation).

    Raises InputError where nothing would be left.
    """
    ids = list(dataset.ids)
    if count >= len(ids):
        raise InputError(
            f"validation.images = {count}: {dataset.name} has {len(ids)} training images. Hold out "
            "fewer."
        )
    order = sorted(range(len(ids)), key=lambda i: (key_seed(seed, "validation", ids[i]), ids[i]))
    out = set(order[:count])
    kept = [row for row in range(len(ids)) if row not in out]
    return _rows(dataset, kept), _rows(dataset, sorted(out))


def _labels(dataset: Dataset) -> list[int]:
    if dataset.labels is None:
        raise DataError(f"{dataset.name} has no labels: nothing can be chosen by class.")
    return [int(label) for label in dataset.labels]


def _named(dataset: Dataset, path: Path) -> set[int]:
    place = {name: i for i, name in enumerate(dataset.class_names)}
    names = read_class_names(path)
    for line, name in enumerate(names, start=1):
        if name not in place:
            raise DataError(
                f"{path}, line {line}: {dataset.name} has no class '{name}'."
                f"{did_you_mean(name, place)}"
            )
    if len(set(names)) < 2:
        raise DataError(f"{path}: names {len(set(names))} class. Name at least two.")
    return {place[name] for name in names}


def _rows(dataset: Dataset, rows: Sequence[int]) -> Dataset:
    """Some images of a dataset, in its order."""
    read, mask, labels = dataset.read, dataset.mask, dataset.labels
    captions = dataset.captions
    return replace(
        dataset,
        ids=[dataset.ids[row] for row in rows],
        labels=None if labels is None else [int(labels[row]) for row in rows],
        read=lambda position: read(rows[position]),
        mask=None if mask is None else (lambda position: mask(rows[position])),
        captions=None if captions is None else (lambda position: captions(rows[position])),
        variant="subset" if dataset.variant == "official" else dataset.variant,
    )
