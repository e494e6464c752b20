"""Looking a dataset through: is the copy at hand complete, readable and rightly named?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low

import numpy as np

from zsrobust.data.catalogue import dataset_entry, dataset_names, load_dataset
from zsrobust.data.check_images import CheckedImages, check_images
from zsrobust.data.dataset import Dataset, Variant
from zsrobust.errors import DataError

_NAMED = 5


@dataclass(frozen=True)
class PerClass:
    """Images a class: the fewest, the median, the most, and classes that have none."""

    least: int
    median: int
    most: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class PerImage:
    """Captions an image: the fewest, the most, and all together."""

    least: int
    most: int
    total: int


@dataclass(frozen=True)
class CheckReport:
    """What was found in a dataset.

    n: its images. official: how many the split has officially, None where no one says. per_class:
    None without labels. per_image: None without captions. images: what reading them showed.
    same_prompts: classes that one prompt names, as (prompt, label numbers). notes: known faults of
    the labels. faults: what is wrong with this copy, a sentence each; it is sound where there are
    none. remarks: what is only to be known.
    """

    name: str
    split: str
    variant: Variant
    source: str
    n: int
    official: int | None
    class_names: tuple[str, ...]
    templates: tuple[str, ...]
    per_class: PerClass | None
    per_image: PerImage | None
    images: CheckedImages
    same_prompts: tuple[tuple[str, tuple[int, ...]], ...]
    notes: tuple[str, ...]
    faults: tuple[str, ...] = field(default=())
    remarks: tuple[str, ...] = field(default=())

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with this copy."""
        return not self.faults


def check_dataset(
    dataset: str | Path | Dataset,
    *,
    data_root: str | Path | None = None,
    split: str = "test",
    classes_file: Path | None = None,
    sample: int | None = None,
    on_image: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """What is in a dataset, and what is wrong with it; every image is decoded.

    sample: decode only so many, the first ids of the list. on_image(done, all): called after each.
    Raises DataError where the set is absent, with what to fetch and where to put it, or so damaged
    that its ids and labels cannot be read; UnknownNameError.
    """
    if sample is not None and sample < 1:
        raise DataError(f"sample = {sample}: decode at least 1 image.")
    if isinstance(dataset, Dataset):
        images = dataset
    else:
        images = load_dataset(dataset, split=split, data_root=data_root, classes_file=classes_file)
    checked = check_images(images, len(images) if sample is None else sample, on_image)
    counts, same = _per_class(images), _same_prompts(images)
    official = _official(dataset, split)
    faults, remarks = _judged(images, checked, counts, same, official)
    return CheckReport(
        name=images.name,
        split=images.split,
        variant=images.variant,
        source=images.source,
        n=len(images),
        official=official,
        class_names=images.class_names,
        templates=images.templates,
        per_class=counts,
        per_image=_per_image(images),
        images=checked,
        same_prompts=same,
        notes=images.notes,
        faults=faults,
        remarks=remarks,
    )


def _official(dataset: str | Path | Dataset, split: str) -> int | None:
    name = str(dataset)
    if isinstance(dataset, Dataset) or not (
        name in dataset_names() or name.endswith((".yaml", ".yml"))
    ):
        return None
    return dataset_entry(name).splits[split].count


def _per_class(images: Dataset) -> PerClass | None:
    if images.labels is None:
        return None
    counts = np.zeros(len(images.class_names), dtype=np.int64)
    for label in images.labels:
        counts[label] += 1
    missing = tuple(images.class_names[label] for label in np.flatnonzero(counts == 0))
    listed = counts.tolist()
    return PerClass(min(listed), median_low(listed), max(listed), missing)


def _per_image(images: Dataset) -> PerImage | None:
    if images.captions is None:
        return None
    counts = [len(images.captions(position)) for position in range(len(images))]
    return PerImage(min(counts), max(counts), sum(counts))


def _same_prompts(images: Dataset) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Prompts, up to case and spaces, that name several classes: their answers tie."""
    numbers: dict[str, list[int]] = {}
    for label, name in enumerate(images.class_names):
        prompt = images.templates[0].replace("{}", name)
        numbers.setdefault(" ".join(prompt.lower().replace("_", " ").split()), []).append(label)
    return tuple((said, tuple(labels)) for said, labels in numbers.items() if len(labels) > 1)


def _judged(
    images: Dataset,
    checked: CheckedImages,
    counts: PerClass | None,
    same: tuple[tuple[str, tuple[int, ...]], ...],
    official: int | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what is wrong, what is to be known). A catalogued set's own oddities are only known."""
    faults: list[str] = []
    remarks: list[str] = []
    # What is odd in a set as published cannot be mended by its user, and is the same for all.
    odd = faults if images.variant == "user" else remarks
    if checked.unreadable:
        faults.append(f"{len(checked.unreadable)} of {checked.decoded} images cannot be read.")
    if official is not None and len(images) > official:
        faults.append(f"{len(images)} images, but the split has {official}: some are not its own.")
    if counts is not None and counts.missing:
        said = (
            f"{_of(counts.missing, 'class has', 'classes have')} no image: {_few(counts.missing)}."
        )
        (faults if images.variant == "official" else remarks).append(said)
    for prompt, labels in same:
        odd.append(f"Classes {' and '.join(map(str, labels))} have one prompt: {prompt}")
    if checked.contradicting:
        odd.append(f"{_pictures(checked.contradicting)} under labels that differ.")
    if agreeing := sorted(set(checked.duplicates) - set(checked.contradicting)):
        remarks.append(f"{_pictures(agreeing)} under one label.")
    return tuple(faults), tuple(remarks)


def _pictures(groups: Sequence[tuple[str, ...]]) -> str:
    return f"{_of(groups, 'picture comes', 'pictures come')} more than once ({_few(groups[0])})"


def _of(things: Sequence[object], one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
