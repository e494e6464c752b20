"""Writes the tables of docs/datasets.md from the catalogue.

python -m tools.datasets_page
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.overlap import class_names_of
from zsrobust.data.profile import STUDIES
from zsrobust.data.suites import Member, load_suite, suite_names

PAGE = Path(__file__).parents[1] / "docs" / "datasets.md"


def main() -> None:
    """Writes the page anew, with the tables of today."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_tables(page: str) -> str:
    """The page with what stands between each pair of marks replaced by the table of that name."""
    tables = {"datasets": _datasets(), "resolutions": _resolutions(), "suites": _suites()}
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = page.partition(start)
        page = before + start + table + "\n" + end + rest.partition(end)[2]
    return page


def _images() -> dict[str, DatasetEntry]:
    entries = {name: dataset_entry(name) for name in dataset_names()}
    return {name: entry for name, entry in entries.items() if entry.kind != "scenes"}


def _datasets() -> str:
    rows = []
    for name, entry in _images().items():
        splits = ", ".join(f"{split} {each.count:,}" for split, each in entry.splits.items())
        folders = ", ".join(f"`{layout.folder}`" for layout in entry.layouts)
        kinds = "none: captions" if entry.prompts is None else ", ".join(entry.prompts.of_kinds())
        if entry.prompts is not None and entry.prompts.unofficial:
            kinds += " (unofficial)"
        ids = "yes" if entry.wordnet_ids else ""
        classes = f"{len(class_names_of(name, entry)):,}" if entry.prompts else ""
        rows.append([f"`{name}`", classes, splits, kinds, ids, folders])
    heads = ["name", "classes", "images", "prompts", "WordNet ids", "folders under the data root"]
    return _table(heads, rows)


def _resolutions() -> str:
    rows = [
        [f"`{name}`", *(str(entry.resolutions.get(study, "")) for study in STUDIES)]
        for name, entry in _images().items()
        if entry.resolutions
    ]
    return _table(["name", *STUDIES.values()], rows)


def _suites() -> str:
    rows = []
    for name in suite_names():
        suite = load_suite(name)
        sets = ", ".join(_member(each) for each in suite.members)
        rows.append([f"`{name}`", str(len(suite.members)), suite.description, sets])
    return _table(["suite", "sets", "what it is", "which"], rows)


def _member(member: Member) -> str:
    return member.dataset if member.split == "test" else f"{member.dataset} ({member.split})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
