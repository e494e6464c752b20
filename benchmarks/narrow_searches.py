"""What the searches of `narrow_training.py` chose, from their `search.json`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from markdown_table import markdown_table
from narrow_cells import Plan
from zsrobust.errors import RunFolderError
from zsrobust.records.intervals import Rate
from zsrobust.report.rows import interval, percent
from zsrobust.workflows.search_record import FILE_NAME, SearchRecord, read_record

WIDTH = 100
"""Columns of a line of text."""
GAP = "–"
"""What stands where nothing is measured."""


def best_trial(folder: Path) -> str:
    """The model folder of the best trial of a search that has ended."""
    best = read_record(folder).best
    if best is None:
        raise RunFolderError(f"{folder}: the search has not ended. Give its command again.")
    return str(folder / best)


def choices(plan: Plan) -> list[str]:
    """Markdown: what was chosen for each method, among how many trials, and how it scored."""
    records = {method.title: _record(plan.search(method)) for method in plan.study.methods}
    head = ("method", "trials", "chosen", "score %", "clean %", "robust %")
    rows = [
        [title, *(_chosen(record) if record else [GAP] * (len(head) - 1))]
        for title, record in records.items()
    ]
    judged = _judged([record for record in records.values() if record])
    return [*judged, *markdown_table(head, rows)]


def _record(folder: Path) -> SearchRecord | None:
    """The search in a folder, None where none has ended there."""
    if not (folder / FILE_NAME).exists():
        return None
    record = read_record(folder)
    return record if record.best else None


def _chosen(record: SearchRecord) -> list[str]:
    best = record.ranked[0]
    diverged = sum(trial.state == "diverged" for trial in record.trials)
    trials = f"{len(record.trials)}" + (f", {diverged} diverged" if diverged else "")
    values = ", ".join(
        f"{key.rpartition('.')[2]} {value}{' *' if key in record.at_edges else ''}"
        for key, value in best.values.items()
    )
    score = f"{100 * (best.score or 0.0):.1f}"
    return [trials, values, score, _rate(best.clean), _rate(best.robust)]


def _rate(rate: Rate | None) -> str:
    return f"{percent(rate)} ({interval(rate)})" if rate else GAP


def _judged(records: Sequence[SearchRecord]) -> list[str]:
    """On what the trials were judged: the same for every method."""
    if not records:
        return []
    said = {
        f"{one.n} images of {one.validation.name}, split {one.validation.split}, "
        f"{len(one.validation.class_names)} classes, under `{one.protocol.name}` at "
        f"{one.protocol.content['eps'][0]}; chance is {100 * one.chance:.1f} %"
        for one in records
    }
    text = (
        f"Chosen by the mean of clean and robust accuracy on {'; and on '.join(sorted(said))}; "
        "*: at an end of its grid, so that a wider one might hold better:"
    )
    return [*textwrap.wrap(text, WIDTH, break_on_hyphens=False), ""]
