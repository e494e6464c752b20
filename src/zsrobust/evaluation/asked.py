"""Which sets an evaluation was asked for: suites opened, and what is not on this disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.catalogued import DATA_ROOT, find_layout
from zsrobust.data.suites import load_suite, suite_names
from zsrobust.errors import DataError, SettingsError

SUITE = "suite:"


@dataclass(frozen=True)
class Asked:
    """A set to be measured: its name or folder, split, kind of prompts (None: the default).

    suite: the name of the suite that it was asked for with, None for a set by itself.
    """

    dataset: str
    split: str
    prompts: str | None = None
    suite: str | None = None


def asked_for(
    datasets: Sequence[str], split: str | None = None, prompts: str | None = None
) -> list[Asked]:
    """The sets that names, folders and suites (`NAME` or `suite:NAME`) come to, in order.

    split: of a single set, default `test`; a suite says it for each member. prompts: win over those
    that a suite says. Raises SettingsError for a split beside a suite, UnknownNameError.
    """
    known = suite_names()
    found: list[Asked] = []
    for name in datasets:
        suite = name.removeprefix(SUITE)
        if suite == name and name not in known:
            found.append(Asked(name, split or "test", prompts))
            continue
        if split is not None:
            raise SettingsError(
                f"--split {split}: suite {suite} says which split of each set is measured. "
                "Give --split with single sets."
            )
        found += [
            Asked(each.dataset, each.split, prompts or each.prompts, suite)
            for each in load_suite(suite).members
        ]
    return list(dict.fromkeys(found))


def missing_from(asked: Sequence[Asked], data_root: str | Path | None) -> dict[Asked, str]:
    """The sets that are not on this disk, each with what was looked for and what to put there.

    Raises DataError where no data root is given at all, and one is needed.
    """
    missing = {}
    for each in asked:
        if each.dataset not in dataset_names():
            continue
        entry = dataset_entry(each.dataset)
        if entry.kind == "scenes" or each.split not in entry.splits:
            continue
        try:
            find_layout(each.dataset, entry, each.split, data_root)
        except DataError as error:
            root = data_root or os.environ.get(DATA_ROOT)
            if not root or not Path(root).expanduser().is_dir():
                raise
            missing[each] = str(error)
    return missing


def present(
    asked: Sequence[Asked], data_root: str | Path | None, *, skip_missing: bool
) -> tuple[list[Asked], str]:
    """The sets that are on this disk, and a sentence on those that were skipped.

    Raises DataError listing every missing set with what to do, unless they are to be skipped and
    one is left.
    """
    missing = missing_from(asked, data_root)
    if not missing:
        return list(asked), ""
    there = [each for each in asked if each not in missing]
    names = ", ".join(each.dataset for each in missing)
    if skip_missing and there:
        return there, f"Skipped, not on this disk: {names}."
    how = "\n".join(missing.values())
    go_on = f" --skip-missing goes on with the other {len(there)}." if there else ""
    raise DataError(f"{how}\n{len(missing)} of {len(asked)} sets are missing: {names}.{go_on}")
