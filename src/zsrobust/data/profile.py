"""What the catalogue knows of a dataset, as lines to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.catalogue import dataset_entry
from zsrobust.data.class_lists import AS_RELEASED, DEFAULT, official_names
from zsrobust.data.class_lists import name_lists as lists_of
from zsrobust.data.entry import DatasetEntry, Layout
from zsrobust.data.overlap import class_names_of
from zsrobust.data.suites import load_suite, suite_names

STUDIES = {"tecoa": "TeCoA", "tga": "TGA-ZSR", "robustvlm": "RobustVLM"}
_RESOLUTIONS = {
    "as-released": "224 px (256, then the central 224)",
    "224x224": "224 px (both sides squashed)",
    "native": "its own size",
    "tower": "the tower's size",
}
_SHOWN = 8


def summary(name: str, entry: DatasetEntry) -> dict[str, str]:
    """One row of the list of datasets: name, classes, images to measure on, description.

    Of pairs it is the images to train on, as nothing is measured on them.
    """
    split = next(each for each in ("test", "all", *entry.splits) if each in entry.splits)
    pairs = entry.kind == "pairs"
    return {
        "dataset": name,
        "classes": "captions" if pairs else f"{len(class_names_of(name, entry)):,}",
        "images": f"{entry.splits[split].count:,}",
        "what it is": entry.description,
    }


def profile(name: str | Path) -> dict[str, Sequence[str]]:
    """Heading -> lines about a catalogued set or one's own YAML: splits, classes, prompts ..."""
    entry = dataset_entry(name)
    called = Path(name).stem
    found = {
        "splits": [_split(each, entry) for each in entry.splits],
        "classes": _classes(called, entry),
        "prompts": _prompts(called, entry),
        "attacked at": [
            f"{STUDIES[study]}: {_RESOLUTIONS.get(str(size), f'{size} px')}"
            for study, size in entry.resolutions.items()
        ],
        "suites": [", ".join(_suites_with(called))],
        "faults": entry.notes,
        "miniatures": _miniatures(entry),
        "where": [_place(layout) for layout in entry.layouts],
        "source": [entry.source],
        "licence": [entry.licence],
        "cite": [entry.citation],
    }
    return {heading: lines for heading, lines in found.items() if any(lines)}


def _split(split: str, entry: DatasetEntry) -> str:
    each = entry.splits[split]
    note = f" ({each.note})" if each.note else ""
    return f"{split}: {each.count:,} images{note}"


def _classes(name: str, entry: DatasetEntry) -> list[str]:
    names = class_names_of(name, entry)
    if not names:
        return ["none: captions are what its images have"]
    lines = [f"{len(names):,}: {_first(names)}"]
    released = lists_of(entry).get(AS_RELEASED, names)
    if released != names:
        lines.append(f"as released: {_first(released)}")
    for variant, listed in {DEFAULT: names, AS_RELEASED: released}.items():
        if (distinct := len(set(listed))) < len(listed):
            called = "these" if variant == DEFAULT else "as released"
            lines.append(f"only {distinct:,} names differ ({called})")
    if entry.wordnet_ids:
        lines.append(f"with WordNet ids: {_first(official_names(entry) or (), 3)}")
    return lines


def _prompts(name: str, entry: DatasetEntry) -> list[str]:
    if entry.prompts is None:
        from zsrobust.data.scenes import TASKS

        return list(TASKS[name].templates) if name in TASKS else []
    kinds = entry.prompts.of_kinds()
    word = "single (unofficial)" if entry.prompts.unofficial else "single"
    lines = [f"{word}: {kinds['single'][0]}"]
    if AS_RELEASED in kinds:
        lines.append(f"{AS_RELEASED}: {kinds[AS_RELEASED][0]}")
    if ensemble := kinds.get("ensemble"):
        lines.append(_ensemble(ensemble))
    return lines


def _ensemble(templates: Sequence[str]) -> str:
    more = f" and {len(templates) - 1} more" if len(templates) > 1 else ""
    return f"ensemble (the default): {templates[0]}{more}"


def _suites_with(name: str) -> list[str]:
    return [
        suite
        for suite in suite_names()
        if name in {member.dataset for member in load_suite(suite).members}
    ]


def _miniatures(entry: DatasetEntry) -> list[str]:
    if entry.least_side is None:
        return []
    return [f"images whose shorter side is below {entry.least_side} px", *entry.miniature_notes]


def _place(layout: Layout) -> str:
    fetched = " Can be downloaded." if layout.archives else ""
    return f"{layout.folder}/ ({', '.join(layout.splits)}): {layout.how}{fetched}"


def _first(names: Sequence[str], count: int = _SHOWN) -> str:
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
